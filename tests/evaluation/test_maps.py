"""Cached maps: what the segmenters say, beside the unchanged records."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import SEGMENTERS, ConfigError
from ichnet.evaluation import maps as maps_module
from ichnet.evaluation.maps import Fold, cache_maps
from ichnet.files import file_digest
from ichnet.records.maps import (
    count_slices,
    maps_dataset,
    maps_fingerprint,
    maps_members,
    require_maps_of,
    require_maps_of_segmenters,
)
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder

SPLITS = ["ensemble", "validation"]


@pytest.fixture
def record_set(records) -> RecordSet:
    return RecordSet.open(records / "aihub-scans")


@pytest.fixture
def cache(members, record_set, tmp_path):
    folder = tmp_path / "maps"
    cache_maps(members, record_set, SPLITS, folder)
    return folder


def test_maps_are_the_members_answers_in_their_order(cache):
    assert maps_members(cache) == SEGMENTERS
    (_, lesion, _) = maps_dataset(cache, "ensemble").as_numpy_iterator()
    assert lesion["maps"].shape == (32, 32, 5)
    assert lesion["maps"].dtype == np.float32
    # 75 HU to segmenters that begin at 50, 40, 60, 70 and 80 HU and are sure 20 HU later
    np.testing.assert_allclose(lesion["maps"][9, 9], [1, 1, 0.75, 0.25, 0], atol=1e-3)
    assert not lesion["maps"][0, 0].any()


def test_slices_keep_their_records(cache, record_set):
    stored = list(slices_dataset(record_set, "validation").as_numpy_iterator())
    cached = list(maps_dataset(cache, "validation").as_numpy_iterator())
    assert len(cached) == len(stored) == 12
    for slice_, with_maps in zip(stored, cached, strict=True):
        assert set(with_maps) == {*slice_, "maps"} - {"hu", "mask_bits"}
        for name in set(with_maps) - {"maps"}:
            np.testing.assert_array_equal(with_maps[name], slice_[name], err_msg=name)


def test_a_cache_holds_no_second_copy_of_hu(cache, record_set):
    """A record of 32 x 32 pixels: 10 kB of five float16 maps, 1 kB of mask, and some 100 bytes."""
    (shard,) = record_set.shards("ensemble")
    (record, *_) = tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()
    names = set(tf.train.Example.FromString(record).features.feature)
    for shard in cache.glob("*.tfrecord"):
        for cached in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator():
            found = set(tf.train.Example.FromString(cached).features.feature)
            assert found == (names | {"maps"}) - {"hu"}
            assert len(cached) < 32 * 32 * (5 * 2 + 1) + 500


def test_slices_are_counted_without_reading_records(cache, monkeypatch):
    monkeypatch.setattr(tf.data, "TFRecordDataset", no_maps)
    assert count_slices(cache, "validation") == (2, 10)
    assert count_slices(cache, "ensemble") == (1, 2)
    with pytest.raises(FileNotFoundError, match="ensemble, validation, not train"):
        count_slices(cache, "train")


def test_maps_of_an_older_format_are_refused_and_made_again(cache, members, record_set):
    for name in ("info.json", "made_from.json"):
        content = json.loads((cache / name).read_text())
        del content["schema"]
        (cache / name).write_text(json.dumps(content))
    with pytest.raises(FileNotFoundError, match="maps in an older format; compute them again"):
        maps_dataset(cache, "validation")
    cache_maps(members, record_set, SPLITS, cache)
    assert len(list(maps_dataset(cache, "validation"))) == 12


def test_maps_are_float16_and_rounded_nowhere_else(cache, members, record_set):
    for slice_, with_maps in zip(
        slices_dataset(record_set, "ensemble").as_numpy_iterator(),
        maps_dataset(cache, "ensemble").as_numpy_iterator(),
        strict=True,
    ):
        live = np.asarray(members["sdh"](slice_["hu"][None]))[0].astype(np.float16)
        np.testing.assert_array_equal(with_maps["maps"][..., 2], live.astype(np.float32))


def no_maps(*_):
    raise AssertionError("computed again")


def test_a_cache_of_the_same_models_and_records_is_kept(
    cache, members, record_set, monkeypatch, caplog
):
    monkeypatch.setattr(maps_module, "_maps_of_all", no_maps)
    with caplog.at_level("INFO"):
        cache_maps(members, record_set, SPLITS[::-1], cache)
    assert "already" in caplog.text


@pytest.mark.parametrize("change", ["models", "records", "splits"])
def test_a_cache_of_anything_else_is_made_again(
    change, cache, members, record_set, write_records, make_case, tmp_path
):
    before = maps_fingerprint(cache)
    splits = SPLITS
    if change == "models":
        members = {**members, "sah": members["sdh"]}
    elif change == "records":
        cases = {split: [make_case(split, 90)] for split in SPLITS}
        record_set = write_records(tmp_path / "other", cases)
        with pytest.raises(ConfigError, match="other records"):
            require_maps_of(record_set, cache)
    else:
        splits = ["validation"]
    cache_maps(members, record_set, splits, cache)
    assert maps_fingerprint(cache) != before
    require_maps_of(record_set, cache)
    if change == "splits":
        assert not list(cache.glob("ensemble-*"))


@pytest.fixture
def writes(monkeypatch) -> list[str]:
    """The shards that were begun; the second raises."""
    begun: list[str] = []
    write = maps_module._write_shard

    def interrupt_the_second(numbers, read, compute, path, bar):
        begun.append(path.name.lstrip("."))
        if len(begun) == 2:
            raise KeyboardInterrupt
        write(numbers, read, compute, path, bar)

    monkeypatch.setattr(maps_module, "_write_shard", interrupt_the_second)
    return begun


def test_an_interrupted_cache_is_no_cache_and_goes_on(cache, members, record_set, tmp_path, writes):
    folder = tmp_path / "again"
    with pytest.raises(KeyboardInterrupt):
        cache_maps(members, record_set, SPLITS, folder)
    with pytest.raises(FileNotFoundError, match="no finished maps"):
        maps_dataset(folder, "validation")
    cache_maps(members, record_set, SPLITS, folder)
    assert [name.split("-")[0] for name in writes] == ["ensemble", "validation", "validation"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in cache.iterdir()
    }
    assert {path.name for path in tmp_path.iterdir()} == {"maps", "again"}


def test_what_other_models_had_begun_is_not_gone_on_with(members, record_set, tmp_path, writes):
    folder = tmp_path / "maps"
    with pytest.raises(KeyboardInterrupt):
        cache_maps(members, record_set, SPLITS, folder)
    cache_maps({**members, "all": members["sah"]}, record_set, SPLITS, folder)
    assert [name.split("-")[0] for name in writes[2:]] == ["ensemble", "validation"]
    assert [path.name for path in tmp_path.iterdir()] == ["maps"]


def test_a_split_that_was_not_cached_is_named(cache):
    with pytest.raises(FileNotFoundError, match="ensemble, validation, not train"):
        maps_dataset(cache, "train")


@pytest.fixture
def three_patients(write_records, make_case, tmp_path) -> RecordSet:
    """Nine training slices of three patients, so that a batch of eight holds slices of all."""
    cases = {split: [make_case(f"{split}{i}", 65) for i in range(3)] for split in ("train", "test")}
    return write_records(tmp_path / "records", cases)


def shifted(members, by: int):
    """The members in another order: the map of one column then tells who made it."""
    names = list(members)
    return {name: members[names[(index + by) % 5]] for index, name in enumerate(names)}


@pytest.mark.slow
def test_training_scans_get_the_maps_of_their_fold(members, three_patients, tmp_path):
    """65 HU: members 1 to 5 answer .75, 1, .25, 0, 0."""
    patients = [f"patient of train{i}" for i in range(3)]
    folds = [
        Fold(frozenset([patients[0], patients[2]]), shifted(members, 1)),
        Fold(frozenset([patients[1]]), shifted(members, 2)),
    ]
    folder = tmp_path / "maps"
    cache_maps(members, three_patients, ["test"], folder, folds)
    first = {
        one["scan_id"].decode(): float(one["maps"][9, 9, 0])
        for split in ("train", "test")
        for one in maps_dataset(folder, split).as_numpy_iterator()
        if one["labels"][0]
    }
    assert first == {
        "train0": 1.0, "train1": 0.25, "train2": 1.0, "test0": 0.75, "test1": 0.75, "test2": 0.75,
    }  # fmt: skip
    before = maps_fingerprint(folder)
    folds[1] = Fold(folds[1].patients, shifted(members, 3))
    cache_maps(members, three_patients, ["test"], folder, folds)
    assert maps_fingerprint(folder) != before


@pytest.mark.parametrize(("second", "count"), [((0,), 2), ((2,), 0)])
def test_every_training_patient_must_be_in_one_fold(
    second, count, members, three_patients, tmp_path
):
    patients = [f"patient of train{i}" for i in range(3)]
    folds = [
        Fold(frozenset(patients[:2] if count == 0 else patients), members),
        Fold(frozenset(patients[i] for i in second if count), members),
    ]
    with pytest.raises(ValueError, match=f"is in {count} folds"):
        cache_maps(members, three_patients, ["test"], tmp_path / "maps", folds)


def test_maps_of_a_segmenter_that_was_trained_again_are_refused(members, record_set, tmp_path):
    run = RunFolder(tmp_path / "run")
    best = run.best("segmenter-sdh")
    best.parent.mkdir(parents=True)
    best.write_bytes(b"first training")
    folder = run.maps("aihub-scans")
    cache_maps(members, record_set, SPLITS, folder, files={"sdh": file_digest(best)})
    require_maps_of_segmenters(run, folder)
    best.write_bytes(b"second training")
    with pytest.raises(ConfigError, match="maps of another segmenter-sdh than"):
        require_maps_of_segmenters(run, folder)

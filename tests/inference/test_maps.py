"""Cached maps: what the segmenters say, beside the unchanged records."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.config import SEGMENTERS, ConfigError
from ichnet.inference import maps as maps_module
from ichnet.inference.maps import (
    cache_maps,
    maps_dataset,
    maps_fingerprint,
    maps_members,
    require_maps_of,
)
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet

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
    monkeypatch.setattr(maps_module, "_all_maps", no_maps)
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


def test_an_interrupted_cache_is_no_cache(members, record_set, tmp_path, monkeypatch):
    folder = tmp_path / "maps"
    written = []

    def interrupt_the_second(*arguments):
        written.append(arguments)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(maps_module, "_write_shard", interrupt_the_second)
    with pytest.raises(KeyboardInterrupt):
        cache_maps(members, record_set, SPLITS, folder)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError, match="no finished maps"):
        maps_dataset(folder, "validation")


def test_a_split_that_was_not_cached_is_named(cache):
    with pytest.raises(FileNotFoundError, match="ensemble, validation, not train"):
        maps_dataset(cache, "train")

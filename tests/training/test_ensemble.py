"""Weight models on cached maps, and the ensembles that they make with their segmenters."""

from __future__ import annotations

import os
from dataclasses import replace

import keras
import numpy as np
import pytest
from small_experiment import KINDS, MATRIX, scans_in

from ichnet.config import SEGMENTERS, ConfigError
from ichnet.evaluation.maps import cache_maps
from ichnet.evaluation.trained import load_folds, load_trained
from ichnet.networks.inception_unet import build_inception_unet, build_subtype_encoder
from ichnet.networks.scores import map_and_subtypes
from ichnet.records.maps import maps_dataset
from ichnet.records.record_set import RecordSet, RecordSetError
from ichnet.records.tfrecord import HEADER_BYTES, record_spans
from ichnet.runs import RunFolder
from ichnet.training.ensemble import steps_per_execution, train_ensemble
from ichnet.training.fit import read_log
from ichnet.training.segmenter import pretrain_encoder, train_segmenter


@pytest.fixture(scope="module")
def encoder(config, records, run) -> keras.Model:
    return pretrain_encoder(config, records, run)


@pytest.mark.slow
def test_segmenter_and_ensemble_from_records_to_a_model(config, records, run, encoder):
    """Trains Model 2, caches maps, trains a weight model and assembles the ensemble."""
    with pytest.raises(FileNotFoundError, match="no finished maps"):
        train_ensemble(config, "pair", run)
    with pytest.raises(ConfigError, match=r"ensembles\.combinations has no 'trio': pair"):
        train_ensemble(config, "trio", run)

    trained = train_segmenter(config, "subtype", records, run)
    assert run.best("segmenter-subtype").exists()
    settings = config.segmenters
    untrained = build_inception_unet(
        config.image, settings.base_width, settings.depth, "segmenter-sdh", seed=1
    )
    run.model("segmenter-sdh").mkdir(parents=True)
    untrained.save(run.best("segmenter-sdh"))
    members = {**dict.fromkeys(SEGMENTERS, untrained), "subtype": trained}
    record_set = RecordSet.open(records / "aihub-scans")
    cache_maps(members, record_set, ["validation", "ensemble"], run.maps("aihub-scans"))

    weight_model = train_ensemble(config, "pair", run)
    (row,) = read_log(run.model("ensemble-pair") / "log.csv")
    assert np.isfinite(row["val_loss"])
    assert tuple(weight_model.inputs[0].shape) == (None, MATRIX, MATRIX, 2)

    ensemble = load_trained(config, "ensemble-pair", run)
    hu = np.random.default_rng(0).normal(40, 40, (2, MATRIX, MATRIX)).astype("float32")
    outputs = (members[name](hu, training=False) for name in ("subtype", "sdh"))
    maps = [map_and_subtypes(found)[0].numpy() for found in outputs]
    maps = np.stack(maps, axis=-1).astype("float16").astype("float32")
    np.testing.assert_allclose(ensemble(hu)["map"], weight_model(maps)["map"], atol=1e-5)


def test_a_shard_of_maps_that_was_cut_between_records_is_named_before_training(
    config, records, tmp_path, monkeypatch
):
    monkeypatch.setattr("ichnet.training.ensemble.fit", lambda *_: pytest.fail("trained"))
    run = RunFolder(tmp_path)
    members = dict.fromkeys(SEGMENTERS, numbered(config.image, 0.25))
    record_set = RecordSet.open(records / "aihub-scans")
    cache_maps(members, record_set, ["validation", "ensemble"], run.maps("aihub-scans"))
    for split in ("validation", "ensemble"):
        (shard,) = run.maps("aihub-scans").glob(f"{split}-*")
        content, (*_, (start, _)) = shard.read_bytes(), record_spans(shard)
        os.truncate(shard, start - HEADER_BYTES)  # the last record is gone as if it had never been
        why = f"{shard}: this shard of the records holds .* bytes of {len(content):,}"
        with pytest.raises(RecordSetError, match=why):
            train_ensemble(config, "pair", run)
        shard.write_bytes(content)


def numbered(image, number: float) -> keras.Model:
    """A segmenter whose map says who it is: ``number`` everywhere."""
    hu = keras.Input((image.matrix, image.matrix), name="hu")
    return keras.Model(hu, keras.layers.Rescaling(0.0, offset=number)(hu))


@pytest.mark.slow
def test_no_map_comes_from_a_segmenter_that_saw_the_patient(config, records, asked, tmp_path):
    """What each fold's trainings are fed, against whose maps each training scan gets."""
    run, folds = RunFolder(tmp_path), 2
    ensembles = replace(config.ensembles, maps="out-of-fold", folds=folds)
    selection = replace(config.selection, small_lesion_ml=50.0)
    longer = replace(config.segmenters.training, steps_per_epoch=12)
    segmenters = replace(config.segmenters, training=longer, pretraining=longer)
    config = replace(config, ensembles=ensembles, selection=selection, segmenters=segmenters)
    record_set = RecordSet.open(records / "aihub-scans")
    seen: dict[int, set[int]] = {}
    for fold in (1, 2):
        pretrain_encoder(config, records, run, fold)
        assert asked["folder"] == run.model(f"encoder-subtype-fold{fold}of2")
        seen[fold] = scans_in(asked["train"](0))
        encoder = run.best(f"encoder-subtype-fold{fold}of2")
        with pytest.raises(FileNotFoundError, match=f"encoder-subtype-fold{fold}of2"):
            train_segmenter(config, "subtype", records, run, fold)
        encoder.parent.mkdir(parents=True)
        build_subtype_encoder(config.image, 4, 1, fold).save(encoder)
        for segmenter in ("all", "subtype"):
            train_segmenter(config, segmenter, records, run, fold)
            name = f"segmenter-{segmenter}-fold{fold}of2"
            assert asked["folder"] == run.model(name)
            seen[fold] |= scans_in(asked["train"](0))
        for segmenter in SEGMENTERS:
            path = run.best(f"segmenter-{segmenter}-fold{fold}of2")
            path.parent.mkdir(parents=True)
            numbered(config.image, fold / 4).save(path)
    assert seen[1]
    assert seen[2]
    assert seen[1] | seen[2] == {0, 1, 2, 3}

    members = dict.fromkeys(SEGMENTERS, numbered(config.image, 0.0))
    cache_maps(
        members,
        record_set,
        ["validation"],
        run.maps("aihub-scans"),
        load_folds(config, record_set, run),
    )
    for one in maps_dataset(run.maps("aihub-scans"), "train").as_numpy_iterator():
        number = [f"train {kind}" for kind in KINDS].index(one["scan_id"].decode())
        assert number not in seen[round(float(one["maps"].max()) * 4)]
    # and weights learn from these, in place of the held-out patients'
    model = train_ensemble(config, "pair", run)
    assert tuple(model.inputs[0].shape) == (None, MATRIX, MATRIX, 2)


def test_steps_per_execution_divide_an_epoch():
    assert [steps_per_execution(steps) for steps in (1, 36, 60, 1000, 13)] == [1, 12, 12, 10, 1]

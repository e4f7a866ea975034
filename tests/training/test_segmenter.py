"""Segmenters and Model 2's encoder, from records to what is trained on what."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from small_experiment import AS_THEY_ARE, KINDS, MATRIX, SPLITS, case, scans_in

from ichnet.cohorts.splits import PatientOverlapError
from ichnet.config import ConfigError
from ichnet.records.assembly import write_record_set
from ichnet.runs import RunFolder, segmenter_name
from ichnet.training.classifier import train_classifier
from ichnet.training.fit import read_log
from ichnet.training.segmenter import pretrain_encoder, train_segmenter


@pytest.fixture(scope="module")
def encoder(config, records, run) -> keras.Model:
    return pretrain_encoder(config, records, run)


def test_sets_whose_splits_share_a_patient_are_not_learnt_from(config, asked, tmp_path):
    chosen = [(case(1, next(iter(KINDS)), "train"), split, None) for split in SPLITS[:2]]
    for name in ("aihub-scans", "aihub-slices"):
        with pytest.raises(PatientOverlapError):  # once it is written
            write_record_set(chosen, AS_THEY_ARE, config.image, tmp_path / name, {})
    run = RunFolder(tmp_path)
    with pytest.raises(PatientOverlapError, match="aihub-scans train; aihub-scans validation"):
        train_segmenter(config, "all", tmp_path, run)
    with pytest.raises(PatientOverlapError, match="aihub-slices train; aihub-slices validation"):
        train_classifier(config, "MobileNetV2", "aihub-weak", tmp_path, run)
    assert asked == {}


@pytest.mark.slow
def test_pretraining_keeps_an_encoder_of_six_labels(encoder, run):
    assert run.best("encoder-subtype").exists()
    (row,) = read_log(run.model("encoder-subtype") / "log.csv")
    assert np.isfinite(list(row.values())).all()
    assert {"loss", "auc", "val_loss", "val_auc"} <= set(row)
    assert tuple(encoder.output_shape) == (None, 6)


def test_pretraining_learns_labels_of_slices(config, records, run, asked):
    pretrain_encoder(config, records, run)
    hu, labels = next(asked["train"](0).as_numpy_iterator())
    assert hu.shape == (4, MATRIX, MATRIX)
    assert labels.shape == (4, 6)
    np.testing.assert_array_equal(labels[:, 0], [1, 0, 1, 0])
    # every positive slice has ANY and a subtype; subtypes are those of KINDS
    assert (labels[::2, 1:].sum(axis=1) >= 1).all()
    np.testing.assert_array_equal(labels[:, [1, 3]], np.zeros((4, 2)))


def test_the_subtype_segmenter_needs_its_encoder(config, records, tmp_path):
    with pytest.raises(FileNotFoundError, match="subtype starts from it"):
        train_segmenter(config, "subtype", records, RunFolder(tmp_path))


def test_the_subtype_segmenter_starts_from_the_encoder(config, records, run, encoder, asked):
    train_segmenter(config, "subtype", records, run)
    unet = asked["build"]()
    assert unet.name == "segmenter-subtype"
    for name in ("down1_reduce", "bottom_c3", "bottom_norm"):
        for wanted, value in zip(
            encoder.get_layer(name).get_weights(), unet.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(value, wanted)
    train_segmenter(config, "all", records, run)
    untaught = asked["build"]().get_layer("down1_reduce").get_weights()[0]
    assert (untaught != encoder.get_layer("down1_reduce").get_weights()[0]).any()


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize(
    ("segmenter", "train", "validation"),
    # numbers of scans: SDH, SAH, mixed, normal of the training split, then of the validation split
    [
        ("all", {0, 1, 2, 3}, {4, 5, 6, 7}),
        ("subtype", {0, 1, 2, 3}, {4, 5, 6, 7}),
        ("sdh", {0, 3}, {4, 7}),
        ("sah", {1, 3}, {5, 7}),
    ],
)
def test_each_segmenter_sees_its_scans(segmenter, train, validation, config, records, run, asked):
    settings = config.segmenters
    longer = replace(settings.training, steps_per_epoch=12)
    config = replace(config, segmenters=replace(settings, training=longer))
    train_segmenter(config, segmenter, records, run)
    assert scans_in(asked["train"](0)) == train
    assert scans_in(asked["validation"]) == validation
    assert asked["folder"] == run.model(segmenter_name(segmenter))


def test_a_segmenter_learns_the_outline(config, records, run, asked):
    train_segmenter(config, "sdh", records, run)
    hu, mask = next(asked["train"](0).as_numpy_iterator())
    np.testing.assert_array_equal(mask.sum(axis=(1, 2)), [64, 0, 64, 0])
    np.testing.assert_array_equal(hu[0][mask[0] == 1], np.full(64, 75))


def test_no_scan_that_fits_is_an_error(config, records, run):
    tiny = replace(config, selection=replace(config.selection, small_lesion_ml=0.1))
    with pytest.raises(ConfigError, match=r"no scan of split 'train' fits the rule .*'small'"):
        train_segmenter(tiny, "small", records, run)


@pytest.mark.parametrize("fold", [0, 6])
def test_a_fold_that_is_none_is_refused(fold, config, records, run):
    with pytest.raises(ValueError, match=f"no fold {fold}; there are 1 to 5"):
        train_segmenter(config, "all", records, run, fold)

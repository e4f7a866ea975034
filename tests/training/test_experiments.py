"""The library calls behind models/*.py, from records to trained models, as small as can be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.cohorts.case import Case
from ichnet.cohorts.splits import PatientOverlapError
from ichnet.config import (
    SEGMENTERS,
    AugmentationConfig,
    Config,
    ConfigError,
    TrainingConfig,
    load_config,
)
from ichnet.ct.volume import Volume
from ichnet.evaluation.maps import cache_maps
from ichnet.evaluation.trained import load_folds, load_trained
from ichnet.networks.classifiers import Bias
from ichnet.networks.inception_unet import build_inception_unet, build_subtype_encoder
from ichnet.records.assembly import write_record_set
from ichnet.records.maps import maps_dataset
from ichnet.records.record_set import RecordSet
from ichnet.records.source import MadeScans
from ichnet.runs import RunFolder, segmenter_name
from ichnet.training import classifier as classifier_module
from ichnet.training import segmenter as segmenter_module
from ichnet.training.classifier import train_classifier, warm_up
from ichnet.training.ensemble import steps_per_execution, train_ensemble
from ichnet.training.fit import read_log
from ichnet.training.segmenter import pretrain_encoder, train_segmenter

MATRIX = 32
SPLITS = ("train", "validation", "ensemble")
KINDS = {"SDH": (5,), "SAH": (4,), "mixed": (2, 5), "normal": ()}
"""Scans of each split, by the positions of their subtypes among the labels."""

AS_THEY_ARE = MadeScans(lambda case: case, most_slices=2)
"""A record set's scans are cases in memory."""


@pytest.fixture(scope="module")
def config() -> Config:
    """The demonstration's, with the smallest networks, two steps, and no augmentation."""
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    training = TrainingConfig("sgd", batch_size=4, epochs=1, steps_per_epoch=2)
    return replace(
        demo,
        image=replace(demo.image, matrix=MATRIX, field_of_view_mm=128.0),
        augmentation=AugmentationConfig(
            rotation_degrees=0.0,
            shift_mm=0.0,
            scale=0.0,
            flip=False,
            noise_hu=0.0,
            offset_hu=0.0,
        ),
        classifiers=replace(demo.classifiers, training=training),
        segmenters=replace(
            demo.segmenters, base_width=4, depth=1, training=training, pretraining=training
        ),
        ensembles=replace(
            demo.ensembles, combinations={"pair": ("subtype", "sdh")}, training=training
        ),
    )


def case(number: int, kind: str, split: str) -> Case:
    """A random scan of two slices, 4 mm pixels 5 mm apart; the lesion, if any, on the second.

    Its first pixel says which scan it is.
    """
    rng = np.random.default_rng(number)
    hu = rng.normal(30, 10, (2, MATRIX, MATRIX)).astype(np.int16)
    labels = np.zeros((2, 6), np.int8)
    mask = np.zeros(hu.shape, np.uint8)
    for label in KINDS[kind]:
        labels[1, [0, label]] = 1
        mask[1, 8:16, 8:16] |= 1 << (label - 1)
        hu[1, 8:16, 8:16] = 75
    hu[:, 0, 0] = number
    volume = Volume(
        hu=hu,
        pixel_spacing_mm=(4.0, 4.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, 0], [0, 0, 5]]),
        slice_spacing_mm=np.full(2, 5.0),
        scan_id=f"{split} {kind}",
        patient_id=f"patient of {split} {kind}",
    )
    return Case("aihub", volume, labels.max(axis=0), labels, mask)


@pytest.fixture(scope="module")
def records(config, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("records")
    scans = [(split, kind) for split in SPLITS for kind in KINDS]
    chosen = [
        (case(number, kind, split), split, None) for number, (split, kind) in enumerate(scans)
    ]
    for name in ("aihub-scans", "aihub-slices"):
        write_record_set(chosen, AS_THEY_ARE, config.image, root / name, {})
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    return RunFolder(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def encoder(config, records, run) -> keras.Model:
    return pretrain_encoder(config, records, run)


@pytest.fixture
def asked(monkeypatch) -> dict:
    """What ``fit`` is asked to do, instead of doing it."""
    seen = {}

    def spy(build, train, validation, folder, training, made_from, callbacks=None):
        seen.update(
            build=build, train=train, validation=validation, folder=folder, made_from=made_from
        )

    monkeypatch.setattr(segmenter_module, "fit", spy)
    monkeypatch.setattr(classifier_module, "fit", spy)
    return seen


def scans_in(dataset) -> set[int]:
    return {int(value) for hu, *_ in dataset.as_numpy_iterator() for value in hu[:, 0, 0]}


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
    with pytest.raises(FileNotFoundError, match="pre-train the encoder first"):
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


def test_a_frozen_encoder_stays_as_it_was_pretrained(config, records, run, encoder, asked):
    frozen = replace(config, segmenters=replace(config.segmenters, frozen_encoder=True))
    train_segmenter(frozen, "subtype", records, run)
    unet = asked["build"]()
    trainable = {layer.name for layer in unet.layers if layer.weights and layer.trainable}
    encoders = {layer.name for layer in encoder.layers if layer.weights}
    assert "down1_reduce" in encoders
    assert not trainable & encoders
    assert {"head", "up1_transpose"} <= trainable


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
    maps = [members[name](hu, training=False).numpy() for name in ("subtype", "sdh")]
    maps = np.stack(maps, axis=-1).astype("float16").astype("float32")
    np.testing.assert_allclose(ensemble(hu)["map"], weight_model(maps)["map"], atol=1e-5)


def numbered(image, number: float) -> keras.Model:
    """A segmenter whose map says who it is: ``number`` everywhere."""
    hu = keras.Input((image.matrix, image.matrix), name="hu")
    return keras.Model(hu, keras.layers.Rescaling(0.0, offset=number)(hu))


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


@pytest.mark.parametrize("fold", [0, 6])
def test_a_fold_that_is_none_is_refused(fold, config, records, run):
    with pytest.raises(ValueError, match=f"no fold {fold}; there are 1 to 5"):
        train_segmenter(config, "all", records, run, fold)


def stand_in(backbone, image, weights, seed) -> keras.Model:
    """A network with a classifier's two outputs."""
    keras.utils.set_random_seed(seed)
    hu = keras.Input((image.matrix, image.matrix), name="hu")
    grid = keras.layers.Reshape((image.matrix, image.matrix, 1))(hu)
    evidence = keras.layers.Dense(1)(keras.layers.AveragePooling2D(8)(grid))
    saliency = keras.layers.Reshape((4, 4), name="saliency")(evidence)
    logit = keras.layers.GlobalAveragePooling2D()(evidence)
    probability = keras.layers.Activation("sigmoid", name="probability")(logit)
    return keras.Model(hu, {"probability": probability, "saliency": saliency}, name=backbone)


def test_a_classifier_from_records_to_a_model(config, records, run, monkeypatch):
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    model = train_classifier(config, "MobileNetV2", "aihub-strong", records, run)
    assert model.name == "MobileNetV2"
    (row,) = read_log(run.model("MobileNetV2-aihub-strong") / "log.csv")
    assert np.isfinite(row["val_saliency_loss"])
    assert "val_probability_auc" in row


def test_arms_differ_in_their_loss_alone(config, records, run, asked, monkeypatch):
    """The same initial weights, the same slices in the same order."""
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    made = {}
    for arm in ("aihub-weak", "aihub-strong"):
        train_classifier(config, "VGG19", arm, records, run)
        assert asked["folder"] == run.model(f"VGG19-{arm}")
        model, batches = asked["build"](), list(asked["train"](0).as_numpy_iterator())
        made[arm] = (asked["made_from"], model, batches)
    (weak, weak_model, weak_batches), (strong, strong_model, strong_batches) = made.values()
    assert weak != strong
    for one, two in zip(weak_model.get_weights(), strong_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(weak_batches) == config.classifiers.training.steps_per_epoch
    for (hu, targets), (strong_hu, strong_targets) in zip(
        weak_batches, strong_batches, strict=True
    ):
        np.testing.assert_array_equal(hu, strong_hu)
        np.testing.assert_array_equal(targets["probability"], [[1], [0], [1], [0]])
        np.testing.assert_array_equal(targets["saliency"], strong_targets["saliency"])
        np.testing.assert_array_equal(targets["saliency"].any(axis=(1, 2)), [1, 0, 1, 0])


def test_a_backbone_is_trained_by_its_own_settings(config, records, run, asked, monkeypatch):
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    training = replace(config.classifiers.training, batch_size=2, steps_per_epoch=3)
    settings = replace(config.classifiers, training_by_backbone={"VGG19": training})
    train_classifier(replace(config, classifiers=settings), "VGG19", "aihub-weak", records, run)
    batches = list(asked["train"](0).as_numpy_iterator())
    assert [hu.shape for hu, _ in batches] == [(2, MATRIX, MATRIX)] * 3


def test_a_frozen_body_stays_and_the_head_learns_then_all_does(config, records, run, monkeypatch):
    def two_layers(backbone, image, weights, seed) -> keras.Model:
        """A body of one convolution and the two layers of a head."""
        keras.utils.set_random_seed(seed)
        hu = keras.Input((image.matrix, image.matrix), name="hu")
        grid = keras.layers.Reshape((image.matrix, image.matrix, 1))(hu)
        body = keras.layers.Conv2D(2, 8, strides=8, name="body")(grid)
        evidence = keras.layers.Dense(1, use_bias=False, name="evidence")(body)
        saliency = keras.layers.Reshape((4, 4), name="saliency")(evidence)
        logit = Bias(name="logit")(keras.layers.GlobalAveragePooling2D()(evidence))
        probability = keras.layers.Activation("sigmoid", name="probability")(logit)
        return keras.Model(hu, {"probability": probability, "saliency": saliency})

    monkeypatch.setattr(classifier_module, "build_classifier", two_layers)
    settings = replace(config.classifiers, frozen_epochs=1)
    config = replace(config, classifiers=settings)
    model = train_classifier(config, "DenseNet121", "aihub-strong", records, run)
    initial = two_layers("DenseNet121", config.image, None, config.seed)
    head = keras.models.load_model(run.best("DenseNet121-aihub-strong-head"))

    def moved(one: keras.Model, other: keras.Model) -> list[bool]:
        return [
            bool(
                (
                    one.get_layer(name).get_weights()[0] != other.get_layer(name).get_weights()[0]
                ).any()
            )
            for name in ("body", "evidence", "logit")
        ]

    assert moved(initial, head) == [False, True, True]
    assert moved(head, model) == [True, True, True]


def test_the_saliency_loss_warms_up_by_the_number_of_the_epoch():
    """Two warm-up epochs of two steps: thirds of the weight, also when training resumes."""
    targets = {"probability": np.zeros((12, 1)), "saliency": np.zeros((12, 2, 2))}
    batches = tf.data.Dataset.from_tensor_slices((np.zeros((12, 2, 2)), targets)).batch(2)

    def weights(first_epoch: int) -> list[float]:
        weighed = warm_up(batches, first_epoch, steps_per_epoch=2, warmup_epochs=2)
        samples = [sample for _, _, sample in weighed.as_numpy_iterator()]
        assert all((sample["probability"] == [1, 1]).all() for sample in samples)
        return [float(sample["saliency"].mean()) for sample in samples]

    np.testing.assert_allclose(weights(0), [1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(weights(1), [2 / 3, 2 / 3, 1, 1, 1, 1], rtol=1e-6)


def test_a_warm_up_changes_training_and_reaches_the_full_weight(config, records, run, monkeypatch):
    monkeypatch.setattr(classifier_module, "build_classifier", stand_in)
    settings = replace(config.classifiers, saliency_warmup_epochs=1)
    warm = replace(config, classifiers=settings)
    train_classifier(warm, "VGG19", "aihub-strong", records, RunFolder(run.root / "warm"))
    train_classifier(config, "VGG19", "aihub-strong", records, RunFolder(run.root / "cold"))
    (first,) = read_log(run.root / "warm" / "models" / "VGG19-aihub-strong" / "log.csv")
    (other,) = read_log(run.root / "cold" / "models" / "VGG19-aihub-strong" / "log.csv")
    assert first["loss"] < other["loss"]


def test_weight_models_make_as_many_steps_at_once_as_divide_an_epoch():
    assert [steps_per_execution(steps) for steps in (1, 36, 60, 1000, 13)] == [1, 12, 12, 10, 1]

"""Losses by hand, on slices with a lesion and without one."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.training.losses import (
    SALIENCY_LOSSES,
    BatchDicePlusBCE,
    CellEntropy,
    DicePlusBCE,
    FocalTversky,
    SaliencyLoss,
    SoftDice,
    normalise_saliency,
    reduce_by_area,
)

KINDS = SALIENCY_LOSSES
BY_SAMPLE = [SoftDice(), DicePlusBCE(), FocalTversky(), *(SaliencyLoss(kind) for kind in KINDS)]
LOSSES = [*BY_SAMPLE, BatchDicePlusBCE()]
TARGET = np.array([[[1, 1, 0], [0, 0, 0]]], np.float32)
MAP = np.array([[[0.8, 0.5, 0.1], [0.0, 0.0, 0.2]]], np.float32)


def value_and_gradient(loss, target, prediction):
    prediction = tf.constant(prediction, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        value = loss(tf.constant(target, tf.float32), prediction)
    return float(value), tape.gradient(value, prediction).numpy()


def name_of(loss) -> str:
    return f"{type(loss).__name__}-{getattr(loss, 'kind', '')}"


@pytest.mark.parametrize(
    ("smoothing", "expected"),
    # overlap 0.8 + 0.5, target 2, map 1.6
    [(1.0, 1 - (2 * 1.3 + 1) / (2 + 1.6 + 1)), (0.0, 1 - 2.6 / 3.6)],
)
def test_soft_dice_by_hand(smoothing, expected):
    assert float(SoftDice(smoothing)(TARGET, MAP)) == pytest.approx(expected, rel=1e-6)


def test_soft_dice_ends_at_zero_and_near_one():
    assert float(SoftDice()(TARGET, TARGET)) == pytest.approx(0, abs=1e-6)
    # nothing overlaps: 1 - s / (2 + 4 + s)
    assert float(SoftDice()(TARGET, 1 - TARGET)) == pytest.approx(1 - 1 / 7, rel=1e-6)


def test_focal_tversky_by_hand():
    """Found 1.3, missed 0.7, false 0.3."""
    wrong = 0.7 * 0.7 + 0.3 * 0.3
    expected = (wrong / (1.3 + wrong + 1)) ** 0.75
    assert float(FocalTversky()(TARGET, MAP)) == pytest.approx(expected, rel=1e-6)
    missed = FocalTversky()(TARGET, np.zeros_like(MAP))
    false = FocalTversky()(np.zeros_like(MAP), TARGET)
    assert float(missed) > float(false)


def test_dice_plus_bce_by_hand():
    target, prediction = np.float32([[[1, 0]]]), np.float32([[[0.8, 0.4]]])
    dice = 1 - (2 * 0.8 + 1) / (1 + 1.2 + 1)
    entropy = -(math.log(0.8) + math.log(0.6)) / 2
    assert float(DicePlusBCE()(target, prediction)) == pytest.approx(dice + entropy, rel=1e-5)


@pytest.mark.parametrize("loss", BY_SAMPLE, ids=name_of)
def test_a_batch_of_two_costs_the_mean_of_two_batches_of_one(loss):
    """A large lesion in one sample does not drown a small one in the other."""
    rng = np.random.default_rng(0)
    target = np.zeros((2, 8, 8), np.float32)
    target[0, :6, :6] = 1
    target[1, 3, 3] = 1
    prediction = rng.uniform(0.01, 0.99, (2, 8, 8)).astype("float32")
    alone = [float(loss(target[i : i + 1], prediction[i : i + 1])) for i in (0, 1)]
    assert abs(alone[0] - alone[1]) > 0.1
    assert float(loss(target, prediction)) == pytest.approx(sum(alone) / 2, rel=1e-5)


def test_batch_dice_plus_bce_by_hand():
    """Two slices of two pixels: a lesion found by 0.8, and a false pixel of 0.4."""
    target = np.float32([[[1, 0]], [[0, 0]]])
    prediction = np.float32([[[0.8, 0.1]], [[0.4, 0.2]]])
    slices = [1 - (2 * 0.8 + 5) / (1 + 0.9 + 5), 1 - 5 / (0.6 + 5)]
    batch = 1 - (2 * 0.8 + 5) / (1 + 1.5 + 5)
    entropies = [-(math.log(0.8) + math.log(0.9)) / 2, -(math.log(0.6) + math.log(0.8)) / 2]
    expected = [10 * entropies[i] + 0.5 * slices[i] + 0.5 * batch for i in (0, 1)]
    np.testing.assert_allclose(BatchDicePlusBCE().call(target, prediction), expected, rtol=1e-5)
    loss = BatchDicePlusBCE(smoothing=5.0, entropy_weight=0.0)
    assert float(loss(target, prediction)) == pytest.approx(0.25 * sum(slices) + 0.5 * batch)


def test_of_a_batch_false_evidence_on_an_empty_slice_keeps_its_slope():
    """2,000 found pixels of one slice, then 500 or 250 false ones of another.

    The empty slice's own Dice falls by 5/255 - 5/505, that of the batch by 500/4505 - 250/4255.
    """
    target = np.zeros((2, 50, 50), np.float32)
    target[0, :40] = 1

    def dice(false: int) -> float:
        prediction = target.copy()
        prediction[1].flat[:false] = 1
        return float(BatchDicePlusBCE(entropy_weight=0.0)(target, prediction))

    slices = 0.25 * (5 / 255 - 5 / 505)
    batch = 0.5 * (500 / 4505 - 250 / 4255)
    assert dice(500) - dice(250) == pytest.approx(slices + batch, rel=1e-3)
    assert batch > 9 * slices


def test_dice_of_an_empty_target_is_finite_and_punishes_false_evidence():
    empty, prediction = np.zeros((1, 2, 2)), np.full((1, 2, 2), 0.25)
    value, gradient = value_and_gradient(SoftDice(1.0), empty, prediction)
    assert value == pytest.approx(1 - 1 / (1 + 1))
    # d/dp of p/(p+s) at p = 1, s = 1: s/(p+s)^2 = 1/4 in each pixel
    np.testing.assert_allclose(gradient, np.full((1, 2, 2), 0.25), rtol=1e-6)


def test_without_smoothing_an_empty_target_would_teach_nothing():
    value, gradient = value_and_gradient(
        SoftDice(0.0), np.zeros((1, 2, 2)), np.full((1, 2, 2), 0.25)
    )
    assert value == 1
    np.testing.assert_array_equal(gradient, np.zeros((1, 2, 2)))


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_empty_targets_are_finite_and_less_evidence_costs_less(loss, level):
    value, gradient = value_and_gradient(
        loss,
        np.zeros((2, 8, 8)),
        np.full((2, 4, 4) if "Sal" in name_of(loss) else (2, 8, 8), level),
    )
    assert math.isfinite(value)
    assert np.isfinite(gradient).all()
    if level == 0.3:
        assert (gradient > 0).all()
    if level == 0:
        assert value == pytest.approx(0, abs=1e-5)  # FocalTversky: its floor, 1e-7 ** 0.75


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_integer_targets_are_accepted(loss):
    target = TARGET.astype("uint8")
    assert float(loss(target, MAP)) == pytest.approx(float(loss(TARGET, MAP)), rel=1e-6)


def test_one_pixel_survives_the_reduction():
    mask = np.zeros((1, 512, 512), np.float32)
    mask[0, 100, 511] = 1
    cells = reduce_by_area(tf.constant(mask), 16, 16).numpy()
    assert cells.shape == (1, 16, 16)
    assert cells[0, 3, 15] == pytest.approx(1 / 1024)
    assert np.count_nonzero(cells) == 1


def test_reduction_gives_each_cell_its_covered_share():
    """From 3 to 2 rows: the middle row belongs to both cells by half, of an area of 1.5 rows."""
    mask = tf.constant([[[0.0, 0], [1, 1], [0, 0]]])
    np.testing.assert_allclose(reduce_by_area(mask, 2, 1), [[[1 / 3], [1 / 3]]], rtol=1e-6)
    filled = reduce_by_area(tf.ones((1, 96, 96)), 7, 5)
    np.testing.assert_allclose(filled, np.ones((1, 7, 5)), rtol=1e-5)


def test_saliency_is_compared_with_the_scaled_outline():
    """One pixel of 512 x 512 is a full target in its cell, so a map that lies there is right."""
    mask = np.zeros((1, 512, 512), np.float32)
    mask[0, 100, 511] = 1
    there, elsewhere = np.zeros((2, 1, 16, 16), np.float32)
    there[0, 3, 15] = elsewhere[0, 9, 9] = 5
    assert float(SaliencyLoss("dice")(mask, there)) == pytest.approx(0, abs=1e-6)
    assert float(SaliencyLoss("dice")(mask, elsewhere)) == pytest.approx(1 - 1 / 3, rel=1e-6)
    assert float(SaliencyLoss("bce")(mask, there)) < 1e-5


def test_saliency_losses_by_hand():
    """Cells [full, half, none, none] and evidence [4, 1, -3, 2]: targets and maps sum to 1.5."""
    mask = np.zeros((1, 2, 4), np.float32)
    mask[0, :, 0] = 1
    mask[0, 0, 1] = 1
    evidence = np.array([[[4, 1, -3, 2]]], np.float32)
    # normalised: 1, .25, 0, .5
    dice = 1 - (2 * (1 + 0.5 * 0.25) + 1) / (1.5 + 1.75 + 1)
    entropy = -(0.5 * math.log(0.25) + 0.5 * math.log(0.75) + math.log(0.5)) / 4
    for kind, expected in (("dice", dice), ("bce", entropy), ("dice+bce", dice + entropy)):
        assert float(SaliencyLoss(kind)(mask, evidence)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ([4, 2, -8, 0], [1, 0.5, 0, 0]),
        ([0.5, 0.25, -8, 0], [0.5, 0.25, 0, 0]),  # guarded: faint stays faint
        ([-1, -2, -3, 0], [0, 0, 0, 0]),
    ],
)
def test_normalisation_by_hand(evidence, expected):
    normalised = normalise_saliency(tf.reshape(tf.constant(evidence, tf.float32), (1, 2, 2)))
    np.testing.assert_allclose(normalised, np.reshape(expected, (1, 2, 2)), rtol=1e-6)


def test_each_sample_is_normalised_by_its_own_maximum():
    evidence = tf.constant([[[2.0, 1.0]], [[100.0, 10.0]]])
    np.testing.assert_allclose(normalise_saliency(evidence), [[[1, 0.5]], [[1, 0.1]]], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("peak", [0.1, 1.0, 5.0, 50.0])
def test_false_evidence_of_any_size_is_taught_to_fall(kind, peak):
    """Scaled by its own maximum, evidence above the guard would have no gradient at its peak."""
    evidence = np.full((1, 4, 4), peak / 5)
    evidence[0, 2, 1] = peak
    _, gradient = value_and_gradient(SaliencyLoss(kind), np.zeros((1, 32, 32)), evidence)
    assert (gradient > 0).all()


def test_false_evidence_by_hand():
    """Evidence 3 and 1 saturates to 3/4 and 1/2; its cross-entropy is log(1 + e)."""
    evidence = np.array([[[3, 1], [0, -2]]], np.float32)
    empty = np.zeros((1, 4, 4), np.float32)
    dice, entropy = 1.25 / 2.25, (math.log(4) + math.log(2)) / 4
    for kind, expected in (("dice", dice), ("bce", entropy), ("dice+bce", dice + entropy)):
        assert float(SaliencyLoss(kind)(empty, evidence)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_all_negative_batch_teaches_to_remove_a_false_map(kind):
    evidence = np.full((2, 4, 4), -1.0)
    evidence[0, 1, 1] = 0.4
    value, gradient = value_and_gradient(SaliencyLoss(kind), np.zeros((2, 32, 32)), evidence)
    assert math.isfinite(value)
    assert gradient[0, 1, 1] > 0
    gradient[0, 1, 1] = 0
    np.testing.assert_array_equal(gradient, np.zeros((2, 4, 4)))


@pytest.mark.parametrize("kind", KINDS)
def test_strong_false_evidence_costs_more_than_faint(kind):
    empty = np.zeros((1, 32, 32))
    costs = [
        float(SaliencyLoss(kind)(empty, level * np.eye(4, dtype="float32")[None]))
        for level in (0.0, 0.1, 0.5, 1.0, 4.0)
    ]
    assert costs == sorted(set(costs))


def test_the_saliency_loss_reaches_the_first_convolution():
    """On a lesion smaller than a cell, and on an empty slice with evidence."""
    keras.utils.set_random_seed(2)
    hu = keras.Input((16, 16, 1))
    first = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")
    features = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(first(hu))
    saliency = keras.layers.Reshape((4, 4))(keras.layers.Dense(1, use_bias=False)(features))
    model = keras.Model(hu, saliency)
    images = np.random.default_rng(1).normal(size=(2, 16, 16, 1)).astype("float32")
    mask = np.zeros((2, 16, 16), np.float32)
    mask[0, 5, 6] = 1
    for sample in (0, 1):
        with tf.GradientTape() as tape:
            maps = model(images[sample : sample + 1])
            assert float(tf.reduce_max(maps)) > 0
            loss = SaliencyLoss()(mask[sample : sample + 1], maps)
        assert float(tf.reduce_max(tf.abs(tape.gradient(loss, first.kernel)))) > 1e-4


def test_energy_by_hand():
    """Cells [full, half, none, none] and evidence [4, 1, -3, 2]: 2 of 7 lie outside."""
    mask = np.zeros((1, 2, 4), np.float32)
    mask[0, :, 0] = mask[0, 0, 1] = 1
    evidence = np.array([[[4, 1, -3, 2]]], np.float32)
    energy = SaliencyLoss("energy")
    assert float(energy(mask, evidence)) == pytest.approx(2 / 7, rel=1e-6)
    # faint evidence, .4 inside and .2 outside, is not blown up: the guard is one
    assert float(energy(mask, evidence / 10)) == pytest.approx(1 - 0.5, rel=1e-6)
    assert float(energy(mask, np.zeros_like(evidence))) == 1
    assert float(energy(np.zeros_like(mask), evidence)) == pytest.approx(7 / 8, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lesion_cell_with_negative_evidence_is_brought_back(kind):
    """Evidence -2 in the one lesion cell of 4 x 4: the hinge adds 2 / 16, gradient -1 / 16."""
    mask = np.zeros((1, 32, 32), np.float32)
    mask[0, 8:16, 8:16] = 1
    evidence = np.full((1, 4, 4), -1.0, np.float32)
    evidence[0, 1, 1] = -2
    value, gradient = value_and_gradient(SaliencyLoss(kind), mask, evidence)
    assert gradient[0, 1, 1] == pytest.approx(-1 / 16, rel=1e-6)
    assert np.count_nonzero(gradient) == 1
    evidence[0, 1, 1] = 0
    at_zero, _ = value_and_gradient(SaliencyLoss(kind), mask, evidence)
    assert value - at_zero == pytest.approx(2 / 16, rel=1e-5)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"no saliency loss 'focal'; known: dice, bce, "):
        SaliencyLoss("focal")


@pytest.mark.parametrize(
    "loss",
    [
        SoftDice(2.0),
        DicePlusBCE(3.0),
        FocalTversky(2.0),
        BatchDicePlusBCE(2.0, 4.0),
        *(SaliencyLoss(kind) for kind in KINDS),
    ],
    ids=name_of,
)
def test_serialization_round_trip(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert float(again(TARGET, MAP)) == float(loss(TARGET, MAP))


def test_cells_are_taught_where_blood_lies():
    """Four cells of 2 x 2 pixels of 10 mm2: 40, 10, 0 and 0 mm2 of blood; 25 mm2 fill a cell."""
    outline = np.zeros((1, 4, 4), np.float32)
    outline[0, :2, :2] = outline[0, 0, 2] = 1
    logits = np.float32([[[2, 0], [-1, 0]]])

    def entropy(target: float, logit: float) -> float:
        chance = 1 / (1 + math.exp(-logit))
        return -target * math.log(chance) - (1 - target) * math.log(1 - chance)

    # targets 1, .4, 0, 0; weights 4, 1 + 3 x .4, 1, 1
    expected = (4 * entropy(1, 2) + 2.2 * entropy(0.4, 0) + entropy(0, -1) + entropy(0, 0)) / 4
    loss = CellEntropy(pixel_area_mm2=10.0)
    assert float(loss(outline, logits)) == pytest.approx(expected, rel=1e-5)
    again = CellEntropy.from_config(loss.get_config())
    assert float(again(outline, logits)) == pytest.approx(expected, rel=1e-5)

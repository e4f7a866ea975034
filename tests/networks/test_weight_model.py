"""The weight model: weights that sum to one, and a specialist that can speak alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.networks.weight_model import (
    GlobalWeights,
    StraightThrough,
    WeightedMean,
    build_weight_model,
)
from ichnet.training.ensemble import mask_loss
from ichnet.training.losses import SoftDice

MEMBERS = ("all", "subtype", "sdh", "sah", "small")
MATRIX = 16
WEIGHTINGS = ("image", "pixel", "global")


def build(weighting: str, seed: int = 4) -> keras.Model:
    return build_weight_model(MATRIX, MEMBERS, weighting, 8, 0.5, seed)


def random_maps(samples: int = 3) -> np.ndarray:
    shape = (samples, MATRIX, MATRIX, len(MEMBERS))
    return np.random.default_rng(0).uniform(size=shape).astype("float32")


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_weights_sum_to_one(weighting):
    maps = random_maps()
    output = build(weighting)(maps)
    pixels = (MATRIX, MATRIX) if weighting == "pixel" else ()
    assert output["weights"].shape == (3, *pixels, 5)
    assert float(tf.reduce_min(output["weights"])) > 0
    np.testing.assert_allclose(np.sum(output["weights"], axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_map_and_mask_follow_from_the_weights(weighting):
    maps = random_maps()
    output = build(weighting)(maps)
    weights = output["weights"].numpy()
    if weights.ndim == 2:
        weights = weights[:, None, None]
    mean = np.sum(maps * weights, axis=-1)
    np.testing.assert_allclose(output["map"], mean, rtol=1e-5)
    np.testing.assert_array_equal(output["mask"], output["map"].numpy() > 0.5)
    assert 0 < np.mean(output["mask"]) < 1


def test_image_weights_depend_on_the_image_and_global_ones_do_not():
    maps = random_maps()
    for weighting, differ in (("image", True), ("global", False)):
        weights = build(weighting)(maps)["weights"].numpy()
        assert (weights[0] != weights[1]).any() == differ


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_seed_decides_the_initial_weights(weighting):
    weights, again, other = (build(weighting, seed).get_weights() for seed in (4, 4, 5))
    for one, two in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (weights[0] != other[0]).any()


def test_an_unknown_weighting_is_refused():
    with pytest.raises(ValueError, match="no weighting 'voxel'; known: image, pixel, global"):
        build("voxel")


def test_weighted_mean_by_hand():
    maps = tf.constant([[[[1.0, 0.0], [0.5, 1.0]]]])
    np.testing.assert_allclose(
        WeightedMean()([maps, tf.constant([[0.25, 0.75]])]), [[[0.25, 0.875]]]
    )
    by_pixel = tf.constant([[[[0.5, 0.5], [1.0, 0.0]]]])
    np.testing.assert_allclose(WeightedMean()([maps, by_pixel]), [[[0.5, 0.5]]])


def test_straight_through_thresholds_and_passes_the_gradient_where_members_disagree():
    values = tf.constant([[0.0, 0.2, 0.5, 0.50001, 0.9]])
    below, across, above = [0.0, 0.5], [0.1, 0.9], [0.6, 1.0]  # 0.5 itself is not above
    maps = tf.constant([[below, across, across, across, above]])
    with tf.GradientTape() as tape:
        tape.watch(values)
        hard = StraightThrough(0.5)([values, maps])
        total = tf.reduce_sum(hard * [1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_array_equal(hard, [[0, 0, 0, 1, 1]])
    np.testing.assert_array_equal(tape.gradient(total, values), [[0, 2, 3, 4, 0]])


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_faint_background_pushes_no_weight(weighting):
    """No member sees a lesion, and none is there: the mask is right whatever the weights."""
    maps = 0.1 * random_maps()
    model = build(weighting)
    with tf.GradientTape() as tape:
        loss = SoftDice()(tf.zeros((3, MATRIX, MATRIX)), model(maps)["mask"])
    assert float(loss) == 0
    for gradient in tape.gradient(loss, model.trainable_variables):
        np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))


def test_global_weights_are_the_softmax_of_their_logits():
    layer = GlobalWeights()
    layer(np.zeros((1, 2, 2, 3), np.float32))
    layer.set_weights([np.log([1.0, 1.0, 2.0])])
    np.testing.assert_allclose(
        layer(np.zeros((2, 2, 2, 3), np.float32)), [[0.25, 0.25, 0.5]] * 2, rtol=1e-6
    )


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_save_and_load(weighting, tmp_path):
    model = build(weighting)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    for name, value in model(random_maps()).items():
        np.testing.assert_array_equal(again(random_maps())[name], value)


def lone_specialists() -> tuple[np.ndarray, np.ndarray]:
    """Lesions that one member alone sees, at 1.0 among four zeros: in half of them the third
    member, in half the first.
    """
    maps = np.zeros((16, MATRIX, MATRIX, 5), np.float32)
    truth = np.zeros((16, MATRIX, MATRIX), np.float32)
    for sample, (row, column) in enumerate(
        np.random.default_rng(1).integers(0, MATRIX - 4, (16, 2))
    ):
        lesion = (sample, slice(row, row + 4), slice(column, column + 4))
        maps[(*lesion, 2 if sample % 2 else 0)] = 1
        truth[lesion] = 1
    return maps, truth


def train(weighting: str) -> np.ndarray:
    """Train on the lone specialists and return the Dice coefficient of each sample's mask."""
    maps, truth = lone_specialists()
    model = build(weighting)
    model.compile(keras.optimizers.Adam(0.05), loss={"mask": SoftDice()}, jit_compile=False)
    model.fit(maps, {"mask": truth}, batch_size=16, epochs=30, shuffle=False, verbose=0)
    mask = model(maps)["mask"].numpy()
    return 2 * (mask * truth).sum(axis=(1, 2)) / (mask + truth).sum(axis=(1, 2))


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["image", "pixel"])
def test_a_lone_specialist_can_win(weighting):
    maps, _ = lone_specialists()
    untrained = build(weighting)(maps)
    assert float(tf.reduce_max(untrained["mask"])) == 0
    assert train(weighting).min() > 0.9


@pytest.mark.slow
def test_a_global_mix_silences_one_of_two_specialists():
    """Each needs more than half of the weight where it speaks alone; together they have one."""
    dice = train("global")
    assert min(dice[0::2].max(), dice[1::2].max()) == 0


@pytest.mark.parametrize("first", np.linspace(0, 1, 11))
def test_no_global_weights_let_both_speak(first):
    maps, truth = lone_specialists()
    model = build("global")
    best_case = np.log(np.maximum([first, 0, 1 - first, 0, 0], 1e-30))
    model.get_layer("weights").set_weights([best_case])
    found = model(maps)["mask"].numpy()[truth == 1].reshape(16, 16).all(axis=1)
    assert not (found[0::2].any() and found[1::2].any())


def specialists_and_normal_slices() -> tuple[np.ndarray, np.ndarray]:
    """The lone specialists, and as many normal slices where the last member sees a false dot.

    All members have a faint background, the fourth the faintest; it never sees a lesion.
    """
    lesions, truth = lone_specialists()
    rng = np.random.default_rng(2)
    normal = np.zeros_like(lesions)
    for sample, (row, column) in enumerate(rng.integers(0, MATRIX - 2, (len(normal), 2))):
        normal[sample, row : row + 2, column : column + 2, 4] = 0.8
    background = rng.uniform(0, [0.2, 0.2, 0.2, 0.02, 0.2], (2 * len(normal), MATRIX, MATRIX, 5))
    maps = np.maximum(np.concatenate([lesions, normal]), background).astype("float32")
    return maps, np.concatenate([truth, np.zeros_like(truth)])


def hard_dice_loss(mask: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(SoftDice().call(tf.constant(truth), tf.constant(mask))))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 5])
@pytest.mark.parametrize("weighting", ["image", "pixel"])
def test_learned_weights_beat_the_mean_and_every_member(weighting, seed):
    """Also among normal slices, where whoever sees nothing is always right."""
    maps, truth = specialists_and_normal_slices()
    model = build(weighting, seed)
    loss = {"mask": mask_loss(MATRIX)}
    model.compile(keras.optimizers.Adam(0.01), loss=loss, jit_compile=False)
    model.fit(maps, {"mask": truth}, batch_size=32, epochs=100, shuffle=False, verbose=0)
    learned = hard_dice_loss(model(maps)["mask"].numpy(), truth)
    fixed = [maps.mean(axis=-1), *np.moveaxis(maps, -1, 0)]
    best_fixed = min(hard_dice_loss((one > 0.5).astype("float32"), truth) for one in fixed)
    assert best_fixed > 0.2
    assert learned < best_fixed / 2

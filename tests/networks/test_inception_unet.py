"""The Inception U-Net, its encoder, and the weights that move from one to the other."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from ichnet.networks.inception_unet import (
    LESION_PRIOR,
    build_inception_unet,
    build_subtype_encoder,
    inception_module,
    transfer_encoder,
)
from ichnet.training.compiling import precision


@pytest.fixture(scope="module")
def unet(image_of) -> keras.Model:
    return build_inception_unet(image_of(32), base_width=8, depth=3, name="net", seed=1)


@pytest.fixture
def model2(image_of) -> keras.Model:
    """A U-Net with the encoder's head."""
    return build_inception_unet(image_of(32), 8, 3, "net", seed=1, with_subtypes=True)


@pytest.fixture(scope="module")
def encoder(image_of) -> keras.Model:
    """An encoder that has seen something: its running statistics are not the initial ones."""
    encoder = build_subtype_encoder(image_of(32), base_width=8, depth=3, seed=2)
    encoder(noise(32), training=True)
    return encoder


def noise(matrix: int) -> tf.Tensor:
    return tf.random.stateless_normal((2, matrix, matrix), (1, 2), 40.0, 60.0)


@pytest.mark.slow
def test_one_probability_for_each_pixel(unet):
    maps = unet(noise(32), training=False)
    assert unet.name == "net"
    assert maps.shape == (2, 32, 32)
    assert maps.dtype == tf.float32
    assert float(tf.reduce_min(maps)) >= 0
    assert float(tf.reduce_max(maps)) <= 1


@pytest.mark.parametrize(
    ("stage", "grid", "channels"),
    [
        ("stem", 16, 16),  # four windows of 2 x 2 pixels
        ("down1_relu", 16, 8),
        ("down2_relu", 8, 16),
        ("down3_relu", 4, 32),
        ("bottom_relu", 2, 64),
        ("up3_relu", 4, 32),
        ("up2_relu", 8, 16),
        ("up1_relu", 16, 8),
        ("up1_skip", 16, 16),
        ("head", 16, 4),
        ("head_depth_to_space", 32, 1),
    ],
)
def test_stages(unet, stage, grid, channels):
    assert tuple(unet.get_layer(stage).output.shape) == (None, grid, grid, channels)


def test_an_untrained_map_starts_near_the_lesions_share(image_of):
    """Seen on average over initial weights, in HU without structure."""
    means = [
        float(
            tf.reduce_mean(
                build_inception_unet(image_of(16), 8, 1, "net", seed)(
                    tf.fill((1, 16, 16), 30.0), training=False
                )
            )
        )
        for seed in range(3)
    ]
    assert LESION_PRIOR / 4 < np.median(means) < 4 * LESION_PRIOR


def test_without_evidence_the_map_is_the_prior(image_of):
    unet = build_inception_unet(image_of(16), 8, 1, "net", seed=0)
    kernel, bias = unet.get_layer("head").get_weights()
    unet.get_layer("head").set_weights([np.zeros_like(kernel), bias])
    np.testing.assert_allclose(unet(noise(16)), np.full((2, 16, 16), LESION_PRIOR), rtol=1e-5)


def test_the_same_seed_gives_the_same_weights(image_of):
    weights, again, other = (
        build_inception_unet(image_of(16), 4, 1, "net", seed).get_weights() for seed in (7, 7, 8)
    )
    for one, two in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (weights[0] != other[0]).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("matrix", "stem_factor", "padded_matrix"), [(36, 1, 40), (36, 2, 48), (33, 4, 64)]
)
def test_a_matrix_that_cannot_be_divided_is_padded_with_air_inside(
    image_of, matrix, stem_factor, padded_matrix
):
    """36 pixels, three halvings and no stem: as 40 pixels of which the last four are air."""
    small = build_inception_unet(image_of(matrix), 8, 3, "net", 0, stem_factor)
    large = build_inception_unet(image_of(padded_matrix), 8, 3, "net", 0, stem_factor)
    hu, missing = noise(matrix), (0, padded_matrix - matrix)
    padded = np.pad(hu, ((0, 0), missing, missing), constant_values=-1024)
    assert small.output_shape == (None, matrix, matrix)
    np.testing.assert_allclose(small(hu), large(padded)[:, :matrix, :matrix], atol=1e-6)


def test_without_a_stem_the_first_stage_has_the_matrix(image_of):
    unet = build_inception_unet(image_of(16), 8, 1, "net", seed=0, stem_factor=1)
    assert tuple(unet.get_layer("down1_relu").output.shape) == (None, 16, 16, 8)
    assert "stem" not in {layer.name for layer in unet.layers}
    assert unet.output_shape == (None, 16, 16)


def test_the_encoder_is_padded_like_the_unet(image_of):
    encoder = build_subtype_encoder(image_of(36), base_width=8, depth=3, seed=0)
    assert encoder.get_layer("bottom_relu").output.shape[1:3] == (3, 3)
    unet = build_inception_unet(image_of(36), 8, 3, "net", seed=1, with_subtypes=True)
    transfer_encoder(encoder, unet)


def test_a_width_that_is_no_multiple_of_four_is_refused(image_of):
    with pytest.raises(ValueError, match="down1: width 6 is no multiple of four"):
        build_inception_unet(image_of(16), base_width=6, depth=1, name="net", seed=0)


def test_inception_branches():
    """A lone pixel reaches one pixel far by 3x3 and pooling, two by two 3x3, none by 1x1."""
    inputs = keras.Input((9, 9, 1))
    model = keras.Model(inputs, inception_module(inputs, 4, "m"))
    joined = keras.Model(inputs, model.get_layer("m_concatenate").output)
    for weight in joined.weights:
        weight.assign(tf.ones_like(weight) if "kernel" in weight.name else tf.zeros_like(weight))
    lone = np.zeros((1, 9, 9, 1), np.float32)
    lone[0, 4, 4] = 1
    reached = np.count_nonzero(joined(lone)[0], axis=(0, 1))
    np.testing.assert_array_equal(reached, [1, 9, 25, 9])


def test_pooling_before_or_after_the_1x1_convolution_gives_the_same():
    """At the border too, where fewer than nine pixels are averaged."""
    inputs = keras.Input((5, 5, 3))
    model = keras.Model(inputs, inception_module(inputs, 4, "m"))
    branch = keras.Model(inputs, model.get_layer("m_pool").output)
    kernel, bias = model.get_layer("m_reduce").get_weights()
    bias[3] = 0.5
    model.get_layer("m_reduce").set_weights([kernel, bias])
    features = np.random.default_rng(0).normal(size=(1, 5, 5, 3)).astype(np.float32)
    pooled = keras.layers.AveragePooling2D(3, strides=1, padding="same")(features)
    expected = np.asarray(pooled) @ kernel[0, 0, :, 3] + 0.5
    np.testing.assert_allclose(branch(features)[..., 0], expected, atol=1e-6)


def test_encoder_gives_six_probabilities(encoder):
    labels = encoder(noise(32), training=False)
    assert labels.shape == (2, 6)
    assert float(tf.reduce_min(labels)) > 0
    assert float(tf.reduce_max(labels)) < 1


def test_transfer_moves_every_weight_of_the_encoder(encoder, model2):
    with_weights = {layer.name for layer in encoder.layers if layer.get_weights()}
    before = model2.get_layer("up1_reduce").get_weights()
    assert set(transfer_encoder(encoder, model2)) == with_weights
    assert not np.array_equal(model2.get_layer("bottom_norm").get_weights()[2], np.zeros(64))
    for stage in ("down1", "down2", "down3", "bottom"):
        features = [
            keras.Model(model.input, model.get_layer(f"{stage}_relu").output)(noise(32))
            for model in (encoder, model2)
        ]
        np.testing.assert_array_equal(*features)
    np.testing.assert_array_equal(model2.get_layer("up1_reduce").get_weights()[0], before[0])


def test_transferred_weights_stay_trainable(encoder, model2):
    transfer_encoder(encoder, model2)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model2(noise(32), training=True)["map"])
    kernel = model2.get_layer("down1_reduce").kernel
    assert any(kernel is variable for variable in model2.trainable_variables)
    assert float(tf.reduce_max(tf.abs(tape.gradient(loss, kernel)))) > 0


def test_transfer_to_a_wider_network_is_refused(encoder, image_of):
    wider = build_inception_unet(image_of(32), base_width=12, depth=3, name="wider", seed=0)
    with pytest.raises(ValueError, match=r"layer 'down1_.*' has another shape in wider"):
        transfer_encoder(encoder, wider)


def test_transfer_to_a_shallower_network_is_refused(encoder, image_of):
    shallow = build_inception_unet(image_of(32), base_width=8, depth=2, name="shallow", seed=0)
    before = shallow.get_weights()
    with pytest.raises(ValueError, match=r"shallow has no layer 'down3_.*', which the encoder has"):
        transfer_encoder(encoder, shallow)
    for one, two in zip(before, shallow.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_mixed_precision_gives_the_same_map_in_float32(image_of):
    """bfloat16 has eight bits: a layer is right to half a percent, a network to a few."""
    plain = build_inception_unet(image_of(32), 8, 2, "net", seed=0)
    with precision("mixed_bfloat16"):
        mixed = build_inception_unet(image_of(32), 8, 2, "net", seed=0)
    assert mixed.get_layer("down1_reduce").compute_dtype == "bfloat16"
    for one, other in zip(plain.get_weights(), mixed.get_weights(), strict=True):
        assert other.dtype == np.float32
        np.testing.assert_array_equal(one, other)
    for model in (plain, mixed):
        kernel, bias = model.get_layer("head").get_weights()
        model.get_layer("head").set_weights([kernel, 0 * bias])
    found = mixed(noise(32))
    assert found.dtype == tf.float32
    assert np.ptp(plain(noise(32))) > 0.2
    np.testing.assert_allclose(found, plain(noise(32)), atol=0.03)


def test_the_subtype_head_gives_scores_beside_the_same_map(image_of):
    """The head's own variables are drawn last, so that the others are those of a plain U-Net."""
    plain = build_inception_unet(image_of(16), 8, 1, "net", seed=0, neighbours=1)
    with_head = build_inception_unet(
        image_of(16), 8, 1, "net", seed=0, neighbours=1, with_subtypes=True
    )
    hu = np.random.default_rng(0).normal(40, 30, (2, 16, 16, 3)).astype("float32")
    found = with_head(hu)
    assert set(found) == {"map", "subtype_score"}
    assert tuple(found["map"].shape) == (2, 16, 16)
    assert tuple(found["subtype_score"].shape) == (2, 6)
    assert plain.count_params() + 6 * (2 * 16 + 1) == with_head.count_params()


def test_the_encoder_s_head_is_transferred_too(image_of):
    encoder = build_subtype_encoder(image_of(16), 8, 1, seed=5, neighbours=1)
    unet = build_inception_unet(image_of(16), 8, 1, "net", 0, neighbours=1, with_subtypes=True)
    assert "subtype_score" in transfer_encoder(encoder, unet)
    hu = np.random.default_rng(0).normal(40, 30, (2, 16, 16, 3)).astype("float32")
    np.testing.assert_allclose(unet(hu)["subtype_score"], encoder(hu), atol=1e-6)

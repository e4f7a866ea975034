"""Pictures of saliency: where red and green lie, and that TensorBoard gets them each epoch."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from ichnet.training.overlays import SaliencyOverlays, fixed_slices, overlay


def test_evidence_is_red_and_the_outline_green():
    hu = np.full((8, 8), 40, np.float32)  # the middle of the brain window: grey
    evidence = np.zeros((2, 2), np.float32)
    evidence[0, 1] = 1
    mask = np.zeros((8, 8), np.float32)
    mask[4:6, 1:3] = 1
    picture = overlay(hu, evidence, mask)
    assert picture.shape == (256, 256, 3)
    np.testing.assert_allclose(picture[250, 250], [0.5] * 3, atol=0.01)  # neither
    red, green, blue = picture[0, 255]
    assert red > 0.75 > 0.4 > green > blue
    np.testing.assert_allclose(picture[128, 40], [0.2, 1.0, 0.4], atol=1e-6)  # top of the outline
    assert picture[150, 60, 0] == picture[150, 60, 1]  # inside of it


def test_slices_of_both_kinds_are_fixed():
    mask = np.zeros((6, 2, 2), np.float32)
    mask[[1, 4], 0, 0] = 1
    hu = np.arange(6, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    batches = tf.data.Dataset.from_tensor_slices({"hu": hu, "mask": mask}).batch(2)
    shown, outlines = fixed_slices(batches, each=2)
    np.testing.assert_array_equal(shown[:, 0, 0], [1, 4, 0, 2])
    np.testing.assert_array_equal(outlines.any(axis=(1, 2)), [1, 1, 0, 0])
    assert len(fixed_slices(batches, each=5)[0]) == 6


def test_pictures_of_each_epoch_are_written(tmp_path):
    hu = keras.Input((8, 8))
    model = keras.Model(hu, {"saliency": keras.layers.Rescaling(0.1)(hu)})
    slices = np.full((3, 8, 8), 40, np.float32)
    callback = SaliencyOverlays(tmp_path, slices, np.zeros_like(slices))
    callback.set_model(model)
    callback.on_epoch_end(0)
    callback.on_epoch_end(1)
    (path,) = tmp_path.iterdir()
    steps = [
        (event.step, value.tag, len(value.tensor.string_val))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    # a picture's width and height come before the pictures themselves
    assert steps == [(0, "saliency", 2 + 3), (1, "saliency", 2 + 3)]

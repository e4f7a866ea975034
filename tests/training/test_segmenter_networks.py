"""First weights of segmenters: those of the embedded model, in networks of any matrix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ichnet.config import SEGMENTERS, Config, ConfigError, load_config
from ichnet.deployment.embedded import embedded_model_dir
from ichnet.files import file_digest
from ichnet.networks.mirrored import mirrored
from ichnet.networks.neighbours import with_neighbours
from ichnet.networks.scores import TopPixelMean, map_and_subtypes
from ichnet.runs import RunFolder
from ichnet.training.segmenter_networks import (
    embedded_weights,
    first_weights_digest,
    new_encoder,
    new_segmenter,
    save_segmenters,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def config() -> Config:
    """The embedded model's experiment, begun again from its weights."""
    config = load_config(ROOT / "models" / "embedded.yaml")
    return replace(config, segmenters=replace(config.segmenters, weights="embedded"))


@pytest.fixture(scope="module")
def slices(config) -> np.ndarray:
    """Three slices of HU: brain, bone around it, a dense disc in the middle one."""
    rng = np.random.default_rng(5)
    matrix = config.image.matrix
    row, column = np.indices((matrix, matrix)) - matrix / 2
    radius = np.hypot(row, column)
    hu = np.where(radius < 50, rng.normal(32, 4, (3, matrix, matrix)), -1000.0)
    hu[:, (radius > 46) & (radius < 50)] = 1000
    hu[1, np.hypot(row - 20, column) < 12] = 65
    return hu.astype(np.float32)


@pytest.mark.slow
def test_each_segmenter_answers_as_the_embedded_model_does(config, slices):
    model = tf.saved_model.load(str(embedded_model_dir()))
    answers = model.signatures["consecutive"](hu=tf.constant(slices))
    expected = answers["member_probability"].numpy()
    assert expected.shape == (3, 5)
    seen = with_neighbours(tf.constant(slices), 1)
    for index, member in enumerate(("all", "subtype", "sdh", "sah", "small")):
        network = mirrored(new_segmenter(config, member, member))  # as it was exported
        lesion_map, _ = map_and_subtypes(network(seen, training=False))
        score = TopPixelMean(config.evaluation.top_pixels)(lesion_map).numpy()
        np.testing.assert_allclose(score, expected[:, index], atol=1e-5)
    # a network that sees nothing would answer all slices alike
    assert expected[:, 0].max() - expected[:, 0].min() > 0.01


@pytest.mark.slow
def test_the_encoder_begins_with_the_way_down_of_model_2(config, slices):
    seen = with_neighbours(tf.constant(slices), 1)
    encoder, whole = new_encoder(config), new_segmenter(config, "subtype", "subtype")
    expected = whole(seen, training=False)["subtype_score"].numpy()
    assert expected.shape == (3, 6)
    np.testing.assert_allclose(encoder(seen, training=False).numpy(), expected, atol=1e-6)


@pytest.mark.slow
def test_weights_fit_another_matrix(config):
    smaller = replace(config, image=replace(config.image, matrix=64))
    network = new_segmenter(smaller, "all", "all")
    assert network.output_shape == (None, 64, 64)
    for here, there in zip(network.get_weights(), embedded_weights(config, "all"), strict=True):
        np.testing.assert_array_equal(here, there)


def test_without_them_weights_are_random_and_no_digest_is_kept(config):
    random = replace(config, segmenters=replace(config.segmenters, weights=None))
    assert first_weights_digest(random, "all") is None
    assert len(first_weights_digest(config, "all") or "") == 64
    first = new_segmenter(random, "all", "all").get_weights()[0]
    assert np.abs(first - embedded_weights(config, "all")[0]).max() > 0.01


def test_weights_of_a_folder(config, tmp_path):
    """Each segmenter begins with its own file, whose digest is kept."""
    settings = replace(config.segmenters, weights=str(tmp_path), base_width=4, depth=1)
    stored = replace(config, segmenters=settings)
    random = replace(config, segmenters=replace(settings, weights=None))
    with pytest.raises(FileNotFoundError, match=r"segmenter-sdh\.npz"):
        new_segmenter(stored, "sdh", "sdh")
    other = new_segmenter(replace(random, seed=7), "sdh", "sdh")
    run = RunFolder(tmp_path / "run")
    for segmenter in SEGMENTERS:
        path = run.best(f"segmenter-{segmenter}")
        path.parent.mkdir(parents=True)
        other.save(path)
    save_segmenters(run, tmp_path)
    for here, there, drawn in zip(
        new_segmenter(stored, "sdh", "sdh").get_weights(),
        other.get_weights(),
        new_segmenter(random, "sdh", "sdh").get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(here, there, rtol=1e-3, atol=1e-6)
        if there.ndim == 4:  # a kernel, drawn with another seed
            assert np.abs(here - drawn).max() > 0.01
    digest = first_weights_digest(stored, "sdh")
    assert digest == file_digest(tmp_path / "segmenter-sdh.npz")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("base_width", 16, "another stem_factor, base_width or depth"),
        ("stem_factor", 1, "another stem_factor, base_width or depth"),
        ("neighbours", 0, "segmenters.neighbours: must be 1"),
    ],
)
def test_another_shape_is_refused(config, key, value, message):
    other = replace(config, segmenters=replace(config.segmenters, **{key: value}))
    with pytest.raises(ConfigError, match=message):
        new_segmenter(other, "all", "all")


def test_other_windows_are_refused(config):
    other = replace(config, image=replace(config.image, windows=config.image.windows[:3]))
    with pytest.raises(ConfigError, match=r"image\.windows"):
        new_segmenter(other, "all", "all")

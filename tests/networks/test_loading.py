"""A .keras file may hold weights and shapes; code in it is not run."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from ichnet.networks.loading import load_network


def network(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((2,)), *layers])


def test_a_network_comes_back(tmp_path):
    path = tmp_path / "best.keras"
    model = network(keras.layers.Dense(3))
    model.save(path)
    np.testing.assert_array_equal(load_network(path).get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("compiled", [True, False])
def test_a_lambda_is_refused(tmp_path, compiled):
    path = tmp_path / "best.keras"
    network(keras.layers.Lambda(lambda x: x + 1, output_shape=(2,))).save(path)
    with pytest.raises(ValueError, match=r"(?s)best\.keras: cannot be loaded .*[Ll]ambda"):
        load_network(path, compiled)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_an_older_format_under_this_name_is_refused(tmp_path):
    """Keras 2 would load it, and whatever code it holds, without asking."""
    path = tmp_path / "best.h5"
    network(keras.layers.Lambda(lambda x: x + 1, output_shape=(2,))).save(path)
    disguised = path.rename(tmp_path / "best.keras")
    with pytest.raises(ValueError, match=r"best\.keras: not a \.keras file"):
        load_network(disguised)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.keras"):
        load_network(tmp_path / "none.keras")


def test_everything_of_ours_loads_networks_here(repository_sources):
    """Keras's own function would do without the checks."""
    users = [path.name for path, text in repository_sources if "load_model" in text]
    assert users == ["loading.py"]


@pytest.fixture
def repository_sources(request):
    root = request.config.rootpath
    paths = [path for name in ("ichnet", "models", "eval") for path in (root / name).rglob("*.py")]
    return [(path, path.read_text(encoding="utf-8")) for path in paths]

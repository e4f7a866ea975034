"""Trained models are loaded by processes that never trained anything."""

from __future__ import annotations

import subprocess
import sys

import keras
import pytest

from ichnet.config import ConfigError
from ichnet.evaluation.trained import load_best, load_trained, members_of_model
from ichnet.networks.channels import hu_input
from ichnet.networks.classifiers import Bias
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.weight_model import build_weight_model
from ichnet.runs import RunFolder
from ichnet.training.losses import SoftDice

FRESH_PROCESS = """
import sys
from pathlib import Path
from ichnet.evaluation.trained import load_best
from ichnet.runs import RunFolder

for name in sys.argv[2:]:
    load_best(RunFolder(Path(sys.argv[1])), name)
    print(name)
assert "ichnet.training.losses" not in sys.modules
"""


def with_bias(image) -> keras.Model:
    """The head of a classifier alone."""
    hu, channels = hu_input(image)
    return keras.Model(hu, Bias()(keras.layers.Dense(1)(channels)))


@pytest.mark.slow
def test_a_process_that_knows_no_losses_loads_every_kind_of_network(config, tmp_path):
    run = RunFolder(tmp_path)
    networks = {
        "segmenter-all": build_inception_unet(config.image, 4, 1, name="segmenter-all", seed=1),
        "ensemble-basic": build_weight_model(32, ["all", "subtype"], "global", 4, 0.5, seed=1),
        "MobileNetV2-rsna-weak": with_bias(config.image),
    }
    for name, network in networks.items():
        loss = {"mask": SoftDice()} if name.startswith("ensemble") else SoftDice()
        network.compile("adam", loss=loss, jit_compile=False)
        run.model(name).mkdir(parents=True)
        network.save(run.best(name))
    process = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, str(tmp_path), *networks],
        capture_output=True,
        text=True,
    )
    assert process.stdout.split() == list(networks), process.stderr


def test_an_untrained_model_or_an_unknown_ensemble_is_named(config, tmp_path):
    with pytest.raises(FileNotFoundError, match="segmenter-sdh has not been trained"):
        load_best(RunFolder(tmp_path), "segmenter-sdh")
    with pytest.raises(FileNotFoundError, match="segmenter-all has not been trained"):
        load_trained(config, "ensemble-basic", RunFolder(tmp_path))
    with pytest.raises(ConfigError, match="no 'everything'"):
        members_of_model(config, "ensemble-everything")


def test_members_of_a_model(config):
    assert members_of_model(config, "ensemble-sdh") == ("all", "subtype", "sdh")
    assert members_of_model(config, "segmenter-sdh") == ()

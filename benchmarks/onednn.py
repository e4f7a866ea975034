"""Whether TensorFlow's oneDNN kernels are worth having: training steps with and without them.

oneDNN must be chosen before TensorFlow is imported, so each measurement is a process of its own;
the two settings take turns. `ichnet info` tells which one is in force.

    python benchmarks/onednn.py [--networks unet MobileNetV2 ...] [--rounds 3]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
NETWORKS = ("unet", "DenseNet121", "InceptionResNetV2", "MobileNetV2", "VGG19")
SETTING = "TF_ENABLE_ONEDNN_OPTS"
STEPS = 8


def main() -> None:
    """Measure every network with both settings in turns; print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=NETWORKS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(measure(args.measure))
        return
    speedup = {}
    print(f"{'':18} {'off':>9} {'on':>9} {'speed-up':>9}   seconds a step, median")
    for network in args.networks:
        seconds: dict[str, list[float]] = {"0": [], "1": []}
        for _ in range(args.rounds):
            for setting, values in seconds.items():
                values.append(in_a_process(network, setting))
        off, on = (float(np.median(seconds[way])) for way in ("0", "1"))
        speedup[network] = off / on
        print(f"{network:18} {off:9.3f} {on:9.3f} {off / on:9.2f}", flush=True)
    print(json.dumps({"onednn_speedup": {name: round(x, 2) for name, x in speedup.items()}}))


def in_a_process(network: str, setting: str) -> float:
    """Return the seconds a step that a fresh process measures."""
    result = subprocess.run(
        [sys.executable, __file__, "--measure", network],
        env={**os.environ, SETTING: setting, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(result.stdout.splitlines()[-1])


def measure(network: str) -> float:
    """Return the median seconds of a training step at the demonstration's size, batch 8."""
    import numpy as np

    from ichnet.config import load_config
    from ichnet.networks.classifiers import build_classifier
    from ichnet.networks.inception_unet import build_inception_unet
    from ichnet.training.classifier import compile_classifier
    from ichnet.training.compiling import compile_model
    from ichnet.training.losses import SoftDice

    config = load_config(CONFIG)
    matrix = config.image.matrix
    mask = np.zeros((8, matrix, matrix), np.float32)
    mask[::2, 40:60, 40:60] = 1
    hu = np.random.default_rng(0).normal(40, 40, mask.shape).astype("float32")
    targets: Any
    if network == "unet":
        settings = config.segmenters
        unet = build_inception_unet(
            config.image, settings.base_width, settings.depth, name="unet", seed=1
        )
        model, targets = compile_model(unet, settings.training, SoftDice()), mask
    else:
        classifier = build_classifier(network, config.image, None, seed=1)  # type: ignore[arg-type]
        model = compile_classifier(classifier, config, strong=True)
        targets = {"probability": mask.max(axis=(1, 2))[:, None], "saliency": mask}
    model.train_on_batch(hu, targets)
    seconds = []
    for _ in range(STEPS):
        start = time.perf_counter()
        model.train_on_batch(hu, targets)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


if __name__ == "__main__":
    main()

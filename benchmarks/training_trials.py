"""What each part of the segmenters' training is worth: all of it, and each part left out in turn.

Model 1 learns from random weights for so many steps on synthetic heads of the cohort `wide`, and
outlines those of its validation scans. Scans, steps, initial weights and the highest rate are the
same; the rate falls to the end. What is left out: the loss of the whole batch (`dice` is the
paper's), rising rates at the start, averaged weights, augmentation, neighbouring slices, and half
of each batch with hemorrhage, in place of which slices are drawn as often as they come.

    python benchmarks/training_trials.py [--scans 400] [--steps 400] [--seeds 2023 1]

Everything is kept under `runs/training_trials`, so that a second call goes on, or only reads. The
last line is one JSON object: for each way, and each seed, `scan_auc`, `slice_auc` and `dice`, the
mean over slices with an outline, each with its interval.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
from heads_ablation import CONFIG, ROOT, WORKERS, figures_of, outline, print_row
from schedules import with_steps

from ichnet.config import AugmentationConfig, Config, load_config
from ichnet.records import reader
from ichnet.records.strata import Stratum
from ichnet.records.synthetic import write_synthetic_scans
from ichnet.runs import AIHUB_SCANS, RunFolder
from ichnet.training.segmenter import train_segmenter

VALIDATION_SHARE = 0.3

Change = Callable[[Config], Config]


def main() -> None:
    """Draw the scans, train each way, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scans", type=int, default=400, metavar="N", help="synthetic")
    parser.add_argument("--steps", type=int, default=400, metavar="N", help="of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2023], metavar="N")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY")
    args = parser.parse_args()
    print("| training | AUC by scan | AUC by slice | Dice of outlined slices |")
    print("| --- | --- | --- | --- |")
    result: dict[str, dict[str, dict[str, list[float]]]] = {}
    for seed in args.seeds:
        base = config_of(args.scans, args.steps, seed)
        folder = ROOT / "runs" / "training_trials" / str(seed)
        records = write_synthetic_scans(base, folder / "records" / AIHUB_SCANS, WORKERS)
        for way in args.ways:
            config = WAYS[way](base)
            network = trained(way, config, folder)
            figures = figures_of(outline(network, records, "validation", config), seed)
            result.setdefault(way, {})[str(seed)] = print_row(f"{way}, seed {seed}", figures)
    print(json.dumps(result))


def config_of(scans: int, steps: int, seed: int) -> Config:
    """Return the whole recipe, made short."""
    config = load_config(CONFIG)
    selection = replace(config.selection, validation_share=VALIDATION_SHARE, ensemble_share=0.0)
    training = with_steps(config.segmenters.training, steps, steps // 10)
    training = replace(training, average_decay=0.98)  # over the last fifty of a few hundred steps
    phantom = replace(config.phantom, scans={"wide": scans})
    config = replace(config, seed=seed, phantom=phantom, selection=selection)
    return with_segmenters(config, training=training)


def trained(way: str, config: Config, folder: Path) -> keras.Model:
    """Train Model 1, unless that was done."""
    run = RunFolder(folder / way.replace(" ", "-"))
    if way != AS_THEY_COME:
        return train_segmenter(config, "all", folder / "records", run)
    with patch.object(reader, "by_hemorrhage", as_they_come):
        return train_segmenter(config, "all", folder / "records", run)


def as_they_come(slices: list[dict[str, str]], scans: set[str] | None = None) -> list[Stratum]:
    """Return all slices as one stratum."""
    numbers = [i for i, row in enumerate(slices) if scans is None or row["scan_id"] in scans]
    return [Stratum("of any kind", np.array(numbers, np.int64), 1.0)]


def with_segmenters(config: Config, **changes: Any) -> Config:
    """Return the configuration with other settings of the segmenters."""
    return replace(config, segmenters=replace(config.segmenters, **changes))


def without_averages(config: Config) -> Config:
    """Return the configuration with the weights of the last step."""
    return with_segmenters(config, training=replace(config.segmenters.training, average_decay=0.0))


def without_warmup(config: Config) -> Config:
    """Return the configuration with the highest rate first."""
    training = config.segmenters.training
    return with_segmenters(config, training=with_steps(training, training.steps_per_epoch, 0))


def without_augmentation(config: Config) -> Config:
    """Return the configuration with slices as they are."""
    nothing = AugmentationConfig(
        rotation_degrees=0, shift_mm=0, scale=0, flip=False, noise_hu=0, offset_hu=0
    )
    return replace(config, augmentation=nothing)


AS_THEY_COME = "slices drawn as they come"
WAYS: dict[str, Change] = {
    "all of it": lambda config: config,
    "loss `dice`": partial(with_segmenters, loss="dice"),
    "loss `dice+bce`": partial(with_segmenters, loss="dice+bce"),
    "no warm-up": without_warmup,
    "no averaged weights": without_averages,
    "no augmentation": without_augmentation,
    "no neighbouring slices": partial(with_segmenters, neighbours=0),
    AS_THEY_COME: lambda config: config,
}


if __name__ == "__main__":
    main()

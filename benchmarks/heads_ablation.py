r"""What randomisation, face and neck, and the bright rim of synthetic heads are worth on real ones.

One network, Model 1, is trained from random weights with each of these features of the cohort
`wide` left out in turn, with all of them, and with none. Scans, steps, rates and initial weights
are the same. Left out with the feature is the augmentation that does the same to a batch: of
contrast, kernel and noise with `randomisation`, of tissue near bone with `bright-rim`.

Each network outlines the scans of a record set of real CT with outlines (docs/evaluate_real_ct.md),
prepared with the configuration that this reads:

    python data_prep/ct_ich.py --whole --config models/first_weights.yaml \
        --input CT-ICH --output RECORDS
    python benchmarks/heads_ablation.py --records RECORDS [--scans 500] [--steps 1500]

Everything is kept under `runs/heads_ablation`, so that a second call goes on, or only reads. The
last line is one JSON object: for each way `scan_auc`, `slice_auc` and `dice`, the mean over slices
with an outline, each with its interval.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

import keras
import numpy as np
from numpy.typing import NDArray
from schedules import with_steps

from ichnet.config import AugmentationConfig, Config, TrainingConfig, load_config
from ichnet.config.data import LeftOut
from ichnet.networks.channels import neighbours_of
from ichnet.networks.scores import TopPixelMean
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.records.synthetic import write_synthetic_scans
from ichnet.runs import AIHUB_SCANS, RunFolder
from ichnet.statistics.bootstrap import bootstrap_interval, mean_interval
from ichnet.statistics.delong import delong_interval
from ichnet.statistics.interval import Interval
from ichnet.statistics.pooling import scan_score
from ichnet.statistics.roc import roc_auc
from ichnet.training.segmenter import train_segmenter

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "models" / "first_weights.yaml"
BATCH_SLICES, EPOCHS, WORKERS, REPLICATES = 16, 3, 2, 1000
POOLING = "mean-of-3"

FEATURES: tuple[LeftOut, ...] = get_args(LeftOut)
WAYS: dict[str, tuple[LeftOut, ...]] = {
    "all": (),
    **{f"without {feature}": (feature,) for feature in FEATURES},
    "plain": FEATURES,
}

APPEARANCE: dict[str, Any] = {
    "sharpness": (0.0, 0.0),
    "contrast_sd": 0.0,
    "offset_hu": 0.0,
    "field_hu": 0.0,
    "varied_noise_hu": 0.0,
    "coarse_noise_hu": 0.0,
}
"""Augmentation that belongs to ``randomisation``, left out."""


def main() -> None:
    """Train, outline the real scans, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=Path, metavar="DIR", help="of real CT")
    parser.add_argument("--scans", type=int, default=500, metavar="N", help="synthetic, each way")
    parser.add_argument(
        "--steps", type=int, default=1500, metavar="N", help="of training, each way"
    )
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), metavar="WAY")
    args = parser.parse_args()
    if args.records is None:  # as when all benchmarks are run
        print("nothing is measured without --records", json.dumps({}), sep="\n")
        return
    real = RecordSet.open(args.records)
    print("| heads | AUC by scan | AUC by slice | Dice of outlined slices |")
    print("| --- | --- | --- | --- |")
    result = {}
    for way in args.ways:
        config = config_without(WAYS[way], args.scans, args.steps)
        network = trained(config, ROOT / "runs" / "heads_ablation" / way.replace(" ", "-"))
        result[way] = print_row(
            way, figures_of(outline(network, real, "test", config), config.seed)
        )
    print(json.dumps(result))


def config_without(features: tuple[LeftOut, ...], scans: int, steps: int) -> Config:
    """Return the configuration of one way: as many scans and steps for all."""
    config = load_config(CONFIG)
    phantom = replace(config.phantom, scans={"wide": scans}, without=features)
    selection = replace(config.selection, ensemble_share=0.0)
    training = shortened(config.segmenters.training, steps)
    return replace(
        config,
        phantom=phantom,
        selection=selection,
        augmentation=augmentation_without(config.augmentation, features),
        segmenters=replace(config.segmenters, training=training),
    )


def augmentation_without(
    augmentation: AugmentationConfig, features: tuple[LeftOut, ...]
) -> AugmentationConfig:
    """Return an augmentation without what draws the same as the features."""
    if "randomisation" in features:
        augmentation = replace(augmentation, **APPEARANCE)
    if "bright-rim" in features:
        augmentation = replace(augmentation, bone_glow_hu=0.0, bone_band_hu=0.0)
    return augmentation


def shortened(training: TrainingConfig, steps: int) -> TrainingConfig:
    """Return a training of so many steps, warmed up for a fifth of them at most."""
    assert isinstance(training.optimizer, dict)
    warmup_steps = training.optimizer["config"]["learning_rate"]["config"]["warmup_steps"]
    short: TrainingConfig = with_steps(training, steps, min(warmup_steps, steps // 5), EPOCHS)
    return short


def trained(config: Config, folder: Path) -> keras.Model:
    """Draw the scans and train Model 1, unless that was done."""
    records = folder / "records"
    write_synthetic_scans(config, records / AIHUB_SCANS, WORKERS)
    return train_segmenter(config, "all", records, RunFolder(folder))


class Outlined(NamedTuple):
    """Each slice of some scans: ``dice`` is NaN without an outline."""

    scan_id: NDArray[np.str_]
    spacing_mm: NDArray[np.float64]
    truth: NDArray[np.bool_]
    score: NDArray[np.float64]
    dice: NDArray[np.float64]


def outline(network: keras.Model, scans: RecordSet, split: str, config: Config) -> Outlined:
    """Return what a network makes of each slice of a split."""
    top_pixels = TopPixelMean(config.evaluation.top_pixels)
    rows = []
    slices = slices_dataset(scans, split, neighbours=neighbours_of(network))
    for batch in slices.batch(BATCH_SLICES):
        found = network(batch["hu"], training=False)
        drawn, mask = found.numpy() >= config.evaluation.mask_threshold, batch["mask"].numpy() > 0
        pixels = drawn.sum((1, 2)) + mask.sum((1, 2))
        twice = 2.0 * (drawn & mask).sum((1, 2))
        dice = np.where(mask.any((1, 2)), twice / np.maximum(pixels, 1), np.nan)
        columns = (batch["scan_id"], batch["slice_spacing_mm"], batch["labels"][:, 0] > 0)
        of_batch = (*(one.numpy() for one in columns), top_pixels(found).numpy(), dice)
        rows += list(zip(*of_batch, strict=True))
    scan_id, spacing_mm, truth, score, dice = map(np.array, zip(*rows, strict=True))
    return Outlined(scan_id.astype(str), spacing_mm, truth, score.astype(float), dice)


def figures_of(outlined: Outlined, seed: int) -> dict[str, Interval]:
    """Return AUC by scan and slice, and Dice, with intervals over scans."""
    scans, number = np.unique(outlined.scan_id, return_inverse=True)
    of_scan = [number == one for one in range(len(scans))]
    has_ich = [outlined.truth[one].any() for one in of_scan]
    by_scan = [
        scan_score(outlined.score[one], outlined.spacing_mm[one], POOLING) for one in of_scan
    ]
    has_outline = np.isfinite(outlined.dice)
    of_slices: dict[str, Any] = {"groups": outlined.scan_id, "replicates": REPLICATES, "seed": seed}
    return {
        "scan_auc": delong_interval(has_ich, by_scan),
        "slice_auc": bootstrap_interval(roc_auc, outlined.truth, outlined.score, **of_slices),
        "dice": mean_interval(
            outlined.dice[has_outline], outlined.scan_id[has_outline], REPLICATES, seed=seed
        ),
    }


def print_row(title: str, figures: dict[str, Interval]) -> dict[str, list[float]]:
    """Print a row of the table, and return its numbers: value and interval of each figure."""
    cells = [f"{one.value:.3f} ({one.low:.3f}–{one.high:.3f})" for one in figures.values()]
    print(f"| {title} | {' | '.join(cells)} |", flush=True)
    return {
        name: [round(number, 4) for number in (one.value, one.low, one.high)]
        for name, one in figures.items()
    }


if __name__ == "__main__":
    main()

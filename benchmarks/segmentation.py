"""The Inception U-Net against a plain U-Net of equal operations, trained for the same time.

Both learn from the same synthetic heads in the same order, with the same loss and optimizer, in
turns within one process until each has had its seconds; then both outline the same test scans.
Reported is the Dice coefficient of a scan's whole hemorrhage, averaged over the scans that hold a
subtype, with bootstrap intervals by patient, and the paired difference.

    python benchmarks/segmentation.py [--seconds 120] [--width 16] [--seed 0]

Heads are simple and trainings short: which network is better on real CT this cannot say. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ichnet.config import Config, ImageConfig, TrainingConfig, load_config
from ichnet.networks.flops import count_flops
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.plain_unet import build_plain_unet
from ichnet.phantom.cohort import generate
from ichnet.records.prepare import prepare
from ichnet.records.reader import slices_dataset, training_dataset
from ichnet.records.record_set import RecordSet
from ichnet.statistics.bootstrap import mean_interval
from ichnet.subtypes import SUBTYPES
from ichnet.training.compiling import compile_model
from ichnet.training.losses import SoftDice

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
SCANS = {"aihub": 100, "dumc": 80}
STEPS_IN_TURN = 10
NETWORKS = ("inception", "plain")


def main() -> None:
    """Train both, outline the test scans, print Dice by subtype."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=120, help="of training, each network")
    parser.add_argument("--width", type=int, default=16, help="of the Inception U-Net")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    config = replace(load_config(CONFIG), seed=args.seed)
    phantom = replace(config.phantom, scans={**config.phantom.scans, **SCANS})
    selection = replace(config.selection, scans_with_ich=SCANS["aihub"] // 2 - 5)
    config = replace(config, phantom=phantom, selection=selection)
    networks = equal_networks(config, args.width)
    with tempfile.TemporaryDirectory() as folder:
        train, test = synthetic_records(config, Path(folder))
        steps = train_in_turns(networks, config, train, args.seconds)
        scans = dice_by_scan(networks, test, config.ensembles.pixel_threshold)

    sizes = {name: (count_flops(m) / 1e9, m.count_params()) for name, m in networks.items()}
    for name, (gflops, parameters) in sizes.items():
        print(
            f"{name:9} {gflops:.3f} GFLOP a slice, {parameters:,} parameters, {steps[name]} steps"
        )
    print(f"{'':5} {'scans':>5}  {'inception':^21}  {'plain':^21}  {'difference':^24}")
    found = {}
    for kind in ("ANY", *SUBTYPES):
        chosen = [one for one in scans if one[kind]]
        if not chosen:
            print(f"{kind:5} {0:5}  no such scan")
            continue
        found[kind] = intervals(chosen, args.seed)
        cells = "  ".join(f"{v:6.3f} ({low:6.3f},{high:6.3f})" for v, low, high in found[kind])
        print(f"{kind:5} {len(chosen):5}  {cells}")
    print(
        json.dumps(
            {
                "seconds": args.seconds,
                "steps": steps,
                "gflops": {name: round(size[0], 4) for name, size in sizes.items()},
                "dice": {
                    kind: dict(zip((*NETWORKS, "difference"), values, strict=True))
                    for kind, values in found.items()
                },
            }
        )
    )


def equal_networks(config: Config, width: int) -> dict[str, keras.Model]:
    """Return the Inception U-Net and the plain one whose operations are nearest to its own."""
    image, depth = config.image, config.segmenters.depth
    inception = build_inception_unet(image, width, depth, "inception", config.seed)
    wanted = count_flops(inception)
    plain_width = nearest_width(image, depth, wanted)
    plain = build_plain_unet(image, plain_width, depth, "plain", config.seed)
    for model in (inception, plain):
        compile_model(model, config.segmenters.training, SoftDice())
    return {"inception": inception, "plain": plain}


def nearest_width(image: ImageConfig, depth: int, flops: float) -> int:
    """Return the plain U-Net's width that comes nearest to a number of operations."""
    found: dict[int, float] = {}
    for width in range(1, 200):
        found[width] = count_flops(build_plain_unet(image, width, depth, "plain", 0))
        if found[width] > flops:
            break
    return min(found, key=lambda one: abs(found[one] - flops))


def synthetic_records(config: Config, folder: Path) -> tuple[RecordSet, RecordSet]:
    """Return records to train on and records to test on, of different synthetic patients."""
    generate(config.phantom, config.seed, folder / "raw", list(SCANS), workers=1)
    prepare("aihub", "scans", config, folder / "raw" / "aihub", folder / "aihub")
    prepare("dumc", "all", config, folder / "raw" / "dumc", folder / "dumc")
    return RecordSet.open(folder / "aihub"), RecordSet.open(folder / "dumc")


def train_in_turns(
    networks: dict[str, keras.Model], config: Config, records: RecordSet, seconds: float
) -> dict[str, int]:
    """Train each for the same time and return its steps; tracing does not count."""
    training = replace(config.segmenters.training, epochs=1000)
    batches = {name: endless(records, config, training) for name in networks}
    spent, steps = dict.fromkeys(networks, 0.0), dict.fromkeys(networks, 0)
    for name, model in networks.items():
        model.train_on_batch(*next(batches[name]))
    while min(spent.values()) < seconds:
        for name, model in networks.items():
            if spent[name] >= seconds:
                continue
            start = time.perf_counter()
            for _ in range(STEPS_IN_TURN):
                model.train_on_batch(*next(batches[name]))
            spent[name] += time.perf_counter() - start
            steps[name] += STEPS_IN_TURN
    return steps


def endless(
    records: RecordSet, config: Config, training: TrainingConfig
) -> Iterator[tuple[Any, Any]]:
    """Return batches, the same for both networks."""
    batches = training_dataset(
        records,
        "train",
        training,
        image=config.image,
        seed=config.seed,
        augmentation=config.augmentation,
    )
    return ((batch["hu"], batch["mask"]) for batch in batches)


def dice_by_scan(
    networks: dict[str, keras.Model], records: RecordSet, pixel_threshold: float
) -> list[dict[str, Any]]:
    """Return for each test scan with hemorrhage its subtypes and each network's Dice."""
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for batch in slices_dataset(records, "test").batch(16):
        truth = batch["mask"].numpy() > 0
        ids = [one.decode() for one in batch["scan_id"].numpy()]
        for name, model in networks.items():
            mask = model(batch["hu"], training=False).numpy() > pixel_threshold
            both, either = (truth & mask).sum(axis=(1, 2)), (truth.sum((1, 2)) + mask.sum((1, 2)))
            for scan, overlap, pixels in zip(ids, both, either, strict=True):
                counts[scan][f"{name} overlap"] += float(overlap)
                counts[scan][f"{name} pixels"] += float(pixels)
    return [
        {
            "patient": row["patient_id"] or row["scan_id"],
            **{kind: row[kind] == "1" for kind in ("ANY", *SUBTYPES)},
            **{
                name: 2
                * counts[row["scan_id"]][f"{name} overlap"]
                / counts[row["scan_id"]][f"{name} pixels"]
                for name in networks
            },
        }
        for row in records.scans
        if row["ANY"] == "1"
    ]


def intervals(scans: list[dict[str, Any]], seed: int) -> list[tuple[float, float, float]]:
    """Return each network's mean Dice and their difference, each with its 95 % interval."""
    patients = [one["patient"] for one in scans]
    values = {name: np.array([one[name] for one in scans]) for name in NETWORKS}
    values["difference"] = values["inception"] - values["plain"]
    found = [mean_interval(v, patients, 1000, seed=seed) for v in values.values()]
    return [(round(i.value, 4), round(i.low, 4), round(i.high, 4)) for i in found]


if __name__ == "__main__":
    tf.get_logger().setLevel("ERROR")
    main()

"""The Inception U-Net against a plain U-Net of equal operations, trained for the same time.

Both learn from the same synthetic heads, the same batches in the same order, with the same loss and
optimizer, in turns of ten steps within one process until each has had its seconds. What counts is
the processor time of the steps alone: unlike the clock's it hardly depends on what else the machine
does, and batches are read beforehand. At every tenth of its time a network is validated, and the
best of these states outlines the test scans, as in the library's trainings. Reported is the Dice
coefficient of a scan's whole hemorrhage, averaged over the scans that hold a subtype, with
bootstrap intervals by patient, and the paired difference.

    python benchmarks/segmentation.py [--seconds 200] [--width 16] [--seed 0]
    python benchmarks/segmentation.py --seconds 30        # a trial of two minutes
    python benchmarks/segmentation.py --sizes             # parameters and operations alone

Heads are simple and trainings short: which network is better on real CT this cannot say. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from bisect import bisect_left
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
from ichnet.training.validation import alike

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
CONFIGURATIONS = (CONFIG, CONFIG.with_name("paper.yaml"))
SCANS = {"aihub": 100, "dumc": 160}
STEPS_IN_TURN, VALIDATIONS = 10, 10
NETWORKS = ("inception", "plain")
WIDEST = 200

Scan = dict[str, Any]
"""A test scan's patient, which kinds of hemorrhage it holds, and each network's Dice."""


def main() -> None:
    """Train both, outline the test scans, print Dice by subtype."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--seconds", type=float, default=200, help="of processor time, each network"
    )
    parser.add_argument("--width", type=int, default=16, help="of the Inception U-Net")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", action="store_true", help="a table of sizes, no training")
    args = parser.parse_args()
    if args.sizes:
        print_sizes()
        return

    config = replace(load_config(CONFIG), seed=args.seed)
    phantom = replace(config.phantom, scans={**config.phantom.scans, **SCANS})
    selection = replace(config.selection, scans_with_ich=SCANS["aihub"] // 2 - 5)
    config = replace(config, phantom=phantom, selection=selection)
    networks = equal_networks(config.image, args.width, config.segmenters.depth, config.seed)
    for model in networks.values():
        compile_model(model, config.segmenters.training, SoftDice())
    with tempfile.TemporaryDirectory() as folder:
        train, test = synthetic_records(config, Path(folder))
        steps = train_in_turns(networks, config, train, args.seconds)
        scans = dice_by_scan(networks, test, config.ensembles.pixel_threshold)

    sizes = {name: (count_flops(m) / 1e9, m.count_params()) for name, m in networks.items()}
    for name, (gflops, parameters) in sizes.items():
        print(
            f"{name:9} {gflops:.3f} GFLOP a slice, {parameters:,} parameters, {steps[name]} steps"
        )
    result = {
        "seconds": args.seconds,
        "steps": steps,
        "gflops": {name: round(size[0], 4) for name, size in sizes.items()},
        "dice": print_dice(scans, args.seed),
    }
    print(json.dumps(result))


def print_dice(scans: list[Scan], seed: int) -> dict[str, dict[str, Any]]:
    """Print Dice by subtype as Markdown; return it."""
    print("| scans with | number | Inception U-Net | plain U-Net | difference |")
    print("| --- | --- | --- | --- | --- |")
    found = {}
    for kind in ("ANY", *SUBTYPES):
        if not (chosen := [one for one in scans if one[kind]]):
            continue
        values = intervals(chosen, seed)
        found[kind] = dict(zip((*NETWORKS, "difference"), values, strict=True))
        cells = " | ".join(f"{v:.3f} ({low:.3f} to {high:.3f})" for v, low, high in values)
        print(f"| {kind} | {len(chosen)} | {cells} |")
    return found


def print_sizes() -> None:
    """Print parameters and operations of both networks at the configurations' sizes."""
    print("| configuration | network | width | parameters | GFLOP a slice |")
    print("| --- | --- | --- | --- | --- |")
    for path in CONFIGURATIONS:
        config = load_config(path)
        width, depth = config.segmenters.base_width, config.segmenters.depth
        for name, model in equal_networks(config.image, width, depth, 0).items():
            first = model.get_layer("down1_relu").output.shape[-1]
            print(
                f"| `{path.name}`, {config.image.matrix} | {name} | {first} "
                f"| {model.count_params():,} | {count_flops(model) / 1e9:.3f} |"
            )


def equal_networks(image: ImageConfig, width: int, depth: int, seed: int) -> dict[str, keras.Model]:
    """Return the Inception U-Net and the plain one whose operations are nearest to its own."""
    inception = build_inception_unet(image, width, depth, "inception", seed)
    plain_width = nearest_width(image, depth, count_flops(inception))
    return {
        "inception": inception,
        "plain": build_plain_unet(image, plain_width, depth, "plain", seed),
    }


def nearest_width(image: ImageConfig, depth: int, flops: float) -> int:
    """Return the plain U-Net's width that comes nearest to a number of operations."""

    def of(width: int) -> float:
        return count_flops(build_plain_unet(image, width, depth, "plain", 0))

    above = bisect_left(range(WIDEST), flops, lo=2, key=of)
    return min((above - 1, above), key=lambda width: abs(of(width) - flops))


def synthetic_records(config: Config, folder: Path) -> tuple[RecordSet, RecordSet]:
    """Return records to train on and records to test on, of different synthetic patients."""
    generate(config.phantom, config.seed, folder / "raw", list(SCANS), workers=1)
    prepare("aihub", "scans", config, folder / "raw" / "aihub", folder / "aihub")
    prepare("dumc", "all", config, folder / "raw" / "dumc", folder / "dumc")
    return RecordSet.open(folder / "aihub"), RecordSet.open(folder / "dumc")


def train_in_turns(
    networks: dict[str, keras.Model], config: Config, records: RecordSet, seconds: float
) -> dict[str, int]:
    """Train each for the same processor time and return its steps; tracing does not count.

    Each network is left in the state of its lowest validation loss.
    """
    training = replace(config.segmenters.training, epochs=1000)
    batches = {name: endless(records, config, training) for name in networks}
    kinds = [row["ANY"] for row in records.slices if row["split"] == "validation"]
    weigh = alike(lambda one: (one["hu"], one["mask"]), kinds.count("1"), kinds.count("0"))
    held_out = slices_dataset(records, "validation").map(weigh).batch(16).cache()
    spent, steps = dict.fromkeys(networks, 0.0), dict.fromkeys(networks, 0)
    lowest, best = dict.fromkeys(networks, np.inf), {}
    for name, model in networks.items():
        model.train_on_batch(*next(batches[name]))
    while min(spent.values()) < seconds:
        for name, model in networks.items():
            if spent[name] >= seconds:
                continue
            turn = list(itertools.islice(batches[name], STEPS_IN_TURN))
            before, start = spent[name], time.process_time()
            for batch in turn:
                model.train_on_batch(*batch)
            spent[name] += time.process_time() - start
            steps[name] += STEPS_IN_TURN
            if spent[name] // (seconds / VALIDATIONS) > before // (seconds / VALIDATIONS):
                loss = model.evaluate(held_out, verbose=0)
                if loss < lowest[name]:
                    lowest[name], best[name] = loss, model.get_weights()
    for name, model in networks.items():
        model.set_weights(best[name])
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
) -> list[Scan]:
    """Return for each test scan with hemorrhage its subtypes and each network's Dice."""
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    answer = {
        name: tf.function(lambda hu, model=model: model(hu, training=False), reduce_retracing=True)
        for name, model in networks.items()
    }
    for batch in slices_dataset(records, "test").batch(16):
        truth = batch["mask"].numpy() > 0
        ids = [one.decode() for one in batch["scan_id"].numpy()]
        for name in networks:
            mask = answer[name](batch["hu"]).numpy() > pixel_threshold
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


def intervals(scans: list[Scan], seed: int) -> list[tuple[float, float, float]]:
    """Return each network's mean Dice and their difference, each with its 95 % interval."""
    patients = [one["patient"] for one in scans]
    values = {name: np.array([one[name] for one in scans]) for name in NETWORKS}
    values["difference"] = values["inception"] - values["plain"]
    found = [mean_interval(v, patients, 1000, seed=seed) for v in values.values()]
    return [(round(i.value, 4), round(i.low, 4), round(i.high, 4)) for i in found]


if __name__ == "__main__":
    tf.get_logger().setLevel("ERROR")
    main()

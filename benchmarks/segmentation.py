"""The Inception U-Net against its first form: training speed, and what is learned in equal time.

First all networks take training steps in turns within one process, with matrix products between
the turns; the medians give slices a second, and the share of the machine's matrix-product rate (a
step counts as three forward passes). Then each network is trained from the same seed for as many
steps as it makes in the given seconds at its median speed: whatever else the machine does during
the training changes nothing. Input (with the neighbouring slices), batches, loss and optimizer are
those of ``models/reproduce.yaml``; the rate rises during the first tenth of the steps and falls to
the end, as in ``models/first_weights.yaml``.
Reported is the Dice coefficient of a scan's whole hemorrhage, averaged over the validation scans
that hold a subtype, with bootstrap intervals by patient, and the paired difference from ``old``.

    python benchmarks/segmentation.py [--seconds 240] [--rate 0.002] [--seed 0]
    python benchmarks/segmentation.py --networks new old plain   # plain: of as many operations
    python benchmarks/segmentation.py --sizes                    # parameters and operations alone

Heads are synthetic and trainings short: which network is better on real CT this cannot say. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from reference_unets import (
    FIRST_DEPTH,
    FIRST_STEM,
    FIRST_WIDTH,
    first_inception_module,
    plain_module,
)
from schedules import with_steps

from ichnet.config import Config, TrainingConfig, load_config
from ichnet.networks.channels import neighbours_of
from ichnet.networks.flops import count_flops, matrix_product_rate
from ichnet.networks.inception_unet import build_unet, inception_module
from ichnet.phantom.cohort import generate
from ichnet.records.prepare import prepare
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.statistics.bootstrap import mean_interval
from ichnet.subtypes import SUBTYPES
from ichnet.training.batches import training_batches
from ichnet.training.segmenter import compile_segmenter

CONFIG = Path(__file__).parents[1] / "models" / "reproduce.yaml"
CONFIGURATIONS = tuple(CONFIG.with_name(f"{name}.yaml") for name in ("reproduce", "paper"))
SCANS, VALIDATION_SHARE = 240, 0.3
NETWORKS = ("new", "old", "plain")
LEARNING_RATE, WARM_UP = 0.002, 0.1
TURNS, STEPS_IN_TURN = 10, 3
WIDEST = 200

Scan = dict[str, Any]
"""A validation scan's patient, which kinds of hemorrhage it holds, and each network's Dice."""


def main() -> None:
    """Measure speed, train for equal time, outline the validation scans, print tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=240, help="of training, each network")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS[:2])
    parser.add_argument("--scans", type=int, default=SCANS, help="to train and validate on")
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help="the highest, of all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", action="store_true", help="a table of sizes, no training")
    args = parser.parse_args()
    if args.sizes:
        print_sizes()
        return

    config = replace(load_config(CONFIG), seed=args.seed)
    speed, share = print_speed(config, args.networks)
    with tempfile.TemporaryDirectory() as folder:
        records = synthetic_records(config, args.scans, Path(folder))
        trained = {}
        for name in args.networks:
            steps = round(args.seconds * speed[name] / config.segmenters.training.batch_size)
            network = build(name, config, args.seed)
            trained[name] = train(network, config, records, steps, args.rate)
            print(f"{name}: {steps} steps in {args.seconds:.0f} s at its median speed", flush=True)
        scans = dice_by_scan(trained, records, config.ensembles.pixel_threshold)
    print_dice(scans, args.networks, args.seed)

    result = {f"dice_{name}": mean_dice(scans, name) for name in args.networks}
    result["flop_share"] = round(share[args.networks[0]], 3)
    if {"new", "old"} <= set(args.networks):
        result["training_speedup"] = round(speed["new"] / speed["old"], 3)
    print(json.dumps(result))


def build(name: str, config: Config, seed: int) -> keras.Model:
    """Return one of the networks, untrained."""
    segmenters = config.segmenters
    width, depth, stem, module = {
        "new": (segmenters.base_width, segmenters.depth, segmenters.stem_factor, inception_module),
        "old": (FIRST_WIDTH, FIRST_DEPTH, FIRST_STEM, first_inception_module),
        "plain": (0, segmenters.depth, segmenters.stem_factor, plain_module),
    }[name]

    def of_width(width: int) -> keras.Model:
        beside = segmenters.neighbours
        return build_unet(config.image, width, depth, name, seed, stem, module, beside)

    if name == "plain":
        width = nearest_width(of_width, count_flops(build("new", config, seed)))
    return of_width(width)


def nearest_width(of_width: Callable[[int], keras.Model], flops: float) -> int:
    """Return the width whose network comes nearest to a number of operations."""

    def flops_of(width: int) -> float:
        return count_flops(of_width(width))

    above = bisect_left(range(WIDEST), flops, lo=2, key=flops_of)
    return min((above - 1, above), key=lambda width: abs(flops_of(width) - flops))


def print_speed(config: Config, names: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Time training steps in turns; print and return slices a second and share of the rate."""
    batch, matrix = config.segmenters.training.batch_size, config.image.matrix
    mask = np.zeros((batch, matrix, matrix), np.float32)
    mask[::2, matrix // 3 : matrix // 2, matrix // 3 : matrix // 2] = 1
    training = training_of(config, (TURNS + 1) * STEPS_IN_TURN, LEARNING_RATE)
    models = {name: compile_segmenter(build(name, config, 0), config, training) for name in names}
    shape = (batch, *next(iter(models.values())).input_shape[1:])
    hu = np.random.default_rng(0).normal(40, 40, shape).astype(np.float32)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    rates = []
    for turn in range(TURNS + 1):
        rates.append(matrix_product_rate())
        for name, model in models.items():
            for _ in range(STEPS_IN_TURN):
                start = time.perf_counter()
                model.train_on_batch(hu, mask)
                if turn:  # the first is warming up
                    seconds[name].append(time.perf_counter() - start)
    rate = float(np.median(rates))
    speed = {name: batch / float(np.median(values)) for name, values in seconds.items()}
    flops = {name: count_flops(model) for name, model in models.items()}
    share = {name: 3 * flops[name] * speed[name] / rate for name in names}
    print(f"{matrix} x {matrix}, batch {batch}, matrix products at {rate / 1e9:.0f} GFLOP/s\n")
    print("| network | parameters | GFLOP a slice | training, slices/s | share of the rate |")
    print("| --- | --- | --- | --- | --- |")
    for name, model in models.items():
        print(
            f"| {name} | {model.count_params():,} | {flops[name] / 1e9:.3f} "
            f"| {speed[name]:.1f} | {share[name]:.2f} |",
            flush=True,
        )
    keras.backend.clear_session()
    return speed, share


def training_of(config: Config, steps: int, rate: float) -> TrainingConfig:
    """Return the configuration's training in one epoch of so many steps, at another rate."""
    training: TrainingConfig = with_steps(
        config.segmenters.training,
        steps,
        round(WARM_UP * steps),
        initial_learning_rate=rate / 20,
        warmup_target=rate,
    )
    return training


def synthetic_records(config: Config, scans: int, folder: Path) -> RecordSet:
    """Return records of synthetic heads to train and validate on, of different patients."""
    phantom = replace(config.phantom, scans={**config.phantom.scans, "aihub": scans})
    selection = replace(
        config.selection,
        scans_with_ich=scans // 2 - 8,  # cannot ask for all: their number is drawn
        validation_share=VALIDATION_SHARE,
        ensemble_share=0.0,
    )
    config = replace(config, phantom=phantom, selection=selection)
    generate(config.phantom, config.seed, folder / "raw", ["aihub"], workers=1)
    prepare("aihub", "scans", config, folder / "raw" / "aihub", folder / "aihub")
    return RecordSet.open(folder / "aihub")


def train(
    model: keras.Model, config: Config, records: RecordSet, steps: int, rate: float
) -> keras.Model:
    """Train for so many steps and return the last state."""
    training = training_of(config, steps, rate)
    batches = training_batches(
        config,
        records,
        training,
        lambda batch: (batch["hu"], batch["mask"]),
        neighbours=config.segmenters.neighbours,
    )
    compile_segmenter(model, config, training).fit(batches(0), verbose=0)
    return model


def dice_by_scan(
    networks: dict[str, keras.Model], records: RecordSet, pixel_threshold: float
) -> list[Scan]:
    """Return for each validation scan with hemorrhage its subtypes and each network's Dice."""
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    predict = {
        name: tf.function(lambda hu, model=model: model(hu, training=False), reduce_retracing=True)
        for name, model in networks.items()
    }
    beside = neighbours_of(next(iter(networks.values())))
    for batch in slices_dataset(records, "validation", neighbours=beside).batch(16):
        truth = batch["mask"].numpy() > 0
        ids = [one.decode() for one in batch["scan_id"].numpy()]
        for name in networks:
            mask = predict[name](batch["hu"]).numpy() > pixel_threshold
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
        if row["ANY"] == "1" and row["scan_id"] in counts
    ]


def print_dice(scans: list[Scan], names: list[str], seed: int) -> None:
    """Print each network's Dice and its difference from ``old``, by subtype, as Markdown."""
    others = [name for name in names if name != "old"] if "old" in names else []
    titles = [*names, *(f"{name} - old" for name in others)]
    print(f"\n| scans with | number | {' | '.join(titles)} |")
    print("| --- " * (len(titles) + 2) + "|")
    for kind in ("ANY", *SUBTYPES):
        if not (chosen := [one for one in scans if one[kind]]):
            continue
        values = {name: np.array([one[name] for one in chosen]) for name in names}
        columns = [*values.values(), *(values[name] - values["old"] for name in others)]
        patients = [one["patient"] for one in chosen]
        found = [mean_interval(column, patients, 1000, seed=seed) for column in columns]
        cells = " | ".join(f"{i.value:.3f} ({i.low:.3f} to {i.high:.3f})" for i in found)
        print(f"| {kind} | {len(chosen)} | {cells} |")


def mean_dice(scans: list[Scan], name: str) -> float:
    """Return a network's mean Dice over the scans."""
    return round(float(np.mean([one[name] for one in scans])), 4)


def print_sizes() -> None:
    """Print parameters and operations of all networks at the configurations' sizes."""
    print("| configuration | network | width | parameters | GFLOP a slice |")
    print("| --- | --- | --- | --- | --- |")
    for path in CONFIGURATIONS:
        config = load_config(path)
        for name in NETWORKS:
            model = build(name, config, 0)
            width = model.get_layer("down1_relu").output.shape[-1]
            print(
                f"| `{path.name}`, {config.image.matrix} | {name} | {width} "
                f"| {model.count_params():,} | {count_flops(model) / 1e9:.3f} |"
            )


if __name__ == "__main__":
    tf.get_logger().setLevel("ERROR")
    main()

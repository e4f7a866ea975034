"""What caching maps and exporting one graph are worth, for five segmenters and a weight model.

Networks of the demonstration's size with random weights, synthetic heads as records.

* An epoch of the weight model from cached maps, against the same slices with the five members run
  in every step.
* A scan of 32 slices of 512 x 512 through the one served graph, against five `predict` calls, each
  with its own resizing, and the weight model's.
* What share of the machine's measured matrix-product rate the one graph reaches.

    python benchmarks/ensemble.py [--rounds 5]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import SEGMENTERS, Config, load_config
from ichnet.ct.resample import from_matrix, to_matrix
from ichnet.deployment.serving import ServedModel
from ichnet.evaluation.maps import cache_maps
from ichnet.networks.ensemble import build_ensemble
from ichnet.networks.flops import count_flops, matrix_product_rate
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.weight_model import build_weight_model
from ichnet.phantom.cohort import generate
from ichnet.records.maps import maps_decoder, maps_records
from ichnet.records.prepare import prepare
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet
from ichnet.statistics.scan_score import UNCHANGED
from ichnet.training.compiling import compile_model
from ichnet.training.ensemble import steps_per_execution
from ichnet.training.losses import SoftDice

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
SCANS, SLICES, SIZE, SPACING_MM = 36, 32, 512, 0.45


def main() -> None:
    """Time each pair in turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds

    config = load_config(CONFIG)
    members = {
        name: build_inception_unet(
            config.image, config.segmenters.base_width, config.segmenters.depth, name, seed
        )
        for seed, name in enumerate(SEGMENTERS)
    }
    rate = matrix_product_rate()
    with tempfile.TemporaryDirectory() as folder:
        slices, epochs = weight_epochs(config, members, Path(folder))
        epoch = in_turns(epochs, rounds)
    flops = SLICES * sum(count_flops(member) for member in members.values())
    scan = in_turns(whole_scan(config, members), rounds)

    epoch_speedup = epoch["members"] / epoch["cached"]
    graph_speedup = scan["five calls"] / scan["one graph"]
    share = flops / scan["one graph"] / rate
    print(f"matrix products: {rate / 1e9:.0f} GFLOP/s; matrix {config.image.matrix}")
    print(f"epoch of {slices} slices   cached maps {epoch['cached']:.2f} s")
    print(f"{'':24} through members {epoch['members']:.2f} s   {epoch_speedup:.1f} x")
    print(f"scan of {SLICES} x {SIZE} x {SIZE}   one graph {scan['one graph']:.2f} s")
    print(f"{'':24} five predict calls {scan['five calls']:.2f} s   {graph_speedup:.2f} x")
    print(f"share of the matrix-product rate: {share:.2f}")
    print(
        json.dumps(
            {
                "weight_epoch_speedup": round(epoch_speedup, 2),
                "single_graph_speedup": round(graph_speedup, 3),
                "seconds_per_scan": round(scan["one graph"], 3),
                "flop_share": round(share, 3),
            }
        )
    )


def in_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each way, one untimed call before."""
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def new_weight_model(config: Config) -> keras.Model:
    """Return an untrained weight model over all five."""
    settings = config.ensembles
    return build_weight_model(
        config.image.matrix,
        SEGMENTERS,
        settings.weighting,
        settings.width,
        settings.pixel_threshold,
        config.seed,
    )


def weight_epochs(
    config: Config, members: dict[str, keras.Model], folder: Path
) -> tuple[int, dict[str, Callable[[], object]]]:
    """Return the number of slices and an epoch over them, from cached maps and through members."""
    phantom = replace(config.phantom, scans={**config.phantom.scans, "dumc": SCANS})
    generate(phantom, config.seed, folder / "raw", ["dumc"], workers=1)
    prepare("dumc", "all", config, folder / "raw" / "dumc", folder / "dumc")
    record_set = RecordSet.open(folder / "dumc")
    cache_maps(members, record_set, ["test"], folder / "maps")
    training = config.ensembles.training

    def fit(model: keras.Model, batches: tf.data.Dataset) -> Callable[[], object]:
        at_once = steps_per_execution(len(batches))
        compiled = compile_model(model, training, {"mask": SoftDice()}, steps_per_execution=at_once)
        return lambda: compiled.fit(batches, verbose=0)

    decode = maps_decoder(folder / "maps")
    cached = maps_records(folder / "maps", "test").batch(training.batch_size)
    cached = cached.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    slices = slices_dataset(record_set, "test").batch(training.batch_size)
    hu = keras.Input((config.image.matrix,) * 2, name="hu")
    whole = build_ensemble(members, new_weight_model(config), 1)
    through = keras.Model(hu, {"mask": whole(hu)["mask"]})
    return len(record_set.slices), {
        "cached": fit(
            new_weight_model(config),
            cached.map(lambda one: (one["maps"], {"mask": one["mask"]})).prefetch(2),
        ),
        "members": fit(through, slices.map(lambda one: (one["hu"], {"mask": one["mask"]}))),
    }


def whole_scan(config: Config, members: dict[str, keras.Model]) -> dict[str, Callable[[], object]]:
    """Return one scan through the served graph, and through five separate predictions."""
    weight_model = new_weight_model(config)
    ensemble = build_ensemble(members, weight_model, config.evaluation.top_pixels)
    serve = ServedModel(ensemble, config, UNCHANGED).slices
    scan = np.random.default_rng(0).normal(40, 40, (SLICES, SIZE, SIZE)).astype(np.float32)
    image = config.image

    def five_calls() -> NDArray[np.float32]:
        maps = []
        for member in members.values():
            small = to_matrix(scan, (SPACING_MM, SPACING_MM), image.matrix, image.field_of_view_mm)
            maps.append(member.predict(small, batch_size=8, verbose=0))
        found = weight_model.predict(np.stack(maps, axis=-1), batch_size=8, verbose=0)["map"]
        return from_matrix(found, (SPACING_MM, SPACING_MM), SIZE, SIZE, image.field_of_view_mm)

    return {"one graph": lambda: serve(tf.constant(scan))["mask"].numpy(), "five calls": five_calls}


if __name__ == "__main__":
    main()

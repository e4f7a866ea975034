"""What TensorFlow, OpenVINO and ONNX Runtime take to compute the model in the package.

Each measurement is a process of its own, as `ichnet predict` is one; the runtimes take turns. Start
is from the start of the process to the first answer: Python, imports, reading and compiling the
model, two slices. A scan is what the model says of all slices of one, with resampling and mask, the
median of some after the first. Memory is the process's peak. On a machine that others use, seconds
of the processor tell more than those of the clock, so both are printed. ONNX Runtime's conversion
is made once, before, into a folder of this benchmark's own.

    python benchmarks/runtimes.py [--scan DICOM] [--rounds 3]

The last line is one JSON object; `difference` is the largest from TensorFlow's, of slice
probabilities and maps.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.dicom import read_series
from ichnet.ct.discover import discover
from ichnet.ct.resample import to_matrix
from ichnet.ct.volume import Volume
from ichnet.deployment.predict import Predictor
from ichnet.deployment.runtime import ONNXRUNTIME, RUNTIMES, TENSORFLOW, TITLES
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_prediction import predict_volume

KEY = bytes(32)
SCANS = 3
MEASURED = {
    "start_seconds": "s to start",
    "start_cpu_seconds": "of these CPU",
    "seconds_per_scan": "s a scan",
    "cpu_seconds_per_scan": "of these CPU",
    "peak_mib": "peak MiB",
}


def main() -> None:
    """Measure in turns; print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scan", type=Path, help="a folder with one head CT (a synthetic one)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=RUNTIMES, help=argparse.SUPPRESS)
    parser.add_argument("--answers", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.scan, args.answers)))
        return
    runtimes = [one for one in RUNTIMES if find_spec(one)]
    rounds: dict[str, list[dict[str, float]]] = {runtime: [] for runtime in runtimes}
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name
        if ONNXRUNTIME in runtimes:
            in_a_process(ONNXRUNTIME, args.scan, Path(name))  # converts
        for _ in range(args.rounds):
            for runtime in runtimes:
                rounds[runtime].append(in_a_process(runtime, args.scan, Path(name)))
        differences = {runtime: difference(Path(name), runtime) for runtime in runtimes}
    result: dict[str, dict[str, float]] = {measured: {} for measured in MEASURED}
    print(f"{'':14}" + "".join(f"{title:>14}" for title in MEASURED.values()))
    for runtime in runtimes:
        for measured, found in result.items():
            found[runtime] = round(float(np.median([one[measured] for one in rounds[runtime]])), 3)
        values = "".join(f"{found[runtime]:14.2f}" for found in result.values())
        print(f"{TITLES[runtime]:14}{values}   difference {differences[runtime]:.1e}")
    print(json.dumps({**result, "difference": differences}))


def in_a_process(runtime: str, scan: Path | None, folder: Path) -> dict[str, float]:
    """Return what a fresh process measures; its answers go into a file of ``folder``."""
    command = [sys.executable, __file__, "--measure", runtime]
    command += [
        "--answers",
        str(folder / f"{runtime}.npz"),
        *(["--scan", str(scan)] if scan else []),
    ]
    began = time.time()
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    found["start_seconds"] = found.pop("ready") - began
    return found


def measure(runtime: str, scan: Path | None, answers: Path) -> dict[str, Any]:
    """Load the model, then predict a scan several times."""
    with tempfile.TemporaryDirectory() as name:
        model = Predictor(None, Path(name), KEY, runtime=runtime).model
        side = model.metadata.image.matrix
        model(np.zeros((2, side, side), np.float32))
        found = {"ready": time.time(), "start_cpu_seconds": time.process_time()}
        volume = read(scan, Path(name)) if scan else synthetic_head()
    seconds, cpu_seconds = [], []
    for _ in range(SCANS):
        clock, cpu = time.perf_counter(), time.process_time()
        predict_volume(model, volume)
        seconds.append(time.perf_counter() - clock)
        cpu_seconds.append(time.process_time() - cpu)
    found["seconds_per_scan"] = float(np.median(seconds[1:]))
    found["cpu_seconds_per_scan"] = float(np.median(cpu_seconds[1:]))
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    probability, maps = answers_of(model, volume)
    np.savez(answers, probability=probability, maps=maps)
    return found


def read(scan: Path, folder: Path) -> Volume:
    """Return the one head CT of a folder."""
    (series,), _ = discover([scan], folder / "scratch")
    return read_series(series.files, KEY)


def synthetic_head() -> Volume:
    """Return 32 slices of 512 x 512: soft tissue in bone, with noise and a brighter ball."""
    z, y, x = np.ogrid[-1:1:32j, -1:1:512j, -1:1:512j]
    radius = np.sqrt((z * 0.9) ** 2 + (y * 1.1) ** 2 + (x * 1.3) ** 2)
    hu = np.where(radius < 0.9, 35, np.where(radius < 0.95, 900, -1000))
    hu[np.sqrt(z**2 + (y - 0.2) ** 2 + (x - 0.3) ** 2) < 0.2] = 65
    hu = np.clip(hu + np.random.default_rng(0).normal(0, 5, hu.shape), -1024, 3000)
    return Volume(
        hu=hu.astype(np.int16),
        pixel_spacing_mm=(0.45, 0.45),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.outer(np.arange(32), [0, 0, 5.0]),
        slice_spacing_mm=np.full(32, 5.0),
        scan_id="synthetic",
        patient_id="synthetic",
    )


def answers_of(model: SavedModel, volume: Volume) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return probability and map of each slice."""
    image = model.metadata.image
    outputs = []
    for seen, own in model.batches(len(volume.hu)):
        hu = to_matrix(
            volume.hu[seen],
            volume.pixel_spacing_mm,
            image.matrix,
            image.field_of_view_mm,
            volume.centre_mm,
        )
        outputs.append({name: value[own] for name, value in model(np.rint(hu)).items()})
    probability, maps = (
        np.concatenate([one[name] for one in outputs])
        for name in ("probability", "mask_probability")
    )
    return probability, maps


def difference(folder: Path, runtime: str) -> float:
    """Return the largest difference of a runtime's answers from TensorFlow's."""
    with np.load(folder / f"{TENSORFLOW}.npz") as wanted, np.load(folder / f"{runtime}.npz") as one:
        return max(float(np.abs(wanted[name] - one[name]).max()) for name in wanted)


if __name__ == "__main__":
    main()

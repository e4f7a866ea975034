"""Synthetic scans a second, rendered alone and written as DICOM by one and by two processes.

The last line is one JSON object.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from ichnet.config import PhantomConfig, load_config
from ichnet.phantom.cohort import generate
from ichnet.phantom.patient import draw_patient
from ichnet.phantom.scanner import scan_patient

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
SCANS, ROUNDS = 8, 3


def main() -> None:
    """Time each way in turns and print medians."""
    phantom = load_config(CONFIG).phantom
    phantom = replace(phantom, scans=dict.fromkeys(phantom.scans, SCANS))
    ways: dict[str, Callable[[int], None]] = {
        "render": lambda seed: render(phantom, seed),
        "write_1_process": lambda seed: write(phantom, seed, 1),
        "write_2_processes": lambda seed: write(phantom, seed, 2),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way(seed)
            seconds[name].append(time.perf_counter() - start)
    rates = {name: SCANS / median(values) for name, values in seconds.items()}
    print(f"{SCANS} scans, {phantom.slices} slices of {phantom.matrix} x {phantom.matrix}")
    for name, rate in rates.items():
        print(f"{name:20} {rate:6.2f} scans a second")
    print(json.dumps({f"scans_per_second_{name}": round(rate, 3) for name, rate in rates.items()}))


def render(phantom: PhantomConfig, seed: int) -> None:
    """Render scans without writing them."""
    for index in range(SCANS):
        patient = draw_patient(seed, "aihub", index, has_ich=index % 2 == 0)
        scan_patient(patient, seed, phantom.matrix, phantom.slices)


def write(phantom: PhantomConfig, seed: int, workers: int) -> None:
    """Write a cohort; two processes pay for starting two interpreters."""
    with tempfile.TemporaryDirectory() as folder:
        generate(phantom, seed, Path(folder), ["aihub"], workers)


if __name__ == "__main__":
    main()

"""Synthetic scans a second, and whether time and memory grow as they should.

Scans of the cohort ``wide`` go straight into records at the networks' matrix, by two processes.
Scans of 512 x 512 are written as DICOM by one and by two processes, in turns; a scan of 16 slices
is compared with one of 32; peak memory after two scans is compared with that after ten.

The last line is one JSON object.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ichnet.config import PhantomConfig, load_config
from ichnet.phantom.cohort import generate
from ichnet.phantom.patient import WIDE
from ichnet.phantom.wide import FIELD_OF_VIEW_MM
from ichnet.records.synthetic import write_synthetic_scans

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
MATRIX, SLICES, SCANS, ROUNDS = 512, 32, 12, 3
NETWORK_MATRIX, NETWORK_SLICES, RECORD_SCANS = 128, (16, 34), 120


def main() -> None:
    """Time each way in turns and print medians."""
    if len(sys.argv) == 3:
        print_peak(int(sys.argv[1]), int(sys.argv[2]))
        return
    ways = {
        "32 slices, 2 processes": (SLICES, 2, SCANS),
        "32 slices, 1 process": (SLICES, 1, SCANS // 3),
        "16 slices, 1 process": (SLICES // 2, 1, SCANS // 3),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(ROUNDS):
        for name, (slices, workers, scans) in ways.items():
            start = time.perf_counter()
            write(slices, workers, scans, seed)
            rates[name].append(scans / (time.perf_counter() - start))
    print(f"{MATRIX} x {MATRIX}, written as DICOM, median of {ROUNDS}")
    for name, values in rates.items():
        print(f"{name:24} {np.median(values):5.2f} scans a second")
    linear = float(
        np.median(rates["16 slices, 1 process"]) / np.median(rates["32 slices, 1 process"])
    )
    peaks_mib = {scans: peak_of_process(scans) for scans in (2, 10)}
    print(f"half the slices: {linear:.2f} times the scans")
    print(f"peak memory: {peaks_mib[2]} MiB for 2 scans, {peaks_mib[10]} MiB for 10")
    record_rates = [record_rate(seed) for seed in range(ROUNDS)]
    low, high = NETWORK_SLICES
    print(f"{NETWORK_MATRIX} x {NETWORK_MATRIX}, {low} to {high} slices, straight into records:")
    print(f"{'2 processes':24} {np.median(record_rates):5.2f} scans a second")
    figures = {
        "scans_per_second": round(float(np.median(record_rates)), 3),
        "dicom_scans_per_second": round(float(np.median(rates["32 slices, 2 processes"])), 3),
        "dicom_scans_per_second_1_process": round(
            float(np.median(rates["32 slices, 1 process"])), 3
        ),
        "rate_at_half_the_slices": round(linear, 3),
        "rss_ratio_5x": round(peaks_mib[10] / peaks_mib[2], 3),
    }
    print(json.dumps(figures))


def write(slices: int, workers: int, scans: int, seed: int) -> None:
    """Write a cohort; two processes pay for starting two interpreters."""
    with tempfile.TemporaryDirectory() as folder:
        generate(configured(slices, scans), seed, Path(folder), ["dumc"], workers)


def record_rate(seed: int) -> float:
    """Return how many scans a second two processes write as records, starting them included."""
    config = load_config(CONFIG)
    image = replace(config.image, matrix=NETWORK_MATRIX, field_of_view_mm=FIELD_OF_VIEW_MM)
    phantom = PhantomConfig(NETWORK_MATRIX, NETWORK_SLICES, {WIDE: RECORD_SCANS}, {WIDE: 0.5})
    config = replace(config, seed=seed, image=image, phantom=phantom)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        write_synthetic_scans(config, Path(folder) / "records", workers=2)
        return RECORD_SCANS / (time.perf_counter() - start)


def configured(slices: int, scans: int) -> PhantomConfig:
    """Return the demonstration's phantom at a scanner's own matrix."""
    phantom = load_config(CONFIG).phantom
    return replace(
        phantom,
        matrix=MATRIX,
        slices=(slices, slices),
        scans=dict.fromkeys(phantom.scans, scans),
    )


def peak_of_process(scans: int) -> int:
    """Return the peak resident memory of a fresh process that writes scans, MiB."""
    command = [sys.executable, __file__, str(scans), "1"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_peak(scans: int, workers: int) -> None:
    """Write scans and print this process's peak resident memory, MiB."""
    write(SLICES, workers, scans, seed=0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    main()

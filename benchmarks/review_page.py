"""Size of the review page, and how long a browser takes to load it: 161 cases of 32 slices.

Synthetic heads of 512 x 512 pixels with a scanner's noise and outlines. Needs Chromium.

    python benchmarks/review_page.py

The last line is one JSON object.
"""

from __future__ import annotations

import json
import runpy
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ichnet.phantom.draw import draw_patient
from ichnet.phantom.scanner import scan_patient
from ichnet.reporting.review.images import EncodedScan, encode_scan
from ichnet.reporting.review.page import write_review

CASES, SLICES, ROUNDS = 161, 32, 5
MATRIX = 512
HEADS = 6
"""Distinct ones; the other cases repeat them, which changes neither size nor time."""

BROWSER = Path(__file__).parents[1] / "tests" / "browser.py"


def main() -> None:
    """Write the page and load it again and again, each time with a new profile."""
    browser = runpy.run_path(str(BROWSER))
    if not browser["EXECUTABLE"]:
        raise SystemExit(browser["WHY_NOT"])
    begin = time.perf_counter()
    heads = [encode_head(index) for index in range(HEADS)]
    seconds = (time.perf_counter() - begin) / HEADS
    print(f"{HEADS} heads of {SLICES} slices drawn and encoded, {seconds:.1f} s each")
    cases = [f"case-{number:03d}" for number in range(1, CASES + 1)]
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "review.html"

        def encode(case: str) -> EncodedScan:
            return heads[int(case.split("-")[1]) % HEADS]

        write_review(page, "benchmark", "Synthetic heads.", "benchmark", cases, encode)
        megabytes = page.stat().st_size / 1e6
        loads = [load(browser["Browser"], page, Path(folder) / str(i)) for i in range(ROUNDS)]
    first, second = np.median(loads, axis=0).tolist()
    result = {
        "review_page_mb": round(megabytes, 1),
        "review_page_load_seconds": round(first, 2),
        "review_page_next_case_seconds": round(second, 3),
    }
    print(f"{CASES} cases of {SLICES} slices: {megabytes:.1f} MB; loaded in", end=" ")
    print(", ".join(f"{load[0]:.2f}" for load in loads), "s")
    print(json.dumps(result))


def encode_head(index: int) -> EncodedScan:
    """Draw a head with a hemorrhage and encode it, with the hemorrhage's outline."""
    patient = draw_patient(2023, "dumc", index, has_ich=True)
    scan = scan_patient(patient, 2023, MATRIX, (SLICES, SLICES))
    return encode_scan(scan.volume(""), scan.mask)


def load(browser: Any, page: Path, profile: Path) -> tuple[float, float]:
    """Return the seconds until the first slice is on the screen, and until the next case's is."""
    profile.mkdir()
    with browser(profile) as opened:
        begin = time.perf_counter()
        opened.open(page)
        opened.wait("!!document.querySelector('#stage').dataset.shown")
        first = time.perf_counter() - begin
        shown = opened.run("document.querySelector('#stage').dataset.shown")
        begin = time.perf_counter()
        opened.key("ArrowRight")
        opened.wait(f"document.querySelector('#stage').dataset.shown !== '{shown}'")
        return first, time.perf_counter() - begin


if __name__ == "__main__":
    main()

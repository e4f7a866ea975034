"""Kill `ichnet predict` with SIGKILL at random moments and start it again, until it is done.

A tenth of the scans is damaged in random ways (`predict_fuzz.py`). In the end every scan must have
the result, or the reason, that an undisturbed run gives it, and nothing identified may be left in
the scratch folder.

    python benchmarks/predict_kill.py --scans 1000 --kills 20

The last line is one JSON object: `scans`, `kills`, `predicted`, `refused`, `wrong` results (other
than the undisturbed run's, missing, or too many), `left` files in scratch or half written.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from predict_fuzz import SLICES, damage_headers, damage_pixels, series, write_model

DAMAGED_SHARE = 0.1
LONGEST_S = 3600.0
"""For a start of the program that is not killed."""


def main() -> None:
    """Kill, restart, compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scans", type=int, default=200, metavar="N")
    parser.add_argument("--kills", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model_dir = write_model(folder / "model" / "1")
        result = survive(model_dir, folder, args.scans, args.kills, args.seed)
    print(json.dumps(result))
    raise SystemExit(bool(result["wrong"] or result["left"]))


def survive(
    model_dir: Path,
    folder: Path,
    scans: int,
    kills: int,
    seed: int,
    damaged_share: float = DAMAGED_SHARE,
) -> dict[str, int]:
    """Return what the undisturbed and the disturbed run differ in."""
    rng = np.random.default_rng(seed)
    write_scans(folder / "in", scans, damaged_share, rng)
    start = time.perf_counter()
    run(model_dir, folder, "expected")
    whole_s = time.perf_counter() - start
    for _ in range(kills):
        # later than the whole run takes it would have ended: the first moments are the likeliest
        run(model_dir, folder, "out", kill_after_s=float(rng.uniform(0, whole_s)))
    run(model_dir, folder, "out")
    expected, found = answers(folder / "expected"), answers(folder / "out")
    wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    left = [*(folder / "scratch").iterdir(), *(folder / "out").glob(".*")]
    predicted = sum(key.startswith("scan ") for key in expected)
    return {
        "scans": scans,
        "kills": kills,
        "predicted": predicted,
        "refused": scans - predicted,
        "wrong": len(wrong),
        "left": len(left),
    }


def write_scans(folder: Path, scans: int, damaged_share: float, rng: np.random.Generator) -> None:
    """Write a folder for each scan; some are damaged, each in its own way."""
    for number in range(scans):
        contents, target = series(number), folder / f"{number:05d}"
        if rng.random() < damaged_share:
            (damage_headers, damage_pixels)[rng.integers(2)](contents, rng, target)
            continue
        target.mkdir(parents=True)
        for index in range(SLICES):
            (target / f"{index}.dcm").write_bytes(contents[index])


def run(model_dir: Path, folder: Path, out: str, kill_after_s: float | None = None) -> None:
    """Start the command; kill it after some seconds, or let it end.

    Raises:
        RuntimeError: when it ends by itself in another way than with results.
    """
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    key = {"ICHNET_PSEUDONYM_KEY_FILE": str(folder / "key"), "TMPDIR": str(scratch)}
    command = [sys.executable, "-m", "ichnet", "predict", "--model", model_dir]
    command += ["--out", folder / out, folder / "in"]
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **key},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        code = process.wait(LONGEST_S if kill_after_s is None else kill_after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        if kill_after_s is None:
            raise
        return
    if code not in (0, 1):
        raise RuntimeError(f"ichnet predict ended with {code}")


def answers(out: Path) -> dict[str, str]:
    """Return the answer about each scan, and the reason for each file that was left out."""
    found = {}
    for path in out.glob("*.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        score, volume = result["score"], result["volume_ml"]
        found[f"scan {path.stem}"] = f"{result['decision']} {score:.6f} {volume:.6f}"
    with (out / "excluded.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            found[f"file {row['file']}"] = row["reason"]
    with (out / "predictions.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            found[f"row {row['scan_id']}"] = row["decision"]
    return found


if __name__ == "__main__":
    main()

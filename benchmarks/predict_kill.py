"""Kill `ichnet predict` with SIGKILL at random moments and start it again, until it is done.

A tenth of the scans is damaged in random ways (`predict_fuzz.py`), every second of the others lies
in an archive. Kills are spread over the work: each comes when a random number of scans has its
result or was refused, and a random time after that. In the end every scan must have the result, or
the reason, that an undisturbed run gives it, and each that is not damaged a result; nothing may be
left in the scratch folder, and nobody be named outside of the input.

    python benchmarks/predict_kill.py --scans 1000 --kills 20

The last line is one JSON object: `scans`, `damaged`, `kills` that found the program at work,
`predicted`, `refused`, `wrong` results (other than the undisturbed run's, missing, or too many),
`left` files in scratch or half written, `named`: files that hold a patient's name, number or UID.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from predict_fuzz import DAMAGES, series, write_model

from ichnet.ct.pseudonym import pseudonym

DAMAGED_SHARE = 0.1
LONGEST_S = 3 * 3600.0
"""For one start of the program."""

POLL_S = 0.2
PAUSE_SHARE = 0.05
"""Longest pause before a kill, as a share of the undisturbed run."""

IDENTITIES = (b"Doe^Jane", b"1.2.3.", b"1.2.4.")
"""The patients' name, and what all UIDs begin with."""


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
    raise SystemExit(bool(result["wrong"] or result["left"] or result["named"]))


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
    damaged = set(rng.permutation(scans)[: round(damaged_share * scans)].tolist())
    write_scans(folder / "in", scans, damaged, rng)
    start = time.perf_counter()
    run(model_dir, folder, "expected")
    pause_s = PAUSE_SHARE * (time.perf_counter() - start)
    killed = 0
    # the last tenth is left out: damaged scans that nobody can tell apart are never counted done
    for done in np.sort(rng.uniform(0, 0.9 * scans, kills)):
        killed += run(model_dir, folder, "out", int(done), float(rng.uniform(0, pause_s)))
    run(model_dir, folder, "out")
    expected, found = answers(folder / "expected"), answers(folder / "out")
    wrong = {key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)}
    key = (folder / "key").read_bytes()
    wrong |= {scan_key(key, number) for number in set(range(scans)) - damaged} - found.keys()
    left = [*(folder / "scratch").iterdir(), *(folder / "out").glob(".*")]
    predicted = sum(key.startswith("scan ") for key in expected)
    return {
        "scans": scans,
        "damaged": len(damaged),
        "kills": killed,
        "predicted": predicted,
        "refused": scans - predicted,
        "wrong": len(wrong),
        "left": len(left),
        "named": named(folder / "out", folder / "scratch"),
    }


def write_scans(folder: Path, scans: int, damaged: set[int], rng: np.random.Generator) -> None:
    """Write a folder or an archive for each scan; some are damaged, each in its own way."""
    damages = list(DAMAGES.values())
    folder.mkdir(parents=True)
    for number in range(scans):
        contents, target = series(number), folder / f"Doe^Jane {number:05d}"
        if number in damaged:
            damages[rng.integers(len(damages))](contents, rng, target)
        elif number % 2:
            with zipfile.ZipFile(f"{target}.zip", "w") as opened:
                for index, content in enumerate(contents):
                    opened.writestr(f"{index}.dcm", content)
        else:
            target.mkdir()
            for index, content in enumerate(contents):
                (target / f"{index}.dcm").write_bytes(content)


def scan_key(key: bytes, number: int) -> str:
    """Return the name under which :func:`answers` has a scan."""
    identity = f"1.2.3.{number}\0" + f"1.2.4.{number}\0" + f"P{number}"
    return f"scan {pseudonym(key, 'scan', identity)}"


def run(
    model_dir: Path, folder: Path, out: str, kill_at: int | None = None, pause_s: float = 0.0
) -> bool:
    """Start the command; let it end, or kill it a while after so many scans are done with.

    Returns:
        whether it was killed, and had not ended by itself before.

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
    if kill_at is not None:
        while process.poll() is None and done_with(folder / out) < kill_at:
            time.sleep(POLL_S)
        time.sleep(pause_s)
        process.kill()
    code = process.wait(LONGEST_S)
    if code == -signal.SIGKILL and kill_at is not None:
        return True
    if code not in (0, 1):
        raise RuntimeError(f"ichnet predict ended with {code}")
    return False


def done_with(out: Path) -> int:
    """Return how many scans have a result, or were refused."""
    return sum(1 for path in out.glob("[!.]*") if path.suffix in (".json", ".refused"))


def named(*folders: Path) -> int:
    """Return how many files hold an identity, in their contents or their name."""
    files = [path for folder in folders for path in folder.rglob("*")]
    texts = [path.name.encode() + (path.read_bytes() if path.is_file() else b"") for path in files]
    return sum(any(identity in text for identity in IDENTITIES) for text in texts)


def answers(out: Path) -> dict[str, str]:
    """Return the answer about each scan, and the reason for each file that was left out."""
    found = {}
    for path in out.glob("[!.]*.json"):
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

"""Give `ichnet predict` damaged series: none may end the run, each is predicted or excluded.

A series has six slices in one of seven encodings; one or all of its files are mutated, seeded.
After each lot every file must be accounted for: it belongs to a predicted scan or is in
`excluded.csv` with a reason. The model is a tiny untrained segmenter, whatever it says.

    python benchmarks/predict_fuzz.py --series 1000

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from dicom_fuzz import mutated, write_originals
from pydicom import dcmread

from ichnet.config import load_config
from ichnet.deployment.export import export_model
from ichnet.deployment.predict import Predictor
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.statistics.scan_score import UNCHANGED

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
SLICES, GAP_MM, AT_ONCE = 6, 10.0, 50
KEY = bytes(32)


def main() -> None:
    """Fuzz and print what became of the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.perf_counter()
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        originals = write_originals(folder)
        model_dir = write_model(folder / "model" / "1")
        for first in range(args.seed, args.seed + args.series, AT_ONCE):
            count = min(AT_ONCE, args.seed + args.series - first)
            lot = folder / f"lot-{first}"
            for number in range(first, first + count):
                write_series(originals, number, lot / "in" / str(number))
            outcomes.update(outcomes_of(model_dir, lot / "in", lot / "out"))
    for outcome, count in outcomes.most_common():
        print(f"{count:7,} files  {outcome}")
    lost = outcomes["LOST"]
    result = {
        "series": args.series,
        "files": sum(outcomes.values()),
        "lost": lost,
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(result))
    raise SystemExit(lost > 0)


def write_model(folder: Path) -> Path:
    """Export an untrained segmenter of 32 x 32 pixels."""
    config = load_config(CONFIG)
    config = replace(config, image=replace(config.image, matrix=32))
    network = build_inception_unet(config.image, base_width=4, depth=2, name="unet", seed=0)
    export_model(network, "untrained", config, UNCHANGED, folder)
    return folder


def write_series(originals: Sequence[bytes], number: int, folder: Path) -> None:
    """Write a series, in one encoding; one file, or every file, is damaged."""
    rng = np.random.default_rng(number)
    folder.mkdir(parents=True)
    everywhere = rng.random() < 0.3
    damaged_slice = int(rng.integers(SLICES))
    for index in range(SLICES):
        dataset = dcmread(BytesIO(originals[number % len(originals)]))
        dataset.SeriesInstanceUID = f"1.2.3.{number}"
        dataset.SOPInstanceUID = f"1.2.3.{number}.{index + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        x_mm, y_mm, _ = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x_mm, y_mm, index * GAP_MM]
        dataset.BodyPartExamined, dataset.ContrastBolusAgent = "HEAD", ""
        content = BytesIO()
        dataset.save_as(content)
        is_damaged = everywhere or index == damaged_slice
        written = mutated(content.getvalue(), rng) if is_damaged else content.getvalue()
        (folder / f"{index}.dcm").write_bytes(written)


def outcomes_of(model_dir: Path, series: Path, out: Path) -> Counter[str]:
    """Predict a lot and return what became of its files: ``predicted``, a reason, or ``LOST``."""
    predictor = Predictor(model_dir, out, KEY)
    predictor.take([series])
    with predictor.summary.excluded_csv.open(encoding="utf-8", newline="") as handle:
        excluded = {row["file"]: row["reason"] for row in csv.DictReader(handle)}
    with predictor.summary.predictions_csv.open(encoding="utf-8", newline="") as handle:
        predicted = sum(int(row["slices"]) for row in csv.DictReader(handle))
    files = {str(path) for path in series.rglob("*.dcm")}
    outcomes = Counter({"predicted": predicted})
    outcomes.update(reason for file, reason in excluded.items() if file in files)
    outcomes["LOST"] = abs(len(files) - outcomes.total())
    return outcomes


if __name__ == "__main__":
    main()

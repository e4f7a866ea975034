"""Whether synthetic heads are hard for the right reasons: a HU threshold against a small U-Net.

The threshold (bright tissue within the skull, no bone, a smallest volume) is tuned on training
scans. The U-Net is the demonstration's own, trained for longer. Both are tested on the synthetic
DUMC and CQ500, whose scanners differ from those of the training scans; the truth is what was drawn,
not what simulated readers called. An AUC of a kind is of scans with that kind alone against all
scans without blood, with DeLong's interval.

    python benchmarks/phantom_difficulty.py [--scans 400] [--epochs 20] [--steps 100]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config, load_config
from ichnet.ct.header import read_header
from ichnet.ct.pseudonym import load_key, pseudonym
from ichnet.evaluation.calibrate import calibrate_model
from ichnet.evaluation.maps import cache_maps
from ichnet.evaluation.predict_records import predict_model
from ichnet.phantom.cohort import generate, tasks_of
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.patient import Patient
from ichnet.records.prepare import Options, prepare
from ichnet.records.record_set import RecordSet
from ichnet.runs import AIHUB_SCANS, TEST_COHORTS, THRESHOLD, RunFolder, segmenter_name
from ichnet.runs.predictions import read_predictions, scans_path
from ichnet.statistics.delong import delong_interval
from ichnet.subtypes import SUBTYPES
from ichnet.training.baselines import fit_threshold
from ichnet.training.segmenter import train_segmenter

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
UNET = segmenter_name("all")
SMALL_ML = 5.0
KINDS = (
    "any",
    *SUBTYPES,
    "acute SDH",
    "isodense SDH",
    "acute SAH",
    "faint SAH",
    "at most 5 mL",
    "over 5 mL",
)


def main() -> None:
    """Make heads, tune, train, test; print AUCs by kind of hemorrhage."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scans", type=int, default=400, help="for training; as many for testing")
    parser.add_argument("--epochs", type=int, default=20, help="of the U-Net; 0 leaves it out")
    parser.add_argument("--steps", type=int, default=100, help="in an epoch")
    args = parser.parse_args()
    config = configured(args.scans, args.epochs, args.steps)
    models = [THRESHOLD, UNET] if args.epochs else [THRESHOLD]
    with tempfile.TemporaryDirectory() as folder:
        records, run = make_records(config, Path(folder)), RunFolder(Path(folder) / "run")
        if args.epochs:
            unet = train_segmenter(config, "all", records, run)
            for name, split in (
                (AIHUB_SCANS, "validation"),
                *((c, "test") for c in TEST_COHORTS),
            ):
                cache_maps({"all": unet}, RecordSet.open(records / name), [split], run.maps(name))
        fit_threshold(records, run)
        for model in models:
            calibrate_model(config, model, records, run)
            predict_model(config, model, records, run)
        print(f"threshold: {run.rule.read_text()}")
        patients = drawn_patients(config, Path(folder) / "raw")
        figures = {model: by_kind(run, model, patients) for model in models}
    print(json.dumps({f"auc_{model}": figures[model] for model in models}))


def configured(scans: int, epochs: int, steps: int) -> Config:
    """Return the demonstration's configuration with other sizes."""
    config = load_config(CONFIG)
    training = replace(config.segmenters.training, epochs=epochs, steps_per_epoch=steps)
    return replace(
        config,
        phantom=replace(
            config.phantom,
            scans={"rsna": 1, "aihub": scans, "dumc": scans // 2, "cq500": scans // 2},
            ich_share=dict.fromkeys(config.phantom.ich_share, 0.5),
        ),
        selection=replace(config.selection, scans_with_ich=scans // 2 - 10, ensemble_share=0.05),
        segmenters=replace(config.segmenters, training=training),
    )


def make_records(config: Config, folder: Path) -> Path:
    """Write heads and records; return the folder of record sets."""
    generate(config.phantom, config.seed, folder / "raw", ("aihub", *TEST_COHORTS))
    sets: list[tuple[str, str, Literal["scans", "all"]]] = [
        (AIHUB_SCANS, "aihub", "scans"),
        *((c, c, "all") for c in TEST_COHORTS),
    ]
    for name, cohort, selection in sets:
        raw, out = folder / "raw" / cohort, folder / "records" / name
        prepare(cohort, selection, config, raw, out, Options(strict=True, workers=2))
    return folder / "records"


def drawn_patients(config: Config, raw: Path) -> dict[str, Patient]:
    """Return who each test scan is, by the scan's pseudonym."""
    key, patients = load_key(), {}
    for cohort in TEST_COHORTS:
        for task in tasks_of(config.phantom, config.seed, cohort, raw / cohort):
            patient = draw_patient(task.seed, cohort, task.index, task.has_ich, task.mix)
            name = f"D{task.index:04d}" if cohort == "dumc" else f"CQ500CT{task.index} *"
            first = next((raw / cohort).glob(f"**/{name}/**/*.dcm"))
            patients[pseudonym(key, "scan", read_header(first).series_uid)] = patient
    return patients


def kinds_of(patient: Patient) -> set[str]:
    """Return the rows of the table that a patient with hemorrhage belongs to."""
    volume_ml = sum(one.volume_ml for one in patient.lesions)
    kinds = {"any", "at most 5 mL" if volume_ml <= SMALL_ML else "over 5 mL"}
    if len(patient.lesions) == 1:
        only = patient.lesions[0]
        kinds |= {only.subtype, f"{only.age} {only.subtype}"}
    return kinds


def by_kind(run: RunFolder, model: str, patients: dict[str, Patient]) -> dict[str, float]:
    """Print and return a model's AUC on each kind of hemorrhage."""
    scores: dict[str, float] = {}
    for cohort in TEST_COHORTS:
        table = read_predictions(scans_path(run.predictions(model), cohort))
        scores |= dict(zip(table["scan_id"], table["score"], strict=True))
    normal = [scores[scan] for scan, patient in patients.items() if not patient.lesions]
    print(f"\n{model}, {len(normal)} scans without hemorrhage")
    figures = {}
    for kind in KINDS:
        found = [
            scores[scan]
            for scan, patient in patients.items()
            if patient.lesions and kind in kinds_of(patient)
        ]
        if len(found) < 2:  # DeLong's variance needs two
            print(f"  {kind:14} {len(found):4}  too few")
            continue
        truth: NDArray[np.int_] = np.repeat([1, 0], [len(found), len(normal)])
        auc = delong_interval(truth, [*found, *normal])
        print(f"  {kind:14} {len(found):4}  {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})")
        figures[kind] = round(auc.value, 3)
    return figures


if __name__ == "__main__":
    main()

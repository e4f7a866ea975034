"""A run folder made of random numbers: everything that reporting reads, in a second."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import yaml

from ichnet.runs import (
    THRESHOLD,
    RunFolder,
    baseline_name,
    classifier_name,
    ensemble_name,
    segmenter_name,
)
from ichnet.runs.predictions import (
    SCAN_COLUMNS,
    SLICE_COLUMNS,
    SUBTYPE_COLUMNS,
    scans_path,
    slices_path,
    subtypes_path,
    write_predictions,
)
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.pooling import POOLINGS
from ichnet.statistics.pooling_choice import PoolingAuc
from ichnet.statistics.scan_score import ScanCalibration, write_calibration
from ichnet.subtypes import LABELS, SUBTYPES

PHANTOM = Path(__file__).parents[2] / "models" / "phantom.yaml"
COHORT_SCANS = {"dumc": 40, "cq500": 30}
RECORD_SETS = {"aihub-scans": 140, "rsna": 60, **COHORT_SCANS}

# how well each model separates, in standard deviations
SKILL = {
    "rsna-weak": 1.1,
    "aihub-weak": 1.4,
    "aihub-strong": 1.9,
    "ensemble": 2.7,
    "segmenter": 2.2,
    "baseline": 2.3,
}


def write_run(
    root: Path,
    backbones: tuple[str, ...] = ("DenseNet121", "InceptionResNetV2", "MobileNetV2", "VGG19"),
    scans: dict[str, int] = COHORT_SCANS,
    slices_per_scan: int = 4,
    replicates: int = 50,
    data_statement: str | None = None,
    seed: int = 7,
    model_seed: int = 7,
) -> RunFolder:
    """Write configuration, predictions, logs and prediction pictures below ``root``/runs/tiny.

    ``seed`` is that of the scans, ``model_seed`` that of what models say of them.

    Records tables go to ``root``/work/tiny/records.
    """
    rng = np.random.default_rng(seed)
    run = RunFolder(root / "runs" / "tiny")
    run.root.mkdir(parents=True)
    config = yaml.safe_load(PHANTOM.read_text(encoding="utf-8"))
    config["name"] = "tiny"
    config["classifiers"]["backbones"] = list(backbones)
    config["evaluation"]["bootstrap_replicates"] = replicates
    if data_statement is not None:
        config["data_statement"] = data_statement
    (run.root / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    (run.root / "records.json").write_text('{"records": "../../work/tiny/records"}', "utf-8")
    truth = {cohort: make_truth(cohort, count, rng) for cohort, count in scans.items()}
    rng = np.random.default_rng([seed, model_seed])
    arms = config["classifiers"]["arms"]
    models = [classifier_name(b, arm) for b in backbones for arm in arms]
    models += [segmenter_name(name) for name in ("all", "subtype", "sdh", "sah", "small")]
    models += [baseline_name(name) for name in ("mean", "maximum", "nnls")]
    models.append(THRESHOLD)
    models += [ensemble_name(name) for name in config["ensembles"]["combinations"]]
    for model in models:
        skill = next(value for name, value in SKILL.items() if name in model)
        for cohort, rows in truth.items():
            write_model(run, model, cohort, rows, slices_per_scan, skill, rng)
        write_log(run.model(model) / "log.csv", rng)
        write_calibration(calibration_of(model), run.calibration(model))
    write_predict(run, truth["dumc"], rng)
    write_records(root / "work" / "tiny" / "records", truth, rng)
    return run


def make_truth(cohort: str, count: int, rng: np.random.Generator) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for index in range(count):
        ich = int(index % 2 == 0)
        present = np.zeros(5, int)
        if ich:
            present[rng.integers(5)] = 1
            present |= (rng.random(5) < 0.15).astype(int)
        readers = [ich, ich, ich if rng.random() < 0.8 else 1 - ich]
        rows.append(
            {
                "cohort": cohort,
                "scan_id": f"{rng.integers(1 << 62):016x}",
                "patient_id": f"{cohort}-patient-{index // 2 if index % 5 == 0 else index}",
                "ANY": ich,
                **dict(zip(SUBTYPES, present.tolist(), strict=True)),
                "volume_ml": float(np.exp(rng.normal(1.5, 1.3))) if ich else 0.0,
                "votes": "".join(map(str, readers)) if cohort == "cq500" else "",
            }
        )
    return rows


def write_model(
    run: RunFolder,
    model: str,
    cohort: str,
    rows: list[dict[str, object]],
    slices_per_scan: int,
    skill: float,
    rng: np.random.Generator,
) -> None:
    scans, slices, subtypes = [], [], []
    for row in rows:
        logit = rng.normal(skill * (2 * int(row["ANY"]) - 1) / 2, 1.0)  # type: ignore[call-overload]
        probability = 1 / (1 + np.exp(-2 * logit))
        scans.append({**row, "score": probability, "probability": probability})
        if model == "ensemble-all":
            subtypes.append(
                {
                    **{key: row[key] for key in ("cohort", "scan_id", "patient_id", *SUBTYPES)},
                    **{
                        f"probability_{name}": probability * (0.2 + 0.8 * int(row[name]))  # type: ignore[call-overload]
                        for name in SUBTYPES
                    },
                }
            )
        for index in range(slices_per_scan):
            bleeding = int(bool(row["ANY"]) and index % 2 == 0)
            noise = rng.normal(logit if bleeding else -1.0, 0.8)
            slices.append(
                {
                    **{key: row[key] for key in ("cohort", "scan_id", "patient_id")},
                    "slice_index": index,
                    **{name: row[name] if bleeding else 0 for name in LABELS},
                    "score": 1 / (1 + np.exp(-2 * noise)),
                    "mask_pixels": 40 * bleeding,
                }
            )
    folder = run.predictions(model)
    write_predictions(scans, SCAN_COLUMNS, scans_path(folder, cohort))
    write_predictions(slices, SLICE_COLUMNS, slices_path(folder, cohort))
    if subtypes:
        write_predictions(subtypes, SUBTYPE_COLUMNS, subtypes_path(folder, cohort))


def calibration_of(model: str) -> ScanCalibration:
    """Return what never was fitted: ensembles took neighbours, all others the maximum."""
    aucs = {name: 0.8 + 0.01 * place for place, name in enumerate(POOLINGS)}
    return ScanCalibration(
        pooling="over-10-mm" if "ensemble" in model else "maximum",
        curve=PlattCalibration(1.0, 0.0),
        with_ich=12,
        without_ich=14,
        validation=tuple(
            PoolingAuc(name, auc, auc - 0.15, auc + 0.125) for name, auc in aucs.items()
        ),
    )


def write_log(path: Path, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            ["epoch", "loss", "val_loss", "val_probability_loss", "val_probability_auc"]
        )
        for epoch in range(1, 7):
            loss = 0.9 * np.exp(-epoch / 3) + 0.02 * rng.random()
            validation = loss + 0.05 + 0.01 * epoch * rng.random()
            writer.writerow([float(epoch), loss, validation, validation, 0.87 + epoch / 100])


def write_predict(run: RunFolder, rows: list[dict[str, object]], rng: np.random.Generator) -> None:
    folder = run.root / "predict"
    folder.mkdir()
    columns = ["scan_id", "slices", "probability", "decision", "threshold", "volume_ml"]
    columns += ["model"]
    with (folder / "predictions.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        for row in rows:
            scan = row["scan_id"]
            writer.writerow(
                {"scan_id": scan, "slices": 16, "probability": 0.5, "decision": "hemorrhage",
                 "threshold": 0.5, "volume_ml": 3.2, "model": "ensemble-all"}
            )  # fmt: skip
            (folder / f"{scan}.json").write_text(json.dumps({"scan_id": scan}), "utf-8")
            write_picture(folder / f"{scan}.png", rng)
    (folder / "excluded.csv").write_text("file,reason,detail\n", "utf-8")


def write_picture(path: Path, rng: np.random.Generator) -> None:
    """Write a grey disc: something like a head in something like a montage."""
    import cv2

    rows, columns = np.mgrid[-1:1:60j, -1:1:50j]
    head = np.where(rows**2 + columns**2 < 0.7, 110, 0) + 12 * rng.random((60, 50))
    cv2.imwrite(str(path), np.tile(head, (2, 4)).astype(np.uint8))


def write_records(
    folder: Path, truth: dict[str, list[dict[str, object]]], rng: np.random.Generator
) -> None:
    columns = ["cohort", "scan_id", "patient_id", "split", "slices", *LABELS]
    columns += [f"volume_ml_{name}" for name in LABELS] + ["age_years", "sex", "votes"]
    for record_set, count in RECORD_SETS.items():
        cohort = record_set.split("-")[0]
        rows = truth.get(cohort) or make_truth(cohort, count, rng)
        path = folder / record_set / "scans.csv"
        path.parent.mkdir(parents=True)
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, columns, extrasaction="ignore")
            writer.writeheader()
            for row in rows:
                known = cohort in ("aihub", "dumc")
                age = f"{rng.normal(60, 15):.0f}" if known else ""
                sex = rng.choice(["F", "M"]) if known else ""
                writer.writerow(
                    {"split": "test", "slices": 16, **row, "age_years": age, "sex": sex}
                )

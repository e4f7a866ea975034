"""Synthetic scans in the file formats of the four real data sets.

Each writer writes the files of one scan and returns its rows of the cohort's label table. The table
is written after all patients.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.config import disable_value_validation

from ichnet.files import write_whole
from ichnet.phantom.dicom import identify, rsna_uid, save, slice_dataset
from ichnet.phantom.patient import Patient, generator
from ichnet.phantom.scanner import Scan
from ichnet.phantom.votes import reader_votes
from ichnet.subtypes import SUBTYPES, bit_of

Row = list[str]

RSNA_TYPES = {
    "epidural": "EDH",
    "intraparenchymal": "IPH",
    "intraventricular": "IVH",
    "subarachnoid": "SAH",
    "subdural": "SDH",
    "any": "ANY",
}

CQ500_FINDINGS = (
    "ICH",
    "IPH",
    "IVH",
    "SDH",
    "EDH",
    "SAH",
    "BleedLocation-Left",
    "BleedLocation-Right",
    "ChronicBleed",
    "Fracture",
    "CalvarialFracture",
    "OtherFracture",
    "MassEffect",
    "MidlineShift",
)

DUMC_COLUMNS = ("scan_id", "patient_id", "path", "ich", *SUBTYPES, "age", "sex", "mask")


def write_rsna(patient: Patient, scan: Scan, seed: int, root: Path) -> list[Row]:
    """Write one minimal DICOM file for each slice into a flat folder; return six rows for each."""
    rng = generator(seed, "rsna", patient.index, purpose=2)
    signed = bool(rng.random() < 0.5)
    intercept = float(rng.choice([-1024, -1000]))
    rows = []
    with disable_value_validation():  # RSNA's UIDs are text
        for index in range(len(scan.hu)):
            dataset = slice_dataset(scan, index, signed, intercept)
            if rng.random() < 0.1:
                dataset.WindowCenter, dataset.WindowWidth = ["36", "36"], ["80", "80"]
            sop = rsna_uid(seed, "rsna", patient.index, index)
            dataset.SOPInstanceUID = sop
            dataset.PatientID = rsna_uid(seed, "rsna patient", patient.index)
            dataset.StudyInstanceUID = rsna_uid(seed, "rsna study", patient.index)
            dataset.SeriesInstanceUID = rsna_uid(seed, "rsna series", patient.index)
            dataset.StudyID = ""
            save(dataset, root / "stage_2_train" / f"{sop}.dcm")
            present = int(np.bitwise_or.reduce(scan.mask[index], axis=None))
            rows += [
                [f"{sop}_{kind}", str(int(bool(present & bit_of(label))))]
                for kind, label in RSNA_TYPES.items()
            ]
            if rng.random() < 0.01:
                rows.append(rows[-1])  # the real table repeats some rows
    return rows


def write_aihub(patient: Patient, scan: Scan, seed: int, root: Path) -> list[Row]:
    """Write a folder of DICOM files and a JSON annotation for each slice."""
    name = f"scan{patient.index:05d}"
    for index in range(len(scan.hu)):
        dataset = slice_dataset(scan, index, signed=True, intercept=-1024)
        identify(dataset, patient, f"aihub/{name}", seed, index)
        save(dataset, root / name / "dicom" / f"{index:04d}.dcm")
        annotation = {
            "sop_instance_uid": str(dataset.SOPInstanceUID),
            **slice_annotation(scan.mask[index]),
        }
        path = root / name / "annotation" / f"{dataset.SOPInstanceUID}.json"
        with write_whole(path) as handle:
            json.dump(annotation, handle)
    return [[name]]


def write_dumc(patient: Patient, scan: Scan, seed: int, root: Path) -> list[Row]:
    """Write a folder of DICOM files and a folder of PNG masks; return the scan's row."""
    name = f"D{patient.index:04d}"
    for index in range(len(scan.hu)):
        dataset = slice_dataset(scan, index, signed=True, intercept=0)
        identify(dataset, patient, f"dumc/{name}", seed, index)
        save(dataset, root / "dicom" / name / f"IM{index:04d}.dcm")
        if scan.mask[index].any():
            path = root / "masks" / name / f"{dataset.SOPInstanceUID}.png"
            with write_whole(path, "wb") as handle:
                handle.write(cv2.imencode(".png", scan.mask[index])[1].tobytes())
    (root / "masks" / name).mkdir(parents=True, exist_ok=True)
    present = int(np.bitwise_or.reduce(scan.mask, axis=None))
    labels = [str(int(bool(present & bit_of(label)))) for label in SUBTYPES]
    identity = [name, f"P{patient.index:04d}", f"dicom/{name}", str(int(bool(present)))]
    return [[*identity, *labels, str(patient.age_years), patient.sex, f"masks/{name}"]]


def write_cq500(patient: Patient, scan: Scan, seed: int, root: Path) -> list[Row]:
    """Write a study with one non-contrast series; return the row with three readers' findings."""
    name = f"CQ500CT{patient.index}"
    folder = root / f"{name} {name}" / "Unknown Study" / "CT Plain"
    for index in range(len(scan.hu)):
        dataset = slice_dataset(scan, index, signed=True, intercept=-1024)
        identify(dataset, patient, f"cq500/{name}", seed, index)
        dataset.SeriesDescription = "CT Plain"
        save(dataset, folder / f"CT{index:06d}.dcm")
    rng = generator(seed, "cq500", patient.index, purpose=3)
    return [[f"CQ500-CT-{patient.index}", "B1", *cq500_reads(rng, patient)]]


def cq500_reads(rng: np.random.Generator, patient: Patient) -> Row:
    """Return the cells of ``CQ500_FINDINGS`` for each of three readers."""
    cells: Row = []
    for called in reader_votes(rng, patient):
        sides = {lesion.side for lesion in patient.lesions if called[lesion.subtype]}
        findings = {
            "ICH": any(called.values()),
            **called,
            "BleedLocation-Left": 1 in sides,
            "BleedLocation-Right": -1 in sides,
        }
        cells += [str(int(findings.get(name, False))) for name in CQ500_FINDINGS]
    return cells


def slice_annotation(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """Return labels and polygons of one slice; filled by the even-odd rule, they give the mask."""
    polygons = {}
    for label in SUBTYPES:
        region = ((mask & bit_of(label)) > 0).astype(np.uint8)
        if region.any():
            polygons[label] = outlines(region)
    return {
        "labels": {label: int(label in polygons) for label in SUBTYPES},
        "polygons": polygons,
    }


def outlines(region: NDArray[np.uint8]) -> list[list[list[float]]]:
    """Return the closed polygons, lists of (x, y), around a region; pixel centres are integers.

    The region is enlarged three times before it is traced, so that polygons run along the edges of
    border pixels rather than through their centres, and a single pixel has an area.
    """
    enlarged = cv2.resize(region, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    rings, _ = cv2.findContours(enlarged, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [
        [[round((float(x) - 1) / 3, 3), round((float(y) - 1) / 3, 3)] for x, y in ring[:, 0]]
        for ring in rings
        if len(ring) >= 3
    ]


def write_label_table(cohort: str, rows: Sequence[Row], root: Path) -> None:
    """Write the label table of a cohort. AI-Hub has none: its labels are in the annotations."""
    if cohort == "aihub":
        return
    name, header, end = {
        "rsna": ("stage_2_train.csv", ["ID", "Label"], "\n"),
        "dumc": ("scans.csv", list(DUMC_COLUMNS), "\n"),
        "cq500": ("reads.csv", _cq500_header(), ""),
    }[cohort]
    with write_whole(root / name, newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows[:-1])
        handle.write(",".join(rows[-1]) + end)


def _cq500_header() -> Row:
    return ["name", "Category"] + [
        f"R{reader}:{name}" for reader in (1, 2, 3) for name in CQ500_FINDINGS
    ]


WRITERS: dict[str, Callable[[Patient, Scan, int, Path], list[Row]]] = {
    "rsna": write_rsna,
    "aihub": write_aihub,
    "dumc": write_dumc,
    "cq500": write_cq500,
}

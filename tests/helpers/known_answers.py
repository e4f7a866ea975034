"""The answers of an exported model on real scans, written by hand."""

from __future__ import annotations

from pathlib import Path

from ichnet.runs.external import ExternalTest, answers_folder, write_test
from ichnet.runs.predictions import (
    SCAN_COLUMNS,
    SLICE_COLUMNS,
    SUBTYPE_COLUMNS,
    scans_path,
    slices_path,
    subtypes_path,
    write_predictions,
)
from ichnet.subtypes import SUBTYPES

TEST = ExternalTest(
    model="m",
    model_sha256="ab" * 32,
    data_statement="Trained on nobody.",
    threshold=0.5,
    pixel_threshold=0.5,
    matrix=32,
    pooling="maximum",
    calibrated=True,
    records="own",
    records_fingerprint="0123456789ab",
    records_matrix=32,
    field_of_view_mm=128.0,
    cohort="dumc",
    excluded={"truncated": 2},
)

SCANS: dict[str, tuple[str, float, float]] = {
    "a": ("SDH", 3.0, 0.9),
    "b": ("SDH", 12.0, 0.6),
    "c": ("IPH", 40.0, 0.4),
    "d": ("", 0.0, 0.7),
    "e": ("", 0.0, 0.2),
    "f": ("", 0.0, 0.1),
    "g": ("", 0.0, 0.05),
}
"""Subtype, volume in mL and probability of each scan; two slices, the second with the lesion."""


def _labels(subtype: str) -> dict[str, int]:
    return {"ANY": int(bool(subtype)), **{name: int(name == subtype) for name in SUBTYPES}}


def write_answers(
    out: Path, outlines: bool = True, subtypes: bool = False, one_patient: bool = False
) -> Path:
    """Write the answers; with ``one_patient`` the scans a and b are of the same person."""
    answers = answers_folder(out)
    folder = answers.predictions("m")
    scans, slices, of_subtypes = [], [], []
    for scan, (subtype, volume_ml, probability) in SCANS.items():
        patient = "p" if one_patient and scan in "ab" else f"p{scan}"
        identity = {"cohort": "dumc", "scan_id": scan, "patient_id": patient}
        volume = volume_ml if outlines else None
        scans.append(
            {**identity, **_labels(subtype), "volume_ml": volume, "probability": probability}
        )
        for index, found in enumerate(("", subtype)):
            pixels = {"mask_pixels": 10, "predicted_pixels": 30, "overlap_pixels": 5}
            drawn = pixels if found else dict.fromkeys(pixels, 0)
            slices.append(
                {
                    **identity,
                    "slice_index": index,
                    **_labels(found),
                    "score": probability * (0.5 + 0.5 * index),
                    **(drawn if outlines else {}),
                }
            )
        for index in (None, 0, 1):
            truth = _labels(subtype if index != 0 else "")
            of_subtypes.append(
                {
                    **identity,
                    "slice_index": index,
                    **{name: truth[name] for name in SUBTYPES},
                    **{f"score_{name}": probability for name in SUBTYPES},
                }
            )
    unknown = {"cohort": "dumc", "scan_id": "u", "patient_id": "pu", "probability": 0.5}
    write_predictions([*scans, unknown], SCAN_COLUMNS, scans_path(folder, "dumc"))
    write_predictions(slices, SLICE_COLUMNS, slices_path(folder, "dumc"))
    if subtypes:
        write_predictions(of_subtypes, SUBTYPE_COLUMNS, subtypes_path(folder, "dumc"))
    if outlines:
        lesions = answers.lesions("m")
        lesions.mkdir(parents=True)
        (lesions / "lesions.csv").write_text(
            "scan_id,patient_id,volume_ml,found\na,pa,3,1\nb,pb,12,1\nc,pc,40,0\n"
        )
        (lesions / "scans.csv").write_text(
            "scan_id,patient_id,lesions,false_positives,dice,hausdorff95_mm\n"
            "a,pa,1,0,0.5,10\nb,pb,1,1,0.7,20\nc,pc,1,0,0,\nd,pd,0,2,,\n"
        )
    write_test(TEST, answers.root)
    return out

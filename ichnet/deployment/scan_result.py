"""What prediction says about one scan, as JSON and as a row of ``predictions.csv``."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ichnet import __version__
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.ct.volume import Volume
from ichnet.deployment.metadata import ModelMetadata
from ichnet.files import write_whole

CSV_COLUMNS: tuple[str, ...] = (
    "scan_id",
    "patient_id",
    "slices",
    "score",
    "probability",
    "decision",
    "uncertain",
    "agreement",
    "threshold",
    "volume_ml",
    "model",
    "data_statement",
)


@dataclass(frozen=True)
class SliceResult:
    """One slice.

    Attributes:
        index: from 0 at the feet's end.
        position_mm: of the slice along the normal, towards the head, in the patient's frame.
        spacing_mm: extent the slice stands for along the normal.
        probability: the model's slice score, before calibration.
        volume_ml: of the predicted mask on this slice; ``None`` for classifiers.
    """

    index: int
    position_mm: float
    spacing_mm: float
    probability: float
    volume_ml: float | None


@dataclass(frozen=True)
class Provenance:
    """What a result was made from and with; when any of it differs, the scan is read again.

    Attributes:
        model_fingerprint: of the model's files.
        files: number of DICOM files of the series.
        ichnet: version of this package.
    """

    model_fingerprint: str
    files: int
    ichnet: str = __version__


class PredictedSlices(NamedTuple):
    """What a model says about the slices of a scan.

    Attributes:
        probability: of each slice, before calibration, float32 [slices].
        mask: uint8 [slices, rows, columns] on the scan's own pixels, 1 where the map exceeds the
            model's pixel threshold; ``None`` for classifiers.
        member_probability: of an ensemble's members, float32 [slices, members]; else ``None``.
    """

    probability: NDArray[np.float32]
    mask: NDArray[np.uint8] | None
    member_probability: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ScanResult:
    """One scan; everything here is written, so nothing here identifies anyone.

    Attributes:
        score: of the slices' probabilities, by the model's pooling.
        probability: the calibrated score.
        decision: ``hemorrhage`` when ``probability`` reaches ``threshold``.
        uncertain: whether ``probability`` lies in the model's abstain band: a person should
            decide.
        agreement: share of an ensemble's members whose own score leads to the same decision
            (members' slices pass the ensemble's pooling and calibration); ``None`` for a single
            model.
        volume_ml: of the predicted mask, by pixel area and perpendicular gaps, whatever the
            decision; ``None`` for classifiers.
        geometry: of the scan as acquired.
        source: what the DICOM headers say of the acquisition, no identifiers.
    """

    scan_id: str
    patient_id: str
    score: float
    probability: float
    decision: str
    uncertain: bool
    agreement: float | None
    threshold: float
    volume_ml: float | None
    slices: tuple[SliceResult, ...]
    geometry: dict[str, Any]
    source: dict[str, str]
    model: str
    data_statement: str
    provenance: Provenance


def summarize_scan(
    volume: Volume,
    predicted: PredictedSlices,
    metadata: ModelMetadata,
    provenance: Provenance,
) -> ScanResult:
    """Return the result of a scan.

    Args:
        volume: the scan.
        predicted: what the model said about its slices.
        metadata: of the model.
        provenance: files and model.
    """
    score = metadata.calibration.score(predicted.probability, volume.slice_spacing_mm)
    probability = metadata.calibration.apply(score)
    volume_ml = None
    if predicted.mask is not None:
        volume_ml = np.count_nonzero(predicted.mask, axis=(1, 2)) * volume.voxel_ml
    low, high = metadata.abstain
    positions_mm = volume.positions_mm @ volume.normal
    return ScanResult(
        scan_id=volume.scan_id,
        patient_id=volume.patient_id,
        score=score,
        probability=probability,
        decision="hemorrhage" if probability >= metadata.threshold else "no hemorrhage",
        uncertain=low <= probability <= high,
        agreement=_agreement(predicted.member_probability, volume, probability, metadata),
        threshold=metadata.threshold,
        volume_ml=None if volume_ml is None else float(volume_ml.sum()),
        slices=tuple(
            SliceResult(
                index=index,
                position_mm=round(float(positions_mm[index]), 3),
                spacing_mm=round(float(volume.slice_spacing_mm[index]), 3),
                probability=float(predicted.probability[index]),
                volume_ml=None if volume_ml is None else float(volume_ml[index]),
            )
            for index in range(len(volume.hu))
        ),
        geometry=describe_geometry(volume),
        source=volume.description,
        model=metadata.model,
        data_statement=metadata.data_statement,
        provenance=provenance,
    )


def _agreement(
    member_probability: NDArray[np.float32] | None,
    volume: Volume,
    probability: float,
    metadata: ModelMetadata,
) -> float | None:
    """Return the share of members on the ensemble's side of the threshold."""
    if member_probability is None:
        return None
    called = probability >= metadata.threshold
    calibration, gaps_mm = metadata.calibration, volume.slice_spacing_mm
    scores = [calibration.score(one, gaps_mm) for one in member_probability.T]
    same = [(calibration.apply(one) >= metadata.threshold) == called for one in scores]
    return sum(same) / len(same)


def describe_geometry(volume: Volume) -> dict[str, Any]:
    """Return matrix, spacing and tilt; the tilt is the normal's angle to the patient's axis."""
    slices, rows, columns = volume.hu.shape
    return {
        "slices": slices,
        "rows": rows,
        "columns": columns,
        "pixel_spacing_mm": list(volume.pixel_spacing_mm),
        "slice_spacing_mm_smallest": round(float(volume.slice_spacing_mm.min()), 3),
        "slice_spacing_mm_largest": round(float(volume.slice_spacing_mm.max()), 3),
        "tilt_degrees": round(float(np.degrees(np.arccos(np.clip(volume.normal[2], -1, 1)))), 2),
    }


def write_result(result: ScanResult, metadata: ModelMetadata, path: Path) -> None:
    """Write a scan's JSON, whole."""
    mapping = {**asdict(result), "model_metadata": asdict(metadata), "research_use": RESEARCH_USE}
    with write_whole(path) as handle:
        json.dump(mapping, handle, indent=2)


def read_result(path: Path) -> ScanResult | None:
    """Read a scan's JSON; ``None`` when there is none, or it is from another version's layout."""
    try:
        mapping = json.loads(path.read_text(encoding="utf-8"))
        del mapping["model_metadata"], mapping["research_use"]
        mapping["slices"] = tuple(SliceResult(**entry) for entry in mapping["slices"])
        mapping["provenance"] = Provenance(**mapping["provenance"])
        return ScanResult(**mapping)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_predictions_csv(results: Iterable[ScanResult], path: Path) -> None:
    """Write one row a scan, whole; the volume's cell is empty for classifiers."""
    with write_whole(path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(CSV_COLUMNS)
        for result in results:
            writer.writerow(
                [
                    result.scan_id,
                    result.patient_id,
                    len(result.slices),
                    f"{result.score:.6g}",
                    f"{result.probability:.6g}",
                    result.decision,
                    "yes" if result.uncertain else "no",
                    "" if result.agreement is None else f"{result.agreement:.2f}",
                    f"{result.threshold:g}",
                    "" if result.volume_ml is None else f"{result.volume_ml:.3f}",
                    result.model,
                    result.data_statement,
                ]
            )

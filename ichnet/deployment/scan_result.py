"""The result of one scan, as JSON and as a row of ``predictions.csv``."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ichnet import __version__
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.ct.volume import Volume
from ichnet.deployment.header_values import allowed_values
from ichnet.deployment.metadata import ModelMetadata
from ichnet.files import write_whole
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.pooling import POOLINGS
from ichnet.subtypes import SUBTYPES

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
    *(f"probability_{name}" for name in SUBTYPES),
    "note",
    "model",
    "data_statement",
    "research_use",
)


Subtypes = dict[str, float | None] | None


@dataclass(frozen=True)
class SliceResult:
    """One slice.

    Attributes:
        index: from 0 at the feet's end.
        position_mm: position along the normal, towards the head, in the patient's frame.
        spacing_mm: length along the normal that the slice stands for.
        probability: the model's slice score, before calibration.
        volume_ml: of the predicted mask on this slice; ``None`` for classifiers.
        subtypes: calibrated probability of each subtype, by its name, ``None`` where validation
            held too few to know; ``None`` for a model that does not tell subtypes.
    """

    index: int
    position_mm: float
    spacing_mm: float
    probability: float
    volume_ml: float | None
    subtypes: Subtypes = None


@dataclass(frozen=True)
class Provenance:
    """The input and software of a result; when any of it differs, the result is made again.

    Attributes:
        digest: of the files, SOP Instance UIDs and contents (:mod:`ichnet.ct.digest`).
        model_sha256: of the model's files (:func:`ichnet.deployment.metadata.model_fingerprint`).
        ichnet: version of this package.
        instances: pseudonyms of the SOP Instance UIDs, by which a part of a series is known to be
            one when the rest arrives.
        runtime: name and version of what computed the model. All answer alike, so that another one
            is no reason to make a result again.
        has_mask: whether the model drew one, so that there may be a segmentation.
    """

    digest: str
    model_sha256: str
    ichnet: str = __version__
    instances: tuple[str, ...] = field(default=(), compare=False)
    runtime: str = field(default="", compare=False)
    has_mask: bool = field(default=True, compare=False)


class PredictedSlices(NamedTuple):
    """A model's outputs for the slices of a scan.

    Attributes:
        probability: of each slice, before calibration, float32 [slices].
        mask: uint8 [slices, rows, columns] on the scan's own pixels, 1 where the map exceeds the
            model's pixel threshold; ``None`` for classifiers.
        member_probability: of an ensemble's members, float32 [slices, members]; else ``None``.
        subtype_score: of the five subtypes, before calibration, float32 [slices, 5]; ``None`` for
            a model that gives none.
    """

    probability: NDArray[np.float32]
    mask: NDArray[np.uint8] | None
    member_probability: NDArray[np.float32] | None = None
    subtype_score: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ScanResult:
    """The result of one scan. All of it is written, so nothing in it identifies anybody.

    Attributes:
        score: pooled from the slices' scores, by the model's pooling.
        probability: the calibrated score.
        decision: ``hemorrhage`` when ``probability`` reaches ``threshold``.
        uncertain: whether ``probability`` lies in the model's uncertain band: a person should
            decide.
        agreement: share of an ensemble's members whose own score leads to the same decision
            (members' slices pass the ensemble's pooling and calibration); ``None`` for a single
            model.
        volume_ml: of the predicted mask, by pixel area and perpendicular gaps, whatever the
            decision; ``None`` for classifiers.
        subtypes: calibrated probability of each subtype in the scan, as in :class:`SliceResult`.
            A scan can have several; they do not sum to one.
        geometry: of the scan as acquired.
        source: the acquisition by the DICOM headers, from a list of allowed values.
        uncertain_band: limits of the band of probabilities that are uncertain, both included.
        calibrated: whether ``probability`` was fitted on validation scans; if not, it cannot be
            read as a share of such scans.
        notes: sentences that a reader needs to understand the result.
        picture: whether there is an overlay; none is made of pixels that show text.
        dicom: whether DICOM objects were made of it.
        predecessor: provenance of the last earlier result that has DICOM objects.
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
    uncertain_band: tuple[float, float] = (0.0, 0.0)
    calibrated: bool = True
    notes: tuple[str, ...] = ()
    picture: bool = True
    dicom: bool = False
    predecessor: Provenance | None = None
    subtypes: Subtypes = None


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
    decision = "hemorrhage" if probability >= metadata.threshold else "no hemorrhage"
    total_ml = None if volume_ml is None else float(volume_ml.sum())
    low, high = metadata.uncertain_band
    positions_mm = volume.positions_mm @ volume.normal
    of_scan, of_slices = _subtypes(predicted.subtype_score, volume, metadata)
    return ScanResult(
        scan_id=volume.scan_id,
        patient_id=volume.patient_id,
        score=score,
        probability=probability,
        decision=decision,
        uncertain=low <= probability <= high,
        agreement=_agreement(predicted.member_probability, volume, probability, metadata),
        threshold=metadata.threshold,
        volume_ml=total_ml,
        slices=tuple(
            SliceResult(
                index=index,
                position_mm=round(float(positions_mm[index]), 3),
                spacing_mm=round(float(volume.slice_spacing_mm[index]), 3),
                probability=float(predicted.probability[index]),
                volume_ml=None if volume_ml is None else float(volume_ml[index]),
                subtypes=of_slices[index],
            )
            for index in range(len(volume.hu))
        ),
        geometry=describe_geometry(volume),
        source=allowed_values(volume.description),
        model=metadata.model,
        data_statement=metadata.data_statement,
        provenance=provenance,
        uncertain_band=metadata.uncertain_band,
        calibrated=is_calibrated(metadata),
        notes=(*_notes(decision, total_ml, metadata), *volume.cautions),
        subtypes=of_scan,
    )


def _subtypes(
    scores: NDArray[np.float32] | None, volume: Volume, metadata: ModelMetadata
) -> tuple[Subtypes, list[Subtypes]]:
    """Return the probabilities of the subtypes in the scan, and in each slice."""
    calibration = metadata.calibration
    if scores is None or calibration.subtypes is None:
        return None, [None] * len(volume.hu)
    of_each = scores.astype(np.float64)
    pooled = calibration.subtype_scores(of_each, volume.slice_spacing_mm)
    of_scan = calibration.subtypes.of_scan(pooled)
    of_slices = calibration.subtypes.of_slices(of_each)
    return _by_subtype(of_scan), [_by_subtype(one) for one in of_slices]


def _by_subtype(values: NDArray[np.float64]) -> Subtypes:
    """Return rounded probabilities by name; ``None`` for unknown ones, as JSON has no NaN."""
    pairs = zip(SUBTYPES, values.tolist(), strict=True)
    return {name: None if np.isnan(value) else round(value, 6) for name, value in pairs}


def is_calibrated(metadata: ModelMetadata) -> bool:
    """Whether a model's probabilities were fitted on validation scans."""
    calibration = metadata.calibration
    return calibration.calibrated and calibration.curve != PlattCalibration(a=1.0, b=0.0)


def _notes(decision: str, volume_ml: float | None, metadata: ModelMetadata) -> tuple[str, ...]:
    """Return notes: of a model that may only guess, and where decision and mask disagree."""
    notes: tuple[str, ...] = ()
    if not metadata.calibration.calibrated:
        notes = (f"{metadata.model} {metadata.calibration.refusal}",)
    if volume_ml is None:
        return notes
    rules = (
        f"the decision follows the {POOLINGS[metadata.calibration.pooling]} (probability from "
        f"{metadata.threshold:g}), the outline each pixel by itself (above "
        f"{metadata.pixel_threshold:g})"
    )
    if decision == "hemorrhage" and volume_ml == 0:
        said = "hemorrhage is suspected, but no pixel is sure enough to be outlined"
        return (*notes, f"{said}: {rules}")
    if decision == "no hemorrhage" and volume_ml > 0:
        return (*notes, f"pixels are outlined, but no slice is suspicious enough: {rules}")
    return notes


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
        mapping["provenance"] = read_provenance(mapping["provenance"])
        earlier = mapping["predecessor"]
        mapping["predecessor"] = None if earlier is None else read_provenance(earlier)
        low, high = mapping["uncertain_band"]
        mapping |= {"uncertain_band": (low, high), "notes": tuple(mapping["notes"])}
        return ScanResult(**mapping)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_provenance(mapping: dict[str, Any]) -> Provenance:
    """Return the provenance that a JSON object describes.

    Raises:
        TypeError: when the object is not a provenance.
        KeyError: likewise.
    """
    return Provenance(**{**mapping, "instances": tuple(mapping["instances"])})


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
                    *(_cell((result.subtypes or {}).get(name)) for name in SUBTYPES),
                    "; ".join(result.notes),
                    result.model,
                    result.data_statement,
                    RESEARCH_USE,
                ]
            )


def _cell(probability: float | None) -> str:
    return "" if probability is None else f"{probability:.6g}"

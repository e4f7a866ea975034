"""Which scans a report shows: hits, misses and false alarms, chosen by rule, never by hand."""

from __future__ import annotations

import base64
import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.reporting.measures.model_predictions import (
    COHORT_TITLES,
    ModelPredictions,
    exclusive_subtypes,
)
from ichnet.reporting.tables.table import DASH

SHOWN = 3
"""Number of scans shown of each kind."""


@dataclass(frozen=True)
class ShownCase:
    """One scan in the report, with its truth and the model's probability."""

    cohort: str
    scan_id: str
    ich: bool
    kind: str
    volume_ml: float
    probability: float


@dataclass(frozen=True)
class Gallery:
    """Cases of three kinds.

    Attributes:
        hits: true positives, most confident first.
        misses: false negatives, least probable first.
        alarms: false positives, most probable first.
        counts: how many there are of each, and of true negatives (``rejections``).
    """

    hits: tuple[ShownCase, ...]
    misses: tuple[ShownCase, ...]
    alarms: tuple[ShownCase, ...]
    counts: dict[str, int]


def choose_cases(
    predictions: ModelPredictions,
    model: str,
    threshold: float,
    pictured: Collection[str] = (),
) -> Gallery:
    """Choose the scans to show: those with a picture first, then by probability.

    Remaining places go to scans without a picture, so that a miss is shown even without one. Ties
    are ordered by scan id.

    Args:
        predictions: scans with the predictions of ``model``.
        model: whose decisions are shown.
        threshold: a scan is called positive from this probability up.
        pictured: ids of the scans that have a picture.
    """
    probability = predictions.by_model[model]
    ich, called = predictions.ich, probability >= threshold
    scans = predictions.truth["scan_id"].astype(str)
    without = np.array([scan not in pictured for scan in scans], dtype=bool)

    def pick(where: NDArray[np.bool_], key: NDArray[np.float64]) -> tuple[ShownCase, ...]:
        order = np.lexsort((scans, key, without))
        return tuple(_case(predictions, model, index) for index in order[where[order]][:SHOWN])

    return Gallery(
        hits=pick(ich & called, -probability),
        misses=pick(ich & ~called, probability),
        alarms=pick(~ich & called, -probability),
        counts={
            "hits": int((ich & called).sum()),
            "misses": int((ich & ~called).sum()),
            "alarms": int((~ich & called).sum()),
            "rejections": int((~ich & ~called).sum()),
        },
    )


def _case(predictions: ModelPredictions, model: str, index: int) -> ShownCase:
    one = predictions.select(np.arange(len(predictions)) == index)
    return ShownCase(
        cohort=str(one.truth["cohort"][0]),
        scan_id=str(one.truth["scan_id"][0]),
        ich=bool(one.ich[0]),
        kind=str(exclusive_subtypes(one.truth)[0]),
        volume_ml=float(one.truth["volume_ml"][0]),
        probability=float(one.by_model[model][0]),
    )


@dataclass(frozen=True)
class Predicted:
    """Results of ``ichnet predict`` in a folder.

    Attributes:
        pictures: overlays by scan id.
        models: names of the models that drew the outlines.
        excluded: number of files that could not be used.
    """

    pictures: Mapping[str, Path]
    models: tuple[str, ...]
    excluded: int


def read_predicted(folder: Path) -> Predicted:
    """Read ``predictions.csv`` and ``excluded.csv``; empty when there is no such folder."""
    rows, excluded = (_rows(folder / name) for name in ("predictions.csv", "excluded.csv"))
    pictures = {row["scan_id"]: folder / f"{row['scan_id']}.png" for row in rows}
    return Predicted(
        pictures={scan: path for scan, path in pictures.items() if path.is_file()},
        models=tuple(sorted({row["model"] for row in rows})),
        excluded=len(excluded),
    )


def gallery_page(
    gallery: Gallery, predicted: Predicted, model: str, threshold: float
) -> dict[str, object]:
    """Return what the report's template needs: the rule, and the cards of each kind."""
    kinds = [
        ("hits", "Hits", "the most confident", "true positives"),
        ("misses", "Misses", "the least suspected", "false negatives"),
        ("alarms", "False alarms", "the most confident", "false positives"),
    ]
    return {
        "rule": (
            f"Chosen by rule, never by hand: the {SHOWN} most probable hits, the {SHOWN} least "
            f"probable misses and the {SHOWN} most probable false alarms of {model} at "
            f"{threshold:g}; scans with a picture (those predicted from DICOM) come first."
            + _provenance(predicted)
        ),
        "kinds": [
            {
                "id": key,
                "title": title,
                "count": f"{which} of {gallery.counts[key]:,} {name}",
                "empty": f"There are no {name}.",
                "cases": [
                    _card(case, predicted.pictures.get(case.scan_id))
                    for case in getattr(gallery, key)
                ],
            }
            for key, title, which, name in kinds
        ],
    }


def _provenance(predicted: Predicted) -> str:
    if not predicted.pictures:
        return ""
    text = f" Outlines: {', '.join(predicted.models)}. Select a picture to enlarge it."
    if predicted.excluded:
        text += f" Files that could not be used: {predicted.excluded:,} (predict/excluded.csv)."
    return text


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _card(case: ShownCase, picture: Path | None) -> dict[str, object]:
    kind = {"none": "subtype not stated", "mixed": "mixed"}.get(case.kind, case.kind)
    truth = f"ICH, {kind}" if case.ich else "normal"
    volume = DASH if np.isnan(case.volume_ml) else f"{case.volume_ml:.1f} mL"
    return {
        "scan_id": case.scan_id,
        "cohort": COHORT_TITLES.get(case.cohort, case.cohort),
        "probability": case.probability,
        "truth": truth,
        "volume": volume,
        "image": embed(picture) if picture else "",
        "alt": (
            f"Slices of scan {case.scan_id} with the predicted outline; truth: {truth}, "
            f"{volume}; probability {case.probability:.3f}"
        ),
    }


def embed(picture: Path) -> str:
    """Return a PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode('ascii')}"

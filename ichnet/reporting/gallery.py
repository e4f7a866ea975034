"""Which scans a report shows: hits, misses and false alarms, chosen by rule, never by hand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.reporting.composite import Composite, exclusive_subtypes

SHOWN = 3
"""Scans of each kind."""


@dataclass(frozen=True)
class ShownCase:
    """One scan in the report, with its truth and what the model said."""

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
    composite: Composite,
    model: str,
    threshold: float,
    pictured: Collection[str] | None = None,
) -> Gallery:
    """Choose the scans to show by their probability alone; ties by scan id.

    Args:
        composite: scans with the predictions of ``model``.
        model: whose decisions are shown.
        threshold: a scan is called positive from this probability up.
        pictured: scan ids that can be shown; all when ``None``. Counts are of all scans.
    """
    probability = composite.probability[model]
    ich, called = composite.ich, probability >= threshold
    shown = np.array(
        [pictured is None or scan in pictured for scan in composite.truth["scan_id"]], dtype=bool
    )
    order = np.lexsort((composite.truth["scan_id"].astype(str), -probability))

    def pick(where: NDArray[np.bool_], order: NDArray[np.intp]) -> tuple[ShownCase, ...]:
        chosen = order[(where & shown)[order]][:SHOWN]
        return tuple(_case(composite, model, index) for index in chosen)

    return Gallery(
        hits=pick(ich & called, order),
        misses=pick(ich & ~called, order[::-1]),
        alarms=pick(~ich & called, order),
        counts={
            "hits": int((ich & called).sum()),
            "misses": int((ich & ~called).sum()),
            "alarms": int((~ich & called).sum()),
            "rejections": int((~ich & ~called).sum()),
        },
    )


def _case(composite: Composite, model: str, index: int) -> ShownCase:
    one = composite.select(np.arange(len(composite)) == index)
    return ShownCase(
        cohort=str(one.truth["cohort"][0]),
        scan_id=str(one.truth["scan_id"][0]),
        ich=bool(one.ich[0]),
        kind=str(exclusive_subtypes(one.truth)[0]),
        volume_ml=float(one.truth["volume_ml"][0]),
        probability=float(one.probability[model][0]),
    )

"""What the results page begins with: at most ten sentences that a clinician can read.

Each is made from numbers and worded by their interval: what an interval does not exclude is not
said to be so.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from ichnet.reporting.measures.estimate import Estimate, signed
from ichnet.reporting.measures.learned import GUESSING
from ichnet.reporting.measures.metrics import SetMetrics
from ichnet.reporting.measures.model_predictions import FINAL_MODEL
from ichnet.reporting.tables.contrasts import UNDERTRAINED
from ichnet.reporting.tables.power import DIFFERENCES

PRIMARY = ("outlines", "specialists")
"""Families whose contrasts are told at the top."""

EQUAL_WITHIN = DIFFERENCES["All"]
"""The smallest difference that the plan counts as one."""


def lead(metrics: SetMetrics, contrasts: Path) -> list[str]:
    """Return the sentences.

    Args:
        metrics: of all test scans.
        contrasts: ``contrasts.csv``.
    """
    return [*_scans(metrics), *_primary(contrasts), *_left_out(contrasts)]


def _scans(metrics: SetMetrics) -> Iterator[str]:
    if metrics.unmeasurable or FINAL_MODEL not in metrics.models:
        yield "There is no final ensemble to speak of, or no test scans to measure it on."
        return
    final = metrics.models[FINAL_MODEL]
    yield (
        f"The final ensemble was tested on {metrics.units:,} synthetic scans, "
        f"{metrics.with_ich:,} of them with hemorrhage, and ranks them with an AUC of {final.auc}: "
        f"{_worth(final.auc)}."
    )


def _worth(auc: Estimate) -> str:
    if auc.high < GUESSING:
        return "it does worse than guessing"
    if auc.low <= GUESSING:
        return "it cannot be told from guessing"
    if auc.low >= 0.9:
        return "it tells most of them apart"
    return "better than guessing, and not good enough to rely on"


def _primary(path: Path) -> Iterator[str]:
    for row in _rows(path):
        if row["Family"] in PRIMARY and row["AUC difference"]:
            yield f"{row['Question']} {worded(row)}"


def _left_out(path: Path) -> Iterator[str]:
    rows = list(_rows(path))
    left = sum(row["Answer"] == UNDERTRAINED for row in rows)
    if left:
        yield (
            f"Not answered: {left} of {len(rows)} contrasts, because a network did not learn "
            "enough to be compared."
        )


def worded(row: Mapping[str, str]) -> str:
    """Return an answer in words, with the difference and its interval."""
    value, low, high = (float(row[f"AUC difference{end}"]) for end in ("", " low", " high"))
    numbers = f"(AUC {signed(value)}, {signed(low)} to {signed(high)})"
    if row["Answer"] == UNDERTRAINED:
        return f"This cannot be answered: a network did not learn enough {numbers}."
    if row["Answer"] == "yes":
        return f"Yes {numbers}."
    if row["Answer"] == "no, the opposite":
        return f"No, it is worse {numbers}."
    if low > -EQUAL_WITHIN and high < EQUAL_WITHIN:
        return f"It makes no difference of {EQUAL_WITHIN:g} or more {numbers}."
    if low > 0 or high < 0:
        return f"Not shown, once corrected for the number of questions {numbers}."
    return f"The run does not tell: gain and loss are both possible {numbers}."


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)

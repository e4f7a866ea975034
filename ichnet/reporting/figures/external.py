"""The figures of an exported model on real scans: ROC curves and reliability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from ichnet.reporting.figures.figure2 import Curve
from ichnet.reporting.figures.reliability import draw_reliability
from ichnet.reporting.figures.roc_panels import Panel, RocPanels, draw_panels
from ichnet.reporting.figures.style import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION
from ichnet.reporting.measures.external import BINS, Bools, ExternalAnswers, auc, groups_of
from ichnet.statistics.calibration import reliability
from ichnet.statistics.operating_points import operating_point
from ichnet.statistics.roc import roc_curve

SECTIONS = ("By subtype", "By size")

LINES: tuple[Mapping[str, Any], ...] = (
    {"color": INK, "linestyle": "solid"},
    {"color": BLUE, "linestyle": (0, (5, 2))},
    {"color": VERMILION, "linestyle": (0, (3, 1, 1, 1))},
    {"color": GREEN, "linestyle": (0, (1, 1))},
    {"color": PURPLE, "linestyle": (0, (7, 2, 1, 2))},
    {"color": ORANGE, "linestyle": (0, (4, 1))},
)
"""Colours and dashes of the curves of a panel; the first is that of all scans."""


def external_figures(answers: ExternalAnswers) -> dict[str, tuple[Figure, str]]:
    """Return each figure with its caption, by the stem of its files."""
    panels = roc(answers)
    units = answers.units()
    found = reliability(units.truth, units.score, BINS, "quantile")
    caption = (
        f"Reliability by scan; {answers.describe()}. Mean probability and share of hemorrhages, "
        f"with Wilson's 95 % interval, in up to {BINS} bins of equal numbers of scans; on the "
        "diagonal a probability means what it says."
    )
    return {
        "roc": (draw_panels(panels), f"{panels.title}. {panels.caption}"),
        "reliability": (draw_reliability({answers.test.model: found}), caption),
    }


def roc(answers: ExternalAnswers) -> RocPanels:
    """Return the ROC curves by subtype and by size, each beside that of all scans."""
    curves = roc_curves(answers)
    panels = []
    for section in SECTIONS:
        shown = {
            title: curve
            for (of_section, title), curve in curves.items()
            if of_section in ("All", section)
        }
        lines = dict(zip(shown, LINES, strict=False))
        panels.append(Panel(section, shown, lines, "" if shown else "two scans of each are needed"))
    return RocPanels(
        "roc",
        f"ROC curves of {answers.test.model}",
        f"Scan level; {answers.describe()}. Each curve against all scans without hemorrhage. "
        "Legend: AUC with its 95 % interval. Points: the decision at the model's threshold, "
        f"{answers.test.threshold:g}.",
        tuple(panels),
    )


def roc_curves(answers: ExternalAnswers) -> dict[tuple[str, str], Curve]:
    """Return the curve of each group of scans (see :func:`groups_of`) that has one."""
    curves = {key: _curve(answers, chosen) for key, chosen in groups_of(answers).items()}
    return {key: curve for key, curve in curves.items() if curve is not None}


def _curve(answers: ExternalAnswers, chosen: Bools) -> Curve | None:
    units = answers.units()
    units = units.select(chosen | ~units.truth)
    area = auc(units)
    if area is None:
        return None
    point = operating_point(units.truth, units.score, answers.test.threshold)
    return Curve(
        *roc_curve(units.truth, units.score), area, (1 - point.specificity, point.sensitivity)
    )

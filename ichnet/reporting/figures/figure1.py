"""Figure 1: every model and what it learned from, counted in the record sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ichnet.config import Config, Segmenter
from ichnet.records.record_set import RecordSet
from ichnet.records.training_sets import training_scans
from ichnet.reporting.figures.style import (
    BLUE,
    GREEN,
    LINE,
    ORANGE,
    PURPLE,
    SKY,
    SOFT_INK,
    VERMILION,
    new_figure,
    style,
)
from ichnet.runs import AIHUB_SCANS, ARM_RECORDS
from ichnet.subtypes import SUBTYPES

TITLE = "Figure 1. Each model and the data it learned from"

KINDS: dict[str, tuple[str, str]] = {
    "IPH": ("IPH only", BLUE),
    "IVH": ("IVH only", SKY),
    "EDH": ("EDH only", PURPLE),
    "SDH": ("SDH only", ORANGE),
    "SAH": ("SAH only", GREEN),
    "mixed": ("mixed", VERMILION),
    "none": ("no subtype stated", SOFT_INK),
    "normal": ("without ICH", LINE),
}
"""Kinds of units that are counted, in the order of the paper's Table 1: legend and colour."""

WHAT_IT_SEES: dict[str, str] = {
    "rsna-weak": "label of each slice",
    "aihub-weak": "label of each slice",
    "aihub-strong": "label and outline",
}

SEGMENTER_TITLES: dict[Segmenter, str] = {
    "all": "Model 1, all lesions",
    "subtype": "Model 2, pre-trained on subtypes",
    "sdh": "Model 3, SDH",
    "sah": "Model 4, SAH",
    "small": "Model 5, small lesions",
}


@dataclass(frozen=True)
class Bar:
    """One model: its name, and how many units of each kind it learned from."""

    title: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Figure1:
    """The bars (experiment A in slices, experiments B and C in scans) and their caption."""

    slices: tuple[Bar, ...]
    scans: tuple[Bar, ...]
    caption: str


def figure1(records: Path, config: Config) -> Figure1:
    """Count what each model of a configuration learns from.

    Args:
        records: folder of the record sets.
        config: arms, rules of the specialists, seed.

    Raises:
        RecordSetError: when a record set is missing.
        ConfigError: when no scan fits the rule of a specialist.
    """
    slices = [
        Bar(
            f"{arm}: {WHAT_IT_SEES[arm]}",
            _count(
                row
                for row in RecordSet.open(records / ARM_RECORDS[arm]).slices
                if row["split"] == "train"
            ),
        )
        for arm in config.classifiers.arms
    ]
    aihub = RecordSet.open(records / AIHUB_SCANS)
    row_of = {row["scan_id"]: row for row in aihub.scans}
    scans = []
    small_ml = config.selection.small_lesion_ml
    for segmenter, title in SEGMENTER_TITLES.items():
        chosen = training_scans(aihub, "train", segmenter, small_ml, config.seed)
        scans.append(Bar(title, _count(row_of[scan] for scan in chosen)))
    held_out = [row for row in aihub.scans if row["split"] == "ensemble"]
    scans.append(Bar("Weight models, held-out scans", _count(held_out)))
    networks = ", ".join(config.classifiers.backbones)
    caption = (
        f"Left, slice level: {_counts(slices)} training slices of experiment A, by arm of "
        f"{networks}. Right, scan level: {_counts(scans)} training scans of experiments B and C, "
        f"by model. Small lesions: more than 0 and at most "
        f"{small_ml:g} mL in the scan. A unit with several subtypes is "
        f"mixed. Validation scans are left out."
    )
    return Figure1(tuple(slices), tuple(scans), caption)


def draw_figure1(result: Figure1) -> Figure:
    """Draw two panels of stacked bars with n at their ends."""
    with style():
        figure = new_figure(10.4, 3.4)
        left, right = figure.subplots(1, 2)
        for axes, bars, unit in ((left, result.slices, "slices"), (right, result.scans, "scans")):
            for place, bar in enumerate(bars):
                start = 0
                for kind, (_, colour) in KINDS.items():
                    count = bar.counts.get(kind, 0)
                    axes.barh(place, count, left=start, color=colour, height=0.62)
                    start += count
                axes.text(start, place, f" {start:,}", va="center", fontsize=7.5)
            axes.set_yticks(range(len(bars)), [bar.title for bar in bars])
            axes.invert_yaxis()
            axes.grid(visible=False, axis="y")
            axes.margins(x=0.12)
            axes.set_xlabel(f"training {unit}")
        handles = [right.barh(0, 0, color=colour) for _, colour in KINDS.values()]
        labels = [label for label, _ in KINDS.values()]
        figure.legend(handles, labels, loc="outside upper center", ncols=8, fontsize=7.5)
    return figure


def _counts(bars: Iterable[Bar]) -> str:
    """Return e.g. ``n = 120, 120 and 130``."""
    *first, last = (f"{sum(bar.counts.values()):,}" for bar in bars)
    return f"n = {', '.join(first)} and {last}" if first else f"n = {last}"


def _count(rows: Iterable[Mapping[str, str]]) -> dict[str, int]:
    return dict(Counter(map(_kind, rows)))


def _kind(row: Mapping[str, str]) -> str:
    """Return the kind of a scan or slice by its labels."""
    if row["ANY"] != "1":
        return "normal"
    present = [name for name in SUBTYPES if row[name] == "1"]
    return present[0] if len(present) == 1 else "mixed" if present else "none"

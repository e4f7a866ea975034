"""Which of a study's series is the plain head CT.

A study holds several series of one head: thin and thick, soft and bone kernel, with contrast agent
and without.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.contrast_words import tells_of_contrast
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.volume import slice_normal

WANTED_SPACING_MM = 5.0
"""The spacing of routine head CT, and of the training cohorts."""

SMALLEST_COVERAGE = 0.5
"""A series must span at least this share of the study's longest."""

ELSEWHERE_WORDS = re.compile(r"\b(hrct|chest|thorax|abdomen|neck|spine|pns|\w*orbits?)\b")
"""Studies hold series of other parts of the body, and of the sinuses (PNS) and orbits alone."""

BONE_WORD = re.compile(r"\bbone")


def choose_series(series: Sequence[Sequence[SliceHeader]]) -> Sequence[SliceHeader] | None:
    """Choose the series of a study that is most like routine head CT (paper silent).

    Series of another part of the body, by the name of their folder, are never taken, nor those with
    contrast agent: whose folder is named so (post, contrast, CTA, oral, an amount in cc), or, where
    the name does not say pre, plain or non, whose header names an agent. Series of less than half
    the study's longest extent, and bone kernels when there is any other, are passed over. Of the
    rest the one whose median gap is nearest to 5 mm is taken; of equals the one with more slices,
    then the first by name.

    Args:
        series: each the slices of one series, ordered along the normal.

    Returns:
        the chosen one of ``series``; ``None`` when none is a head without contrast agent.
    """
    candidates = [slices for slices in series if _is_plain_head(slices)]
    if not candidates:
        return None
    longest_mm = max(_extent_mm(slices) for slices in candidates)
    candidates = [
        slices for slices in candidates if _extent_mm(slices) >= SMALLEST_COVERAGE * longest_mm
    ]
    soft = [slices for slices in candidates if not _is_bone(slices)]
    return min(soft or candidates, key=_unlikeness)


def series_name(slices: Sequence[SliceHeader]) -> str:
    """Return the name of a series' folder, which CQ500 takes from its description."""
    return slices[0].path.parent.name


def _is_plain_head(slices: Sequence[SliceHeader]) -> bool:
    name = series_name(slices)
    if ELSEWHERE_WORDS.search(_words(name)):
        return False
    return not tells_of_contrast([name], slices[0].description.get("contrast_agent", ""))


def _is_bone(slices: Sequence[SliceHeader]) -> bool:
    kernel = slices[0].description.get("kernel", "")
    return bool(BONE_WORD.search(_words(f"{series_name(slices)} {kernel}")))


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9+]+", " ", text.lower())


def _heights_mm(slices: Sequence[SliceHeader]) -> NDArray[np.float64]:
    heights: NDArray[np.float64] = np.array(
        [header.position_mm for header in slices]
    ) @ slice_normal(np.array(slices[0].orientation))
    return heights


def _extent_mm(slices: Sequence[SliceHeader]) -> float:
    return float(np.ptp(_heights_mm(slices)))


def _unlikeness(slices: Sequence[SliceHeader]) -> tuple[float, int, str]:
    gap_mm = float(np.median(np.diff(_heights_mm(slices))))
    return round(abs(gap_mm - WANTED_SPACING_MM), 1), -len(slices), series_name(slices)

"""How well a saliency map lies on a lesion, apart from how well the network detects it.

A good map need not mean a good AUC, nor the reverse, so the two are measured apart. All three
measures take one slice with a lesion; only positive evidence counts.

References:
    Zhang J et al. Top-down neural attention by excitation backprop. Int J Comput Vis
    2018;126:1084-1102 (pointing game, with its tolerance of 15 of 224 pixels).
    Wang H et al. Score-CAM. CVPR Workshops 2020 (energy-based pointing game).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

TOLERANCE = 15 / 224
"""Distance from the outline, in widths of the image, that still counts as a hit."""


@dataclass(frozen=True)
class Localisation:
    """One map against one outline.

    Attributes:
        hit: whether the largest evidence lies in the outline, or within the tolerance of it.
        energy_inside: share of the evidence inside the outline; 0 without evidence.
        iou: overlap of the outline with where evidence is at least half its maximum.
        area: share of the image inside the outline, the value expected of the measures by chance.
    """

    hit: bool
    energy_inside: float
    iou: float
    area: float


def localise(saliency: ArrayLike, mask: ArrayLike) -> Localisation:
    """Compare a saliency map with an outline.

    Args:
        saliency: linear evidence [h, w]; it is brought to the mask's size by interpolation.
        mask: bool [rows, columns], with a lesion.

    Raises:
        ValueError: when the mask is empty.
    """
    inside = np.asarray(mask, dtype=bool)
    if not inside.any():
        raise ValueError("localisation is measured on slices with a lesion; the mask is empty")
    rows, columns = inside.shape
    evidence = cv2.resize(np.maximum(np.asarray(saliency, np.float32), 0), (columns, rows))
    total = float(evidence.sum(dtype=np.float64))
    area = float(inside.mean())
    if total == 0:
        return Localisation(hit=False, energy_inside=0.0, iou=0.0, area=area)
    peak = np.unravel_index(int(evidence.argmax()), evidence.shape)
    high = evidence >= evidence.max() / 2
    return Localisation(
        hit=_distance(inside, (int(peak[0]), int(peak[1]))) <= TOLERANCE * max(rows, columns),
        energy_inside=float(evidence[inside].sum(dtype=np.float64)) / total,
        iou=float((high & inside).sum() / (high | inside).sum()),
        area=area,
    )


def _distance(inside: NDArray[np.bool_], place: tuple[int, int]) -> float:
    """Return the distance in pixels from a place to the nearest pixel inside."""
    rows, columns = np.nonzero(inside)
    return float(np.hypot(rows - place[0], columns - place[1]).min())

"""Saliency against outlines, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ichnet.statistics.localisation import localise


def square(first: int, last: int, size: int = 8) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[first:last, first:last] = True
    return mask


def test_a_map_on_its_lesion():
    """At the mask's own size nothing is interpolated: 12 of 16 inside, 2 x 2 of 2 x 3 overlap."""
    evidence = np.full((8, 8), -5.0)
    evidence[2:4, 2:4] = 3
    evidence[2:4, 4] = 2
    found = localise(evidence, square(2, 4))
    assert found.hit
    assert found.energy_inside == pytest.approx(12 / 16)
    assert found.iou == pytest.approx(4 / 6)
    assert found.area == pytest.approx(4 / 64)


def test_a_map_elsewhere():
    evidence = np.zeros((8, 8))
    evidence[7, 7] = 1
    found = localise(evidence, square(0, 2))
    assert (found.hit, found.energy_inside, found.iou) == (False, 0.0, 0.0)


@pytest.mark.parametrize(("column", "hit"), [(115, True), (116, False)])
def test_the_game_is_won_near_the_outline(column, hit):
    """On 224 pixels, 15 from the outline's last column, 100, is near enough."""
    mask = np.zeros((224, 224), bool)
    mask[50:60, 90:101] = True
    evidence = np.zeros((224, 224))
    evidence[55, column] = 1
    assert localise(evidence, mask).hit is hit


def test_a_coarse_map_is_interpolated():
    """One cell of 2 x 2 in the corner: its quarter holds most of the evidence, not all."""
    found = localise([[1, 0], [0, 0]], square(0, 4))
    assert found.hit
    # along an axis 1, 1, .875, .625 inside and .375, .125, 0, 0 outside: (3.5 / 4)^2
    assert found.energy_inside == pytest.approx((3.5 / 4) ** 2, rel=1e-6)


@pytest.mark.parametrize("evidence", [np.zeros((4, 4)), np.full((4, 4), -1.0)])
def test_no_evidence_is_no_localisation(evidence):
    found = localise(evidence, square(0, 8))
    assert (found.hit, found.energy_inside, found.iou, found.area) == (False, 0.0, 0.0, 1.0)


def test_a_slice_without_a_lesion_is_refused():
    with pytest.raises(ValueError, match="the mask is empty"):
        localise(np.ones((2, 2)), np.zeros((4, 4)))

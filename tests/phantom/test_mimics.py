"""What resembles blood or hides it: where it is, how dense, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

HEIGHTS = (0.0, 12.0, 24.0, 36.0, 48.0)


def changes(plain, cut, mimic, seeds=range(11, 17)):
    """Sections of heads before and after, at all heights: [seeds x heights, rows, columns]."""
    before, after = [], []
    for seed in seeds:
        patient = replace(plain, seed=seed)
        for z in HEIGHTS:
            before.append(cut(patient, z).hu)
            after.append(cut(replace(patient, mimics=frozenset({mimic})), z).hu)
    return np.stack(before), np.stack(after)


@pytest.mark.slow
def test_air_is_within_the_skull(plain, cut):
    before, after = changes(plain, cut, "air")
    bubbles = (after < -400) & (before > -200)
    assert bubbles.any()
    # it takes the place of what is within the skull, not of bone
    assert (before[bubbles] < 600).all()
    assert np.count_nonzero(after != before) < 0.02 * np.count_nonzero(before > -500)


@pytest.mark.slow
def test_a_fracture_is_a_line_through_bone(plain, cut):
    before, after = changes(plain, cut, "fracture")
    gap = (before > 500) & (after < 300)
    assert gap.any()
    assert (before[before != after] > 200).all()  # nothing but bone changes
    bone = np.count_nonzero(before > 500)
    assert np.count_nonzero(gap) < 0.05 * bone


@pytest.mark.slow
def test_bruises_of_the_scalp_are_as_many_as_drawn(plain, cut):
    counts = []
    for lumps in (1, 4):
        before, after = changes(replace(plain, scalp_lumps=lumps), cut, "scalp")
        swollen = (after > 25) & (after < 90) & (before < 0)
        counts.append(np.count_nonzero(swollen))
    assert 0 < 1.5 * counts[0] < counts[1]

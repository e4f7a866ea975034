"""A head's sections: densities where anatomy has them, whatever else varies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom.field import Textures, head_points
from ichnet.phantom.skull import skull_of
from ichnet.phantom.tissue import CSF_HU


def mean_hu(section, places, x, y, radius_mm=3.5) -> float:
    """Mean HU around a place."""
    near = np.hypot(places[0] - x, places[1] - y) < radius_mm
    return float(section.hu[near].mean())


def test_a_section_has_the_lattices_pixels(plain, cut):
    section = cut(plain, 20.0)
    assert section.hu.shape == (140, 140)
    assert section.hu.dtype == np.float32
    assert section.lesions == {}


@pytest.mark.parametrize(
    ("x", "y", "z", "low", "high"),
    [
        (0, -108, 20, -1000, -1000),  # in front of the head
        (34, -20, 40, 24, 37),  # white matter
        (25, -2, 5, 31, 40),  # lentiform nucleus
        (33, 44, -40, 27, 40),  # cerebellum
        (0, 15, -30, 25, 36),  # pons
    ],
)
def test_densities_by_place(plain, cut, places, x, y, z, low, high):
    assert low <= mean_hu(cut(plain, z), places, x, y) <= high


def test_rings_of_scalp_bone_and_brain(plain, cut):
    """From the left border of a section at the height of the lateral ventricles inwards."""
    row = cut(plain, 20.0).hu[70]
    left = row[70:]
    assert left[-1] == -1000
    bone = np.flatnonzero(left > 500)
    assert 3 <= len(bone) <= 8  # 7 mm of skull in pixels of 1.6 mm
    assert 60 <= (bone[0] * 1.6) <= 74  # the inner table: 66 mm from the middle
    assert (left[5 : bone[0] - 2] < 70).all()


def test_the_cranial_cavity_is_that_of_an_adult(plain):
    axis = [np.arange(-90, 90, 4, dtype=np.float32), np.arange(-100, 100, 4, dtype=np.float32)]
    x, y, z = np.meshgrid(axis[0], axis[1], axis[0], indexing="ij")
    textures = Textures.draw(plain.seed)
    skull = skull_of(head_points(plain, textures, (x, y, z)), textures, plain)
    litres = np.count_nonzero(np.minimum(skull.depth, skull.base) > 0) * 4**3 / 1e6
    assert 1.2 < litres < 1.9


def test_ventricles_hold_fluid_and_grow_with_atrophy(plain, cut):
    counts = []
    for atrophy in (0.0, 1.0):
        section = cut(replace(plain, atrophy=atrophy, pallor=0.0), 18.0)
        middle = section.hu[45:110, 50:90]
        counts.append(np.count_nonzero(middle < 18))
        assert middle.min() == pytest.approx(CSF_HU - 2, abs=2)
    assert counts[1] > 1.5 * counts[0] > 30


def test_a_larger_head_is_larger(plain, cut):
    sizes = [
        np.count_nonzero(cut(replace(plain, size=(factor, 1.0, 1.0)), 20.0).hu > -500)
        for factor in (1.0, 1.1)
    ]
    assert sizes[1] == pytest.approx(1.1 * sizes[0], rel=0.02)


def test_the_two_sides_are_alike_and_not_the_same(plain, cut):
    hu = cut(plain, 20.0).hu
    mirrored = hu[:, ::-1]
    head = (hu > -500) & (mirrored > -500)
    difference = np.abs(hu - mirrored)[head]
    assert np.median(difference) < 8
    assert difference.max() > 20


@pytest.mark.parametrize(
    ("mimic", "z", "threshold", "box"),
    [
        # rows and columns of a box in which something dense appears
        ("pineal", 1.0, 50, (slice(78, 95), slice(62, 78))),
        ("choroid", 11.0, 45, (slice(78, 104), slice(45, 95))),
        ("metal", -22.0, 1500, (slice(45, 80), slice(50, 90))),
    ],
)
def test_mimics_are_dense_where_they_belong(plain, cut, mimic, z, threshold, box):
    found = []
    for seed in range(11, 17):
        patient = replace(plain, seed=seed)
        before, after = (
            max(cut(one, z + step).hu[box].max() for step in (-2, 0, 2))
            for one in (patient, replace(patient, mimics=frozenset({mimic})))
        )
        found.append(after > max(threshold, before))
    assert sum(found) >= 3  # now and then metal is a fragment elsewhere


def test_mimics_leave_the_rest_of_the_head_alone(plain, cut):
    before = cut(plain, 11.0).hu
    after = cut(replace(plain, mimics=frozenset({"pineal", "choroid"})), 11.0).hu
    assert 0 < np.count_nonzero(after != before) < 0.02 * np.count_nonzero(before > -500)


def test_a_wide_transverse_sinus_is_dense_over_more_pixels(plain, cut, places):
    """Behind, at the tentorium's edge; the patient's left is where x is positive."""
    base, wide = (
        cut(replace(plain, sinus_widths=widths), -12.0).hu for widths in ((1.0, 1.0), (1.0, 2.5))
    )
    changed = np.abs(wide - base) > 3
    assert changed.sum() > 10
    assert places[0][changed].min() > -2
    assert places[1][changed].min() > 25
    assert wide[changed].mean() > base[changed].mean() + 8


def test_an_infarct_is_darker_and_swollen_brain_without_blood_is_too(plain, cut):
    before = cut(plain, 20.0).hu
    dark = cut(replace(plain, swelling=1.0, darkening_hu=8.0), 20.0).hu
    brain = (before > 24) & (before < 40) & (dark > 0)
    assert np.median((dark - before)[brain]) == pytest.approx(-8, abs=1.5)


def test_brain_is_brighter_towards_the_skull(plain, cut, places):
    """A mantle of 10 HU: 10 exp(-d / 13) at d mm below the inner table, where there is brain."""
    z = 40.0
    mantle = cut(replace(plain, mantle_hu=10.0), z).hu - cut(replace(plain, mantle_hu=0.0), z).hu
    x, y = (axis.astype(np.float32) for axis in places)
    textures = Textures.draw(plain.seed)
    points = head_points(plain, textures, (x, y, np.full_like(x, z)))
    depth = skull_of(points, textures, plain).depth
    for middle in (5.0, 10.0, 20.0, 30.0):
        at = np.abs(depth - middle) < 0.8
        # the upper quartile: fluid in sulci has none
        assert np.quantile(mantle[at], 0.75) == pytest.approx(10 * np.exp(-middle / 13), abs=0.5)
    assert np.abs(mantle[depth < -3]).max() == 0  # bone


def test_the_seed_is_of_the_anatomy(plain, cut):
    first = cut(plain, 20.0).hu
    np.testing.assert_array_equal(cut(plain, 20.0).hu, first)
    assert not np.array_equal(cut(replace(plain, seed=12), 20.0).hu, first)

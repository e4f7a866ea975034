"""A head as functions of a point: densities and spaces where anatomy has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom.head import (
    CALCIFICATION_HU,
    CSF,
    DURA,
    GREY,
    TABLE_HU,
    cisterns,
    dissect,
    falx,
    make_points,
    tissue_hu,
    ventricles,
)
from ichnet.phantom.patient import Patient


@pytest.fixture(scope="module")
def anatomy(plain, points_of):
    return dissect(points_of(plain), plain)


@pytest.fixture(scope="module")
def hu(anatomy, plain):
    return tissue_hu(anatomy, plain)


def density_at(patient: Patient, place: tuple[float, float, float]) -> float:
    """HU of one point, given as a plane of 4 x 4 equal ones."""
    points = make_points(patient, *(np.full((4, 4), value, np.float32) for value in place))
    return float(tissue_hu(dissect(points, patient), patient)[0, 0])


def test_the_inner_table_is_where_its_half_axes_say(plain):
    x = np.array([[66, -66, 0, 0, 0, 33, 76, 0]], np.float32).repeat(4, axis=0)
    y = np.array([[0, 0, 84, -84, 0, 0, 0, 94]], np.float32).repeat(4, axis=0)
    z = np.array([[0, 0, 0, 0, 78, 0, 0, 0]], np.float32).repeat(4, axis=0)
    depth = make_points(plain, x, y, z).depth[0]
    # the head is a little skewed (at most some hundredths): not quite its half axes
    np.testing.assert_allclose(depth, [0, 0, 0, 0, 0, 33, -10, -10], atol=0.15)


def test_a_larger_head_is_larger(plain, anatomy, points_of):
    larger = replace(plain, size=(1.1, 1.0, 1.0))
    assert dissect(points_of(larger), larger).inside.sum() > 1.05 * anatomy.inside.sum()


def test_the_cranial_cavity_is_that_of_a_large_head(anatomy):
    litres = anatomy.inside.sum() * 2**3 / 1e6
    assert 1.4 < litres < 2.0


@pytest.mark.parametrize(
    ("x", "y", "z", "low", "high"),
    [
        (35, -20, 40, 26, 34),  # white matter: 30 within 1.5 and its texture
        (24, -4, 5, GREY, GREY),  # deep nuclei
        (-13, 0, 17, CSF, CSF),  # body of the right lateral ventricle
        (0, 34, -28, CSF, CSF),  # fourth ventricle
        (0, -14, -26, CSF, CSF),  # suprasellar cistern
        (0, 70, 40, DURA, DURA),  # falx
        (0, -110, 0, -1000, -1000),  # in front of the head
        (33, -68, -54, CSF, CSF),  # eye
        (0, -50, -58, -1000, -1000),  # sinus
    ],
)
def test_densities_by_place(plain, x, y, z, low, high):
    assert low <= density_at(plain, (x, y, z)) <= high


def test_densities_by_tissue(anatomy, hu, plain):
    points = anatomy.points
    assert hu.dtype == np.float32
    assert hu.shape == points.x.shape
    # air outside of the scalp, which is at most 6 x 1.3 mm and some
    assert (hu[points.depth < -(plain.skull_mm + 14)] == -1000).all()
    inside = hu[anatomy.inside]
    assert inside.min() >= CSF
    assert inside.max() <= DURA
    brain = anatomy.inside & ~anatomy.ventricles & ~anatomy.cisterns & ~falx(points)
    assert 29 < np.median(hu[brain]) < 32
    assert hu[brain].min() > 24
    assert (hu[brain & (points.depth < 5.5)] >= 28).all()
    assert (hu[anatomy.ventricles & ~falx(points)] == CSF).all()
    table = (points.z > 0) & (points.depth < -0.5) & (points.depth > -1.5)
    assert (hu[table] == TABLE_HU).all()
    diploe = (points.z > 0) & (np.abs(points.depth + 3.5) < 1.4)
    assert (hu[diploe] == 650).all()
    scalp = hu[(points.z > 0) & (points.depth < -7.5) & (points.depth > -8.5)]
    assert set(np.unique(scalp)) == {-100, 52}


def test_grey_matter_is_denser_than_white():
    assert CSF < 30 < GREY < DURA < CALCIFICATION_HU < TABLE_HU


def test_spaces_of_csf_are_inside_and_apart(anatomy):
    assert not (anatomy.ventricles & anatomy.cisterns).any()
    assert (anatomy.inside | ~(anatomy.ventricles | anatomy.cisterns)).all()


def test_atrophy_widens_ventricles_and_sulci(plain, points_of):
    points = points_of(plain)
    young, old = replace(plain, atrophy=0.0), replace(plain, atrophy=1.0)
    inside = points.depth > 0
    for space in (ventricles, cisterns):
        before = np.count_nonzero(space(points, young) & inside)
        after = np.count_nonzero(space(points, old) & inside)
        assert after > 1.5 * before
    millilitres = np.count_nonzero(ventricles(points, young)) * 8 / 1000
    assert 10 < millilitres < 40


def test_both_sides_have_ventricles_alike(anatomy):
    left = anatomy.ventricles & (anatomy.points.x > 0)
    right = anatomy.ventricles & (anatomy.points.x < 0)
    assert left.sum() == right.sum()


def test_a_point_has_the_same_density_in_whatever_slice_it_is_seen(plain, points_of):
    """A fine and a coarse plane through the same points: texture belongs to the patient."""
    seen = []
    for step in (1.0, 0.5):
        axis = np.arange(-60, 60, step, dtype=np.float32)
        x, y = np.meshgrid(axis, axis)
        points = make_points(plain, x, y, np.full_like(x, 20))
        seen.append((tissue_hu(dissect(points, plain), plain), points))
    (coarse, coarse_points), (fine, fine_points) = seen
    inner = slice(8, -8)  # at the border there is less to interpolate from
    for one, other in zip(coarse_points.waves, fine_points.waves, strict=True):
        difference = np.abs(one - other[::2, ::2])[inner, inner]
        assert difference.max() < 0.1
    assert (np.abs(coarse - fine[::2, ::2]) < 1).mean() > 0.9


@pytest.mark.parametrize(
    ("mimic", "place", "change"),
    [
        ("pineal", (0, 24, 2), CALCIFICATION_HU),
        ("choroid", (23, 34, 8), 0.7 * CALCIFICATION_HU),
        ("falx", (0, 70, 40), DURA + 12),
    ],
)
def test_mimics_are_dense_where_they_belong(anatomy, hu, plain, mimic, place, change):
    patient = replace(plain, mimics=frozenset({mimic}))
    assert density_at(plain, place) != density_at(patient, place) == pytest.approx(change)
    other = tissue_hu(anatomy, patient)
    assert 0 < np.count_nonzero(other != hu) < 0.02 * np.count_nonzero(anatomy.inside)


def test_an_infarct_is_darker_brain(anatomy, hu, plain):
    other = tissue_hu(anatomy, replace(plain, mimics=frozenset({"infarct"})))
    changed = other != hu
    np.testing.assert_allclose(other[changed], hu[changed] - 14)
    assert 5 < np.count_nonzero(changed) * 8 / 1000 < 40  # mL
    assert anatomy.inside[changed].all()


def test_the_seed_is_of_the_texture(anatomy, hu, plain, points_of):
    other = replace(plain, seed=12)
    assert not np.array_equal(tissue_hu(dissect(points_of(other), other), other), hu)
    np.testing.assert_array_equal(tissue_hu(dissect(points_of(plain), plain), plain), hu)

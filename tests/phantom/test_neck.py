"""Below the skull base: jaw, vertebrae and airway where they belong, and never blood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest


def near(places, x, y, radius_mm=4.0):
    """Pixels around a place."""
    return np.hypot(places[0] - x, places[1] - y) < radius_mm


def test_a_slice_through_the_jaw_has_bone_air_and_muscle(plain, cut, places):
    hu = cut(plain, -100.0).hu
    jaw = (hu > 900) & (places[1] < -5) & (np.abs(places[0]) > 25)
    assert jaw[places[0] > 0].sum() > 8
    assert jaw[places[0] < 0].sum() > 8
    assert hu[near(places, 0, 12)].mean() > 400  # body of the axis
    assert hu[near(places, 0, -8)].max() < -900  # pharynx
    assert 40 < np.median(hu[near(places, 0, -48, 8)]) < 65  # tongue
    # outside of the neck there is nothing
    assert (hu[np.hypot(*places) > 100] == -1000).all()


def test_the_neck_is_narrower_than_the_head(plain, cut):
    widths = [np.count_nonzero((cut(plain, z).hu > -500).any(axis=0)) for z in (20.0, -110.0)]
    assert 0.5 * widths[0] < widths[1] < 0.95 * widths[0]


@pytest.mark.parametrize("z", [-112.0, -104.0, -96.0, -88.0, -80.0, -72.0])
def test_the_spinal_canal_goes_on_within_bone(plain, cut, places, z):
    hu = cut(plain, z).hu
    canal = hu[near(places, 0, 31)]
    assert canal.min() > 0
    assert canal.max() < 50
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ray = np.arange(6.0, 34.0, 0.8)
    rows = ((31 + ray[:, None] * np.sin(angles) + 112) / 1.6).astype(int)
    columns = ((ray[:, None] * np.cos(angles) + 112) / 1.6).astype(int)
    assert (hu[rows, columns].max(axis=0) > 300).all()  # bone in every direction


def test_there_is_no_blood_in_the_neck(cut, with_lesion):
    for subtype, site in (("SDH", "convexity"), ("SAH", "basal"), ("IPH", "cerebellum")):
        section = cut(with_lesion(subtype, site, 30.0), -100.0)
        assert not section.lesions[subtype].any()


def test_fillings_are_denser_than_teeth(plain, cut):
    teeth = [
        max(cut(replace(plain, mimics=mimics), z).hu.max() for z in (-94.0, -92.0, -90.0))
        for mimics in (frozenset(), frozenset({"filling"}))
    ]
    assert 1500 < teeth[0] < 2200
    assert 4000 < teeth[1] <= 6000


def test_a_tongue_between_fillings_is_denser(plain, cut, places):
    at_rest, denser = (
        cut(replace(plain, tongue_hu=hu), -100.0).hu[near(places, 0, -48, 8)].mean()
        for hu in (0.0, 40.0)
    )
    assert at_rest == pytest.approx(52, abs=6)
    assert denser - at_rest == pytest.approx(40, abs=4)


def test_a_brawny_neck_has_more_muscle(plain, cut):
    counts = [
        np.count_nonzero(np.abs(cut(replace(plain, brawn_mm=mm), -104.0).hu - 52) < 15)
        for mm in (-1.0, 6.0)
    ]
    assert counts[1] > 1.2 * counts[0]


def test_patches_brighten_soft_tissue_outside_of_the_skull_alone(plain, cut, places):
    usual, patchy = (cut(replace(plain, patches_hu=hu), -40.0).hu for hu in (0.0, 30.0))
    excess = patchy - usual
    assert excess.min() == 0
    assert 10 < excess.max() < 30.001
    assert not excess[near(places, 0, 40, 25)].any()  # the posterior fossa
    assert not excess[(usual < 5) | (usual > 95)].any()
    assert 0.02 < np.mean(excess[(usual > 40) & (usual < 60)] > 3) < 0.6

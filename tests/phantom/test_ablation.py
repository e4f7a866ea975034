"""What ``wide`` is drawn without is left out, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom.ablation import BASE_MM, USUAL, site_without
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.head import make_head
from ichnet.phantom.patient import WIDE, generator
from ichnet.phantom.plan import draw_plan, drawn_site
from ichnet.phantom.scanner import scan_patient
from ichnet.phantom.sites import SITES

SEED, COUNT = 17, 30


def site_of(index, without):
    rng = generator(SEED, WIDE, index, purpose=1)
    return site_without(drawn_site(rng, WIDE), rng, without)


def test_without_randomisation_heads_and_scanners_are_as_usual():
    for index in range(COUNT):
        patient = draw_patient(SEED, WIDE, index, True, without=("randomisation",))
        usual = draw_patient(SEED, USUAL, index, True)
        assert patient == replace(usual, cohort=WIDE, without=("randomisation",))
        assert (patient.white_hu, patient.grey_hu, patient.csf_hu) == (28.0, 37.0, 8.0)
        site, wide = site_of(index, ("randomisation",)), site_of(index, ())
        shown = {
            name: getattr(wide, name)
            for name in ("field_of_view_mm", "first_mm", "last_mm", "defaced")
        }
        assert site in [replace(one, **shown) for one in SITES[USUAL]]


def test_without_face_and_neck_slices_begin_at_the_base_and_faces_are_removed():
    lowest = []
    for index in range(COUNT):
        site, wide = site_of(index, ("face-and-neck",)), site_of(index, ())
        assert site == replace(wide, first_mm=site.first_mm, defaced=True)
        assert site.first_mm == max(wide.first_mm, BASE_MM)
        lowest.append(wide.first_mm)
    assert min(lowest) < BASE_MM - 30  # there was something to leave out
    patient = draw_patient(SEED, WIDE, 0, False, without=("face-and-neck",))
    plan = draw_plan(generator(SEED, WIDE, 0, purpose=1), make_head(patient), (8, 8), WIDE)
    assert plan.site.first_mm == BASE_MM
    assert plan.site.defaced


@pytest.fixture(scope="module")
def rims():
    """HU of one scan with the brighter rim, and by how much it is brighter than without."""
    index = next(i for i in range(50) if site_of(i, ()).cupping_hu > 6)
    scans = [
        scan_patient(draw_patient(SEED, WIDE, index, False, without=without), SEED, 64, (8, 8))
        for without in ((), ("bright-rim",))
    ]
    return scans[1].hu, scans[0].hu.astype(int) - scans[1].hu


def test_without_the_bright_rim_brain_is_darker_towards_the_skull(rims):
    hu, brighter = rims
    middle = slice(4, 6)
    brain = (hu[middle] > 5) & (hu[middle] < 60)
    bone = hu[middle] > 300
    near = np.zeros_like(bone)
    for axis in (1, 2):
        for step in (-3, 3):
            near |= np.roll(bone, step, axis)
    rim, core = brighter[middle][brain & near], brighter[middle][:, 28:36, 28:36]
    assert rim.mean() > 5
    assert rim.mean() > core.mean() + 4


def test_it_leaves_the_mantle_and_the_cupping_out_and_nothing_else():
    for index in range(COUNT):
        wide = draw_patient(SEED, WIDE, index, True)
        patient = draw_patient(SEED, WIDE, index, True, without=("bright-rim",))
        assert patient == replace(wide, mantle_hu=0.0, without=("bright-rim",))
        assert site_of(index, ("bright-rim",)) == replace(site_of(index, ()), cupping_hu=0.0)

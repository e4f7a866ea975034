"""Scans as a scanner makes them: geometry, noise, sites, outlines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.ct.volume import slice_normal
from ichnet.phantom.artefacts import drawn_noise, hardening, noise_pool
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.outlines import outlined
from ichnet.phantom.scanner import scan_patient
from ichnet.phantom.sites import SITES
from ichnet.subtypes import bit_of

MEASURED_CORRELATION = (0.64, 0.05, -0.22)
"""Of a real 5 mm scan with pixels of 0.488 mm, at one, two and three pixels."""


@pytest.fixture(scope="module")
def scan():
    return scan_patient(draw_patient(3, "cq500", 1, True), 3, 96, (12, 12))


def test_a_scan_has_the_geometry_it_states(scan):
    assert scan.hu.shape == scan.mask.shape == (12, 96, 96)
    assert scan.hu.dtype == np.int16
    assert scan.mask.dtype == np.uint8
    normal = slice_normal(scan.orientation)
    along = scan.positions_mm @ normal
    np.testing.assert_allclose(np.diff(along), scan.slice_spacing_mm)
    assert 96 * scan.pixel_spacing_mm == pytest.approx(236, abs=25)


def test_a_scan_depends_on_its_patient_alone(scan):
    again = scan_patient(draw_patient(3, "cq500", 1, True), 3, 96, (12, 12))
    np.testing.assert_array_equal(again.hu, scan.hu)
    np.testing.assert_array_equal(again.mask, scan.mask)


def test_every_lesion_is_outlined_and_no_normal_head_is():
    for index in range(4):
        patient = draw_patient(3, "dumc", index, True)
        mask = scan_patient(patient, 3, 64, (10, 10)).mask
        for lesion in patient.lesions:
            assert (mask & bit_of(lesion.subtype)).any()
        normal = replace(patient, lesions=())
        assert not scan_patient(normal, 3, 64, (10, 10)).mask.any()


def test_noise_has_the_spectrum_of_a_real_scan():
    """512 x 512 pixels of 0.488 mm; every correlation within 20 % of the largest measured one."""
    rng = np.random.default_rng(0)
    noise = drawn_noise(rng, noise_pool(rng, 512, 0.488))
    assert noise.std() == pytest.approx(1.0, rel=0.1)
    for lag, wanted in enumerate(MEASURED_CORRELATION, start=1):
        rows = np.mean(noise[:, lag:] * noise[:, :-lag]) / noise.var()
        columns = np.mean(noise[lag:] * noise[:-lag]) / noise.var()
        assert rows == pytest.approx(wanted, abs=0.2 * 0.64 / 2)
        assert columns == pytest.approx(wanted, abs=0.2 * 0.64 / 2)


def test_noise_in_brain_is_that_of_the_site():
    patient = replace(draw_patient(3, "dumc", 5, False), mimics=frozenset())
    brain = scan_patient(patient, 3, 256, (8, 8)).hu[5, 100:150, 100:150].astype(float)
    # differences of neighbours hold little anatomy
    rough = (brain[:, 1:] - brain[:, :-1]).std() / np.sqrt(2)
    assert 0.5 < rough < 2 * SITES["dumc"][0].noise_hu


def test_bone_hardens_the_beam_and_brain_does_not():
    hu = np.full((144, 144), 30, np.float32)
    assert np.abs(hardening(hu, 1.6)).max() == pytest.approx(0, abs=1e-4)
    hu[68:76, 30:44] = hu[68:76, 100:114] = 1500  # two petrous bones
    error = hardening(hu, 1.6)
    assert -40 < error[70:74, 60:84].mean() < -2  # a dark band between them
    assert abs(error[20:30, 60:84].mean()) < 0.4 * abs(error[70:74, 60:84].mean())


@pytest.mark.parametrize("cohort", SITES)
def test_sites_tilt_the_gantry_as_they_say(cohort):
    angles = []
    for index in range(12):
        patient = replace(draw_patient(3, cohort, index, False), mimics=frozenset())
        scan = scan_patient(patient, 3, 16, (2, 2))
        angles.append(np.degrees(np.arccos(slice_normal(scan.orientation)[2])))
    assert max(angles) <= max(site.tilt_degrees for site in SITES[cohort])
    assert any(angle > 0 for angle in angles)


def test_outlines_are_where_blood_fills_half_a_pixel():
    share = np.zeros((4, 4), np.float32)
    share[1, 1:4] = [1.0, 0.6, 0.4]
    mask = outlined([{"EDH": share}, {"EDH": np.zeros_like(share)}], 4, pixel_mm=5.0)
    assert mask.shape == (2, 4, 4)
    wanted = np.zeros((4, 4), np.uint8)
    wanted[1, 1:3] = bit_of("EDH")
    np.testing.assert_array_equal(mask[0], wanted)
    assert not mask[1].any()


def test_a_small_lesion_that_fills_no_pixel_half_is_outlined_still():
    share = np.zeros((3, 3), np.float32)
    share[1, 1], share[1, 2] = 0.2, 0.05
    mask = outlined([{"IPH": share}], 3, pixel_mm=1.0)
    assert np.flatnonzero(mask[0]).tolist() == [4]


def test_specks_are_not_outlined_beside_something_larger():
    """Pixels of 4 mm2: nobody draws around two of them, three are 12 mm2."""
    share = np.zeros((6, 6), np.float32)
    share[0, :3] = share[3:5, 5] = 1.0
    mask = outlined([{"SAH": share}], 6, pixel_mm=2.0)
    assert np.flatnonzero(mask[0]).tolist() == [0, 1, 2]

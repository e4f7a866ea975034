"""Scans as a scanner makes them: geometry, noise, sites, outlines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.ct.volume import slice_normal
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.scanner import scan_patient
from ichnet.phantom.sites import SITES
from ichnet.subtypes import bit_of


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


@pytest.mark.slow
def test_every_lesion_is_outlined_and_no_normal_head_is():
    for index in range(4):
        patient = draw_patient(3, "dumc", index, True)
        mask = scan_patient(patient, 3, 64, (10, 10)).mask
        for lesion in patient.lesions:
            assert (mask & bit_of(lesion.subtype)).any()
        normal = replace(patient, lesions=())
        assert not scan_patient(normal, 3, 64, (10, 10)).mask.any()


def test_noise_in_brain_is_that_of_the_site():
    patient = replace(draw_patient(3, "dumc", 5, False), mimics=frozenset())
    brain = scan_patient(patient, 3, 256, (8, 8)).hu[5, 100:150, 100:150].astype(float)
    # differences of neighbours hold little anatomy
    rough = (brain[:, 1:] - brain[:, :-1]).std() / np.sqrt(2)
    assert 0.5 < rough < 2 * SITES["dumc"][0].noise_hu


@pytest.mark.parametrize("cohort", SITES)
def test_sites_tilt_the_gantry_as_they_say(cohort):
    angles = []
    for index in range(12):
        patient = replace(draw_patient(3, cohort, index, False), mimics=frozenset())
        scan = scan_patient(patient, 3, 16, (2, 2))
        angles.append(np.degrees(np.arccos(slice_normal(scan.orientation)[2])))
    assert max(angles) <= max(site.tilt_degrees for site in SITES[cohort])
    assert any(angle > 0 for angle in angles)

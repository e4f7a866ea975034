"""Ablations of the cohort ``wide``: features that can be left out, to measure what each is worth.

A configuration lists them in ``phantom.without``. All other random numbers stay the same, so the
heads with one index, drawn with and without a feature, differ in that feature only. The exception
is ``randomisation``, which replaces the whole patient.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from ichnet.config import LeftOut
from ichnet.phantom.patient import Patient
from ichnet.phantom.sites import SITES, Site

USUAL = "rsna"
"""The cohort that heads, blood and scanners are taken from when ``randomisation`` is left out."""

BASE_MM = -48.0
"""Lowest slice when face and neck are left out."""


def patient_without(patient: Patient, usual: Patient, without: Collection[LeftOut]) -> Patient:
    """Return a patient of the cohort ``wide`` without some of its features.

    Args:
        patient: a patient of ``wide``.
        usual: the patient with the same index in the cohort ``USUAL``.
        without: features to leave out.
    """
    if "randomisation" in without:
        patient = replace(usual, cohort=patient.cohort)
    if "bright-rim" in without:
        patient = replace(patient, mantle_hu=0.0)
    return replace(patient, without=tuple(without))


def site_without(site: Site, rng: np.random.Generator, without: Collection[LeftOut]) -> Site:
    """Return a scanner of the cohort ``wide`` without some of its features.

    Args:
        site: a scanner of ``wide``.
        rng: random numbers of the scan.
        without: features to leave out.
    """
    if "randomisation" in without:
        usual = SITES[USUAL][int(rng.integers(len(SITES[USUAL])))]
        # the range that a scan covers is not part of the randomised appearance
        site = replace(
            usual,
            field_of_view_mm=site.field_of_view_mm,
            first_mm=site.first_mm,
            last_mm=site.last_mm,
            defaced=site.defaced,
        )
    if "face-and-neck" in without:
        site = replace(site, first_mm=max(site.first_mm, BASE_MM), defaced=True)
    if "bright-rim" in without:
        site = replace(site, cupping_hu=0.0)
    return site

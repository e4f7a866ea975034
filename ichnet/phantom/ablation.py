"""What the cohort ``wide`` can be drawn without, to measure what each is worth.

A configuration names it in ``phantom.without``. The random numbers of whatever stays are the same:
two heads of one number differ in what was left out alone, but where randomisation is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from ichnet.config import LeftOut
from ichnet.phantom.patient import Patient
from ichnet.phantom.sites import SITES, Site

USUAL = "rsna"
"""The cohort whose heads, blood and scanners are drawn where ``wide`` is not randomised."""

BASE_MM = -48.0
"""No slice begins lower where face and neck are left out."""


def patient_without(patient: Patient, usual: Patient, without: Collection[LeftOut]) -> Patient:
    """Return a patient of ``wide`` as a configuration wants it.

    Args:
        patient: of ``wide``.
        usual: the patient of that number in the cohort ``USUAL``.
        without: what is left out.
    """
    if "randomisation" in without:
        patient = replace(usual, cohort=patient.cohort)
    if "bright-rim" in without:
        patient = replace(patient, mantle_hu=0.0)
    return replace(patient, without=tuple(without))


def site_without(site: Site, rng: np.random.Generator, without: Collection[LeftOut]) -> Site:
    """Return a scanner of ``wide`` as a configuration wants it.

    Args:
        site: of ``wide``.
        rng: of the scan.
        without: what is left out.
    """
    if "randomisation" in without:
        usual = SITES[USUAL][int(rng.integers(len(SITES[USUAL])))]
        # what a scan shows is no matter of looks
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

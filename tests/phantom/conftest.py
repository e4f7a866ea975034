"""A plain head, lesions in it, and its sections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom.head import Head, make_head
from ichnet.phantom.lattice import Lattice
from ichnet.phantom.patient import Lesion, Patient
from ichnet.phantom.section import Section, section

FIELD_MM = 224.0
AXIAL = np.array([1.0, 0, 0, 0, 1, 0])
NORMAL = np.array([0.0, 0, 1])


@pytest.fixture(scope="session")
def plain() -> Patient:
    """A straight head of the usual size, with nothing that resembles blood."""
    return Patient(
        cohort="dumc",
        index=0,
        age_years=60,
        sex="F",
        size=(1.0, 1.0, 1.0),
        skull_mm=7.0,
        atrophy=0.3,
        lesions=(),
        mimics=frozenset(),
        seed=11,
    )


@pytest.fixture(scope="session")
def with_lesion(plain):
    """The plain head with one lesion; its seed decides place and shape."""

    def make(subtype, site, volume_ml=20.0, side=1, seed=3, hu=60.0, age="acute") -> Patient:
        lesion = Lesion(subtype, volume_ml, hu, side, seed, site, age)
        return replace(plain, lesions=(lesion,))

    return make


@pytest.fixture(scope="session")
def cut():
    """One plane through a head at a height, 140 x 140 pixels of 1.6 mm."""

    def make(head: Head | Patient, z_mm: float) -> Section:
        if isinstance(head, Patient):
            head = make_head(head)
        lattice = Lattice.over(FIELD_MM, 128)
        corner = np.array([-FIELD_MM / 2, -FIELD_MM / 2, z_mm])
        return section(head, lattice, corner, AXIAL, NORMAL, 1.0, 1)

    return make


@pytest.fixture(scope="session")
def places():
    """Positions of a section's pixels, x and y in mm."""
    along = (np.arange(140) + 0.5) * 1.6 - FIELD_MM / 2
    x, y = np.meshgrid(along, along)
    return x, y

"""A plain head, points all over it, and lesions in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom.head import Points, make_points
from ichnet.phantom.patient import Lesion, Patient

GRID_MM = 2.0


@pytest.fixture(scope="session")
def plain() -> Patient:
    """A head of the usual size, with nothing that resembles blood."""
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

    def make(subtype: str, volume_ml=20.0, side=1, seed=3, hu=60.0) -> Patient:
        return replace(plain, lesions=(Lesion(subtype, volume_ml, hu, side, seed),))

    return make


@pytest.fixture(scope="session")
def points_of():
    """Points 2 mm apart in all of a head: [x, y, z] flattened to two dimensions."""

    def make(patient: Patient) -> Points:
        counts = (72, 92, 84)  # multiples of four, as texture is interpolated between fourths
        steps = [GRID_MM * (np.arange(n, dtype=np.float32) - (n - 1) / 2) for n in counts]
        x, y, z = np.meshgrid(*steps, indexing="ij")
        return make_points(patient, *(axis.reshape(-1, counts[2]) for axis in (x, y, z)))

    return make

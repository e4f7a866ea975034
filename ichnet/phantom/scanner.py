"""A patient as a site's scanner sees the head: a scan with its outlines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import Volume, slice_normal
from ichnet.phantom.camera import Camera
from ichnet.phantom.field import Array
from ichnet.phantom.head import make_head
from ichnet.phantom.lattice import Lattice
from ichnet.phantom.outlines import outlined
from ichnet.phantom.patient import Patient, generator
from ichnet.phantom.plan import draw_plan
from ichnet.phantom.section import section

PLANE_MM, FINE_PLANE_MM = 2.5, 1.3
"""A slice's density is the mean of planes at most this far apart; finer ones at the skull base."""

BASE_MM = (-48.0, 2.0)
"""Between these heights the skull base is cut aslant: bone fills a part of many pixels, which then
have the density of blood."""


LARGEST_ARRAY_BYTES = 2**24
"""More than any array that is drawn with takes."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A rendered scan.

    Attributes:
        hu: int16 [slices, rows, columns], ordered from feet to head.
        mask: uint8 bits [slices, rows, columns].
        pixel_spacing_mm: of rows and columns alike.
        slice_spacing_mm: perpendicular distance of slices.
        orientation: float [6], as DICOM's ImageOrientationPatient.
        positions_mm: float [slices, 3], as DICOM's ImagePositionPatient.
    """

    hu: NDArray[np.int16]
    mask: NDArray[np.uint8]
    pixel_spacing_mm: float
    slice_spacing_mm: float
    orientation: NDArray[np.float64]
    positions_mm: NDArray[np.float64]

    def volume(self, name: str) -> Volume:
        """Return it as reading would give it; ``name`` stands for the scan and for the patient."""
        return Volume(
            hu=self.hu,
            pixel_spacing_mm=(self.pixel_spacing_mm, self.pixel_spacing_mm),
            orientation=self.orientation,
            positions_mm=self.positions_mm,
            slice_spacing_mm=np.full(len(self.hu), self.slice_spacing_mm),
            scan_id=name,
            patient_id=name,
        )


def scan_patient(patient: Patient, seed: int, matrix: int, slices: tuple[int, int]) -> Scan:
    """Render a patient at one of the cohort's sites.

    Args:
        patient: who.
        seed: of the whole phantom.
        matrix: rows and columns.
        slices: fewest and most.
    """
    _keep_freed_memory()
    rng = generator(seed, patient.cohort, patient.index, purpose=1)
    head = make_head(patient)
    plan = draw_plan(rng, head, slices)
    lattice = Lattice.over(plan.field_of_view_mm, matrix)
    normal = slice_normal(plan.orientation)
    camera = Camera(rng, patient, plan, lattice, matrix)
    hu = np.empty((len(plan.corners_mm), matrix, matrix), np.int16)
    shares: list[dict[str, Array]] = []
    for index, corner_mm in enumerate(plan.corners_mm):
        height_mm = float(np.dot(corner_mm, normal))
        plane_mm = FINE_PLANE_MM if BASE_MM[0] < height_mm < BASE_MM[1] else PLANE_MM
        planes = max(1, round(plan.thickness_mm / plane_mm))
        seen = section(
            head, lattice, corner_mm, plan.orientation, normal, plan.thickness_mm, planes
        )
        hu[index] = camera.expose(seen)
        shares.append(seen.lesions)
    pixel_mm = plan.field_of_view_mm / matrix
    inward = 0.5 * pixel_mm * (plan.orientation[:3] + plan.orientation[3:])
    return Scan(
        hu=hu,
        mask=outlined(shares, matrix, pixel_mm),
        pixel_spacing_mm=pixel_mm,
        slice_spacing_mm=plan.spacing_mm,
        orientation=plan.orientation,
        positions_mm=plan.corners_mm + inward,
    )


@cache
def _keep_freed_memory() -> None:
    """Let thousands of short-lived arrays use the same memory again, once a process.

    glibc gives blocks of more than 128 KiB back to the system when they are freed, and takes them
    anew, page by page, a fifth of the time of a scan. After a larger block was freed once it keeps
    whatever is smaller (mallopt(3): the thresholds adjust themselves); elsewhere this does nothing.
    """
    np.empty(LARGEST_ARRAY_BYTES, np.uint8)

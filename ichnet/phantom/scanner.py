"""Rendering: from a patient to a CT scan with ground-truth masks."""

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
"""Largest distance of the planes that are averaged to a slice; ``FINE_PLANE_MM`` at ``BASE_MM``."""

BASE_MM = (-48.0, 2.0)
"""Heights between which slices cut the skull base obliquely. Partial volume of bone gives many
pixels the density of blood there, so more planes are averaged."""


LARGEST_ARRAY_BYTES = 2**24
"""Larger than any array that rendering allocates."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A rendered scan.

    Attributes:
        hu: int16 [slices, rows, columns], ordered from feet to head.
        mask: a bit for each subtype, uint8 [slices, rows, columns].
        pixel_spacing_mm: distance of rows, and of columns.
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
        """Return the scan as the DICOM reader would; ``name`` serves as scan and patient id."""
        return Volume(
            hu=self.hu,
            pixel_spacing_mm=(self.pixel_spacing_mm, self.pixel_spacing_mm),
            orientation=self.orientation,
            positions_mm=self.positions_mm,
            slice_spacing_mm=np.full(len(self.hu), self.slice_spacing_mm),
            scan_id=name,
            patient_id=name,
        )


def scan_patient(
    patient: Patient, seed: int, matrix: int, slices: tuple[int, int], sites_of: str | None = None
) -> Scan:
    """Render a scan of a patient on one of the cohort's scanners.

    Args:
        patient: the patient whose head is drawn.
        seed: seed of the whole phantom.
        matrix: rows and columns of each slice.
        slices: smallest and largest number of slices.
        sites_of: cohort whose scanners to use; ``None`` for the patient's own.
    """
    _keep_freed_memory()
    rng = generator(seed, patient.cohort, patient.index, purpose=1)
    head = make_head(patient)
    plan = draw_plan(rng, head, slices, sites_of or patient.cohort)
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
    """Let freed memory be reused by later arrays; needed once in each process.

    By default glibc returns freed blocks above 128 KiB to the system and requests them again page
    by page, which takes a fifth of the rendering time. Once a larger block has been freed, glibc
    raises this threshold and keeps smaller blocks (mallopt(3), dynamic thresholds). With another C
    library this has no effect.
    """
    np.empty(LARGEST_ARRAY_BYTES, np.uint8)

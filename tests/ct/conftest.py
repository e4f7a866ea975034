"""Small scans and DICOM files for the tests of ``ichnet.ct``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ichnet.ct.volume import Volume, slice_normal, slice_spacing_from_positions

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.fixture(scope="session")
def make_volume():
    """Build a Volume around HU; ``gaps_mm`` apart along the normal of its orientation."""

    def make(hu, orientation=AXIAL, pixel_spacing_mm=(1.0, 1.0), gaps_mm=5.0) -> Volume:
        hu = np.asarray(hu, np.int16)
        cosines = np.asarray(orientation, float)
        heights_mm = np.concatenate([[0.0], np.cumsum(np.full(len(hu) - 1, gaps_mm))])
        positions_mm = heights_mm[:, None] * slice_normal(cosines)
        return Volume(
            hu=hu,
            pixel_spacing_mm=pixel_spacing_mm,
            orientation=cosines,
            positions_mm=positions_mm,
            slice_spacing_mm=slice_spacing_from_positions(positions_mm, slice_normal(cosines)),
            scan_id="0123456789abcdef",
            patient_id="fedcba9876543210",
        )

    return make


@pytest.fixture(scope="session")
def real_head() -> list[Path]:
    """The 28 files of a real, tilted head CT; skips where it is not at hand."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "head_ct_ge"
    if not folder.is_dir():
        pytest.skip("the real head CT (../shared/data/head_ct_ge) is not at hand")
    return sorted(folder.glob("*.dcm"))

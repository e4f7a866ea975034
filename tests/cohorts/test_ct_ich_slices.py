"""Real slices with outlines, PhysioNet CT-ICH, read as a strongly annotated source.

The files were written by MATLAB: secondary captures without geometry or rescaling, int16 already in
HU, masks of -32768 and 32767, image and mask turned by 90 degrees. They are never part of the
project; where they are absent these tests are skipped.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from ichnet.cohorts.case import UNKNOWN, Case, ScanEntry
from ichnet.cohorts.labels import in_slice_order, union
from ichnet.cohorts.selection import SelectionError, select_scans
from ichnet.cohorts.splits import patient_strata, split_patients
from ichnet.ct.volume import Volume
from ichnet.subtypes import SUBTYPES, bit_of

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "ct_ich"
SPACING_MM = 5.0  # the set's slice spacing
PIXEL_MM = 0.488  # a typical pixel: these copies have lost theirs

WITH_ICH = (1, *[UNKNOWN] * len(SUBTYPES))
"""These copies do not tell the subtype."""

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="PhysioNet CT-ICH slices (../shared/data/ct_ich) are not at hand"
)


def upright_pixels(path: Path) -> np.ndarray:
    return np.rot90(pydicom.dcmread(path).pixel_array)


def list_scans() -> list[ScanEntry]:
    """One scan a patient; files are named PPP_SS.dcm, patient and slice."""
    files = sorted((FOLDER / "hemo_subset").glob("*.dcm"))
    entries = []
    for patient, group in groupby(files, lambda path: path.stem.split("_")[0]):
        paths = tuple(group)
        labels = {path.stem: WITH_ICH for path in paths}
        masks = {path.stem: FOLDER / "Masks_subset" / path.name for path in paths}
        scan_labels = union(labels.values())
        entries.append(
            ScanEntry("ct_ich", patient, patient, paths, scan_labels, labels, extra=masks)
        )
    return entries


def load(entry: ScanEntry) -> Case:
    keys = [path.stem for path in entry.files]
    outlined = np.stack([upright_pixels(entry.extra[key]) for key in keys]) > 0
    numbers = np.array([int(key.split("_")[1]) for key in keys])
    positions_mm = np.zeros((len(keys), 3))
    positions_mm[:, 2] = numbers * SPACING_MM
    volume = Volume(
        hu=np.stack([upright_pixels(path) for path in entry.files]),
        pixel_spacing_mm=(PIXEL_MM, PIXEL_MM),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=positions_mm,
        # single slices out of a scan: each stands for its own 5 mm
        slice_spacing_mm=np.full(len(keys), SPACING_MM),
        scan_id=f"scan-{entry.scan_key}",
        patient_id=f"patient-{entry.patient_key}",
        sop_instance_uids=tuple(keys),
    )
    mask = np.where(outlined, bit_of("ANY"), 0).astype(np.uint8)
    return Case.of(entry, volume, in_slice_order(entry.slice_labels, keys), mask)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [load(entry) for entry in list_scans()]


def slices(cases):
    for case in cases:
        for hu, mask in zip(case.volume.hu, case.mask, strict=True):
            yield hu, mask > 0


def test_26_slices_of_16_patients_have_an_outline(cases):
    assert len(cases) == 16
    assert sum(len(case.volume.hu) for case in cases) == 26
    for case in cases:
        assert case.mask.any(axis=(1, 2)).all()
        assert set(np.unique(case.mask)) == {0, 31}
        assert case.slice_labels[:, 0].tolist() == [1] * len(case.mask)
        assert (case.slice_labels[:, 1:] == UNKNOWN).all()


def test_volumes_follow_from_pixels_and_spacing(cases):
    for case in cases:
        expected_ml = np.count_nonzero(case.mask) * PIXEL_MM**2 * SPACING_MM / 1000
        assert case.volume_ml()[0] == pytest.approx(expected_ml)
    # 890 pixels of patient 49, slice 21
    assert cases[0].volume_ml()[0] == pytest.approx(890 * 0.488**2 * 0.005)


def test_outlined_pixels_are_as_dense_as_blood(cases):
    """Outline and image lie on each other: a mask that is turned otherwise covers brain or air."""
    medians = [np.median(hu[outlined]) for hu, outlined in slices(cases)]
    assert min(medians) > 35
    assert max(medians) < 75
    turned = [np.median(hu[np.rot90(outlined)]) for hu, outlined in slices(cases)]
    assert np.mean(np.array(medians) - np.array(turned)) > 10


def head_and_rest(hu) -> tuple[np.ndarray, np.ndarray]:
    """The largest connected part denser than air, and all others: the table."""
    dense = hu > -300
    _, parts, sizes, _ = cv2.connectedComponentsWithStats(dense.astype(np.uint8))
    head = parts == 1 + np.argmax(sizes[1:, cv2.CC_STAT_AREA])
    return head, dense & ~head


def test_outlines_lie_within_the_skull(cases):
    for hu, outlined in slices(cases):
        head, _ = head_and_rest(hu)
        points = np.argwhere(head & (hu > 300))[:, ::-1].astype(np.int32)
        hull = cv2.fillConvexPoly(np.zeros(hu.shape, np.uint8), cv2.convexHull(points), 1)
        assert not (outlined & (hull == 0)).any()


def test_heads_are_upright(cases):
    """The table is below the middle of the head on all slices that show it."""
    heads_above = []
    for hu, _ in slices(cases):
        head, table = head_and_rest(hu)
        if np.count_nonzero(table) > 1000:
            heads_above.append(np.nonzero(head)[0].mean() < np.nonzero(table)[0].mean())
    assert len(heads_above) > 13
    assert all(heads_above)


def test_they_are_split_by_patient_and_lack_scans_without_hemorrhage():
    entries = list_scans()
    splits = split_patients(patient_strata(entries), {"train": 0.75, "validation": 0.25}, 1)
    assert sorted(splits.values()).count("validation") == 4
    assert len(splits) == 16
    with pytest.raises(SelectionError, match="1 scans without hemorrhage are wanted"):
        select_scans(entries, 1, seed=1)

"""One head is one array, with its outlines, whichever cohort it comes from and however stored."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest

from ichnet.cohorts import aihub, bhsd, dumc
from ichnet.cohorts.case import Case
from ichnet.ct.orientation import Turn

SPACING_MM = (2.0, 1.5)
GAP_MM = 5.0
TURNS = [Turn(*flags) for flags in itertools.product((False, True), repeat=3)]


def head() -> tuple[np.ndarray, np.ndarray]:
    """HU and outlines [4, 10, 12], no two pixels alike; an SDH on slices 1 and 2, to the right."""
    hu = np.arange(4 * 10 * 12, dtype=np.int16).reshape(4, 10, 12)
    mask = np.zeros(hu.shape, np.uint8)
    mask[1, 2:4, 3:7] = mask[2, 2, 3:5] = 16
    return hu, mask


def orientation_of(turn: Turn) -> list[float]:
    """Cosines of the slices as they are stored, when ``turn`` turns them."""
    along_row = np.array([-1.0 if turn.columns_mirrored else 1.0, 0, 0])
    along_column = np.array([0, -1.0 if turn.rows_mirrored else 1.0, 0])
    if turn.transposed:
        along_row, along_column = along_column, along_row
    return [*along_row, *along_column]


def stored_spacing(turn: Turn) -> list[float]:
    return list(SPACING_MM[::-1] if turn.transposed else SPACING_MM)


def write_dicom(write_slice, folder: Path, hu: np.ndarray, turn: Turn) -> list[str]:
    stored = turn.undo(hu)
    orientation, (row_mm, column_mm) = orientation_of(turn), stored_spacing(turn)
    corner = np.zeros(3)
    for axis, along, step in ((2, orientation[:3], column_mm), (1, orientation[3:], row_mm)):
        if sum(along) < 0:  # the first pixel is the last of the turned slice
            corner -= np.array(along) * (stored.shape[axis] - 1) * step
    uids = []
    for index, pixels in enumerate(stored):
        uid = f"1.2.3.{index + 1}"
        write_slice(
            folder / f"{uid}.dcm",
            uid,
            "1.2.9",
            "P",
            Rows=pixels.shape[0],
            Columns=pixels.shape[1],
            ImagePositionPatient=[*corner[:2], index * GAP_MM],
            ImageOrientationPatient=orientation,
            PixelSpacing=[row_mm, column_mm],
            PixelData=(pixels + 1024).astype("<u2").tobytes(),
        )
        uids.append(uid)
    return uids


def write_nifti(path: Path, stored: np.ndarray, turn: Turn, head_first: bool) -> None:
    orientation, (row_mm, column_mm) = orientation_of(turn), stored_spacing(turn)
    affine = np.eye(4)
    affine[:3, 0] = np.array(orientation[:3]) * column_mm
    affine[:3, 1] = np.array(orientation[3:]) * row_mm
    affine[:3, 2] = [0, 0, -GAP_MM if head_first else GAP_MM]
    affine[:2] *= -1  # NIfTI's world is right, anterior, superior
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = stored[::-1] if head_first else stored
    nibabel.save(nibabel.Nifti1Image(ordered.transpose(2, 1, 0), affine), path)


def require_the_head(case: Case) -> None:
    hu, mask = head()
    np.testing.assert_array_equal(case.volume.hu, hu)
    np.testing.assert_array_equal(case.mask, mask)
    assert case.volume.pixel_spacing_mm == pytest.approx(SPACING_MM)
    np.testing.assert_allclose(case.volume.slice_spacing_mm, GAP_MM)
    assert case.slice_labels[:, 5].tolist() == [0, 1, 1, 0]
    assert case.volume_ml()[5] == pytest.approx(10 * 2.0 * 1.5 * 5 / 1000)


@pytest.mark.parametrize("head_first", [False, True])
@pytest.mark.parametrize("turn", TURNS)
def test_nifti(tmp_path, key, turn, head_first):
    hu, mask = head()
    write_nifti(tmp_path / "images" / "a.nii.gz", turn.undo(hu), turn, head_first)
    classes = turn.undo(np.where(mask, 5, 0).astype(np.uint8))
    write_nifti(tmp_path / "labels" / "a.nii.gz", classes, turn, head_first)
    (entry,), _ = bhsd.list_scans(tmp_path)
    require_the_head(bhsd.load(entry, key))


def test_outlines_may_be_stored_otherwise_than_their_scan(tmp_path, key):
    hu, mask = head()
    write_nifti(tmp_path / "images" / "a.nii.gz", hu, Turn(), False)
    turn = Turn(rows_mirrored=True)
    classes = turn.undo(np.where(mask, 5, 0).astype(np.uint8))
    write_nifti(tmp_path / "labels" / "a.nii.gz", classes, turn, False)
    with pytest.raises(Exception, match="elsewhere"):  # both have their first pixel at one place
        bhsd.load(bhsd.list_scans(tmp_path)[0][0], key)
    path = tmp_path / "labels" / "a.nii.gz"
    image = nibabel.load(path)
    affine = image.affine.copy()
    affine[1, 3] -= 9 * 2.0  # rows run to anterior, from the posterior end
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), affine), path)
    require_the_head(bhsd.load(bhsd.list_scans(tmp_path)[0][0], key))


@pytest.mark.parametrize("turn", TURNS)
def test_dicom_with_masks(write_slice, write_csv, tmp_path, key, turn):
    hu, mask = head()
    uids = write_dicom(write_slice, tmp_path / "scan", hu, turn)
    (tmp_path / "drawn").mkdir()
    for uid, pixels in zip(uids, turn.undo(mask), strict=True):
        cv2.imwrite(str(tmp_path / "drawn" / f"{uid}.png"), pixels)
    write_csv(tmp_path / "scans.csv", "scan_id,patient_id,path,ich,mask", "a,p,scan,1,drawn")
    (entry,), _ = dumc.list_scans(tmp_path)
    require_the_head(dumc.load(entry, key))


@pytest.mark.parametrize("turn", TURNS)
def test_dicom_with_polygons(write_slice, tmp_path, key, turn):
    hu, mask = head()
    uids = write_dicom(write_slice, tmp_path / "a" / "dicom", hu, turn)
    (tmp_path / "a" / "annotation").mkdir()
    for uid, pixels in zip(uids, turn.undo(mask), strict=True):
        rows, columns = np.nonzero(pixels)
        corners = []
        if len(rows):
            left, right = columns.min() - 0.4, columns.max() + 0.4
            top, bottom = rows.min() - 0.4, rows.max() + 0.4
            corners = [[[left, top], [right, top], [right, bottom], [left, bottom]]]
        labels = dict.fromkeys(("EDH", "IPH", "IVH", "SAH"), 0) | {"SDH": int(bool(corners))}
        annotation = {
            "sop_instance_uid": uid,
            "labels": labels,
            "polygons": {"SDH": corners} if corners else {},
        }
        path = tmp_path / "a" / "annotation" / f"{uid}.json"
        path.write_text(json.dumps(annotation))
    (entry,), _ = aihub.list_scans(tmp_path)
    require_the_head(aihub.load(entry, key))

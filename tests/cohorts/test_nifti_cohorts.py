"""CT-ICH and BHSD: NIfTI volumes with outlines, in the layout of their sources."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from ichnet.cohorts import bhsd, ct_ich

RAS = np.array([[-0.5, 0, 0, 10], [0, -0.4, 0, -20], [0, 0, 5, 30], [0, 0, 0, 1]])
"""Columns towards the patient's left, rows towards posterior, 5 mm a slice."""

HEAD_FIRST = RAS * [1, 1, -1, 1]


def write_nifti(path: Path, values, affine=RAS) -> None:
    """Write [slices, rows, columns]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.asarray(values).transpose(2, 1, 0), affine), path)


HU = np.arange(3 * 4 * 5).reshape(3, 4, 5)


def outlines(*pixels: tuple[int, int]) -> np.ndarray:
    """Return classes [3, 4, 5]; ``(slice, class)`` each outline two pixels."""
    mask = np.zeros((3, 4, 5), np.uint8)
    for slice_, value in pixels:
        mask[slice_, 1, value % 4 : value % 4 + 2] = value
    return mask


def test_bhsd(tmp_path, key):
    for name in ("a", "b", "c"):
        write_nifti(tmp_path / "images" / f"{name}.nii.gz", HU.astype("i2"), HEAD_FIRST)
    masks = tmp_path / "ground truths"
    write_nifti(masks / "a.nii.gz", outlines((0, 5), (2, 1)), HEAD_FIRST)
    write_nifti(masks / "b.nii.gz", outlines((0, 9)), HEAD_FIRST)
    write_nifti(masks / "d.nii.gz", outlines(), RAS)
    (entry,), exclusions = bhsd.list_scans(tmp_path)
    assert {(e.path.name, e.reason) for e in exclusions} == {
        ("b.nii.gz", "bad-annotation"),
        ("c.nii.gz", "missing-annotation"),
        ("d.nii.gz", "missing-file"),
    }
    assert entry.scan_labels == (1, 1, 0, 0, 0, 1)
    case = bhsd.load(entry, key)
    assert case.slice_labels.tolist() == [[1, 1, 0, 0, 0, 0], [0] * 6, [1, 0, 0, 0, 0, 1]]
    assert case.mask is not None
    assert np.unique(case.mask[0]).tolist() == [0, 1]
    assert np.unique(case.mask[2]).tolist() == [0, 16]
    # two pixels of 0.5 x 0.4 x 5 mm each
    np.testing.assert_allclose(case.volume_ml(), [0.004, 0.002, 0, 0, 0, 0.002])


HEADER = (
    "PatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,Epidural,Subdural,"
    "No_Hemorrhage,Fracture_Yes_No"
)


def test_ct_ich(tmp_path, key, write_csv):
    rows = [f"{patient},{number},0,0,0,0,0,1,0" for patient in (49, 50, 51) for number in (1, 2, 3)]
    rows[1] = "49,2,0,1,0,0,1,0,0"
    write_csv(tmp_path / ct_ich.LABEL_TABLE, HEADER, *rows, end="\r\n", bom=True)
    for name in ("049", "050", "051", "052"):
        write_nifti(tmp_path / "ct_scans" / f"{name}.nii", HU.astype("i2"))
        mask = outlines((1, 255 if name == "049" else 0), (2, 255 if name == "050" else 0))
        write_nifti(tmp_path / "masks" / f"{name}.nii", mask)
    (tmp_path / "masks" / "051.nii").unlink()
    (entry,), exclusions = ct_ich.list_scans(tmp_path)
    assert sorted((len(e.files), e.reason) for e in exclusions) == [
        (1, "missing-file"),
        (2, "bad-annotation"),
        (2, "unlabelled"),
    ]
    case = ct_ich.load(entry, key)
    assert case.slice_labels.tolist() == [[0] * 6, [1, 0, 1, 0, 0, 1], [0] * 6]
    assert case.mask is not None
    assert np.unique(case.mask).tolist() == [0, 2 + 16]
    assert case.volume.patient_id != "049"

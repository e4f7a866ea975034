"""CT-ICH and BHSD: NIfTI volumes with outlines, in the layout of their sources."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from ichnet.cohorts import bhsd, ct_ich
from ichnet.ct.errors import ReadError
from ichnet.ct.nifti import read_nifti, to_volume

KINDS = {"u1": 2, "i2": 4, "f4": 16, "f8": 64}
RAS = np.array([[-0.5, 0, 0, 10], [0, 0.4, 0, -20], [0, 0, 5, 30]])
"""Columns towards the patient's left, rows towards anterior, 5 mm a slice."""


def write_nifti(path: Path, values, affine=RAS, scale=(0.0, 0.0), form="s", endian="<") -> Path:
    """Write [slices, rows, columns] as NIfTI-1."""
    values = np.asarray(values)
    kind = values.dtype.str[1:]
    header = bytearray(352)
    struct.pack_into(f"{endian}i", header, 0, 348)
    struct.pack_into(f"{endian}8h", header, 40, 3, *values.shape[::-1], 1, 1, 1, 1)
    struct.pack_into(f"{endian}h", header, 70, KINDS[kind])
    spacing = np.linalg.norm(affine[:, :3], axis=0)
    struct.pack_into(f"{endian}8f", header, 76, 1, *spacing, 0, 0, 0, 0)
    struct.pack_into(f"{endian}3f", header, 108, 352, *scale)
    struct.pack_into(f"{endian}2h", header, 252, form == "q", form == "s")
    if form == "q":  # a rotation by 180 degrees about the superior axis
        struct.pack_into(f"{endian}6f", header, 256, 0, 0, 1, *affine[:, 3])
    if form == "s":
        struct.pack_into(f"{endian}12f", header, 280, *affine.ravel())
    header[344:348] = b"n+1\0"
    content = bytes(header) + values.astype(values.dtype.newbyteorder(endian)).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


HU = np.arange(3 * 4 * 5).reshape(3, 4, 5)


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("kind", ["i2", "f4", "f8"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_values_and_geometry(tmp_path, endian, kind, suffix):
    path = write_nifti(tmp_path / f"a{suffix}", HU.astype(kind), endian=endian)
    volume, turned = to_volume(read_nifti(path), path, "s", "p")
    assert not turned
    np.testing.assert_array_equal(volume.hu, HU)
    assert volume.pixel_spacing_mm == (pytest.approx(0.4), pytest.approx(0.5))
    # right-to-left is LPS's +x, anterior its -y
    np.testing.assert_allclose(volume.orientation, [1, 0, 0, 0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(volume.positions_mm[0], [-10, 20, 30], atol=1e-5)
    np.testing.assert_allclose(volume.slice_spacing_mm, 5, atol=1e-5)


def test_scale_and_quaternion(tmp_path):
    affine = np.array([[-0.5, 0, 0, 10], [0, -0.4, 0, -20], [0, 0, 5, 30]])
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"), affine, (2.0, -24.0), form="q")
    volume, _ = to_volume(read_nifti(path), path, "s", "p")
    np.testing.assert_array_equal(volume.hu, 2 * HU - 24)
    np.testing.assert_allclose(volume.orientation, [1, 0, 0, 0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(volume.positions_mm[0], [-10, 20, 30], atol=1e-5)


def test_slices_from_head_to_feet_are_turned_round(tmp_path):
    affine = RAS * [1, 1, -1, 1]
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"), affine)
    volume, turned = to_volume(read_nifti(path), path, "s", "p")
    assert turned
    np.testing.assert_array_equal(volume.hu, HU[::-1])
    assert volume.sop_instance_uids == ("2", "1", "0")
    assert volume.positions_mm[:, 2].tolist() == [20, 25, 30]


def test_sheared_slices_count_by_their_perpendicular_gap(tmp_path):
    affine = RAS.copy()
    affine[1, 2] = 3.0  # a tilted gantry, converted without resampling
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"), affine)
    volume, _ = to_volume(read_nifti(path), path, "s", "p")
    np.testing.assert_allclose(volume.slice_spacing_mm, 5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: b"no", "not-nifti"),
        (lambda content: content[:-1], "truncated"),
        (lambda content: content[:252] + b"\0\0\0\0" + content[256:], "no-geometry"),
        (lambda content: content[:70] + b"\x63\0" + content[72:], "bad-header"),
    ],
)
def test_what_cannot_be_read_has_a_reason(tmp_path, change, reason):
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ReadError) as error:
        read_nifti(path)
    assert error.value.reason == reason


def outlines(*pixels: tuple[int, int]) -> np.ndarray:
    """Return classes [3, 4, 5]; ``(slice, class)`` each outline two pixels."""
    mask = np.zeros((3, 4, 5), np.uint8)
    for slice_, value in pixels:
        mask[slice_, 1, value % 4 : value % 4 + 2] = value
    return mask


def test_bhsd(tmp_path, key):
    for name in ("a", "b", "c"):
        write_nifti(tmp_path / "images" / f"{name}.nii.gz", HU.astype("i2"), RAS * [1, 1, -1, 1])
    masks = tmp_path / "ground truths"
    write_nifti(masks / "a.nii.gz", outlines((0, 5), (2, 1)), RAS * [1, 1, -1, 1])
    write_nifti(masks / "b.nii.gz", outlines((0, 9)), RAS * [1, 1, -1, 1])
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

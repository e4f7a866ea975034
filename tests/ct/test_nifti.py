"""NIfTI volumes: values, places, and what is refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

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
    volume = to_volume(read_nifti(path), "s", "p")
    np.testing.assert_array_equal(volume.hu, HU[:, ::-1])
    assert volume.pixel_spacing_mm == (pytest.approx(0.4), pytest.approx(0.5))
    np.testing.assert_allclose(volume.orientation, [1, 0, 0, 0, 1, 0], atol=1e-6)
    # the file's first row lies at y = 20 mm of ours, three more towards anterior
    np.testing.assert_allclose(volume.positions_mm[0], [-10, 20 - 3 * 0.4, 30], atol=1e-5)
    np.testing.assert_allclose(volume.slice_spacing_mm, 5, atol=1e-5)


def test_scale_and_quaternion(tmp_path):
    affine = np.array([[-0.5, 0, 0, 10], [0, -0.4, 0, -20], [0, 0, 5, 30]])
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"), affine, (2.0, -24.0), form="q")
    volume = to_volume(read_nifti(path), "s", "p")
    np.testing.assert_array_equal(volume.hu, 2 * HU - 24)
    np.testing.assert_allclose(volume.orientation, [1, 0, 0, 0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(volume.positions_mm[0], [-10, 20, 30], atol=1e-5)


def test_slices_from_head_to_feet_are_turned_round(tmp_path):
    affine = RAS * [1, 1, -1, 1]
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"), affine)
    volume = to_volume(read_nifti(path), "s", "p")
    np.testing.assert_array_equal(volume.hu, HU[::-1, ::-1])
    assert volume.sop_instance_uids == ("2", "1", "0")
    assert volume.positions_mm[:, 2].tolist() == [20, 25, 30]


def test_sheared_slices_count_by_their_perpendicular_gap(tmp_path):
    affine = RAS.copy()
    affine[1, 2] = 3.0  # a tilted gantry, converted without resampling
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"), affine)
    volume = to_volume(read_nifti(path), "s", "p")
    np.testing.assert_allclose(volume.slice_spacing_mm, 5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: b"no", "not-nifti"),
        (lambda content: content[:-1], "truncated"),
        (lambda content: content[:252] + b"\0\0\0\0" + content[256:], "no-geometry"),
        (lambda content: content[:344] + b"n+2\0" + content[348:], "not-nifti"),
        (lambda content: content[:108] + b"\0\0\0\x60" + content[112:], "bad-header"),
        (
            lambda content: content[:40] + b"\4" + content[41:48] + b"\7" + content[49:],
            "bad-header",
        ),
        (
            lambda content: content[:42] + b"\xff\x7f\xff\x7f\xff\x7f" + content[48:],
            "unsafe-archive",
        ),
        (lambda content: content[:42] + b"\xff\xff" + content[44:], "bad-header"),
        (lambda content: content[:70] + b"\x63\0" + content[72:], "bad-header"),
    ],
)
def test_what_cannot_be_read_has_a_reason(tmp_path, change, reason):
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ReadError) as error:
        read_nifti(path)
    assert error.value.reason == reason


@pytest.mark.parametrize("cut", [100, 400])
def test_a_compressed_file_that_was_cut_is_refused(tmp_path, cut):
    noise = np.random.default_rng(0).integers(0, 1000, (3, 40, 50)).astype("i2")
    path = write_nifti(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ReadError) as error:
        read_nifti(path)
    assert error.value.reason == "truncated"


@pytest.mark.parametrize(
    ("axes", "reason"),
    [([2, 1, 0], "not-axial"), ([0, 2, 1], "not-axial")],
)
def test_slices_that_are_not_axial_are_refused(tmp_path, axes, reason):
    affine = RAS.copy()
    affine[:, :3] = RAS[:, axes]
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"), affine)
    with pytest.raises(ReadError) as error:
        read_nifti(path)
    assert error.value.reason == reason


def test_nothing_is_printed_about_odd_headers(tmp_path, capfd):
    path = write_nifti(tmp_path / "a.nii", HU.astype("i2"))
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, 80, -0.5)  # a negative pixdim
    path.write_bytes(content)
    read_nifti(path)
    assert capfd.readouterr() == ("", "")

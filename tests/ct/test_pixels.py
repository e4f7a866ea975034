"""Stored values become Hounsfield units, however they are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

import ichnet.ct.decode
from ichnet.ct.decode import decoded_values
from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_header
from ichnet.ct.pixels import read_hu, read_pixels


@pytest.fixture
def hu_of(write_slice, tmp_path):
    """Write one slice and read it back as HU."""

    def convert(stored, **elements) -> np.ndarray:
        return read_hu(read_header(write_slice(tmp_path / "slice.dcm", stored, **elements)))

    return convert


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    """Stored values [32, 48] over the range of CT, with structure and noise."""
    rng = np.random.default_rng(3)
    ramp = np.linspace(-1024, 3071, 48)[None, :] + np.linspace(0, 200, 32)[:, None]
    return np.clip(ramp + rng.normal(0, 20, (32, 48)), -1024, 3071).astype(np.int16)


# from stored values to HU, by hand ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "slope", "intercept", "expected"),
    [
        ([[0, 1064, 4095]], 1, -1024, [[-1024, 40, 3071]]),
        ([[0, 1040, 4095]], 1, -1000, [[-1000, 40, 3095]]),
        ([[2048, 2129, 2050]], 0.5, -1024, [[0, 40, 1]]),  # 40.5 rounds to even
        ([[100, 101, 103]], 0.25, 0, [[25, 25, 26]]),
        ([[100, 200, 60000]], -1, 0, [[-100, -200, -1024]]),
        ([[27024, 60000, 65535]], 1, -1024, [[26000, 32767, 32767]]),  # metal, and beyond int16
        ([[0, 1, 2]], 1, -3024, [[-1024, -1024, -1024]]),
    ],
)
def test_rescaling_of_unsigned_values(hu_of, stored, slope, intercept, expected):
    stored = np.array(stored, np.uint16)
    hu = hu_of(stored, RescaleSlope=slope, RescaleIntercept=intercept)
    assert hu.dtype == np.int16
    assert hu.tolist() == expected


def test_signed_values(hu_of):
    assert hu_of(np.array([[-2000, -1024, -1, 40, 32767]], np.int16)).tolist() == [
        [-1024, -1024, -1, 40, 32767]
    ]


def test_twelve_signed_bits_in_sixteen_are_extended_by_their_sign(hu_of):
    # -5 in twelve bits is 0x0FFB; the four bits above are not part of the value
    stored = np.array([[0x0FFB, 0xFFFB, 0x0028]], np.uint16).view(np.int16)
    assert hu_of(stored, bits_stored=12).tolist() == [[-5, -5, 40]]


def test_eight_bits(hu_of):
    stored = np.array([[0, 10, 255, 3]], np.uint8)
    assert hu_of(stored, bits_stored=8, RescaleSlope=10).tolist() == [[0, 100, 2550, 30]]


@pytest.mark.parametrize(
    ("stored", "padding", "expected"),
    [
        (np.array([[-2000, 0, 40]], np.int16), {"PixelPaddingValue": -2000}, [-1024, 0, 40]),
        # the same bits, written as if unsigned
        (np.array([[-500, 0, 40]], np.int16), {"PixelPaddingValue": 65036}, [-1024, 0, 40]),
        (np.array([[63536, 0, 40]], np.uint16), {"PixelPaddingValue": 63536}, [-1024, 0, 40]),
        (
            np.array([[-501, -500, -450, -399, 40]], np.int16),
            {"PixelPaddingValue": -500, "PixelPaddingRangeLimit": -400},
            [-501, -1024, -1024, -399, 40],
        ),
    ],
)
def test_padding_becomes_air(write_slice, tmp_path, stored, padding, expected):
    path = write_slice(tmp_path / "padded.dcm", stored, PixelPaddingValue=None)
    dataset = pydicom.dcmread(path)
    for keyword, value in padding.items():
        dataset.add_new(keyword, "SS" if value < 0 else "US", value)
    dataset.save_as(path)
    assert read_hu(read_header(path))[0].tolist() == expected


@pytest.mark.parametrize(("low", "high"), [(1074, 1119), (0, 1054), (1119, 1074)])
def test_a_range_of_padding_that_covers_tissue_is_refused(write_slice, tmp_path, low, high):
    # of HU + 1024: 50 to 95 HU, where blood lies; air to 30 HU
    path = write_slice(
        tmp_path / "padded.dcm",
        np.array([[0, 1054, 1084]], np.uint16),
        RescaleIntercept=-1024,
        PixelPaddingValue=low,
        PixelPaddingRangeLimit=high,
    )
    with pytest.raises(ReadError) as refused:
        read_hu(read_header(path))
    assert refused.value.reason == "bad-header"


# encodings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_uncompressed_encodings_give_the_same_hu(hu_of, texture, syntax, kind):
    stored = (texture + 1024).astype(kind)
    expected = hu_of(stored, RescaleIntercept=-1024)
    assert np.array_equal(expected, texture)
    assert np.array_equal(hu_of(stored, RescaleIntercept=-1024, syntax=syntax), expected)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_lossless_compression_gives_the_same_hu(write_slice, tmp_path, texture, syntax, kind):
    offset = 0 if kind == np.int16 else -1024
    path = write_slice(
        tmp_path / "plain.dcm", (texture - offset).astype(kind), RescaleIntercept=offset
    )
    dataset = pydicom.dcmread(path)
    try:
        dataset.compress(syntax, generate_instance_uid=False)
    except RuntimeError as error:
        pytest.skip(f"no encoder for {syntax.name}: {error}")
    dataset.save_as(tmp_path / "compressed.dcm")
    assert np.array_equal(read_hu(read_header(tmp_path / "compressed.dcm")), texture)


@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_jpeg_lossless_as_in_cq500_gives_the_same_hu(write_slice, tmp_path, texture, kind):
    gdcm = pytest.importorskip("gdcm", reason="no encoder for JPEG Lossless: gdcm is missing")
    offset = 0 if kind == np.int16 else -1024
    path = write_slice(
        tmp_path / "plain.dcm", (texture - offset).astype(kind), RescaleIntercept=offset
    )
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(tmp_path / "compressed.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    header = read_header(tmp_path / "compressed.dcm")
    assert header.transfer_syntax.name.startswith("JPEG Lossless")
    assert np.array_equal(read_hu(header), texture)


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("CT_small.dcm", -896, 1167),
        ("J2K_pixelrep_mismatch.dcm", -1024, None),
        ("693_J2KI.dcm", None, None),
    ],
)
def test_real_files_of_pydicom(name, lowest, highest):
    path = Path(str(get_testdata_file(name, download=False)))
    try:
        hu = read_hu(read_header(path))
    except ReadError as error:
        if error.reason == "unsupported-syntax":
            pytest.skip(error.detail)
        raise
    assert hu.min() >= -1024
    assert lowest is None or hu.min() == lowest
    assert highest is None or hu.max() == highest
    assert np.median(hu) < 500


# what cannot be decoded ---------------------------------------------------------------------------


def test_a_missing_decoder_is_named_with_its_remedy(write_slice, tmp_path, texture, monkeypatch):
    path = write_slice(tmp_path / "slice.dcm", texture, syntax=ExplicitVRBigEndian)

    class Missing:
        is_available = False

    monkeypatch.setattr(ichnet.ct.decode, "get_decoder", lambda syntax: Missing())
    with pytest.raises(ReadError) as error:
        decoded_values(read_header(path), path.read_bytes())
    assert error.value.reason == "unsupported-syntax"
    assert "Explicit VR Big Endian" in error.value.detail
    assert "pip install 'ichnet[dicom-codecs]'" in error.value.detail


def test_an_encoding_nobody_decodes_is_named(write_slice, tmp_path, texture):
    path = write_slice(tmp_path / "slice.dcm", texture)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = MPEG2MPML
    dataset.PixelData = encapsulate([dataset.PixelData])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    with pytest.raises(ReadError, match="MPEG2") as error:
        read_hu(read_header(path))
    assert error.value.reason == "unsupported-syntax"


def test_compressed_pixels_that_were_cut_are_truncated(write_slice, tmp_path, texture):
    path = write_slice(tmp_path / "slice.dcm", texture)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    whole = path.read_bytes()
    for share in (0.5, 0.7, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ReadError) as error:
            read_hu(read_header(path))
        assert error.value.reason == "truncated"


# values that wrapped at 12 bits -------------------------------------------------------------------


def wrapped_head(air_hu: int = -1000) -> np.ndarray:
    """Return HU of a disc of tissue and bone in air, [20, 20]."""
    hu = np.full((20, 20), air_hu)
    hu[5:15, 5:15] = 40
    hu[5, 5:15] = 1800
    return hu


@pytest.mark.parametrize("intercept", [0, -24])
def test_hu_modulo_4096_are_repaired_and_counted(write_slice, tmp_path, intercept):
    hu = wrapped_head()
    stored = ((hu - intercept) % 4096).astype(np.uint16)
    path = write_slice(tmp_path / "slice.dcm", stored, bits_stored=12, RescaleIntercept=intercept)
    pixels = read_pixels(read_header(path))
    assert pixels.repaired
    np.testing.assert_array_equal(pixels.hu, hu)


@pytest.mark.parametrize(
    ("metal", "elements"),
    [
        (1, {"RescaleIntercept": 0, "bits_stored": 12}),  # metal, on one pixel of 400
        (80, {"RescaleIntercept": -1024, "bits_stored": 12}),  # air is where it should be
        (80, {"RescaleIntercept": 0, "bits_stored": 16}),
    ],
)
def test_bright_values_that_did_not_wrap_are_left(write_slice, tmp_path, metal, elements):
    stored = np.full((20, 20), 30, np.uint16)
    stored.flat[:metal] = 4000
    pixels = read_pixels(read_header(write_slice(tmp_path / "slice.dcm", stored, **elements)))
    assert not pixels.repaired
    assert pixels.hu.max() == 4000 + elements["RescaleIntercept"]


def test_padding_that_tissue_has_too_is_air_at_the_edge_alone(write_slice, tmp_path):
    """0 HU around the head was never scanned; 0 HU inside is fluid."""
    stored = np.zeros((5, 6), np.int16)
    stored[1:4, 1:5] = 40
    stored[2, 2:4] = 0
    path = write_slice(tmp_path / "padded.dcm", stored, PixelPaddingValue=0)
    assert read_hu(read_header(path)).tolist() == [
        [-1024] * 6,
        [-1024, 40, 40, 40, 40, -1024],
        [-1024, 40, 0, 0, 40, -1024],
        [-1024, 40, 40, 40, 40, -1024],
        [-1024] * 6,
    ]

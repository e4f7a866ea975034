"""A series becomes a Volume: order, geometry, Hounsfield units, identities."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pydicom.config
import pytest

import ichnet.ct.dicom
from ichnet.ct.dicom import group_series, read_headers, read_series
from ichnet.ct.errors import ReadError
from ichnet.ct.pseudonym import pseudonym

KEY = bytes(32)
FLAT = np.full((4, 6), 40, np.int16)


def tilted(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Orientation [6] and normal [3] of slices whose gantry is tilted."""
    angle = np.radians(degrees)
    orientation = np.array([1, 0, 0, 0, np.cos(angle), -np.sin(angle)])
    return orientation, np.array([0, np.sin(angle), np.cos(angle)])


# order and geometry -------------------------------------------------------------------------------


def test_slices_are_ordered_from_feet_to_head_whatever_the_files_are_called(write_slice, tmp_path):
    files = [
        write_slice(tmp_path / name, FLAT + z, (0, 0, z), InstanceNumber=number)
        for name, z, number in [("a", 10, 1), ("b", -5, 2), ("c", 0, 4), ("d", 5, 3)]
    ]
    volume = read_series(files, KEY)
    assert volume.hu[:, 0, 0].tolist() == [35, 40, 45, 50]
    assert volume.hu.shape == (4, 4, 6)
    assert volume.positions_mm[:, 2].tolist() == [-5, 0, 5, 10]
    assert volume.slice_spacing_mm.tolist() == [5, 5, 5, 5]
    assert volume.pixel_spacing_mm == (0.5, 0.5)
    assert volume.sop_instance_uids[0] == "1.2.3.1000.1000.500"
    again = read_series(files[::-1], KEY)
    assert np.array_equal(volume.hu, again.hu)
    assert volume.sop_instance_uids == again.sop_instance_uids


def test_slices_seen_from_above_are_ordered_from_feet_to_head_too(write_slice, tmp_path):
    upside_down = [-1, 0, 0, 0, 1, 0]  # its normal points to the feet
    files = [
        write_slice(tmp_path / f"{z}", FLAT + z, (0, 0, z), ImageOrientationPatient=upside_down)
        for z in (10, 0, 5)
    ]
    volume = read_series(files, KEY)
    assert volume.hu[:, 0, 0].tolist() == [40, 45, 50]
    assert volume.normal.tolist() == [0, 0, 1]


def test_spacing_is_the_perpendicular_gap_and_not_the_slice_thickness(write_slice, tmp_path):
    # a bed that moves 5 mm between slices tilted by 20 degrees moves 5 cos 20 = 4.698 mm across
    orientation, _ = tilted(20)
    files = [
        write_slice(
            tmp_path / f"{z}",
            FLAT,
            (0, 0, z),
            ImageOrientationPatient=list(orientation.round(6)),
            SliceThickness=8,
        )
        for z in (0, 5, 10)
    ]
    volume = read_series(files, KEY)
    assert volume.slice_spacing_mm == pytest.approx([4.6985] * 3, abs=1e-3)
    assert volume.description["slice_thickness_mm"] == "8.0"


@pytest.mark.parametrize("degrees", [0, 18.5, -25])
def test_a_sphere_has_its_volume_under_tilt_and_irregular_gaps(write_slice, tmp_path, degrees):
    orientation, normal = tilted(degrees)
    radius_mm, spacing_mm, size = 20.0, 0.8, 72
    heights_mm = -32 + np.cumsum([2, 2.5, 1.5, 4, 2, 3, 1] * 4)
    at_mm = (np.arange(size) - (size - 1) / 2) * spacing_mm
    x_mm, y_mm = np.meshgrid(at_mm, at_mm)
    first_pixel_mm = at_mm[0] * (orientation[:3] + orientation[3:])
    files = []
    for index, height_mm in enumerate(heights_mm):
        inside = x_mm**2 + y_mm**2 + height_mm**2 <= radius_mm**2
        files.append(
            write_slice(
                tmp_path / f"{index}",
                np.where(inside, 70, 30).astype(np.int16),
                first_pixel_mm + height_mm * normal,
                ImageOrientationPatient=[round(float(x), 7) for x in orientation],
                PixelSpacing=[spacing_mm, spacing_mm],
            )
        )
    volume = read_series(files, KEY)
    measured_ml = np.count_nonzero(volume.hu == 70, axis=(1, 2)) @ volume.voxel_ml
    assert measured_ml == pytest.approx(4 / 3 * np.pi * radius_mm**3 / 1000, rel=0.02)


def test_roundings_of_geometry_within_a_series_do_not_matter(write_slice, tmp_path):
    a = write_slice(tmp_path / "a", FLAT, (0, 0, 0), PixelSpacing=[0.488281, 0.488281])
    b = write_slice(tmp_path / "b", FLAT, (0, 0, 5), PixelSpacing=[0.48828125, 0.48828125])
    orientation = [1, 0, 0, 0, 0.99999, 0.0002]
    c = write_slice(tmp_path / "c", FLAT, (0, 0, 10), ImageOrientationPatient=orientation)
    assert len(read_series([a, b], KEY).hu) == 2
    with pytest.raises(ReadError, match="pixel spacing"):
        read_series([a, b, c], KEY)


def test_roundings_do_not_make_the_geometry_depend_on_the_order_of_files(write_slice, tmp_path):
    files = [
        write_slice(
            tmp_path / f"{z}",
            FLAT,
            (0, 0, z),
            ImageOrientationPatient=[1, 0, 0, 0, 0.948324, sine],
            PixelSpacing=[spacing_mm, spacing_mm],
        )
        for z, sine, spacing_mm in [
            (0, -0.3173, 0.4882),
            (5, -0.3174, 0.4883),
            (10, -0.3172, 0.4884),
        ]
    ]
    volume, again = read_series(files, KEY), read_series(files[::-1], KEY)
    assert volume.orientation.tolist() == again.orientation.tolist()
    assert volume.orientation.tolist() == [1, 0, 0, 0, 0.948324, -0.3173]
    assert volume.pixel_spacing_mm == again.pixel_spacing_mm == (0.4883, 0.4883)


@pytest.mark.parametrize(
    ("stored", "elements", "what"),
    [
        (FLAT[:3], {}, "matrix"),
        (FLAT, {"PixelSpacing": [0.5, 0.6]}, "pixel spacing"),
        (FLAT, {"ImageOrientationPatient": [1, 0, 0, 0, 0.9962, -0.0872]}, "orientation"),
    ],
)
def test_slices_that_do_not_fit_together_are_refused(
    write_slice, write_series, tmp_path, stored, elements, what
):
    files = write_series(tmp_path, [FLAT] * 3)
    odd = write_slice(tmp_path / "odd.dcm", stored, (0, 0, 15), **elements)
    with pytest.raises(ReadError, match=f"another {what} than the series' first") as error:
        read_series([*files, odd], KEY)
    assert (error.value.reason, error.value.path) == ("mixed-geometry", odd)


def test_of_two_slices_at_one_position_the_later_one_is_kept(write_slice, write_series, tmp_path):
    files = write_series(tmp_path, [FLAT] * 3)
    other = write_slice(tmp_path / "other.dcm", FLAT + 1, (0, 0, 5.001))
    with pytest.raises(ReadError, match="same position as a slice that is kept") as error:
        read_series([*files, other], KEY)
    assert (error.value.reason, error.value.path) == ("duplicate-position", files[1])


def test_a_series_of_one_slice_is_refused(write_series, tmp_path):
    with pytest.raises(ReadError, match="only slice") as error:
        read_series(write_series(tmp_path, [FLAT]), KEY)
    assert error.value.reason == "single-slice"


def test_files_of_two_series_are_refused(write_slice, write_series, tmp_path):
    files = write_series(tmp_path, [FLAT] * 2)
    other = write_slice(tmp_path / "x.dcm", FLAT, (0, 0, 99), SeriesInstanceUID="1.2.3.99")
    with pytest.raises(ReadError, match="another series") as error:
        read_series([*files, other], KEY)
    assert (error.value.reason, error.value.path) == ("mixed-series", other)


def test_no_files_are_no_series():
    with pytest.raises(ValueError, match="needs files"):
        read_series([], KEY)


# headers ------------------------------------------------------------------------------------------


def test_every_file_is_a_header_or_an_exclusion(write_series, tmp_path):
    files = write_series(tmp_path, [FLAT] * 3)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 JFIF")
    copy = tmp_path / "001 (copy).dcm"
    copy.write_bytes(files[1].read_bytes())
    everything = [*files, tmp_path / "photo.jpg", copy, tmp_path / "gone.dcm"]
    headers, exclusions = read_headers(everything)
    assert [header.path for header in headers] == files
    assert [(e.path.name, e.reason) for e in exclusions] == [
        ("photo.jpg", "not-dicom"),
        ("001 (copy).dcm", "duplicate-file"),
        ("gone.dcm", "missing-file"),
    ]
    assert exclusions[1].detail == "an identical copy of a slice that is kept"
    with pytest.raises(ReadError) as error:
        read_series([*files, copy], KEY)
    assert error.value.reason == "duplicate-file"


def test_an_instance_twice_with_different_pixels_is_no_copy(write_slice, write_series, tmp_path):
    files = write_series(tmp_path, [FLAT] * 2)
    other = write_slice(tmp_path / "other.dcm", FLAT + 7, (0, 0, 5))
    headers, exclusions = read_headers([*files, other])
    assert (len(headers), exclusions) == (3, [])


def test_headers_are_grouped_by_series(write_slice, tmp_path):
    files = [
        write_slice(tmp_path / f"{uid}-{z}", FLAT, (0, 0, z), SeriesInstanceUID=f"1.2.{uid}")
        for uid, z in [(7, 0), (3, 0), (7, 5), (3, 5)]
    ]
    headers, _ = read_headers(files)
    groups = group_series(headers)
    assert {uid: [h.path.name for h in group] for uid, group in groups.items()} == {
        "1.2.7": ["7-0", "7-5"],
        "1.2.3": ["3-0", "3-5"],
    }


# identities ---------------------------------------------------------------------------------------


def test_scan_and_patient_are_named_by_pseudonyms(write_series, tmp_path):
    elements = {"PatientID": "P1 ", "StudyInstanceUID": "1.2.3"}
    volume = read_series(write_series(tmp_path, [FLAT] * 2, **elements), KEY)
    assert volume.scan_id == pseudonym(KEY, "scan", "1.2.3.1\x001.2.3\0P1")
    assert volume.patient_id == pseudonym(KEY, "patient", "P1")


def test_two_patients_of_one_series_uid_have_two_names(write_series, tmp_path):
    names = {
        read_series(write_series(tmp_path / patient, [FLAT] * 2, PatientID=patient), KEY).scan_id
        for patient in ("P1", "P2")
    }
    assert len(names) == 2


@pytest.mark.parametrize("patient_id", [None, ""])
def test_anonymous_patients_are_kept_apart_by_study(write_series, tmp_path, patient_id):
    names = {
        read_series(
            write_series(
                tmp_path / study, [FLAT] * 2, PatientID=patient_id, StudyInstanceUID=study
            ),
            KEY,
        ).patient_id
        for study in ("1.2.3.4", "1.2.3.5")
    }
    assert len(names) == 2


def test_neither_a_header_nor_an_error_shows_who_the_patient_is(write_series, tmp_path):
    files = write_series(tmp_path, [FLAT] * 2, PatientName="Secret^Name")
    headers, _ = read_headers(files)
    with pytest.raises(ReadError) as error:
        read_series(files[:1], KEY)
    for text in (repr(headers), str(error.value), repr(read_series(files, KEY).description)):
        assert "Secret" not in text
        assert "1.2.3.1" not in text


def test_description_holds_what_prediction_needs(write_series, tmp_path):
    files = write_series(
        tmp_path,
        [FLAT] * 2,
        ConvolutionKernel="H30s",
        Manufacturer="Maker",
        ContrastBolusAgent="",
        KVP=120,
        SeriesDescription="of Mr Secret",
    )
    assert read_series(files, KEY).description == {
        "modality": "CT",
        "manufacturer": "Maker",
        "kernel": "H30s",
        "kvp": "120.0",
    }


# RSNA 2019 ----------------------------------------------------------------------------------------


def test_a_series_as_rsna_2019_writes_it(write_slice, tmp_path):
    files = [
        write_slice(
            tmp_path / f"ID_{name}.dcm",
            np.full((4, 6), stored, np.uint16),
            (-125, -140.1, z),
            bits_stored=12,
            SOPInstanceUID=f"ID_{name}",
            SeriesInstanceUID="ID_286f17f9e7",
            StudyInstanceUID="ID_dd3a51a4b9",
            PatientID="ID_0002cd41",
            ImageType=None,
            WindowCenter=[40, 600],
            WindowWidth=[80, 2800],
            RescaleIntercept=-1024,
        )
        for name, stored, z in [("b", 1064, 185.0), ("a", 1074, 190.125)]
    ]
    before = pydicom.config.settings.reading_validation_mode
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        volume = read_series(files, KEY)
    assert caught == []
    assert pydicom.config.settings.reading_validation_mode == before
    assert volume.hu[:, 0, 0].tolist() == [40, 50]
    assert volume.sop_instance_uids == ("ID_b", "ID_a")
    assert volume.slice_spacing_mm.tolist() == [5.125, 5.125]


# a real scan --------------------------------------------------------------------------------------


def test_a_real_tilted_head(real_head):
    volume = read_series(real_head[::-1], KEY)
    assert volume.hu.shape == (28, 512, 512)
    assert volume.pixel_spacing_mm == (0.4882812, 0.4882812)
    assert np.degrees(np.arccos(volume.normal[2])) == pytest.approx(18.5, abs=0.01)
    gaps_mm = np.diff(volume.positions_mm @ volume.normal)
    # bed steps of 4.22 and 7.38 mm, times cos 18.5; one step of 1.14 mm where they meet
    assert gaps_mm == pytest.approx([4.002] * 13 + [1.081] + [6.999] * 13, abs=1e-3)
    assert volume.hu.min() == -1024
    assert volume.hu.max() == 2121
    brain = volume.hu[10, 200:300, 220:290]
    assert 20 < np.median(brain) < 45


def test_copies_of_one_instance_are_read_once_each(write_slice, tmp_path, monkeypatch):
    """Files that share an instance UID cost time in proportion to their number."""
    files = [
        write_slice(tmp_path / f"{n:03d}.dcm", FLAT + n % 20, SOPInstanceUID="1.2.3")
        for n in range(60)
    ]
    read: list[Path] = []
    content_of = ichnet.ct.dicom.read_content
    monkeypatch.setattr(
        ichnet.ct.dicom, "read_content", lambda path: read.append(path) or content_of(path)
    )
    headers, exclusions = read_headers(files)
    assert len(headers) == 20
    assert [one.reason for one in exclusions] == ["duplicate-file"] * 40
    assert len(read) <= 2 * len(files)

"""Enhanced multi-frame CT: each frame is a slice with a place of its own."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from ichnet.ct.dicom import read_headers, read_series
from ichnet.ct.discover import discover
from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_frames, read_header

ENHANCED_CT = UID("1.2.840.10008.5.1.4.1.1.2.1")
STORED = np.arange(3 * 96, dtype=np.int16).reshape(3, 8, 12)
HEIGHTS_MM = (10.0, 0.0, 4.0)


def group(**sequences) -> Dataset:
    """Return a functional group: sequences of one item, each given as elements."""
    dataset = Dataset()
    for name, elements in sequences.items():
        one = Dataset()
        for keyword, value in elements.items():
            setattr(one, keyword, value)
        setattr(dataset, name, [one])
    return dataset


@pytest.fixture
def write_enhanced(write_slice, tmp_path):
    def write(heights_mm=HEIGHTS_MM, **elements):
        shared = group(
            PixelMeasuresSequence={"PixelSpacing": [0.5, 0.5]},
            PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
            PixelValueTransformationSequence={"RescaleSlope": 1, "RescaleIntercept": -24},
        )
        frames = [
            group(PlanePositionSequence={"ImagePositionPatient": [0, 0, z]}) for z in heights_mm
        ]
        values = {
            "SOPClassUID": ENHANCED_CT,
            "NumberOfFrames": 3,
            "ImagePositionPatient": None,
            "ImageOrientationPatient": None,
            "PixelSpacing": None,
            "RescaleSlope": None,
            "RescaleIntercept": None,
            "SharedFunctionalGroupsSequence": [shared],
            "PerFrameFunctionalGroupsSequence": frames,
            "PixelData": STORED.tobytes(),
        }
        return write_slice(tmp_path / "enhanced.dcm", STORED[0], **{**values, **elements})

    return write


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_frames_become_slices_in_the_order_of_their_places(write_enhanced, syntax):
    path = write_enhanced()
    if syntax == RLELossless:
        from pydicom import dcmread

        dataset = dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    headers, exclusions = read_headers([path])
    assert exclusions == []
    assert [header.frame for header in headers] == [0, 1, 2]
    volume = read_series([path], bytes(32))
    np.testing.assert_array_equal(volume.hu, STORED[[1, 2, 0]] - 24)
    assert volume.slice_spacing_mm.tolist() == [4, 5, 6]
    assert [uid.rsplit("#")[1] for uid in volume.sop_instance_uids] == ["2", "3", "1"]


def test_frames_that_do_not_say_where_they_lie_are_refused(write_enhanced):
    path = write_enhanced(heights_mm=(0.0, 5.0))
    with pytest.raises(ReadError) as error:
        read_frames(path)
    assert error.value.reason == "multi-frame"


def test_cut_frames_are_refused(write_enhanced):
    with pytest.raises(ReadError) as error:
        read_frames(write_enhanced(PixelData=STORED[:2].tobytes()))
    assert error.value.reason == "truncated"


def test_one_slice_is_not_read_from_a_file_of_three(write_enhanced):
    with pytest.raises(ReadError, match="3 frames where one"):
        read_header(write_enhanced())


def test_a_file_whose_frames_cannot_be_placed_takes_its_series_with_it(write_enhanced, tmp_path):
    whole = write_enhanced()
    whole.rename(tmp_path / "a.dcm")
    other = write_enhanced(heights_mm=(20.0, 25.0), SOPInstanceUID="1.2.3.99")
    (tmp_path / "elsewhere").mkdir()
    other.rename(tmp_path / "elsewhere" / "b.dcm")
    found, exclusions = discover([tmp_path], tmp_path / "scratch")
    assert found == []
    reasons = {one.path.name: one.reason for one in exclusions}
    assert reasons == {"a.dcm": "incomplete-series", "b.dcm": "multi-frame"}


def test_files_whose_frames_alternate_have_one_digest(write_enhanced, tmp_path):
    files = []
    for number, heights_mm in enumerate([(0.0, 8.0, 16.0), (4.0, 12.0, 20.0)]):
        uid = f"1.2.3.{number + 90}"
        path = write_enhanced(heights_mm=heights_mm, SOPInstanceUID=uid)
        files.append(path.rename(tmp_path / f"{number}.dcm"))
    (series,), exclusions = discover(files, tmp_path / "scratch")
    assert exclusions == []
    volume = read_series(series.files, bytes(32))
    assert len(volume.hu) == 6
    assert volume.digest == series.digest()

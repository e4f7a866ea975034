"""What is no plain CT of a whole head is refused, with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from known_scans import head
from pydicom import dcmread

from ichnet.ct.dicom import read_series_and_skull
from ichnet.ct.errors import ReadError
from ichnet.deployment.suitability import require_suitable

KEY = bytes(range(32))
HEIGHTS_MM = np.arange(0, 60, 5)
SLICE, VERTEX = head()[[0, -1]]


@pytest.fixture
def refusal(write_scan, tmp_path):
    """Return the reason for which a scan is refused, empty when it is not."""

    def refuse(heights_mm=HEIGHTS_MM, pixels=SLICE, **elements: object) -> str:
        folder = tmp_path / "scan"
        hu = [pixels] * (len(heights_mm) - 1) + [VERTEX[: len(pixels), : len(pixels[0])]]
        write_scan(folder, hu, heights_mm, series="1")
        files = sorted(folder.iterdir())
        for path in files:
            dataset = dcmread(path)
            for keyword, value in elements.items():
                setattr(dataset, keyword, value)
            dataset.save_as(path)
        try:
            require_suitable(*read_series_and_skull(files, KEY), files)
        except ReadError as error:
            return error.reason
        return ""

    return refuse


def test_a_scan_that_says_nothing_is_judged(refusal):
    assert refusal() == ""


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.full((64, 64), -1000), "no-head"),
        (SLICE[:4, :4], "no-head"),
        (SLICE - 577, "no-head"),
        (SLICE[:, 16:], "incomplete-head"),
    ],
)
def test_pixels(refusal, pixels, reason):
    assert refusal(pixels=pixels) == reason


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"BodyPartExamined": "HEAD"}, ""),
        ({"BodyPartExamined": "HEADNECK"}, ""),
        ({"BodyPartExamined": "BRAIN"}, ""),
        ({"BodyPartExamined": "CHEST"}, "not-head"),
        ({"BodyPartExamined": "CSPINE"}, "not-head"),
        ({"SeriesDescription": "HEAD W/O CONTRAST"}, ""),
        ({"SeriesDescription": "NON-CONTRAST 5mm"}, ""),
        ({"SeriesDescription": "Head POST 100 cc"}, "with-contrast"),
        ({"SeriesDescription": "CTA HEAD"}, "with-contrast"),
        ({"ProtocolName": "Brain C+"}, "with-contrast"),
        ({"ContrastBolusAgent": "OMNIPAQUE"}, "with-contrast"),
        ({"ContrastBolusAgent": "OMNIPAQUE", "SeriesDescription": "PLAIN"}, ""),
        ({"PixelSpacing": [0.05, 0.05]}, "bad-spacing"),
        ({"PixelSpacing": [3.0, 0.5]}, "bad-spacing"),
    ],
)
def test_headers(refusal, elements, reason):
    assert refusal(**elements) == reason


@pytest.mark.parametrize(
    ("heights_mm", "reason"),
    [
        ([0, 15, 30, 45], "incomplete-head"),  # four slices
        ([0, 5, 10, 15, 20, 25, 30, 35], "incomplete-head"),  # 40 mm
        ([0, 5, 10, 15, 20, 60, 65, 70], "bad-spacing"),  # 20 stands for 22.5 mm
    ],
)
def test_geometry(refusal, heights_mm, reason):
    assert refusal(np.array(heights_mm)) == reason


@pytest.mark.parametrize(
    "elements", [{"ContrastBolusAgent": "OMNIPAQUE"}, {"SeriesDescription": "HEAD C+"}]
)
@pytest.mark.parametrize("place", [0, -1])
def test_one_slice_that_tells_of_contrast_is_enough(write_scan, tmp_path, place, elements):
    files = write_scan(tmp_path, [SLICE] * 11 + [VERTEX], HEIGHTS_MM)
    dataset = dcmread(files[place])
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(files[place])
    with pytest.raises(ReadError) as refused:
        require_suitable(*read_series_and_skull(files, KEY), files)
    assert refused.value.reason == "with-contrast"


def test_a_blank_slice_is_no_air(write_scan, tmp_path):
    pixels = [*[SLICE] * 11, VERTEX]
    pixels[5] = np.full_like(SLICE, -1024)
    files = write_scan(tmp_path, pixels, HEIGHTS_MM)
    with pytest.raises(ReadError) as refused:
        require_suitable(*read_series_and_skull(files, KEY), files)
    assert refused.value.reason == "truncated"


def test_real_heads_are_judged():
    folder = Path(__file__).parents[3] / "shared" / "data" / "head_ct_ge"
    if not folder.is_dir():
        pytest.skip("the real head CT is not here")
    files = sorted(folder.glob("*.dcm"))
    require_suitable(*read_series_and_skull(files, KEY), files)

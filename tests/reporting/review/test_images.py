from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from ichnet.ct.volume import Volume
from ichnet.reporting.review.images import (
    CODE_HU,
    LONGER_SIDE_PX,
    encode_scan,
    outlines_of,
    to_codes,
)


def head() -> Volume:
    """3 slices of 80 x 60: brain with scanner noise in an ellipse, 70 HU at the upper left."""
    rows, columns = np.mgrid[-1:1:80j, -1:1:60j]
    noise = np.random.default_rng(0).normal(0, 3.4, (3, 80, 60))
    hu = np.where(rows**2 + columns**2 < 0.6, 35 + noise, -1000)
    hu[1, 25:35, 15:25] = 70
    return Volume(
        hu=hu.round().astype(np.int16),
        pixel_spacing_mm=(2.0, 2.5),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0, 0, 5.0 * index] for index in range(3)]),
        slice_spacing_mm=np.full(3, 5.0),
        scan_id="s",
        patient_id="p",
    )


def decoded(picture: str) -> np.ndarray:
    codes = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_GRAYSCALE)
    return CODE_HU[codes]


def test_every_hu_of_brain_and_blood_has_its_own_code() -> None:
    hu = np.arange(-20, 100)

    assert len(set(to_codes(hu).tolist())) == 120
    assert (CODE_HU[to_codes(hu)] == hu).all()


def test_codes_cover_all_hu_in_order() -> None:
    codes = to_codes(np.array([-32768, -1024, -1001, 99.6, 100, 101, 102, 3000, 32767]))

    assert codes.tolist() == [0, 0, 0, 144, 144, 144, 145, 255, 255]
    assert len(CODE_HU) == 256
    assert (np.diff(CODE_HU) > 0).all()


def test_pictures_keep_brain_below_the_scanners_noise() -> None:
    volume = head()
    scan = encode_scan(volume)

    shown = decoded(scan.pictures[1])
    # the ellipse is 62 of 80 rows by 46 of 60 columns, and 6 mm around it
    assert scan.height == LONGER_SIDE_PX
    assert scan.width == pytest.approx(LONGER_SIDE_PX * (46 + 4) * 2.5 / ((62 + 6) * 2), rel=0.03)
    assert shown.shape == (scan.height, scan.width)
    smooth = np.abs(shown[150:200, 200:250] - 35)
    assert smooth.mean() < 5
    row, column = (30 - 6) / 68 * scan.height, (20 - 5) / 50 * scan.width
    assert shown[int(row), int(column)] == pytest.approx(70, abs=4)


def test_no_mask_is_no_overlay_and_an_empty_one_is_empty() -> None:
    volume = head()

    assert encode_scan(volume).outlines is None
    assert encode_scan(volume, np.zeros(volume.hu.shape, bool)).outlines == ([], [], [])


def test_the_outline_lies_on_the_lesion() -> None:
    volume = head()
    scan = encode_scan(volume, volume.hu == 70)

    assert scan.outlines is not None
    ((line,),) = (lines for lines in scan.outlines if lines)
    x, y = np.array(line).reshape(-1, 2).mean(axis=0)
    assert decoded(scan.pictures[1])[int(y), int(x)] == pytest.approx(70, abs=4)
    assert x < scan.width / 2


def test_a_single_pixel_can_be_seen() -> None:
    marked = np.zeros((10, 10), bool)
    marked[5, 2] = True

    (line,) = outlines_of(marked, (20, 30))

    assert np.ptp(np.array(line).reshape(-1, 2), axis=0).tolist() == [8, 8]
    assert np.array(line).reshape(-1, 2).mean(axis=0).tolist() == [5, 16.5]


def test_a_mask_of_another_scan_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 2, 3\)"):
        encode_scan(head(), np.zeros((1, 2, 3), bool))

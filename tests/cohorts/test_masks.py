"""PNG masks hold bits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ichnet.cohorts.masks import read_bit_mask
from ichnet.ct.errors import ReadError


def test_bits_come_back_as_written(tmp_path):
    mask = np.arange(32, dtype=np.uint8).reshape(4, 8)
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    read = read_bit_mask(tmp_path / "m.png", (4, 8))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, mask)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 8, 3), np.uint8), "not 8-bit greyscale"),
        (np.zeros((4, 8), np.uint16), "not 8-bit greyscale"),
        (np.zeros((8, 4), np.uint8), "8 x 4 pixels on a slice of 4 x 8"),
        (np.full((4, 8), 255, np.uint8), "a pixel of 255: bits of the five subtypes add up to 31"),
    ],
)
def test_another_kind_of_image_is_an_error(tmp_path, image, message):
    cv2.imwrite(str(tmp_path / "m.png"), image)
    with pytest.raises(ReadError, match=message) as caught:
        read_bit_mask(tmp_path / "m.png", (4, 8))
    assert caught.value.reason == "bad-annotation"


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_what_is_no_image_is_an_error(tmp_path, content):
    (tmp_path / "m.png").write_bytes(content)
    with pytest.raises(ReadError, match="not a readable image"):
        read_bit_mask(tmp_path / "m.png", (4, 8))


def test_a_missing_mask_is_an_error(tmp_path):
    with pytest.raises(ReadError, match="missing-file"):
        read_bit_mask(tmp_path / "m.png", (4, 8))

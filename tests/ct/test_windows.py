"""Windows, and slices turned upright."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ichnet.ct.windows import apply_window, is_transposed, upright


@pytest.mark.parametrize(
    ("level_hu", "width_hu", "hu", "expected"),
    [
        (40, 80, [-1024, 0, 20, 40, 80, 3000], [0, 0, 0.25, 0.5, 1, 1]),
        (80, 200, [-20, 80, 180], [0, 0.5, 1]),
        (40, 40, [20, 30, 60], [0, 0.25, 1]),
        (600, 2800, [-800, 600, 2000], [0, 0.5, 1]),
    ],
)
def test_window(level_hu, width_hu, hu, expected):
    grey = apply_window(np.array(hu, np.int16), level_hu, width_hu)
    assert grey.dtype == np.float32
    assert grey.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("width_hu", [0, -80])
def test_a_window_without_width_is_refused(width_hu):
    with pytest.raises(ValueError, match="width must be positive"):
        apply_window(np.zeros(1, np.int16), 40, width_hu)


def orientations() -> list[tuple[float, ...]]:
    """The eight ways an axial slice can lie on its back, untilted and tilted by 18.5 degrees."""
    tilt = np.radians(18.5)
    found = []
    for angle in (0.0, tilt):
        left = np.array([1.0, 0.0, 0.0])
        posterior = np.array([0.0, np.cos(angle), -np.sin(angle)])
        for x, y in itertools.product((1, -1), repeat=2):
            found.append((*(x * left), *(y * posterior)))
            found.append((*(y * posterior), *(x * left)))
    return found


@pytest.mark.parametrize("orientation", orientations())
def test_anterior_comes_to_the_top_and_the_patients_right_to_the_left(make_volume, orientation):
    along_row, along_column = np.array(orientation[:3]), np.array(orientation[3:])
    rows, columns = np.meshgrid(np.arange(4) - 1.5, np.arange(6) - 2.5, indexing="ij")
    place_mm = columns[..., None] * along_row + rows[..., None] * along_column
    # HU that tell where a pixel lies: 100 for each mm to the left, 1 for each mm to posterior
    hu = np.round(100 * place_mm[..., 0] + 4 * place_mm[..., 1])
    volume = make_volume(np.stack([hu, hu]), orientation)
    shown = upright(volume).astype(int)
    assert np.all(np.diff(shown, axis=2) > 0), "HU must rise from the patient's right to the left"
    assert np.all(np.diff(shown, axis=1) > 0), "HU must rise from anterior to posterior"
    assert shown.shape == ((2, 6, 4) if is_transposed(volume) else (2, 4, 6))


def test_a_mask_turns_with_its_scan(make_volume):
    volume = make_volume(np.arange(24).reshape(2, 3, 4), (0, -1, 0, 1, 0, 0))
    mask = (volume.hu == 17).astype(np.uint8)
    assert upright(volume)[upright(volume, mask) == 1].tolist() == [17]

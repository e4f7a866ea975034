"""The montage shows the scan upright and every lesion's outline."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

import ichnet.ct.overlay
from ichnet.ct.dicom import read_series
from ichnet.ct.overlay import GAP_PX, LINE_PX, OUTLINE_RGB, TILE_PX, choose_slices, save_overlay


def montage(path) -> np.ndarray:
    """The part of the page below the title, int RGB."""
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return image[2 * LINE_PX :].astype(int)


def amber(tile: np.ndarray) -> np.ndarray:
    """Where a tile [rows, columns, 3] is outlined; the label in its corner does not count."""
    close = np.abs(tile - OUTLINE_RGB).sum(axis=2) < 90
    close[:16, :40] = False
    return close


def head(slices: int = 3) -> np.ndarray:
    """A grey square with a bone rim, 100 x 100 pixels, its anterior edge open; HU."""
    hu = np.full((slices, 100, 100), -1000, np.int16)
    hu[:, 20:80, 20:80] = 1000
    hu[:, 20:75, 25:75] = 35
    return hu


def enclosed_air(hu: np.ndarray) -> np.ndarray:
    """Air of one slice that does not reach the slice's edge: sinuses and nose."""
    _, parts = cv2.connectedComponents((hu < -500).astype(np.uint8))
    return (hu < -500) & (parts != parts[0, 0])


@pytest.mark.parametrize(
    ("slices", "pixels", "expected"),
    [
        (3, {}, [0, 1, 2]),
        (5, {3: 9}, [0, 1, 2, 3, 4]),
        (12, {}, [0, 2, 4, 7, 9, 11]),
        # two for the lesion, four evenly from the ten others
        (12, {5: 7, 6: 9, 7: 8}, [0, 3, 6, 7, 8, 11]),
        (12, {1: 1}, [0, 1, 3, 6, 9, 11]),
    ],
)
def test_slices_are_chosen_evenly_and_for_the_lesion(slices, pixels, expected):
    pixels_of = np.zeros(slices)
    for index, count in pixels.items():
        pixels_of[index] = count
    assert choose_slices(pixels_of, most=6) == expected


def test_an_outline_lies_where_the_lesion_is(make_volume, tmp_path):
    hu = head()
    mask = np.zeros(hu.shape, np.uint8)
    # the shown square is 76 pixels wide, from 12 to 88; the lesion is at 0.3, 0.7 of it
    mask[1, 31:40, 61:70] = 16
    path = tmp_path / "overlay.png"
    save_overlay(make_volume(hu), mask, path, "title", "caption")
    page = montage(path)
    tiles = [page[:TILE_PX, x : x + TILE_PX] for x in np.arange(3) * (TILE_PX + GAP_PX)]
    assert [amber(tile).any() for tile in tiles] == [False, True, False]
    centre = np.argwhere(amber(tiles[1])).mean(axis=0) / TILE_PX
    assert centre == pytest.approx(np.array([0.3, 0.7]), abs=0.02)


def test_the_anterior_is_at_the_top(make_volume, tmp_path):
    save_overlay(make_volume(head()), None, tmp_path / "b.png", "", "")
    middle = montage(tmp_path / "b.png")[:TILE_PX, TILE_PX // 2, 0]
    bone = np.flatnonzero(middle > 250)
    assert bone.min() > TILE_PX / 2


def test_a_single_pixel_is_seen(make_volume, tmp_path):
    hu = np.full((2, 512, 512), 35, np.int16)
    mask = np.zeros(hu.shape, bool)
    mask[0, 256, 128] = True
    save_overlay(make_volume(hu), mask, tmp_path / "overlay.png", "", "")
    seen = np.argwhere(amber(montage(tmp_path / "overlay.png")[:TILE_PX, :TILE_PX]))
    assert seen.mean(axis=0) == pytest.approx(np.array([104, 52]), abs=1.5)


def test_pixels_keep_their_proportions(make_volume, tmp_path):
    # 100 rows of 0.5 mm and 50 columns of 1 mm are square, whichever way they lie
    for shape, spacing_mm in [((2, 100, 50), (0.5, 1.0)), ((2, 50, 100), (1.0, 0.5))]:
        volume = make_volume(np.full(shape, 35), pixel_spacing_mm=spacing_mm)
        save_overlay(volume, None, tmp_path / "overlay.png", "", "")
        page = montage(tmp_path / "overlay.png")
        grey = np.abs(page[:, :TILE_PX] - page[100, 100]).sum(axis=2) == 0
        assert np.flatnonzero(grey.any(axis=1)).max() == TILE_PX - 1
        assert np.flatnonzero(grey.any(axis=0)).max() == TILE_PX - 1


def test_texts_say_research_use_and_how_much_is_outlined(make_volume, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(ichnet.ct.overlay, "_write_page", lambda *a: seen.append(a[2]))
    volume, mask = make_volume(head()), np.zeros((3, 100, 100), bool)
    for marked in (None, mask, mask | (np.arange(3) > 0)[:, None, None]):
        save_overlay(volume, marked, tmp_path / "overlay.png", "Scan", "Synthetic.")
    research = "Synthetic. For research use only; not a medical device."
    assert seen == [
        ("Scan", "", research),
        ("Scan", "nothing outlined", research),
        ("Scan", "outlined on 2 of 3 slices", research),
    ]


def test_formulas_in_texts_are_not_set(make_volume, tmp_path):
    save_overlay(make_volume(head()), None, tmp_path / "o.png", r"$\nosuchcommand$", "_x^y$")
    assert (tmp_path / "o.png").exists()


def test_a_scan_of_air_is_shown_too(make_volume, tmp_path):
    save_overlay(make_volume(np.full((2, 20, 20), -1000)), None, tmp_path / "o.png", "", "")
    assert montage(tmp_path / "o.png").shape[1] == 3 * TILE_PX


def test_a_mask_of_another_scan_is_refused(make_volume, tmp_path):
    with pytest.raises(ValueError, match=r"mask has shape \(3, 9, 9\), the scan \(3, 100, 100\)"):
        save_overlay(make_volume(head()), np.zeros((3, 9, 9), bool), tmp_path / "o.png", "", "")
    assert list(tmp_path.iterdir()) == []


def test_reading_scans_does_not_wait_for_plots_or_networks():
    program = (
        "import sys, ichnet.ct.discover, ichnet.ct.overlay, ichnet.ct.resample;"
        "print(sorted({'matplotlib', 'tensorflow', 'keras', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_real_head_is_upright_from_skull_base_to_vertex(real_head, tmp_path):
    volume = read_series(real_head, bytes(32))
    save_overlay(volume, None, tmp_path / "overlay.png", "Scan", "")
    assert montage(tmp_path / "overlay.png").shape[0] > 4 * (TILE_PX + GAP_PX)

    shown = volume.hu
    assert np.count_nonzero(enclosed_air(shown[2])) > 1000, "sinuses first"
    assert np.count_nonzero(enclosed_air(shown[-2])) < 100, "the vertex last"
    skull, nose = np.argwhere(shown[6] > 300), np.argwhere(enclosed_air(shown[6]))
    assert nose[:, 0].mean() < skull[:, 0].mean() - 30, "the nose above the skull's middle"

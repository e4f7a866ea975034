"""Contact sheets: the right slices, at the right windows, in one picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ichnet.phantom import contact_sheet
from ichnet.phantom.contact_sheet import (
    Tile,
    lesion_tiles,
    mimic_tiles,
    most_changed,
    site_tiles,
    windowed,
    write_sheet,
)
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.published import MIMICS, SITES_OF
from ichnet.phantom.scanner import scan_patient
from ichnet.phantom.sites import SITES

# draws dozens of heads
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def few_slices(monkeypatch):
    monkeypatch.setattr(contact_sheet, "SLICES", 8)


def test_every_hemorrhage_is_shown_with_its_outline():
    tiles = list(lesion_tiles(3, 48))
    for subtype, sites in SITES_OF.items():
        shown = [tile.title for tile in tiles if tile.title.startswith(subtype)]
        assert {title.split(",")[0] for title in shown} == {f"{subtype} {site}" for site in sites}
    assert all(tile.outline.any() for tile in tiles)
    assert sum("isodense" in tile.title for tile in tiles) == 1


def test_every_mimic_and_every_site_is_shown():
    assert [tile.title for tile in mimic_tiles(3, 40)] == list(MIMICS)
    tiles = list(site_tiles(3, 40))
    assert len(tiles) == 2 * sum(len(sites) for sites in SITES.values())
    assert {tile.window for tile in tiles} == {"brain", "bone"}


def test_the_most_changed_slice_is_found():
    scan = scan_patient(draw_patient(3, "dumc", 0, False), 3, 32, (6, 6))
    hu = scan.hu.copy()
    hu[4, 10:20, 10:20] += 30
    hu[2, 0, 0] += 3000  # beyond the window: counts for little
    assert most_changed(scan, type(scan)(**{**vars(scan), "hu": hu})) == 4


def test_windows_are_levels_and_widths():
    """Brain is 40 +- 40: 0 is black, 20 a quarter, 80 white."""
    hu = np.array([[-5, 0, 20, 80, 90]], np.int16)
    np.testing.assert_allclose(windowed(hu, "brain"), [[0, 0, 0.25, 1, 1]])


def test_a_sheet_has_six_tiles_in_a_row(tmp_path):
    tile = Tile("a head", np.zeros((8, 8), np.int16), np.eye(8, dtype=bool))
    write_sheet([tile] * 7, tmp_path / "sheet.png")
    rows, columns, _ = cv2.imread(str(tmp_path / "sheet.png")).shape
    assert (rows, columns) == (round(2 * 2.2 * 110), 12 * 110)

"""A scan on one page: its slices at the brain window, with a mask's outline."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ichnet.ct.volume import Volume
from ichnet.ct.windows import apply_window
from ichnet.files import whole_path

RESEARCH_USE = "For research use only; not a medical device."

BRAIN_WINDOW_HU = (40.0, 80.0)

OUTLINE_RGB = (255, 176, 0)
"""Amber: seen on every grey, and by all kinds of colour vision."""

BACKGROUND = "#101214"
TEXT = "#e8e8e8"
QUIET_TEXT = "#a0a4a8"

MOST_SLICES = 24
COLUMNS = 6
TILE_PX = 208
GAP_PX = 4
DOTS_PER_INCH = 100
LINE_PX = 19
SMALLEST_RADIUS_PX = 3

METADATA = {"Software": None}
"""Without matplotlib's version, one scan gives one and the same file."""

TISSUE_HU = -200
MARGIN_MM = 8.0


@dataclass(frozen=True)
class _Frame:
    """The part of a slice that is shown, and its size on the page."""

    rows: slice
    columns: slice
    height_px: int
    width_px: int


def save_overlay(
    volume: Volume,
    mask: NDArray[np.bool_] | NDArray[np.uint8] | None,
    path: Path,
    title: str,
    caption: str,
) -> None:
    """Write a montage of a scan as PNG, whole or not at all.

    Slices run from feet to head, anterior up, the patient's right at the left. Of a long scan 24
    slices are shown: those with most of the mask (a third at most), the others evenly chosen.

    Args:
        volume: the scan.
        mask: [slices, rows, columns], outlined where it is not zero; ``None`` when there is none
            to show.
        path: of the PNG.
        title: above the slices; holds no patient identifiers.
        caption: below them, followed by the statement of research use.

    Raises:
        ValueError: when the mask does not fit the scan.
    """
    if mask is not None and mask.shape != volume.hu.shape:
        raise ValueError(f"the mask has shape {mask.shape}, the scan {volume.hu.shape}")
    marked = None if mask is None else np.asarray(mask != 0)
    pixels_of = np.zeros(len(volume.hu)) if marked is None else marked.sum(axis=(1, 2))
    chosen = choose_slices(pixels_of, MOST_SLICES)
    image = _montage(volume, marked, chosen)
    labels = [(f"{index + 1}/{len(volume.hu)}", pixels_of[index] > 0) for index in chosen]
    legend = "" if marked is None else _legend(pixels_of)
    _write_page(image, labels, (title, legend, f"{caption} {RESEARCH_USE}".strip()), path)


def choose_slices(pixels_of: NDArray[Any], most: int) -> list[int]:
    """Choose at most ``most`` slices: those with most mask pixels, and the others evenly.

    Args:
        pixels_of: mask pixels of each slice, [slices].
        most: at least 3; a third of it goes to the mask.

    Returns:
        indices in ascending order.
    """
    slices = len(pixels_of)
    if slices <= most:
        return list(range(slices))
    order = np.argsort(-pixels_of, kind="stable")[: most // 3]
    chosen = {int(index) for index in order if pixels_of[index] > 0}
    others = [index for index in range(slices) if index not in chosen]
    places = np.linspace(0, len(others) - 1, most - len(chosen)).round().astype(int)
    return sorted(chosen | {others[place] for place in places})


def _legend(pixels_of: NDArray[Any]) -> str:
    count = int(np.count_nonzero(pixels_of))
    return f"outlined on {count} of {len(pixels_of)} slices" if count else "nothing outlined"


def _montage(
    volume: Volume, marked: NDArray[np.bool_] | None, chosen: list[int]
) -> NDArray[np.uint8]:
    """Return the chosen slices side by side, uint8 RGB [height, width, 3]."""
    hu = volume.hu
    shown = hu[chosen].max(axis=0) > TISSUE_HU
    if marked is not None:
        shown |= marked[chosen].any(axis=0)
    frame = _frame(volume, shown)
    columns = min(COLUMNS, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    step_y, step_x = frame.height_px + GAP_PX, frame.width_px + GAP_PX
    page = np.empty((rows * step_y, columns * step_x, 3), np.uint8)
    page[:] = [int(BACKGROUND[at : at + 2], 16) for at in (1, 3, 5)]
    for place, index in enumerate(chosen):
        tile = _tile(hu[index], frame)
        if marked is not None:
            _outline(tile, marked[index], frame)
        y, x = place // columns * step_y, place % columns * step_x
        page[y : y + frame.height_px, x : x + frame.width_px] = tile
    return page


def _frame(volume: Volume, shown: NDArray[np.bool_]) -> _Frame:
    """Frame what is to be shown of slices [rows, columns], in its true proportions."""
    row_mm, column_mm = volume.pixel_spacing_mm
    rows = _extent(np.flatnonzero(shown.any(axis=1)), len(shown), MARGIN_MM / row_mm)
    columns = _extent(np.flatnonzero(shown.any(axis=0)), shown.shape[1], MARGIN_MM / column_mm)
    height_mm = (rows.stop - rows.start) * row_mm
    width_mm = (columns.stop - columns.start) * column_mm
    scale = TILE_PX / max(height_mm, width_mm)
    return _Frame(rows, columns, max(1, round(height_mm * scale)), max(1, round(width_mm * scale)))


def _extent(occupied: NDArray[np.intp], size: int, margin: float) -> slice:
    """Return the range of what is occupied, with a margin; all when nothing is."""
    if len(occupied) == 0:
        return slice(0, size)
    first, last = int(occupied[0] - margin), int(occupied[-1] + margin) + 1
    return slice(max(0, first), min(size, last))


def _tile(hu: NDArray[np.int16], frame: _Frame) -> NDArray[np.uint8]:
    grey = apply_window(hu[frame.rows, frame.columns], *BRAIN_WINDOW_HU)
    shrinks = frame.height_px < grey.shape[0]
    sized = cv2.resize(
        grey,
        (frame.width_px, frame.height_px),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC,
    )
    tile: NDArray[np.uint8] = (sized.clip(0, 1) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(np.repeat(tile[..., None], 3, axis=2))


def _outline(tile: NDArray[np.uint8], marked: NDArray[np.bool_], frame: _Frame) -> None:
    """Draw the outline of a mask on a tile.

    Contours are found at full resolution and then scaled, and the smallest are circled, so that no
    lesion is too small to show.
    """
    mask = np.ascontiguousarray(marked[frame.rows, frame.columns], np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    scale = np.array([frame.width_px / mask.shape[1], frame.height_px / mask.shape[0]])
    for contour in contours:
        points = ((contour[:, 0] + 0.5) * scale - 0.5).round().astype(np.int32)
        if np.ptp(points, axis=0).max() < 2 * SMALLEST_RADIUS_PX:
            centre = points.mean(axis=0).round().astype(int).tolist()
            cv2.circle(tile, centre, SMALLEST_RADIUS_PX, OUTLINE_RGB, 1, cv2.LINE_AA)
        else:
            cv2.polylines(tile, [points], True, OUTLINE_RGB, 1, cv2.LINE_AA)


def _write_page(
    image: NDArray[np.uint8],
    labels: list[tuple[str, bool]],
    texts: tuple[str, str, str],
    path: Path,
) -> None:
    """Set title, legend and caption around the montage, pixel for pixel, and write the PNG."""
    # Imported here: whoever reads scans only need not wait for it.
    from matplotlib.figure import Figure

    title, legend, caption = texts
    height_px, width_px = image.shape[:2]
    width_px = max(width_px, 3 * TILE_PX)
    lines = textwrap.wrap(caption, width=width_px // 7)
    head_px, foot_px = 2 * LINE_PX, LINE_PX * (len(lines) + 1)
    page_px = head_px + height_px + foot_px
    figure = Figure(
        figsize=(width_px / DOTS_PER_INCH, page_px / DOTS_PER_INCH),
        dpi=DOTS_PER_INCH,
        facecolor=BACKGROUND,
    )
    figure.figimage(image, xo=0, yo=foot_px, origin="upper")

    def write(x_px: float, y_px: float, text: str, **style: Any) -> None:
        figure.text(x_px / width_px, 1 - y_px / page_px, text, parse_math=False, **style)

    write(6, LINE_PX, title, color=TEXT, size=12, weight="bold", va="center")
    amber = tuple(channel / 255 for channel in OUTLINE_RGB)
    write(width_px - 6, LINE_PX, legend, color=amber, size=9, va="center", ha="right")
    columns = min(COLUMNS, len(labels))
    rows = math.ceil(len(labels) / columns)
    step_y, step_x = height_px / rows, image.shape[1] / columns
    for place, (label, is_marked) in enumerate(labels):
        x_px = place % columns * step_x + 5
        y_px = head_px + place // columns * step_y + 4
        colour = amber if is_marked else QUIET_TEXT
        write(x_px, y_px, label, color=colour, size=7, va="top")
    y_px = head_px + step_y - GAP_PX - 6
    write(5, y_px, "R", color=TEXT, size=9)
    write(step_x - GAP_PX - 5, y_px, "L", color=TEXT, size=9, ha="right")
    for number, line in enumerate(lines):
        y_px = page_px - foot_px + (number + 1) * LINE_PX
        write(6, y_px, line, color=QUIET_TEXT, size=8, va="center")
    with whole_path(path) as temporary:
        figure.savefig(temporary, dpi=DOTS_PER_INCH, facecolor=BACKGROUND, metadata=METADATA)

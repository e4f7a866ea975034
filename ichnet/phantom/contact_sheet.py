"""Contact sheets of the phantom for visual checks: every hemorrhage, every mimic, every site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ichnet.files import whole_path
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.patient import Lesion, Patient, generator
from ichnet.phantom.plan import drawn_site
from ichnet.phantom.published import MIMICS, SITES_OF
from ichnet.phantom.scanner import Scan, scan_patient
from ichnet.phantom.sites import SITES
from ichnet.subtypes import bit_of

WINDOWS_HU: dict[str, tuple[float, float]] = {
    "brain": (40, 80),
    "subdural": (80, 200),
    "bone": (600, 2800),
}
"""Level and width of each display window."""

AGES: dict[str, tuple[tuple[str, float], ...]] = {
    "EDH": (("acute", 62.0),),
    "IPH": (("acute", 58.0),),
    "IVH": (("acute", 52.0),),
    "SAH": (("acute", 54.0), ("faint", 40.0)),
    "SDH": (("acute", 60.0), ("isodense", 36.0), ("chronic", 22.0), ("mixed", 45.0)),
}
"""Ages of blood that are shown for each subtype, with the density in HU."""

SHOWN_ML = 22.0
SLICES = 24
COLUMNS = 6


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a contact sheet.

    Attributes:
        title: text above the picture.
        hu: slice in HU, [rows, columns].
        outline: hemorrhage, bool [rows, columns]; its outline is drawn.
        window: display window, a key of ``WINDOWS_HU``.
    """

    title: str
    hu: NDArray[np.int16]
    outline: NDArray[np.bool_]
    window: str = "brain"


def lesion_tiles(seed: int, matrix: int) -> Iterator[Tile]:
    """Yield each subtype at each location and age of blood, on the slice with its largest area."""
    plain = plain_patient(seed)
    number = 0
    for subtype, sites in SITES_OF.items():
        for age, hu in AGES[subtype]:
            for site in sites if age == "acute" else list(sites)[:1]:
                number += 1
                volume_ml = 6.0 if site in ("pons", "tentorium", "falx") else SHOWN_ML
                lesion = Lesion(subtype, volume_ml, hu, 1, seed + number, site, age)
                patient = replace(plain, lesions=(lesion,), seed=plain.seed + number)
                scan = scan_patient(patient, seed, matrix, (SLICES, SLICES))
                drawn = (scan.mask & bit_of(subtype)) > 0
                best = int(np.argmax(np.count_nonzero(drawn, axis=(1, 2))))
                window = "subdural" if subtype in ("EDH", "SDH") else "brain"
                title = f"{subtype} {site}" + (f", {age}" if age != "acute" else "")
                yield Tile(title, scan.hu[best], drawn[best], window)


def mimic_tiles(seed: int, matrix: int) -> Iterator[Tile]:
    """Yield each mimic of hemorrhage, on the slice that it changes most."""
    plain = plain_patient(seed)
    before = scan_patient(plain, seed, matrix, (SLICES, SLICES))
    for mimic in MIMICS:
        swelling = 0.8 if mimic == "pseudo-sah" else 0.0
        patient = replace(
            plain, mimics=frozenset({mimic}), swelling=swelling, darkening_hu=8 * swelling
        )
        scan = scan_patient(patient, seed, matrix, (SLICES, SLICES))
        best = most_changed(before, scan)
        yield Tile(mimic, scan.hu[best], np.zeros(scan.hu[best].shape, bool))


def site_tiles(seed: int, matrix: int) -> Iterator[Tile]:
    """Yield a head without blood from each scanner of each cohort, in brain and bone window."""
    for cohort, sites in SITES.items():
        for number, site in enumerate(sites, start=1):
            index = next(
                i for i in range(100) if drawn_site(generator(seed, cohort, i, 1), cohort) is site
            )
            patient = draw_patient(seed, cohort, index, has_ich=False)
            scan = scan_patient(patient, seed, matrix, (SLICES, SLICES))
            nothing = np.zeros((matrix, matrix), bool)
            brain, base = round(0.54 * SLICES), round(0.21 * SLICES)
            yield Tile(f"{cohort} {number}", scan.hu[brain], nothing)
            yield Tile(f"{cohort} {number}, skull base", scan.hu[base], nothing, "bone")


def plain_patient(seed: int) -> Patient:
    """Return a patient of 60 years without hemorrhage and without mimics."""
    patient = draw_patient(seed, "aihub", 0, has_ich=False)
    return replace(
        patient,
        age_years=60,
        atrophy=0.35,
        mimics=frozenset(),
        swelling=0.0,
        darkening_hu=0.0,
        pose_degrees=(0.0, 0.0, 0.0),
    )


def most_changed(before: Scan, after: Scan) -> int:
    """Return the index of the slice on which two scans of one head differ most, subdural window."""
    low, high = -20, 180
    change = np.clip(after.hu, low, high).astype(float) - np.clip(before.hu, low, high)
    return int(np.argmax(np.abs(change).sum(axis=(1, 2))))


def windowed(hu: NDArray[np.int16], window: str) -> NDArray[np.float64]:
    """Return a slice in a display window, grey values in [0, 1]."""
    level, width = WINDOWS_HU[window]
    return np.asarray(np.clip((hu - (level - width / 2)) / width, 0, 1), float)


def write_sheet(tiles: Sequence[Tile], path: Path) -> None:
    """Write pictures as one PNG, six in a row."""
    rows = -(-len(tiles) // COLUMNS)
    figure = Figure(figsize=(2.0 * COLUMNS, 2.2 * rows), facecolor="black")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, tile in zip(axes.flat, tiles, strict=False):
        axis.imshow(windowed(tile.hu, tile.window), cmap="gray", vmin=0, vmax=1)
        if tile.outline.any():
            axis.contour(tile.outline, levels=[0.5], colors="#e69f00", linewidths=0.6)
        axis.set_title(tile.title, fontsize=8, color="white")
    figure.tight_layout(pad=0.3)
    with whole_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")

"""Which lesions are found, by their volume, and how well they are outlined."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.table import DASH, Cell, Table
from ichnet.runs import RunFolder
from ichnet.statistics.bootstrap import mean_interval
from ichnet.statistics.proportions import proportion_interval

VOLUME_BINS_ML: tuple[tuple[float, float], ...] = (
    (0, 1),
    (1, 5),
    (5, 30),
    (30, float("inf")),
)

CAPTION = (
    "Lesion level: {lesions:,} lesions (26-connected components of the outlines at the networks' "
    "matrix) in {scans:,} outlined scans of the external test set. A lesion is found when any of "
    "its voxels is predicted (map above {threshold:g}); a false component touches none. Recall "
    "with Clopper and Pearson's 95 % interval, which takes the lesions of a patient for "
    "independent; false components a scan and Dice (scans with a lesion) with bootstrap intervals "
    "({replicates} replicates, patients drawn). HD95: larger of the two directed 95th "
    "percentiles of surface distances, median over the scans with a lesion where something was "
    "predicted."
)


def lesions_table(
    run: RunFolder, models: list[str], pixel_threshold: float, replicates: int, seed: int
) -> Table:
    """Return one row a model.

    Args:
        run: holds the models' lesions.
        models: by name.
        pixel_threshold: above which they call a pixel hemorrhage, for the caption.
        replicates: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        FileNotFoundError: when a model's lesions were not measured.
    """
    rows = []
    for model in models:
        lesions = _read(run.lesions(model) / "lesions.csv")
        scans = _read(run.lesions(model) / "scans.csv")
        rows.append((model, *_recall_cells(lesions), *_scan_cells(scans, replicates, seed)))
    return Table(
        name="lesions",
        title="Lesions found, by volume",
        caption=CAPTION.format(
            lesions=len(lesions),
            scans=len(scans),
            threshold=pixel_threshold,
            replicates=replicates,
        ),
        columns=(
            "Model",
            *(f"Recall, {_bin_title(*ends)} ({_count(lesions, ends)})" for ends in VOLUME_BINS_ML),
            "False components a scan",
            "Dice",
            "HD95, mm",
        ),
        rows=tuple(rows),
    )


def _recall_cells(lesions: list[dict[str, str]]) -> list[Cell]:
    cells: list[Cell] = []
    for low, high in VOLUME_BINS_ML:
        found = [int(row["found"]) for row in lesions if low <= float(row["volume_ml"]) < high]
        if not found:
            cells.append(DASH)
            continue
        interval = proportion_interval(sum(found), len(found))
        cells.append(Estimate.of(interval))
    return cells


def _scan_cells(scans: list[dict[str, str]], replicates: int, seed: int) -> list[Cell]:
    def mean(name: str) -> Cell:
        known = [row for row in scans if row[name]]
        if not known:
            return DASH
        interval = mean_interval(
            [float(row[name]) for row in known],
            [row["patient_id"] or row["scan_id"] for row in known],
            replicates,
            seed=seed,
        )
        return Estimate.of(interval)

    distances = [float(row["hausdorff95_mm"]) for row in scans if row["hausdorff95_mm"]]
    median = f"{np.median(distances):.1f} (n = {len(distances)})" if distances else DASH
    return [mean("false_positives"), mean("dice"), median]


def _bin_title(low: float, high: float) -> str:
    if low == 0:
        return f"<{high:g} mL"
    return f">{low:g} mL" if high == float("inf") else f"{low:g}–{high:g} mL"


def _count(lesions: list[dict[str, str]], ends: tuple[float, float]) -> str:
    count = sum(ends[0] <= float(row["volume_ml"]) < ends[1] for row in lesions)
    return f"n = {count:,}"


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))

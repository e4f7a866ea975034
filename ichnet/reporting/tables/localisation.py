"""Saliency maps of classifiers against outlines, weak and strong side by side."""

from __future__ import annotations

import csv
from pathlib import Path

from ichnet.config import Config
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.table import DASH, Cell, Table
from ichnet.reporting.tables.table2 import ARM_TITLES
from ichnet.runs import RunFolder, classifier_name
from ichnet.statistics.bootstrap import mean_interval

CAPTION = (
    "Slice level: {slices:,} slices with a lesion of {patients:,} patients of the external test "
    "set that has outlines. Pointing game: share of slices whose largest positive evidence lies "
    "within 15/224 of the image's width of the outline. Energy inside: share of positive evidence "
    "inside the outline. IoU: of the outline and where evidence is at least half its maximum. By "
    "chance, energy inside would be the outline's share of the image, {area:.3f}. Means with 95 % "
    "bootstrap intervals ({replicates} replicates, patients drawn). Good maps need not mean good "
    "detection: see the AUCs."
)
MEASURES: dict[str, str] = {
    "hit": "Pointing game",
    "energy_inside": "Energy inside",
    "iou": "IoU",
}


def localisation_table(run: RunFolder, config: Config) -> Table:
    """Return one row a classifier.

    Raises:
        FileNotFoundError: when no classifier's maps were measured.
        ValueError: when two were measured on different slices; names both files.
    """
    rows: list[tuple[Cell, ...]] = []
    first: tuple[Path, list[dict[str, str]]] | None = None
    notes = []
    for backbone in config.classifiers.backbones:
        for arm in config.classifiers.arms:
            path = run.localisation(classifier_name(backbone, arm))
            heads = (backbone, ARM_TITLES[arm])
            if not path.exists():
                rows.append((*heads, *[DASH] * len(MEASURES)))
                notes.append(f"{classifier_name(backbone, arm)}: its maps were not measured.")
                continue
            measured = _read(path)
            first = first or (path, measured)
            if _slices(measured) != _slices(first[1]):
                raise ValueError(f"{path} and {first[0]} hold different slices: measure again")
            rows.append((*heads, *(_mean(measured, name, config) for name in MEASURES)))
    if first is None:
        raise FileNotFoundError(f"{run.root}: no maps measured; run eval/localise.py")
    slices = first[1]
    return Table(
        name="localisation",
        title="Localisation by saliency maps",
        caption=CAPTION.format(
            slices=len(slices),
            patients=len({_patient(row) for row in slices}),
            area=sum(float(row["area"]) for row in slices) / len(slices),
            replicates=config.evaluation.bootstrap_replicates,
        ),
        columns=("Network", "Arm", *MEASURES.values()),
        rows=tuple(rows),
        notes=tuple(notes),
        section_column=True,
    )


def _mean(rows: list[dict[str, str]], name: str, config: Config) -> Estimate:
    interval = mean_interval(
        [float(row[name]) for row in rows],
        [_patient(row) for row in rows],
        config.evaluation.bootstrap_replicates,
        seed=config.seed,
    )
    return Estimate.of(interval)


def _patient(row: dict[str, str]) -> str:
    return f"{row['cohort']}/{row['patient_id'] or row['scan_id']}"


def _slices(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["scan_id"], row["slice_index"]) for row in rows]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))

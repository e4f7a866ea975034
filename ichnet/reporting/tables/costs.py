"""Table of each workflow step's wall-clock time, processor time and memory, by Snakemake."""

from __future__ import annotations

import csv
from pathlib import Path

from ichnet.reporting.tables.table import Table
from ichnet.runs import RunFolder

CAPTION = (
    "All jobs of the workflow, repeats and variants included, each with the threads it was given. "
    "A job that was interrupted and went on counts from where it went on. Memory is the largest "
    "resident set of one job."
)


def costs_table(run: RunFolder) -> Table:
    """Return one row a step: jobs, wall-clock and processor minutes, peak memory of a job.

    Raises:
        ValueError: when a file of ``costs/`` is not one of Snakemake's benchmark files.
    """
    within = ("costs", "variants/*/costs", "repeats/*/costs", "repeats/*/variants/*/costs")
    folders = [folder for pattern in within for folder in sorted(run.root.glob(pattern))]
    jobs: dict[str, list[tuple[float, float, float]]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/**/*.tsv")):
            jobs.setdefault(path.relative_to(folder).parts[0], []).append(_read(path))
    rows = [
        (
            step,
            str(len(measured)),
            f"{sum(wall for wall, _, _ in measured) / 60:.1f}",
            f"{max(wall for wall, _, _ in measured) / 60:.1f}",
            f"{sum(cpu for _, cpu, _ in measured) / 60:.1f}",
            f"{max(memory for _, _, memory in measured) / 1024:.2f}",
        )
        for step, measured in jobs.items()
    ]
    return Table(
        name="costs",
        title="Time and memory of each step",
        caption=CAPTION,
        columns=(
            "Step",
            "Jobs",
            "Minutes, all jobs",
            "Minutes, longest job",
            "Processor minutes",
            "Peak memory of a job, GiB",
        ),
        rows=tuple(rows),
        notes=() if rows else ("Nothing was measured: the steps were not run by the workflow.",),
    )


def _read(path: Path) -> tuple[float, float, float]:
    """Return wall-clock seconds, processor seconds and peak memory in MiB of one job."""
    with path.open(encoding="utf-8", newline="") as handle:
        row = next(csv.DictReader(handle, delimiter="\t"), {})
    try:
        # a job too short to be sampled has neither processor time nor memory
        cpu_seconds, memory = (
            0.0 if row[name] in ("-", "NA") else float(row[name])
            for name in ("cpu_time", "max_rss")
        )
        return float(row["s"]), cpu_seconds, memory
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: not a benchmark file of Snakemake: {error}") from error

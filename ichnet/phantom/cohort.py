"""Whole synthetic cohorts, written in parallel; each patient can be reproduced alone."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ichnet.config import ConfigError, PhantomConfig, fingerprint
from ichnet.files import write_whole
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.formats import WRITERS, Row, write_label_table
from ichnet.phantom.patient import COHORT_NUMBER
from ichnet.phantom.scanner import scan_patient

COHORTS: tuple[str, ...] = tuple(WRITERS)
MARKER = ".phantom.json"
"""File with the settings of a finished cohort; written last."""

OWN = ".synthetic"
"""Marks a folder that this module began; written first. Only folders with this file are emptied."""


@dataclass(frozen=True)
class Task:
    """One patient for a worker process to render and write."""

    cohort: str
    index: int
    has_ich: bool
    seed: int
    matrix: int
    slices: tuple[int, int]
    mix: Literal["even", "paper"]
    mix_of: str
    sites_of: str
    root: Path


def generate(
    config: PhantomConfig,
    seed: int,
    root: Path,
    cohorts: Sequence[str] = COHORTS,
    workers: int = 2,
) -> dict[str, int]:
    """Write synthetic cohorts to ``root/<cohort>``.

    A finished cohort with the same settings is kept; any other is written anew.

    Args:
        config: sizes of the cohorts.
        seed: seed of all random numbers.
        root: parent folder of the cohorts.
        cohorts: any of ``rsna``, ``aihub``, ``dumc``, ``cq500``.
        workers: number of processes.

    Returns:
        The number of scans of each cohort.

    Raises:
        ConfigError: when the configuration has no sizes for a cohort, or the cohort's folder holds
            files that this function did not write.
    """
    counts = {}
    for cohort in cohorts:
        folder = root / cohort
        settings = {"settings": fingerprint([config.of(cohort), seed, cohort])}
        counts[cohort] = len(with_hemorrhage(config, seed, cohort))
        marker = folder / MARKER
        if marker.exists() and json.loads(marker.read_text(encoding="utf-8")) == settings:
            continue
        _start_anew(folder)
        rows = _write_patients(tasks_of(config, seed, cohort, folder), workers)
        write_label_table(cohort, rows, folder)
        with write_whole(marker) as handle:
            json.dump(settings, handle)
    return counts


def _start_anew(folder: Path) -> None:
    """Empty a folder of synthetic data; refuse one that may hold somebody's real cohort."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / OWN).exists():
            raise ConfigError(
                f"{folder}: holds files that the phantom did not make; choose another folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / OWN).touch()


def tasks_of(config: PhantomConfig, seed: int, cohort: str, folder: Path) -> list[Task]:
    """Return one task for each patient; :func:`with_hemorrhage` chooses those with hemorrhage."""
    mix_of, sites_of = (
        {str(name): str(other) for name, other in others.items()}.get(cohort, cohort)
        for others in (config.mix_of, config.sites_of)
    )
    return [
        Task(
            cohort,
            index,
            bool(has_ich),
            seed,
            config.matrix,
            config.slices,
            config.mix,
            mix_of,
            sites_of,
            folder,
        )
        for index, has_ich in enumerate(with_hemorrhage(config, seed, cohort))
    ]


def with_hemorrhage(config: PhantomConfig, seed: int, cohort: str) -> NDArray[np.bool_]:
    """Return which patients of a cohort have a hemorrhage, bool [scans].

    Their number is exactly the configured share; which they are depends on the seed.

    Raises:
        ConfigError: when the configuration lacks the cohort's number of scans or its share.
    """
    if cohort not in config.scans or cohort not in config.ich_share:
        raise ConfigError(f"phantom.scans and phantom.ich_share say nothing of {cohort!r}")
    count = config.scans[cohort]
    order = np.random.default_rng([seed, COHORT_NUMBER[cohort]]).permutation(count)
    return order < round(count * config.ich_share[cohort])


def _write_patients(tasks: Sequence[Task], workers: int) -> list[Row]:
    """Write all patients and return their label rows in the order of the tasks."""
    bar = {"total": len(tasks), "desc": f"phantom {tasks[0].cohort}", "unit": "scan"}
    if workers == 1:
        results = [write_patient(task) for task in tqdm(tasks, disable=None, **bar)]
    else:
        # a fresh interpreter for each worker: forking a process with threads is not safe
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            results = list(tqdm(pool.map(write_patient, tasks), disable=None, **bar))
    return [row for rows in results for row in rows]


def write_patient(task: Task) -> list[Row]:
    """Render and write one patient; return the rows of the cohort's label table."""
    cv2.setNumThreads(1)  # processes are parallel already
    patient = draw_patient(
        task.seed, task.cohort, task.index, task.has_ich, task.mix, mix_of=task.mix_of
    )
    scan = scan_patient(patient, task.seed, task.matrix, task.slices, task.sites_of)
    return WRITERS[task.cohort](patient, scan, task.seed, task.root)

"""Fits of the baselines: a threshold on HU, and fixed weights of the segmenters' maps.

The threshold rule is fitted on training scans of AI-Hub, the weights by least squares on the same
maps that the weight models learn from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ichnet.config import Config, weights_split
from ichnet.config.depends import settings_of
from ichnet.networks.combination import write_weights
from ichnet.networks.threshold_rule import (
    Prepared,
    ThresholdRule,
    components_of,
    prepare_scan,
)
from ichnet.records.maps import (
    maps_dataset,
    maps_fingerprint,
    maps_members,
    require_maps_of_segmenters,
)
from ichnet.records.reader import stored_scans
from ichnet.records.record_set import RecordSet
from ichnet.runs import AIHUB_SCANS, RunFolder
from ichnet.runs.stage import Stage
from ichnet.statistics.roc import roc_auc

TRAINING_SPLIT = "train"
LEAST_SQUARES = "nnls"
BATCH_SLICES = 16

THRESHOLDS_HU = tuple(range(40, 79, 3))
MARGINS_MM = (2.0, 4.0, 7.0)
SMALLEST_ML = (0.05, 0.2, 0.5, 1.0, 2.0)


def fit_threshold(records: Path, run: RunFolder) -> Path:
    """Fit the threshold rule, unless it was fitted on the same scans; return the path of its file.

    Raises:
        ConfigError: when there are no records.
        ValueError: when all training scans, or none, have hemorrhage.
    """
    record_set = RecordSet.open(records / AIHUB_SCANS)
    path = run.rule
    stage = Stage(path.parent, {"records": record_set.fingerprint}, (path.name,), in_place=True)
    if not stage.is_finished():
        stage.begin()
        scans = list(prepared_scans(record_set, TRAINING_SPLIT))
        truth = [any(bool(one["labels"][0] > 0) for one in slices) for slices, _ in scans]
        rule, _ = tune([scan for _, scan in scans], truth)
        rule.write(path)
        stage.finish()
    return path


def fit_weights(config: Config, run: RunFolder) -> Path:
    """Fit the least-squares weights, unless fitted on the same maps; return the path of their file.

    Raises:
        FileNotFoundError: when the maps are not cached.
        ValueError: when no slice has an outline, or all maps are zero everywhere.
    """
    maps, path = run.maps(AIHUB_SCANS), run.weights
    require_maps_of_segmenters(run, maps)
    made_from = {"settings": settings_of(config, "baselines"), "maps": maps_fingerprint(maps)}
    stage = Stage(path.parent, made_from, (path.name,), in_place=True)
    if not stage.is_finished():
        stage.begin()
        weights = least_squares_weights(maps, weights_split(config))
        write_weights(weights, maps_members(maps), path)
        stage.finish()
    return path


def prepared_scans(
    record_set: RecordSet, split: str
) -> Iterator[tuple[list[dict[str, Any]], Prepared]]:
    """Yield the stored slices of each scan, and the scan prepared for thresholding."""
    for scan in stored_scans(record_set, split):
        hu = np.stack([one["hu"] for one in scan])
        spacing_mm = np.array([one["slice_spacing_mm"] for one in scan], float)
        yield scan, prepare_scan(hu, float(scan[0]["pixel_spacing_mm"]), spacing_mm)


def least_squares_weights(maps: Path, split: str) -> NDArray[np.float64]:
    """Return the non-negative least-squares weights of the members' maps, [members].

    The weighted sum of maps is fitted to the outlines of all slices that have one. The products of
    the normal equations are added slice by slice, so that memory does not grow with the number of
    slices.

    Args:
        maps: folder of the cached maps.
        split: split of the record set.

    Raises:
        ValueError: when no slice has an outline, or all maps are zero everywhere.
    """
    gram: NDArray[np.float64] | None = None
    moments: NDArray[np.float64] | None = None
    for batch in maps_dataset(maps, split).batch(BATCH_SLICES):
        drawn = batch["has_mask"].numpy().astype(bool)
        members = batch["maps"].shape[-1]
        found = batch["maps"].numpy()[drawn].reshape(-1, members).astype(np.float64)
        truth = (batch["mask"].numpy()[drawn] > 0).reshape(-1).astype(np.float64)
        gram = found.T @ found + (0 if gram is None else gram)
        moments = found.T @ truth + (0 if moments is None else moments)
    if gram is None or moments is None or not gram.any():
        raise ValueError(f"{maps}: no slice of split {split!r} has an outline and a map above zero")
    # |A w - t| is |L' w - inverse(L) A't| but for a constant, where A'A = L L'
    ridge = 1e-9 * np.trace(gram) * np.eye(len(gram))
    lower = np.linalg.cholesky(gram + ridge)
    weights: NDArray[np.float64] = nnls(lower.T, np.linalg.solve(lower, moments))[0]
    return weights


def tune(scans: Sequence[Prepared], truth: Sequence[bool]) -> tuple[ThresholdRule, float]:
    """Return the threshold rule with the highest scan AUC, and that AUC.

    A scan's score is the highest score of its slices, as for all models.

    Args:
        scans: scans of the training split.
        truth: whether each scan has hemorrhage; some must have, and some must not.

    Raises:
        ValueError: when all scans, or none, have hemorrhage.
    """
    rules = [
        (hu, margin, smallest)
        for hu, margin in itertools.product(THRESHOLDS_HU, MARGINS_MM)
        for smallest in SMALLEST_ML
    ]
    scores = np.zeros((len(rules), len(scans)))
    for column, scan in enumerate(scans):
        scores[:, column] = _scores_of_rules(scan)
    aucs = [roc_auc(truth, row) for row in scores]
    best = int(np.argmax(aucs))
    return ThresholdRule(*map(float, rules[best])), float(aucs[best])


def _scores_of_rules(scan: Prepared) -> list[float]:
    """Return the score of a scan by each candidate rule, in the order of ``tune``."""
    scores = []
    scan = scan.cropped_to_skull()
    for hu, margin in itertools.product(THRESHOLDS_HU, MARGINS_MM):
        _, counts = components_of(scan, hu, margin)
        volumes_ml = scan.voxel_ml @ counts
        for smallest in SMALLEST_ML:
            volume_ml = counts[:, volumes_ml >= smallest].sum(axis=1) * scan.voxel_ml
            scores.append(float(np.max(volume_ml / (volume_ml + 1.0))))
    return scores

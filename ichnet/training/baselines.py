"""Fits of what the networks are compared with: a threshold on HU, and fixed weights of maps.

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
from ichnet.records.maps import maps_dataset, maps_fingerprint, maps_members
from ichnet.records.reader import stored_scans
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder
from ichnet.runs.stage import Stage
from ichnet.statistics.roc import roc_auc

RECORD_SET, TRAINING_SPLIT = "aihub-scans", "train"
LEAST_SQUARES = "nnls"
BATCH_SLICES = 16

THRESHOLDS_HU = tuple(range(40, 79, 3))
MARGINS_MM = (2.0, 4.0, 7.0)
SMALLEST_ML = (0.05, 0.2, 0.5, 1.0, 2.0)


def fit_threshold(records: Path, run: RunFolder) -> Path:
    """Fit the threshold rule, or keep the one of the same scans; return where it lies.

    Raises:
        ConfigError: when there are no records.
        ValueError: when all training scans are of one kind.
    """
    record_set = RecordSet.open(records / RECORD_SET)
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
    """Fit the least-squares weights, or keep those of the same maps; return where they lie.

    Raises:
        FileNotFoundError: when the maps are not cached.
        ValueError: when no slice has an outline, or no map is anywhere above zero.
    """
    maps, path = run.maps(RECORD_SET), run.weights
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
    """Yield each scan's slices as they are stored, and the scan ready for a threshold."""
    for scan in stored_scans(record_set, split):
        hu = np.stack([one["hu"] for one in scan])
        spacing_mm = np.array([one["slice_spacing_mm"] for one in scan], float)
        yield scan, prepare_scan(hu, float(scan[0]["pixel_spacing_mm"]), spacing_mm)


def least_squares_weights(maps: Path, split: str) -> NDArray[np.float64]:
    """Return the weights, each 0 or more, whose sum of maps is nearest to the outlines, [members].

    Slices without an outline are left out. The products of maps are summed slice by slice, so
    that memory does not grow with their number.

    Args:
        maps: folder of cached maps.
        split: of its record set.

    Raises:
        ValueError: when no slice has an outline, or no map is anywhere above zero.
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
    """Return the rule with the highest scan AUC, and that AUC.

    A scan's score is the highest of its slices', as of every model.

    Args:
        scans: of the training split.
        truth: whether each holds hemorrhage; both kinds are needed.

    Raises:
        ValueError: when all scans are of one kind.
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
    """Return the score of a scan by each rule, in the order of ``tune``."""
    scores = []
    for hu, margin in itertools.product(THRESHOLDS_HU, MARGINS_MM):
        _, counts = components_of(scan, hu, margin)
        volumes_ml = scan.voxel_ml @ counts
        for smallest in SMALLEST_ML:
            volume_ml = counts[:, volumes_ml >= smallest].sum(axis=1) * scan.voxel_ml
            scores.append(float(np.max(volume_ml / (volume_ml + 1.0))))
    return scores

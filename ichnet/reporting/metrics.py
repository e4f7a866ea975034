"""metrics.json: every model's figures in one file for other programs, with what they came from.

The numbers are those of the tables, since both come from :mod:`ichnet.reporting.performance`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ichnet import __version__
from ichnet.config import Config, fingerprint
from ichnet.files import write_whole
from ichnet.reporting.composite import Composite, load_composite
from ichnet.reporting.performance import measure, unmeasurable
from ichnet.reporting.table3 import test_sets
from ichnet.reporting.tables import Estimate
from ichnet.runs import RunFolder
from ichnet.statistics.calibration import brier_score, expected_calibration_error
from ichnet.statistics.operating_points import operating_point


def metrics(run: RunFolder, config: Config) -> dict[str, Any]:
    """Return the figures of every model with predictions, by scan.

    Returns:
        ``configuration`` and ``ichnet`` (what made them), ``threshold``,
        ``bootstrap_replicates``, ``interval_level``, ``predictions`` (SHA-256 of each file, 12
        digits), ``missing`` (model: why), and ``models``: by model and test set the counts, AUC
        with DeLong's and with a bootstrap interval, sensitivity and specificity with bootstrap
        and exact intervals, discarded replicates, Brier score and expected calibration error;
        or, where they cannot be had, ``unmeasurable`` with the reason.

    Raises:
        ValueError: when predictions cannot be compared; names the files.
    """
    models = sorted(path.name for path in run.root.glob("predictions/*") if path.is_dir())
    composite = load_composite(run, models)
    sets = dict(_sets(composite, config))
    return {
        "run": run.root.name,
        "ichnet": __version__,
        "configuration": fingerprint(config),
        "seed": config.seed,
        "threshold": config.evaluation.threshold,
        "bootstrap_replicates": config.evaluation.bootstrap_replicates,
        "interval_level": 0.95,
        "predictions": {
            str(path.relative_to(run.root)): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in sorted(run.root.glob("predictions/*/*.csv"))
        },
        "missing": composite.missing,
        "models": {
            model: {name: _figures(subset, model, config) for name, subset in sets.items()}
            for model in models
            if model in composite.probability
        },
    }


def model_metrics(run: RunFolder, model: str, config: Config) -> dict[str, Any]:
    """Return one model's figures by test set, as in ``models`` of :func:`metrics`.

    Empty for a model without predictions.

    Raises:
        ValueError: when its predictions cannot be used; names the file.
    """
    composite = load_composite(run, [model])
    if model not in composite.probability:
        return {}
    return {name: _figures(subset, model, config) for name, subset in _sets(composite, config)}


def write_metrics(run: RunFolder, config: Config) -> Path:
    """Write ``metrics.json`` into the run and return its path."""
    path = run.root / "metrics.json"
    with write_whole(path) as handle:
        json.dump(metrics(run, config), handle, indent=1, allow_nan=False)
    return path


def _sets(composite: Composite, config: Config) -> Iterator[tuple[str, Composite]]:
    """Yield Table 3's test sets, each with all normal scans, and each cohort."""
    for name, chosen in test_sets(composite, config.selection.small_lesion_ml).items():
        yield name, composite.select(chosen | ~composite.ich)
    for cohort in composite.cohorts:
        yield cohort, composite.select(composite.truth["cohort"] == cohort)


def _figures(composite: Composite, model: str, config: Config) -> dict[str, Any]:
    positives = int(composite.ich.sum())
    counts = {"scans": len(composite), "with_ich": positives}
    if reason := unmeasurable(composite):
        return {**counts, "unmeasurable": reason}
    probability = composite.probability[model]
    point = operating_point(composite.ich, probability, config.evaluation.threshold)
    found = measure(composite, model, config)
    estimates = {
        name: {"value": value.value, "low": value.low, "high": value.high}
        for name, value in vars(found).items()
        if isinstance(value, Estimate)
    }
    return {
        **counts,
        **estimates,
        "discarded_replicates": found.discarded,
        "decisions": asdict(point),
        "brier": brier_score(composite.ich, probability),
        "expected_calibration_error": expected_calibration_error(composite.ich, probability),
    }

"""metrics.json: all measures of a run's predictions, computed once.

Tables, figures and the report take their numbers from this file, and so can other programs. It
names the settings and predictions that it was computed from, and is computed again when one of
them has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import ichnet
from ichnet.config import Config, fingerprint
from ichnet.config.depends import settings_of
from ichnet.files import write_whole
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.matched import Matched, match_models, unmatchable
from ichnet.reporting.measures.model_pairs import Pair, classifiers, model_pairs
from ichnet.reporting.measures.model_predictions import ModelPredictions, Unit, load_predictions
from ichnet.reporting.measures.performance import (
    Comparison,
    Performance,
    compare,
    measure,
    unmeasurable,
)
from ichnet.reporting.measures.testsets import ALL, units_by_set
from ichnet.runs import RunFolder
from ichnet.runs.stage import same_origin
from ichnet.statistics.operating_points import OperatingPoint

FORMAT = 1
"""Raise it with every change of what is measured, or how; older files are then remade."""

T = TypeVar("T")


@dataclass(frozen=True)
class SetMetrics:
    """What was measured on one test set.

    Attributes:
        units: scans or slices.
        with_ich: number of them with hemorrhage.
        unmeasurable: why nothing could be measured; otherwise empty.
        models: performance by name, of models with predictions.
        comparisons: by model and reference.
        unmatched: why there is nothing at matched sensitivity; otherwise empty.
        matched: each model at the reference's sensitivity, by scan.
    """

    units: int
    with_ich: int
    unmeasurable: str
    models: Mapping[str, Performance]
    comparisons: Mapping[Pair, Comparison]
    unmatched: str
    matched: Mapping[str, Matched]

    @property
    def counts(self) -> str:
        """For headings: ``32 ICH, 38 normal``."""
        return f"{self.with_ich:,} ICH, {self.units - self.with_ich:,} normal"


NOTHING = SetMetrics(0, 0, "0 with and 0 without ICH, two of each are needed", {}, {}, "", {})
"""Stands for a test set that a run does not have."""


@dataclass(frozen=True)
class Metrics:
    """The measures of a run, by unit and test set (see :func:`.model_pairs.model_pairs`)."""

    sets: Mapping[Unit, Mapping[str, SetMetrics]]

    def of(self, unit: Unit, test_set: str = ALL) -> SetMetrics:
        """Return what was measured on a test set."""
        return self.sets[unit].get(test_set, NOTHING)


def load_metrics(run: RunFolder, config: Config) -> Metrics:
    """Return a run's measures from ``metrics.json``, which is first updated when it is outdated.

    Raises:
        ValueError: when predictions cannot be compared, or the file is not JSON; names the files.
    """
    path = run.root / "metrics.json"
    made_from = _sources(run, config)
    if path.exists():
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: {error}; remove it, and it is made again") from error
        if same_origin(document.get("made_from"), made_from):
            return _from_json(document)
    document = _measure_run(run, config) | {"made_from": made_from}
    with write_whole(path) as handle:
        json.dump(document, handle, indent=1, allow_nan=False)
    return _from_json(document)


def _sources(run: RunFolder, config: Config) -> dict[str, Any]:
    """Return what the measures are made from: settings, and digests of the predictions.

    Digests are 12 digits of SHA-256. Changes of the program count by ``FORMAT`` only.
    """
    files = sorted(run.root.glob("predictions/*/*.csv"))
    predictions = {str(path.relative_to(run.root)): _digest(path.read_bytes()) for path in files}
    return {
        "ichnet": ichnet.__version__,
        "format": FORMAT,
        "settings": settings_of(config, "metrics"),
        "data": fingerprint(predictions),
        "predictions": predictions,
    }


def _measure_run(run: RunFolder, config: Config) -> dict[str, Any]:
    """Measure every model with predictions by scan, and the classifiers by slice."""
    every = sorted(path.name for path in run.root.glob("predictions/[!.]*") if path.is_dir())
    by_scan = load_predictions(run, every)
    by_slice = load_predictions(run, classifiers(config), "slice")
    return {
        "run": run.root.name,
        "seed": config.seed,
        "threshold": config.evaluation.threshold,
        "bootstrap_replicates": config.evaluation.bootstrap_replicates,
        "interval_level": 0.95,
        "missing": {"scan": by_scan.missing, "slice": by_slice.missing},
        "sets": {c.unit: _measure_sets(c, config) for c in (by_scan, by_slice)},
    }


def model_metrics(run: RunFolder, model: str, config: Config) -> dict[str, Any]:
    """Return one model's measures by scan for each test set, as JSON values.

    Each set has ``scans``, ``with_ich`` and either ``unmeasurable``, the reason, or the fields of
    :class:`~.performance.Performance`. Empty for a model without predictions.

    Raises:
        ValueError: when its predictions cannot be used; names the file.
    """
    predictions = load_predictions(run, [model])
    if model not in predictions.by_model:
        return {}
    found: dict[str, Any] = {}
    for name, units in units_by_set(predictions, config).items():
        reason = unmeasurable(units)
        figures = {"unmeasurable": reason} if reason else _plain(measure(units, model, config))
        found[name] = {"scans": len(units), "with_ich": int(units.ich.sum())} | figures
    return found


def _measure_sets(predictions: ModelPredictions, config: Config) -> dict[str, Any]:
    return {
        name: _measure_set(units, model_pairs(config, predictions.unit, name), config)
        for name, units in units_by_set(predictions, config).items()
    }


def _measure_set(units: ModelPredictions, tested: list[Pair], config: Config) -> dict[str, Any]:
    """Return one set's figures, as :class:`SetMetrics` has them, but ready for JSON."""
    reason, threshold = unmeasurable(units), config.evaluation.threshold
    known = {} if reason else units.by_model
    by_scan = units.unit == "scan"
    unmatched = unmatchable(units, threshold) if by_scan else "slices are not matched"
    return {
        "units": len(units),
        "with_ich": int(units.ich.sum()),
        "unmeasurable": reason,
        "models": {model: _plain(measure(units, model, config)) for model in known},
        "comparisons": [
            {"model": model, "reference": reference}
            | _plain(compare(units, model, reference, config))
            for model, reference in tested
            if model in known and reference in known
        ],
        "unmatched": unmatched,
        "matched": {}
        if unmatched
        else {model: _plain(one) for model, one in match_models(units, known, threshold).items()},
    }


def _plain(figures: Any) -> dict[str, Any]:
    """Return a dataclass as JSON values, without ``signed``, which follows from the field."""
    return asdict(figures, dict_factory=lambda items: {k: v for k, v in items if k != "signed"})


def _from_json(document: Mapping[str, Any]) -> Metrics:
    return Metrics(
        {
            unit: {name: _set_from_json(entry) for name, entry in sets.items()}
            for unit, sets in document["sets"].items()
        }
    )


def _set_from_json(entry: Mapping[str, Any]) -> SetMetrics:
    return SetMetrics(
        **{
            **entry,
            "models": {name: _read(Performance, one) for name, one in entry["models"].items()},
            "comparisons": {
                (one["model"], one["reference"]): Comparison(
                    Estimate(**one["difference"], signed=True), one["standard_error"], one["p"]
                )
                for one in entry["comparisons"]
            },
            "matched": {name: _read(Matched, one) for name, one in entry["matched"].items()},
        }
    )


def _read(kind: Callable[..., T], entry: Mapping[str, Any]) -> T:
    """Return a dataclass of numbers, estimates and decisions from JSON."""
    fields = {}
    for name, value in entry.items():
        if not isinstance(value, dict):
            fields[name] = value
        else:
            fields[name] = (OperatingPoint if name == "decisions" else Estimate)(**value)
    return kind(**fields)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]

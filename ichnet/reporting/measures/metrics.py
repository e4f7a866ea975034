"""metrics.json: every figure of a run's predictions, measured once and read by all that show one.

Tables, figures and the report take their numbers from here, and so can other programs. The file
tells by which code, configuration and predictions it was made; when one of them is another, it is
made again, so that nothing shows what no longer holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import ichnet
from ichnet.config import Config, fingerprint
from ichnet.files import write_whole
from ichnet.reporting.measures.composite import Composite, Level, load_composite
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.matched import Matched, match_models, unmatchable
from ichnet.reporting.measures.performance import (
    Comparison,
    Performance,
    compare,
    measure,
    unmeasurable,
)
from ichnet.reporting.measures.plan import ALL, Pair, classifiers, pairs, units_of_sets
from ichnet.runs import RunFolder
from ichnet.statistics.operating_points import OperatingPoint

T = TypeVar("T")


@dataclass(frozen=True)
class SetMetrics:
    """What was measured on one test set.

    Attributes:
        units: scans or slices.
        with_ich: of these.
        unmeasurable: why there are no numbers, or nothing.
        models: by name, of those with predictions.
        comparisons: by model and reference.
        unmatched: why no model was brought to the reference's sensitivity, or nothing.
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
"""Of a set that a run does not have."""


@dataclass(frozen=True)
class Metrics:
    """The figures of a run, by level and test set (see :func:`.plan.pairs`)."""

    sets: Mapping[Level, Mapping[str, SetMetrics]]

    def of(self, level: Level, test_set: str = ALL) -> SetMetrics:
        """Return what was measured on a test set."""
        return self.sets[level].get(test_set, NOTHING)


def load_metrics(run: RunFolder, config: Config) -> Metrics:
    """Return a run's figures from ``metrics.json``, which is written anew when it is not current.

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
        if document.get("made_from") == made_from:
            return _from_json(document)
    document = _measure_run(run, config) | {"made_from": made_from}
    with write_whole(path) as handle:
        json.dump(document, handle, indent=1, allow_nan=False)
    return _from_json(document)


def _sources(run: RunFolder, config: Config) -> dict[str, Any]:
    """Return fingerprints (SHA-256, 12 digits) of the package, configuration and predictions."""
    package = Path(ichnet.__file__).parent
    files = sorted(run.root.glob("predictions/*/*.csv"))
    predictions = {str(path.relative_to(run.root)): _digest(path.read_bytes()) for path in files}
    code = [[str(p.relative_to(package)), p.read_text("utf-8")] for p in package.rglob("*.py")]
    return {
        "ichnet": ichnet.__version__,
        "code": fingerprint(sorted(code)),
        "configuration": fingerprint(config),
        "data": fingerprint(predictions),
        "predictions": predictions,
    }


def _measure_run(run: RunFolder, config: Config) -> dict[str, Any]:
    """Measure every model with predictions by scan, and the classifiers by slice."""
    every = sorted(path.name for path in run.root.glob("predictions/*") if path.is_dir())
    by_scan = load_composite(run, every)
    by_slice = load_composite(run, classifiers(config), "slice")
    return {
        "run": run.root.name,
        "seed": config.seed,
        "threshold": config.evaluation.threshold,
        "bootstrap_replicates": config.evaluation.bootstrap_replicates,
        "interval_level": 0.95,
        "missing": {"scan": by_scan.missing, "slice": by_slice.missing},
        "sets": {c.level: _measure_sets(c, config) for c in (by_scan, by_slice)},
    }


def model_metrics(run: RunFolder, model: str, config: Config) -> dict[str, Any]:
    """Return one model's figures by test set, by scan, as JSON has them.

    Of each set ``scans``, ``with_ich`` and either ``unmeasurable``, the reason, or the fields of
    :class:`~.performance.Performance`. Empty for a model without predictions.

    Raises:
        ValueError: when its predictions cannot be used; names the file.
    """
    composite = load_composite(run, [model])
    if model not in composite.probability:
        return {}
    found: dict[str, Any] = {}
    for name, units in units_of_sets(composite, config).items():
        reason = unmeasurable(units)
        figures = {"unmeasurable": reason} if reason else _plain(measure(units, model, config))
        found[name] = {"scans": len(units), "with_ich": int(units.ich.sum())} | figures
    return found


def _measure_sets(composite: Composite, config: Config) -> dict[str, Any]:
    return {
        name: _measure_set(units, pairs(config, composite.level, name), config)
        for name, units in units_of_sets(composite, config).items()
    }


def _measure_set(units: Composite, tested: list[Pair], config: Config) -> dict[str, Any]:
    """Return one set's figures, as :class:`SetMetrics` has them, but ready for JSON."""
    reason, threshold = unmeasurable(units), config.evaluation.threshold
    known = {} if reason else units.probability
    by_scan = units.level == "scan"
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
    """Return a dataclass as JSON has it; that a difference is signed tells its place."""
    return asdict(figures, dict_factory=lambda items: {k: v for k, v in items if k != "signed"})


def _from_json(document: Mapping[str, Any]) -> Metrics:
    return Metrics(
        {
            level: {name: _set_from_json(entry) for name, entry in sets.items()}
            for level, sets in document["sets"].items()
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

"""One experiment's predictions in each of its trainings: the run's own seed, and its repeats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import ModelPredictions, load_predictions
from ichnet.runs import RunFolder

VARIANTS = "variants/"
"""A variant's model is called ``variants/<variant>/<model>``."""


def variant_model(variant: str, model: str) -> str:
    """Return what a variant's model is called beside those of its experiment."""
    return f"{VARIANTS}{variant}/{model}"


def folder_of(run: RunFolder, model: str) -> tuple[RunFolder, str]:
    """Return the run folder that a model lies in, and its name there."""
    if not model.startswith(VARIANTS):
        return run, model
    variant, _, own = model.removeprefix(VARIANTS).partition("/")
    return RunFolder(run.root / "variants" / variant), own


def trainings_of(run: RunFolder, config: Config) -> dict[int, RunFolder]:
    """Return the run folders by seed, the run's own first; of repeats those that have begun."""
    repeats = {seed: RunFolder(run.root / "repeats" / str(seed)) for seed in config.repeats.seeds}
    repeats.pop(config.seed, None)  # of a repeat itself, or named by mistake
    begun = {seed: one for seed, one in repeats.items() if (one.root / "predictions").exists()}
    return {config.seed: run, **begun}


def load_trainings(
    run: RunFolder, config: Config, models: Iterable[str], external: str | None = None
) -> dict[int, ModelPredictions]:
    """Return the predictions of each training by seed, all on the same scans.

    Args:
        run: of the experiment.
        config: its configuration.
        models: names, those of variants as :func:`variant_model` gives them.
        external: name of another record set on which the models were tested; ``None`` for the
            experiment's test cohorts.

    Raises:
        ValueError: when two trainings were tested on different scans.
    """
    names = list(dict.fromkeys(models))
    found = {
        seed: _load(folder, names, external) for seed, folder in trainings_of(run, config).items()
    }
    first = found[config.seed]
    for seed, one in found.items():
        if one.by_model:
            _require_same_scans(first, one, f"seeds {config.seed} and {seed}")
    return found


def scores_of(trainings: Sequence[ModelPredictions], models: Sequence[str]) -> NDArray[np.float64]:
    """Return the scores of networks, float64 [trainings, networks, scans]."""
    return np.array([[one.by_model[model] for model in models] for one in trainings])


def _load(run: RunFolder, names: Sequence[str], external: str | None) -> ModelPredictions:
    together = _load_some(run, [one for one in names if not one.startswith(VARIANTS)], external)
    for name in names:
        folder, own = folder_of(run, name)
        if folder == run:
            continue
        one = _load_some(folder, [own], external)
        if own in one.missing:
            together = replace(together, missing={**together.missing, name: one.missing[own]})
            continue
        if together.by_model:
            _require_same_scans(together, one, f"{run.root} and {folder.root}")
        scores = {**together.by_model, name: one.by_model[own]}
        kept = together if together.by_model else one
        together = replace(kept, by_model=scores, missing=together.missing)
    return together


def _load_some(run: RunFolder, names: Sequence[str], external: str | None) -> ModelPredictions:
    if external is None:
        return load_predictions(run, names)
    there = run.external(external)
    files = there.root.glob("predictions/*/*.scans.csv")
    cohorts = sorted({path.name.removesuffix(".scans.csv") for path in files})
    return load_predictions(there, names, cohorts=cohorts)


def _require_same_scans(first: ModelPredictions, other: ModelPredictions, who: str) -> None:
    if not np.array_equal(first.truth["scan_id"], other.truth["scan_id"]):
        raise ValueError(f"{who} were tested on different scans: predict again, same records")

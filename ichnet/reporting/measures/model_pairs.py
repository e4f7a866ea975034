"""Which models are compared: each with the reference that it is tested against."""

from __future__ import annotations

from collections.abc import Iterable

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, Unit
from ichnet.reporting.measures.testsets import ALL
from ichnet.runs import (
    BASELINES,
    TEST_COHORTS,
    THRESHOLD,
    baseline_name,
    classifier_name,
    ensemble_name,
    segmenter_name,
)

REFERENCE_ARM = "rsna-weak"
"""What the paper tests the other arms against (Table 2)."""

CONTRAST = ("aihub-weak", "aihub-strong")
"""The same slices without and with outlines: what strong supervision adds (not in the paper)."""

REFERENCE = ensemble_name("basic")
"""What the paper tests the other combinations against (Table 3)."""

Pair = tuple[str, str]
"""A model and its reference."""


def classifiers(config: Config, arms: Iterable[str] | None = None) -> list[str]:
    """Return the names of a configuration's classifiers, of some arms or of all."""
    chosen = config.classifiers.arms if arms is None else tuple(arms)
    return [classifier_name(b, arm) for b in config.classifiers.backbones for arm in chosen]


def model_pairs(config: Config, unit: Unit, test_set: str) -> list[Pair]:
    """Return each model that is tested on a set, with its reference."""
    arms = [
        (classifier_name(backbone, arm), classifier_name(backbone, reference))
        for backbone in config.classifiers.backbones
        for arm, reference in (
            *((arm, REFERENCE_ARM) for arm in config.classifiers.arms if arm != REFERENCE_ARM),
            CONTRAST[::-1],
        )
    ]
    if unit == "slice":
        return arms
    combined = [
        *map(ensemble_name, config.ensembles.combinations),
        *map(segmenter_name, SEGMENTERS),
        *map(baseline_name, BASELINES),
        THRESHOLD,
    ]
    found = [(c.model, c.against) for c in config.contrasts if c.test_set == test_set]
    if test_set not in TEST_COHORTS:
        found += [(model, REFERENCE) for model in (*combined, FINAL_MODEL) if model != REFERENCE]
    if test_set in (ALL, *TEST_COHORTS):
        found += [(model, FINAL_MODEL) for model in classifiers(config, CONTRAST[1:])]
    return list(dict.fromkeys([*found, *(arms if test_set == ALL else [])]))

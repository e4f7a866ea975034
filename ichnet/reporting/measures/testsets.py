"""What is measured of a run: on which test sets, and which model against which."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.measures.composite import FINAL_MODEL, Composite, Level
from ichnet.runs import (
    BASELINES,
    TEST_COHORTS,
    THRESHOLD,
    baseline_name,
    classifier_name,
    ensemble_name,
    segmenter_name,
)

ALL = "All"
"""The test set of all units."""

TABLE3_SETS = (ALL, "SDH", "SAH", "Small")
"""All hemorrhages, and the difficult kinds."""

REFERENCE_ARM = "rsna-weak"
"""What the paper tests the other arms against (Table 2)."""

CONTRAST = ("aihub-weak", "aihub-strong")
"""The same slices without and with outlines: the question itself, which the paper never tests."""

REFERENCE = ensemble_name("basic")
"""What the paper tests the other combinations against (Table 3)."""

Pair = tuple[str, str]
"""A model and its reference."""


def test_sets(composite: Composite, small_lesion_ml: float) -> dict[str, NDArray[np.bool_]]:
    """Return which scans with ICH each of Table 3's test sets holds, bool [scans]."""
    ich = composite.ich
    return {
        ALL: ich,
        "SDH": ich & composite.positive("SDH"),
        "SAH": ich & composite.positive("SAH"),
        "Small": ich & composite.small(small_lesion_ml),
    }


def units_of_sets(composite: Composite, config: Config) -> dict[str, Composite]:
    """Return the units of each test set.

    Of scans these are Table 3's sets, each with all normal scans, and each cohort; of slices
    there is one set of all.
    """
    if composite.level == "slice":
        return {ALL: composite}
    chosen = test_sets(composite, config.selection.small_lesion_ml)
    sets = {name: composite.select(with_ich | ~composite.ich) for name, with_ich in chosen.items()}
    cohort = composite.truth["cohort"]
    return sets | {name: composite.select(cohort == name) for name in composite.cohorts}


def classifiers(config: Config, arms: Iterable[str] | None = None) -> list[str]:
    """Return the names of a configuration's classifiers, of some arms or of all."""
    chosen = config.classifiers.arms if arms is None else tuple(arms)
    return [classifier_name(b, arm) for b in config.classifiers.backbones for arm in chosen]


def pairs(config: Config, level: Level, test_set: str) -> list[Pair]:
    """Return each model that is tested on a set, with its reference."""
    arms = [
        (classifier_name(backbone, arm), classifier_name(backbone, reference))
        for backbone in config.classifiers.backbones
        for arm, reference in (
            *((arm, REFERENCE_ARM) for arm in config.classifiers.arms if arm != REFERENCE_ARM),
            CONTRAST[::-1],
        )
    ]
    if level == "slice":
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

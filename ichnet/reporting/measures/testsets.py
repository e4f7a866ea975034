"""The test sets: which scans of a run a model is measured on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import ModelPredictions

ALL = "All"
"""The test set of all units."""

TABLE3_SETS = (ALL, "SDH", "SAH", "Small")
"""Table 3's test sets: all hemorrhages, and kinds that are hard to detect (paper)."""


def positives_by_set(
    predictions: ModelPredictions, small_lesion_ml: float
) -> dict[str, NDArray[np.bool_]]:
    """Return which scans with ICH each of Table 3's test sets holds, bool [scans]."""
    ich = predictions.ich
    return {
        ALL: ich,
        "SDH": ich & predictions.positive("SDH"),
        "SAH": ich & predictions.positive("SAH"),
        "Small": ich & predictions.small(small_lesion_ml),
    }


def units_by_set(predictions: ModelPredictions, config: Config) -> dict[str, ModelPredictions]:
    """Return the units of each test set.

    Of scans these are Table 3's sets, each with all normal scans, and each cohort; of slices
    there is one set of all.
    """
    if predictions.unit == "slice":
        return {ALL: predictions}
    chosen = positives_by_set(predictions, config.selection.small_lesion_ml)
    sets = {
        name: predictions.select(with_ich | ~predictions.ich) for name, with_ich in chosen.items()
    }
    cohort = predictions.truth["cohort"]
    return sets | {name: predictions.select(cohort == name) for name in predictions.cohorts}

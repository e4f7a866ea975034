"""Data of the report's interactive part: every scan's truth, every model's probability.

The page itself draws the ROC curve, moves the threshold and sorts the cases; the tables of the
report stay the reference, and the tests hold both to the same numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import (
    COHORT_TITLES,
    FINAL_MODEL,
    ModelPredictions,
    exclusive_subtypes,
)
from ichnet.reporting.measures.performance import unmeasurable
from ichnet.reporting.measures.testsets import positives_by_set


def explorer_data(predictions: ModelPredictions, config: Config) -> dict[str, Any] | None:
    """Return what the report's script needs, or ``None`` when no ROC curve can be drawn.

    Args:
        predictions: scans with the probabilities of every model to choose from.
        config: its decision threshold and its limit of small lesions.

    Returns:
        ``threshold``; ``sets``: by name, 1 or 0 for each scan, 1 for scans with hemorrhage that
        belong to the set; ``models``: by name, the probability of each scan; ``first``: the model
        shown first; ``scans``: of each, id, cohort, 1 for hemorrhage, subtype and volume in mL
        (``None`` when unknown).
    """
    if not predictions.by_model or unmeasurable(predictions):
        return None
    kinds = exclusive_subtypes(predictions.truth)
    volumes_ml = np.asarray(predictions.truth["volume_ml"], float)
    cohorts = [COHORT_TITLES.get(str(name), str(name)) for name in predictions.truth["cohort"]]
    models = {name: values.tolist() for name, values in sorted(predictions.by_model.items())}
    return {
        "threshold": config.evaluation.threshold,
        "sets": {
            name: where.astype(int).tolist()
            for name, where in positives_by_set(
                predictions, config.selection.small_lesion_ml
            ).items()
            if where.any()
        },
        "models": models,
        "first": FINAL_MODEL if FINAL_MODEL in models else next(iter(models)),
        "scans": [
            {
                "id": str(scan),
                "cohort": cohort,
                "ich": int(ich),
                "kind": str(kind),
                "volume_ml": None if math.isnan(volume_ml) else float(volume_ml),
            }
            for scan, cohort, ich, kind, volume_ml in zip(
                predictions.truth["scan_id"],
                cohorts,
                predictions.ich,
                kinds,
                volumes_ml,
                strict=True,
            )
        ],
    }

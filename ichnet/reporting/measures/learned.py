"""Whether a classifier has learned enough for anything to be claimed about it.

A contrast of two networks that guess says nothing about what they were taught. The bar is that of
the configuration's ``claims``, set before the run.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ichnet.config import BACKBONES, Config
from ichnet.reporting.measures.model_predictions import ModelPredictions
from ichnet.reporting.measures.performance import unmeasurable
from ichnet.reporting.measures.trainings import folder_of, scores_of, trainings_of
from ichnet.runs import RunFolder
from ichnet.runs.training_log import best_row, read_log
from ichnet.statistics.crossed import crossed_auc_difference

GUESSING = 0.5
"""The AUC of guessing."""


def is_classifier(model: str) -> bool:
    """Return whether a model, a variant's included, is one of experiment A's classifiers."""
    return model.rpartition("/")[2].startswith(BACKBONES)


def undertrained(
    model: str, run: RunFolder, config: Config, trainings: Mapping[int, ModelPredictions]
) -> str:
    """Return why a model's contrasts are left out of the claims; nothing when they are not.

    Other models than classifiers have no bar.

    Args:
        model: its name.
        run: of the experiment.
        config: the experiment.
        trainings: predictions by seed; those with the model count.
    """
    seen = {seed: one for seed, one in trainings.items() if model in one.by_model}
    if not is_classifier(model) or not seen:
        return ""
    folders, claims = trainings_of(run, config), config.claims
    found = [validation_slice_auc(folders[seed], model) for seed in seen]
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        return "its AUC on validation slices is not known"
    if (mean := float(np.mean(known))) < claims.validation_slice_auc:
        return f"AUC on validation slices {mean:.3f}, below {claims.validation_slice_auc:g}"
    first = next(iter(seen.values()))
    if unmeasurable(first):
        return ""
    scores = scores_of(list(seen.values()), [model])
    # against a score that is the same for all scans, whose AUC is 0.5 in every sample
    auc = crossed_auc_difference(first.ich, scores, np.zeros_like(scores))
    low = GUESSING + auc.low
    if low <= claims.scan_auc:
        return f"interval of the AUC on test scans from {low:.3f}, not above {claims.scan_auc:g}"
    return ""


def validation_slice_auc(run: RunFolder, model: str) -> float | None:
    """Return a classifier's AUC on validation slices in its best epoch; ``None`` without a log."""
    folder, name = folder_of(run, model)
    rows = read_log(folder.model(name) / "log.csv")
    if not rows or not {"val_loss", "val_probability_auc"} <= rows[0].keys():
        return None
    return best_row(rows)["val_probability_auc"]

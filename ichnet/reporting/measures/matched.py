"""Models compared at one sensitivity, so that no threshold favours any of them.

At a fixed threshold a model that answers "hemorrhage" more often has the higher sensitivity and
the lower specificity, whether or not it sees more. Here every model gets, on each test set, the
highest threshold at which it finds as many hemorrhages as the reference does at the configured
one, and specificities are compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.model_pairs import REFERENCE
from ichnet.reporting.measures.model_predictions import ModelPredictions
from ichnet.reporting.measures.performance import unmeasurable
from ichnet.statistics.operating_points import matched_sensitivity_threshold, operating_point
from ichnet.statistics.proportions import mcnemar_test, proportion_interval


@dataclass(frozen=True)
class Matched:
    """A model at the matched threshold.

    Attributes:
        threshold: of the model's probability.
        sensitivity, specificity: with exact intervals.
        difference: its specificity minus the reference's.
        p: McNemar's, over the normal scans; ``None`` for the reference.
    """

    threshold: float
    sensitivity: Estimate
    specificity: Estimate
    difference: float
    p: float | None


def match_models(
    predictions: ModelPredictions, models: Iterable[str], threshold: float
) -> dict[str, Matched]:
    """Return every model that has predictions at the reference's sensitivity at ``threshold``.

    Raises:
        ValueError: when the reference finds no hemorrhage at all there.
    """
    ich = predictions.ich
    sensitivity = operating_point(ich, predictions.by_model[REFERENCE], threshold).sensitivity
    thresholds = {
        model: matched_sensitivity_threshold(ich, predictions.by_model[model], sensitivity)
        for model in models
        if model in predictions.by_model
    }
    normal = {
        model: predictions.by_model[model][~ich] < matched for model, matched in thresholds.items()
    }
    own = normal[REFERENCE]
    found = {}
    for model, matched in thresholds.items():
        point = operating_point(ich, predictions.by_model[model], matched)
        gained, lost = int((normal[model] & ~own).sum()), int((own & ~normal[model]).sum())
        found[model] = Matched(
            threshold=matched,
            sensitivity=Estimate.of(proportion_interval(point.true_positives, int(ich.sum()))),
            specificity=Estimate.of(proportion_interval(point.true_negatives, int((~ich).sum()))),
            difference=(gained - lost) / len(own),
            p=None if model == REFERENCE else mcnemar_test(gained, lost),
        )
    return found


def unmatchable(subset: ModelPredictions, threshold: float) -> str:
    """Return why models cannot be matched; an empty text when they can."""
    if reason := unmeasurable(subset):
        return reason
    if REFERENCE not in subset.by_model:
        return f"{REFERENCE} has no predictions"
    if not operating_point(subset.ich, subset.by_model[REFERENCE], threshold).true_positives:
        return f"{REFERENCE} finds no hemorrhage at {threshold:g}"
    return ""

"""A model's performance: AUC, sensitivity, specificity and calibration, with intervals.

All tables take these numbers from here, through metrics.json: AUC with DeLong's interval and with a
bootstrap interval, proportions with a bootstrap and with an exact interval. Replicates are drawn
within each class and, where units are slices, by patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.model_predictions import ModelPredictions
from ichnet.statistics.bootstrap import BootstrapInterval, bootstrap_interval
from ichnet.statistics.calibration import (
    CalibrationLine,
    brier_score,
    calibration_line,
    expected_calibration_error,
)
from ichnet.statistics.delong import delong_interval, delong_test
from ichnet.statistics.operating_points import (
    OperatingPoint,
    operating_point,
    youden_threshold,
)
from ichnet.statistics.proportions import proportion_interval
from ichnet.statistics.weighted import (
    Auc,
    AucDifference,
    Sensitivity,
    Specificity,
    WeightedStatistic,
)

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Performance:
    """One model on one set of units.

    Attributes:
        auc: with DeLong's interval, which assumes independent units: scans, not slices.
        auc_bootstrap: with the bootstrap's percentile interval.
        sensitivity, specificity: at the threshold, percentile bootstrap.
        sensitivity_exact, specificity_exact: the same values with Clopper and Pearson's interval.
        discarded: number of bootstrap replicates without a finite value, over all three.
        decisions: counts at the threshold.
        youden_threshold: where sensitivity + specificity is largest on these units.
        brier, expected_calibration_error: of the predicted probability.
        calibration_slope, calibration_in_the_large: ``None`` when the probability separates the
            classes completely or is constant.
    """

    auc: Estimate
    auc_bootstrap: Estimate
    sensitivity: Estimate
    specificity: Estimate
    sensitivity_exact: Estimate
    specificity_exact: Estimate
    discarded: int
    decisions: OperatingPoint
    youden_threshold: float
    brier: float
    expected_calibration_error: float
    calibration_slope: float | None
    calibration_in_the_large: float | None


@dataclass(frozen=True)
class Comparison:
    """A model against its reference on the same units.

    Attributes:
        difference: AUC of the model minus that of the reference.
        standard_error, p: DeLong's; ``None`` at slice level.
    """

    difference: Estimate
    standard_error: float | None
    p: float | None


def unmeasurable(predictions: ModelPredictions) -> str:
    """Return why nothing can be measured; an empty text when each class has two units or more.

    DeLong's variance needs two units of a class at least.
    """
    positives = int(predictions.ich.sum())
    negatives = len(predictions) - positives
    if min(positives, negatives) >= 2:
        return ""
    return f"{positives:,} with and {negatives:,} without ICH, two of each are needed"


def measure(predictions: ModelPredictions, model: str, config: Config) -> Performance:
    """Return a model's performance at the configured threshold.

    Raises:
        ValueError: when a class has fewer than two units (see :func:`unmeasurable`).
    """
    ich, probability = predictions.ich, predictions.by_model[model]
    threshold = config.evaluation.threshold
    point = operating_point(ich, probability, threshold)
    positives, negatives = int(ich.sum()), int((~ich).sum())
    line = _calibration_line(ich, probability)
    auc, sensitivity, specificity = (
        _resampled(statistic, predictions, [probability], config)
        for statistic in (Auc(), Sensitivity(threshold), Specificity(threshold))
    )
    return Performance(
        auc=Estimate.of(delong_interval(ich, probability)),
        auc_bootstrap=Estimate.of(auc),
        sensitivity=Estimate.of(sensitivity),
        specificity=Estimate.of(specificity),
        sensitivity_exact=Estimate.of(proportion_interval(point.true_positives, positives)),
        specificity_exact=Estimate.of(proportion_interval(point.true_negatives, negatives)),
        discarded=auc.discarded + sensitivity.discarded + specificity.discarded,
        decisions=point,
        youden_threshold=youden_threshold(ich, probability),
        brier=brier_score(ich, probability),
        expected_calibration_error=expected_calibration_error(ich, probability, CALIBRATION_BINS),
        calibration_slope=line.slope if line else None,
        calibration_in_the_large=line.in_the_large if line else None,
    )


def compare(
    predictions: ModelPredictions, model: str, reference: str, config: Config
) -> Comparison:
    """Compare a model's AUC with that of a reference on the same units.

    Scans are compared by DeLong's test. Slices of one patient are not independent, so at slice
    level the interval is from a bootstrap by patient, and there is no p value.
    """
    ich = predictions.ich
    a, b = predictions.by_model[model], predictions.by_model[reference]
    if predictions.unit == "slice":
        difference = Estimate.of(_resampled(AucDifference(), predictions, [a, b], config))
        return Comparison(replace(difference, signed=True), None, None)
    test = delong_test(ich, a, b)
    difference = Estimate(test.difference, test.low, test.high, signed=True)
    return Comparison(difference, test.standard_error, test.p)


def _calibration_line(
    ich: NDArray[np.bool_], probability: NDArray[np.float64]
) -> CalibrationLine | None:
    try:
        return calibration_line(ich, probability)
    except ValueError:  # all equal, or fully separated: there is no finite slope
        return None


def _resampled(
    statistic: WeightedStatistic,
    predictions: ModelPredictions,
    values: Sequence[NDArray[np.float64]],
    config: Config,
) -> BootstrapInterval:
    """Return a statistic with its bootstrap interval; the same draws for every model."""
    return bootstrap_interval(
        statistic,
        predictions.ich,
        *values,
        groups=predictions.patients if predictions.unit == "slice" else None,
        replicates=config.evaluation.bootstrap_replicates,
        seed=config.seed,
    )

"""What a model's probabilities amount to: AUC, sensitivity and specificity with intervals.

Every number of the tables comes through here, so that all of them are made alike: AUC with
DeLong's interval and a bootstrap interval, proportions with a bootstrap or an exact interval,
replicates drawn within each class and, where units are slices, by patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.reporting.composite import Composite
from ichnet.reporting.tables import Estimate
from ichnet.statistics.bootstrap import BootstrapInterval, bootstrap_interval
from ichnet.statistics.delong import delong_interval, delong_test
from ichnet.statistics.interval import Interval
from ichnet.statistics.operating_points import operating_point
from ichnet.statistics.proportions import proportion_interval
from ichnet.statistics.weighted import (
    Auc,
    AucDifference,
    Sensitivity,
    Specificity,
    WeightedStatistic,
)


@dataclass(frozen=True)
class Performance:
    """One model on one set of units.

    Attributes:
        auc: with DeLong's interval (which takes units to be independent: scans, not slices).
        auc_bootstrap: with the bootstrap's percentile interval.
        sensitivity, specificity: at the threshold, percentile bootstrap.
        sensitivity_exact, specificity_exact: the same with Clopper and Pearson's interval.
        discarded: bootstrap replicates without a finite value, of all three together.
    """

    auc: Estimate
    auc_bootstrap: Estimate
    sensitivity: Estimate
    specificity: Estimate
    sensitivity_exact: Estimate
    specificity_exact: Estimate
    discarded: int


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


def unmeasurable(composite: Composite) -> str:
    """Return why there are no numbers, or nothing when each class has two units or more.

    DeLong's variance is that between the units of a class, so one unit is not enough.
    """
    positives = int(composite.ich.sum())
    negatives = len(composite) - positives
    if min(positives, negatives) >= 2:
        return ""
    return f"{positives:,} with and {negatives:,} without ICH, two of each are needed"


def auc_by_scan(composite: Composite, model: str) -> Estimate:
    """Return a model's AUC with DeLong's interval, for scans.

    Raises:
        ValueError: when a class has fewer than two units (see :func:`unmeasurable`).
    """
    return _estimate(delong_interval(composite.ich, composite.probability[model]))


def measure(composite: Composite, model: str, config: Config) -> Performance:
    """Return a model's performance at the configured threshold.

    Raises:
        ValueError: when a class has fewer than two units (see :func:`unmeasurable`).
    """
    ich, probability = composite.ich, composite.probability[model]
    threshold = config.evaluation.threshold
    point = operating_point(ich, probability, threshold)
    positives, negatives = int(ich.sum()), int((~ich).sum())
    auc, sensitivity, specificity = (
        _resampled(statistic, composite, [probability], config)
        for statistic in (Auc(), Sensitivity(threshold), Specificity(threshold))
    )
    return Performance(
        auc=_estimate(delong_interval(ich, probability)),
        auc_bootstrap=_estimate(auc),
        sensitivity=_estimate(sensitivity),
        specificity=_estimate(specificity),
        sensitivity_exact=_estimate(proportion_interval(point.true_positives, positives)),
        specificity_exact=_estimate(proportion_interval(point.true_negatives, negatives)),
        discarded=auc.discarded + sensitivity.discarded + specificity.discarded,
    )


def compare(composite: Composite, model: str, reference: str, config: Config) -> Comparison:
    """Return a model's AUC against that of a reference, paired unit by unit.

    Scans are compared by DeLong's test. Slices of one patient are not independent, so at slice
    level patients are drawn anew and there is no p.
    """
    ich = composite.ich
    a, b = composite.probability[model], composite.probability[reference]
    if composite.level == "slice":
        difference = _estimate(_resampled(AucDifference(), composite, [a, b], config))
        return Comparison(replace(difference, signed=True), None, None)
    test = delong_test(ich, a, b)
    difference = Estimate(test.difference, test.low, test.high, signed=True)
    return Comparison(difference, test.standard_error, test.p)


def _resampled(
    statistic: WeightedStatistic,
    composite: Composite,
    values: Sequence[NDArray[np.float64]],
    config: Config,
) -> BootstrapInterval:
    """Return a statistic with its bootstrap interval; the same draws for every model."""
    return bootstrap_interval(
        statistic,
        composite.ich,
        *values,
        groups=composite.patients if composite.level == "slice" else None,
        replicates=config.evaluation.bootstrap_replicates,
        seed=config.seed,
    )


def _estimate(interval: Interval) -> Estimate:
    return Estimate(interval.value, interval.low, interval.high)

"""ROC, intervals, tests, agreement, calibration, scan scores; NumPy and SciPy only."""

from ichnet.statistics.agreement import cohen_kappa, count_ratings, fleiss_kappa
from ichnet.statistics.bootstrap import bootstrap_interval, mean_interval
from ichnet.statistics.calibration import (
    brier_score,
    calibration_line,
    expected_calibration_error,
    reliability,
)
from ichnet.statistics.crossed import crossed_auc_difference
from ichnet.statistics.delong import delong_interval, delong_test
from ichnet.statistics.hanley_mcneil import hanley_mcneil_interval, hanley_mcneil_standard_error
from ichnet.statistics.multiplicity import holm
from ichnet.statistics.operating_points import (
    matched_sensitivity_threshold,
    operating_point,
    youden_threshold,
)
from ichnet.statistics.power import (
    auc_difference_power,
    auc_difference_sample_size,
    crossed_difference_power,
)
from ichnet.statistics.proportions import mcnemar_test, proportion_interval
from ichnet.statistics.roc import roc_auc, roc_curve

__all__ = [
    "auc_difference_power",
    "auc_difference_sample_size",
    "bootstrap_interval",
    "brier_score",
    "calibration_line",
    "cohen_kappa",
    "count_ratings",
    "crossed_auc_difference",
    "crossed_difference_power",
    "delong_interval",
    "delong_test",
    "expected_calibration_error",
    "fleiss_kappa",
    "hanley_mcneil_interval",
    "hanley_mcneil_standard_error",
    "holm",
    "matched_sensitivity_threshold",
    "mcnemar_test",
    "mean_interval",
    "operating_point",
    "proportion_interval",
    "reliability",
    "roc_auc",
    "roc_curve",
    "youden_threshold",
]

"""The run folder: where everything lies, and the files that pass from one step to the next."""

from ichnet.runs.paths import (
    AIHUB_SCANS,
    ARM_RECORDS,
    BASELINES,
    ENCODER,
    RECORD_SETS,
    TEST_COHORTS,
    THRESHOLD,
    RunFolder,
    baseline_name,
    classifier_name,
    ensemble_name,
    fold_name,
    segmenter_name,
)

__all__ = [
    "AIHUB_SCANS",
    "ARM_RECORDS",
    "BASELINES",
    "ENCODER",
    "RECORD_SETS",
    "TEST_COHORTS",
    "THRESHOLD",
    "RunFolder",
    "baseline_name",
    "classifier_name",
    "ensemble_name",
    "fold_name",
    "segmenter_name",
]

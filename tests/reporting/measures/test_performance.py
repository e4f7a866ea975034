from __future__ import annotations

import numpy as np
import pytest

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import ModelPredictions, Unit
from ichnet.reporting.measures.performance import compare, measure, unmeasurable

ICH = [1, 1, 1, 1, 0, 0, 0, 0]
A = [0.9, 0.8, 0.45, 0.3, 0.6, 0.4, 0.2, 0.1]
B = [0.9, 0.2, 0.45, 0.7, 0.6, 0.4, 0.3, 0.1]


def predictions_of(unit: Unit, copies: int) -> ModelPredictions:
    """Eight patients, each with ``copies`` units that are all alike."""
    repeat = [index for index in range(len(ICH)) for _ in range(copies)]
    return ModelPredictions(
        unit,
        ("dumc",),
        {
            "cohort": np.array(["dumc"] * len(repeat), dtype=object),
            "scan_id": np.array([f"s{i}" for i in repeat], dtype=object),
            "patient_id": np.array([f"p{i}" for i in repeat], dtype=object),
            "ANY": np.array(ICH, float)[repeat],
        },
        {"a": np.array(A)[repeat], "b": np.array(B)[repeat]},
    )


def test_values(config: Config) -> None:
    result = measure(predictions_of("scan", 1), "a", config)

    # pairs won: .9 4, .8 4, .45 3, .3 2 of 16
    assert result.auc.value == result.auc_bootstrap.value == pytest.approx(13 / 16)
    assert result.sensitivity.value == result.sensitivity_exact.value == 0.5
    assert result.specificity.value == result.specificity_exact.value == 0.75
    # Clopper and Pearson, 3 of 4
    assert result.specificity_exact.low == pytest.approx(0.1941, abs=5e-5)
    assert result.specificity_exact.high == pytest.approx(0.9937, abs=5e-5)


def test_copies_of_a_slice_do_not_make_the_interval_narrower(config: Config) -> None:
    scans, slices = predictions_of("scan", 1), predictions_of("slice", 5)

    assert measure(slices, "a", config).auc_bootstrap == measure(scans, "a", config).auc_bootstrap
    assert measure(slices, "a", config).specificity == measure(scans, "a", config).specificity


def test_slices_are_compared_without_p(config: Config) -> None:
    by_scan = compare(predictions_of("scan", 1), "b", "a", config)
    by_slice = compare(predictions_of("slice", 2), "b", "a", config)

    # b wins .9 4, .2 1, .45 3, .7 4 of 16
    assert by_scan.difference.value == by_slice.difference.value == pytest.approx(-1 / 16)
    assert by_scan.difference.signed
    assert by_slice.difference.signed
    assert by_scan.p is not None
    assert (by_slice.p, by_slice.standard_error) == (None, None)


def test_patients_of_two_cohorts_are_not_one_and_nobody_is_not_a_patient() -> None:
    predictions = predictions_of("scan", 1).select(np.arange(8) < 4)
    predictions.truth["cohort"][:] = ["dumc", "cq500", "dumc", "dumc"]
    predictions.truth["patient_id"][:] = ["p", "p", "", ""]

    assert predictions.patients.tolist() == ["dumc/p", "cq500/p", "dumc/s2", "dumc/s3"]


@pytest.mark.parametrize(
    ("keep", "reason"),
    [
        ([0, 1, 4, 5], ""),
        ([0, 4, 5], "1 with and 2 without ICH, two of each are needed"),
        ([0, 1], "2 with and 0 without ICH, two of each are needed"),
    ],
)
def test_two_of_each_class_are_needed(keep: list[int], reason: str) -> None:
    chosen = np.isin(np.arange(8), keep)

    assert unmeasurable(predictions_of("scan", 1).select(chosen)) == reason

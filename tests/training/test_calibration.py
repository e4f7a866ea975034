"""A model that tells scans apart is calibrated, one that guesses is not."""

from __future__ import annotations

import typing

import numpy as np
import pytest

from ichnet.config import ConfigError
from ichnet.config.schema import Pooling
from ichnet.statistics.calibration import SMALLEST_SLOPE, PlattCalibration
from ichnet.statistics.isotonic import IsotonicCalibration
from ichnet.statistics.pooling import POOLINGS
from ichnet.subtypes import SUBTYPES
from ichnet.training.calibration import (
    ScanSlices,
    ScanSubtypes,
    fit_calibration,
    fit_subtypes,
)


def scan(*scores: float) -> ScanSlices:
    """Slices of 5 mm."""
    return ScanSlices(np.array(scores), np.full(len(scores), 5.0))


def noisy_scans(skill: float, scans: int, seed: int = 2) -> tuple[list[ScanSlices], list[bool]]:
    """Half of the scans with hemorrhage: three of their 20 slices are brighter by ``skill``."""
    rng = np.random.default_rng(seed)
    truth = [index % 2 == 0 for index in range(scans)]
    found = []
    for with_ich in truth:
        odds = rng.normal(-1, 1, 20)
        odds[8:11] += skill * with_ich
        found.append(scan(*(1 / (1 + np.exp(-odds)))))
    return found, truth


def test_a_good_model_is_calibrated():
    calibration = fit_calibration(*noisy_scans(4.0, 60))
    assert calibration.calibrated
    assert (calibration.with_ich, calibration.without_ich) == (30, 30)
    assert calibration.curve.apply(0.99) > 0.8 > 0.2 > calibration.curve.apply(0.3)
    assert [one.pooling for one in calibration.validation] == list(POOLINGS)
    assert isinstance(fit_calibration(*noisy_scans(4.0, 60), "isotonic").curve, IsotonicCalibration)


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
def test_a_model_at_chance_says_the_share_of_hemorrhages_in_the_order_of_its_scores(kind):
    scans, truth = noisy_scans(0.0, 60)
    calibration = fit_calibration(scans, truth, kind)
    assert not calibration.calibrated
    assert isinstance(calibration.curve, PlattCalibration)
    assert calibration.curve.a == SMALLEST_SLOPE
    scores = np.array([0.05, 0.5, 0.95])
    probability = calibration.apply(scores)
    np.testing.assert_allclose(probability, 0.5, atol=0.02)
    assert (np.diff(probability) > 0).all()


def test_a_model_that_is_the_wrong_way_round_is_not_calibrated():
    scans, truth = noisy_scans(4.0, 60)
    assert not fit_calibration(scans, [not one for one in truth]).calibrated


@pytest.mark.parametrize(("of_each", "calibrated"), [(3, False), (4, True)])
def test_perfect_order_is_told_from_chance_from_four_scans_of_each_kind(of_each, calibrated):
    """By chance three of each stand in order once in 20, either way once in 10; four once in 35.

    Likelihood ratio by hand, targets (n + 1) / (n + 2): 2 x 6 x (.6931 - .5004) = 2.31 for three,
    2 x 8 x (.6931 - .4506) = 3.88 for four; 3.84 is the end of the 95 % interval.
    """
    scans = [scan(0.2, 0.2)] * of_each + [scan(0.2, 0.9)] * of_each
    found = fit_calibration(scans, [False] * of_each + [True] * of_each)
    assert found.validation[0].auc == found.validation[0].low == 1
    assert found.calibrated == calibrated


def test_two_worst_false_alarms_make_neighbours_the_better_way():
    """Normal scans have one slice at .9, the others two neighbours at .7."""
    normal, bleeding = scan(0.1, 0.9, 0.1, 0.1), scan(0.1, 0.7, 0.7, 0.1)
    calibration = fit_calibration([normal] * 6 + [bleeding] * 6, [False] * 6 + [True] * 6)
    aucs = {one.pooling: one.auc for one in calibration.validation}
    assert (aucs["maximum"], aucs["mean-of-3"]) == (0, 1)
    assert (calibration.pooling, calibration.calibrated) == ("mean-of-3", True)


def test_a_way_that_is_given_is_taken_without_a_choice():
    normal, bleeding = scan(0.1, 0.2, 0.1, 0.1), scan(0.1, 0.7, 0.8, 0.1)
    scans, truth = [normal] * 6 + [bleeding] * 6, [False] * 6 + [True] * 6
    for pooling in ("maximum", "over-15-mm"):
        calibration = fit_calibration(scans, truth, pooling=pooling)
        assert (calibration.pooling, calibration.calibrated) == (pooling, True)


def test_the_configuration_knows_every_way():
    assert typing.get_args(Pooling) == tuple(POOLINGS)


def test_two_scans_of_each_kind_are_needed():
    with pytest.raises(ConfigError, match="here: cannot calibrate on 2 scans with and 1 without"):
        fit_calibration([scan(0.5)] * 3, [True, True, False], where="here")


def test_a_subtype_that_a_slice_may_show_is_unknown_of_the_scan():
    """It is left out of the scans' curve, as a scan is none of whose slices is known."""
    rng = np.random.default_rng(3)

    def scan_of(truth: list[int]) -> ScanSubtypes:
        labels = np.array(truth, np.float64)[:, None] * np.ones(len(SUBTYPES))
        scores = np.clip(0.5 * labels + rng.uniform(0, 0.6, labels.shape), 0, 1)
        return ScanSubtypes(scores, labels, np.full(len(truth), 5.0))

    scans = [scan_of([0, index % 2, 0]) for index in range(24)]
    half_known = [scan_of([0, -1, 0]), scan_of([-1, -1, -1])]
    fitted, expected = (fit_subtypes(one, "maximum") for one in ([*scans, *half_known], scans))
    assert expected.scans[0] is not None
    assert fitted.scans == expected.scans

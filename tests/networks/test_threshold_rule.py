"""The threshold detector on drawn heads whose blood is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ichnet.networks.threshold_rule import ThresholdRule, prepare_scan, slice_scores
from ichnet.training.baselines import tune

PIXEL_MM, SPACING_MM = 2.0, 5.0
VOXEL_ML = 0.02  # 2 x 2 x 5 mm


def head(*spots, slices=2, brain=33.0):
    """A skull of 6 mm around brain, [slices, 80, 80]; spots are (slice, row, column, size, HU)."""
    rows, columns = np.mgrid[:80, :80]
    far = np.hypot(rows - 39.5, columns - 39.5) * PIXEL_MM
    image = np.where(far < 66, 1000.0, -1000.0)
    image[far < 60] = brain
    scan = np.repeat(image[None].astype(np.float32), slices, axis=0)
    for index, row, column, size, hu in spots:
        scan[index, row : row + size, column : column + size] = hu
    return scan


def prepared(scan):
    return prepare_scan(scan, PIXEL_MM, np.full(len(scan), SPACING_MM))


def test_the_inside_of_the_skull_is_found_slice_by_slice():
    scan = head()
    scan[1, :, 38:42] = 33.0  # a gap of 8 mm in the bone, at top and bottom
    ready = prepared(scan)
    assert ready.voxel_ml == pytest.approx([VOXEL_ML, VOXEL_ML])
    for depth in ready.depth_mm:
        assert depth[40, 40] == pytest.approx(60, abs=3)
        assert depth[40, 11] == pytest.approx(4, abs=2)
        assert depth[2, 2] == 0


def test_blood_is_bright_inside_and_large_enough():
    """10 x 10 pixels are 2 mL; 3 x 3 are .18 mL; smoothing takes a rim of about a pixel."""
    ready = prepared(head((0, 35, 35, 10, 60.0), (1, 30, 30, 3, 60.0), (1, 20, 50, 6, 300.0)))
    blood = ThresholdRule(50.0, 4.0, 0.5).blood(ready)
    assert blood[0, 37:43, 37:43].all()
    assert blood[0].sum() * VOXEL_ML == pytest.approx(2.0, rel=0.25)
    assert not blood[1, 28:36, 28:36].any()  # too small
    assert not blood[1, 21:25, 51:55].any()  # calcium
    assert not blood[:, 38, :14].any()  # bone and its rim


def test_scores_follow_the_blood_of_each_slice():
    """50 pixels are 1 mL: 1 / (1 + 1)."""
    blood = np.zeros((2, 10, 10), bool)
    blood[0, :5] = True
    np.testing.assert_allclose(slice_scores(blood, np.full(2, VOXEL_ML)), [0.5, 0.0])


def test_the_rule_that_separates_is_found():
    """Normal heads have a dense sinus of .24 mL, bright or not; clots have 52 HU and 1.3 mL."""
    normal = [head((0, 20, 30, 5, hu)) for hu in (46.0, 60.0, 90.0)]
    bleeding = [head((1, 35, column, 8, 52.0)) for column in (30, 40, 45)]
    rule, auc = tune([prepared(one) for one in normal + bleeding], [False] * 3 + [True] * 3)
    assert auc == 1.0
    assert 40 <= rule.threshold_hu < 52
    clot, sinus = rule.blood(prepared(bleeding[0])), rule.blood(prepared(normal[1]))
    assert clot[1, 37:41, 32:36].all()
    assert clot.sum() > sinus.sum()


def test_scans_of_one_kind_cannot_tune_it():
    with pytest.raises(ValueError, match="of each class are needed"):
        tune([prepared(head())] * 2, [True, True])


def test_a_rule_is_written_as_json(tmp_path):
    ThresholdRule(49.0, 4.0, 0.2).write(tmp_path / "rule.json")
    stored = json.loads((tmp_path / "rule.json").read_text())
    assert stored == {"threshold_hu": 49.0, "margin_mm": 4.0, "smallest_ml": 0.2}
    assert ThresholdRule.read(tmp_path / "rule.json") == ThresholdRule(49.0, 4.0, 0.2)


def test_a_rule_that_is_missing_or_none_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"rule\.json: no rule; fit it \(models/fit_bas"):
        ThresholdRule.read(tmp_path / "rule.json")
    (tmp_path / "rule.json").write_text('{"threshold_hu": 49}')
    with pytest.raises(ValueError, match=r"rule\.json: not a threshold rule"):
        ThresholdRule.read(tmp_path / "rule.json")


def test_what_is_outside_of_the_skull_everywhere_can_be_cropped():
    """The brain is 60 mm, 30 pixels, in radius, around the middle of 80 x 80."""
    ready = prepared(head((0, 35, 35, 10, 60.0)))
    cropped = ready.cropped_to_skull()
    assert cropped.hu.shape == cropped.depth_mm.shape == (2, 60, 60)
    np.testing.assert_array_equal(cropped.depth_mm, ready.depth_mm[:, 10:70, 10:70])
    np.testing.assert_array_equal(cropped.hu, ready.hu[:, 10:70, 10:70])
    rule = ThresholdRule(50.0, 4.0, 0.5)
    np.testing.assert_array_equal(rule.blood(cropped), rule.blood(ready)[:, 10:70, 10:70])


def test_a_scan_without_a_skull_is_not_cropped():
    ready = prepared(np.full((2, 8, 8), -1000.0, np.float32))
    assert ready.cropped_to_skull() is ready

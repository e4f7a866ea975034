"""What is said of a scan: decision, how sure it is, and whether the members agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from prediction_files import rows_of

from ichnet.ct.volume import Volume
from ichnet.deployment.metadata import ModelMetadata
from ichnet.deployment.scan_result import (
    PredictedSlices,
    Provenance,
    read_result,
    summarize_scan,
    write_predictions_csv,
    write_result,
)
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.pooling import POOLINGS


@pytest.fixture
def metadata(config, calibration) -> ModelMetadata:
    """An ensemble of five at threshold .5 whose calibration leaves scores as they are."""
    return ModelMetadata(
        model="ensemble-all",
        kind="ensemble",
        members=("all", "subtype", "sdh", "sah", "small"),
        data_statement="",
        image=config.image,
        threshold=0.5,
        uncertain_band=(0.4, 0.6),
        pixel_threshold=0.5,
        calibration=calibration,
        versions={},
        neighbours=0,
    )


@pytest.fixture
def volume() -> Volume:
    """Two slices of 2 x 2 pixels of 1 mm, 5 mm apart."""
    return Volume(
        hu=np.zeros((2, 2, 2), np.int16),
        pixel_spacing_mm=(1.0, 1.0),
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        positions_mm=np.array([[0.0, 0, 0], [0, 0, 5]]),
        slice_spacing_mm=np.array([5.0, 5.0]),
        scan_id="scan",
        patient_id="patient",
    )


def summarize(volume, metadata, slices, members=None, mask=None):
    members = None if members is None else np.array(members, np.float32)
    predicted = PredictedSlices(np.array(slices, np.float32), mask, members)
    return summarize_scan(volume, predicted, metadata, Provenance("model", 2))


@pytest.mark.parametrize(
    ("score", "decision", "uncertain"),
    [
        (0.375, "no hemorrhage", False),
        (0.4375, "no hemorrhage", True),
        (0.5625, "hemorrhage", True),
        (0.625, "hemorrhage", False),
    ],
)
def test_a_probability_in_the_band_is_uncertain(volume, metadata, score, decision, uncertain):
    result = summarize(volume, metadata, [0.1, score])
    assert (result.decision, result.uncertain) == (decision, uncertain)
    assert result.probability == pytest.approx(score)


def test_both_ends_of_the_band_belong_to_it(volume, metadata):
    metadata = replace(metadata, uncertain_band=(0.25, 0.75))
    identity = [summarize(volume, metadata, [0.0, score]) for score in (0.25, 0.75)]
    assert [one.uncertain for one in identity] == [True, True]


def test_members_agree_when_their_own_highest_slice_leads_to_the_same_decision(volume, metadata):
    """Highest slices: .9, .7, .3, .8, .2; the ensemble says yes: three of five say so too."""
    members = [[0.9, 0.1, 0.3, 0.8, 0.2], [0.2, 0.7, 0.1, 0.1, 0.1]]
    assert summarize(volume, metadata, [0.1, 0.9], members).agreement == pytest.approx(0.6)
    assert summarize(volume, metadata, [0.1, 0.2], members).agreement == pytest.approx(0.4)
    assert summarize(volume, metadata, [0.1, 0.2]).agreement is None


def test_volume_is_pixels_by_area_and_gap(volume, metadata):
    """Three pixels of 5 mm3."""
    mask = np.array([[[1, 1], [0, 0]], [[0, 0], [0, 1]]], np.uint8)
    result = summarize(volume, metadata, [0.9, 0.9], mask=mask)
    assert result.volume_ml == pytest.approx(0.015)
    assert [one.volume_ml for one in result.slices] == pytest.approx([0.010, 0.005])


def test_where_decision_and_mask_differ_the_result_says_why(volume, metadata):
    nothing, one = np.zeros((2, 2, 2), np.uint8), np.array([[[1, 0], [0, 0]]] * 2, np.uint8)
    unseen = summarize(volume, metadata, [0.1, 0.9], mask=nothing)
    assert (unseen.decision, unseen.volume_ml) == ("hemorrhage", 0)
    assert unseen.notes == (
        "hemorrhage is suspected, but no pixel is sure enough to be outlined: the decision follows "
        f"the {POOLINGS['maximum']} (probability from 0.5), the outline each pixel by itself "
        "(above 0.5)",
    )
    small = summarize(volume, metadata, [0.1, 0.2], mask=one)
    assert small.decision == "no hemorrhage"
    assert small.notes[0].startswith("pixels are outlined, but no slice is suspicious enough")
    assert summarize(volume, metadata, [0.1, 0.9], mask=one).notes == ()
    assert summarize(volume, metadata, [0.1, 0.2], mask=nothing).notes == ()
    assert summarize(volume, metadata, [0.1, 0.9]).notes == ()  # a classifier has no mask


def test_a_result_tells_its_band_and_whether_it_is_calibrated(volume, metadata):
    plain = summarize(volume, metadata, [0.1, 0.9])
    assert (plain.uncertain_band, plain.calibrated) == ((0.4, 0.6), False)
    curve = PlattCalibration(a=0.8, b=-1.0)
    fitted = replace(metadata, calibration=replace(metadata.calibration, curve=curve))
    assert summarize(volume, fitted, [0.1, 0.9]).calibrated


def test_a_result_comes_back_from_its_file_as_it_was(volume, metadata, tmp_path):
    result = summarize(volume, metadata, [0.1, 0.9], mask=np.zeros((2, 2, 2), np.uint8))
    made = Provenance("d" * 64, "m" * 64, instances=("a", "b"))
    result = replace(result, provenance=made, predecessor=replace(made, digest="e" * 64))
    write_result(result, metadata, tmp_path / "scan.json")
    again = read_result(tmp_path / "scan.json")
    assert again == result
    assert again.provenance.instances == ("a", "b")
    (tmp_path / "scan.json").write_text("[]")
    assert read_result(tmp_path / "scan.json") is None


def test_every_row_says_that_it_is_for_research(volume, metadata, tmp_path):
    results = [summarize(volume, metadata, [0.1, score]) for score in (0.2, 0.9)]
    write_predictions_csv(results, tmp_path / "predictions.csv")
    rows = rows_of(tmp_path / "predictions.csv")
    assert [row["research_use"] for row in rows] == [
        "For research use only; not a medical device."
    ] * 2

"""What is said of a scan: decision, how sure it is, and whether the members agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.ct.volume import Volume
from ichnet.deployment.metadata import ModelMetadata
from ichnet.deployment.scan_result import PredictedSlices, Provenance, summarize_scan


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
        abstain=(0.4, 0.6),
        pixel_threshold=0.5,
        calibration=calibration,
        versions={},
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
    metadata = replace(metadata, abstain=(0.25, 0.75))
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

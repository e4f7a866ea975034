"""The card says what the export holds and what the run measured, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ichnet.deployment.metadata import read_metadata
from ichnet.deployment.model_card import card_markdown, model_card, write_card
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.isotonic import IsotonicCalibration
from ichnet.statistics.pooling_choice import PoolingAuc
from ichnet.statistics.scan_score import ScanCalibration

FIGURES = {
    "All": {
        "scans": 1986,
        "with_ich": 992,
        "auc": {"value": 0.9531, "low": 0.9382, "high": 0.9653},
        "sensitivity_exact": {"value": 0.9, "low": 0.85, "high": 0.94},
        "specificity_exact": {"value": 0.8, "low": 0.75, "high": 0.84},
        "brier": 0.1234,
    },
    "dumc": {"scans": 3, "with_ich": 0, "unmeasurable": "0 with and 3 without ICH"},
}


@pytest.fixture(scope="module")
def metadata(model_dir):
    return read_metadata(model_dir)


def test_it_lies_beside_the_model(model_dir):
    card = json.loads((model_dir / "model_card.json").read_text(encoding="utf-8"))
    assert (card["model"], card["kind"], card["metrics"]) == ("bright", "segmenter", {})
    text = (model_dir / "model_card.md").read_text(encoding="utf-8")
    assert text == card_markdown(card)
    assert text.startswith("# bright\n\n**For research use only; not a medical device.**\n")
    assert "no predictions of this model on a test set" in text


def test_it_states_what_the_model_was_made_of(metadata):
    text = card_markdown(model_card(metadata, {}))
    for fact in (
        "Not trained at all.",
        "32 x 32 pixels over 128 x 128 mm",
        "40/80, 80/200, 40/40, 600/2800",
        "probability of 0.5 up, and uncertain from 0.4 to 0.6",
        "above 0.5",
        "Platt, expit(1 x log-odds + 0)",
        "A pixel of the model is 4 mm wide",
        f"tensorflow {metadata.versions['tensorflow']}",
    ):
        assert fact in text


def test_figures_with_their_intervals(metadata):
    text = card_markdown(model_card(metadata, FIGURES))
    assert (
        "| All | 1,986 | 992 | 0.953 (0.938–0.965) | 0.900 (0.850–0.940) | 0.800 (0.750–0.840) "
        "| 0.123 |"
    ) in text
    assert "| dumc | 3 | 0 | 0 with and 3 without ICH | | | |" in text


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("classifier", "does not say where"),
        ("segmenter", "Volumes count the pixels"),
        ("ensemble", "silence a member"),
    ],
)
def test_limits_are_those_of_the_kind(metadata, kind, limit):
    text = card_markdown(model_card(replace(metadata, kind=kind), {}))
    assert limit in text
    assert ("silence a member" in text) == (kind == "ensemble")
    assert ("does not say where" in text) == (kind == "classifier")


def test_members_and_isotonic_calibration(metadata, tmp_path):
    changed = replace(
        metadata,
        kind="ensemble",
        members=("all", "sdh"),
        calibration=ScanCalibration(
            "over-10-mm", IsotonicCalibration((0.2, 0.5, 0.9), (0.1, 0.1, 0.8))
        ),
    )
    card = model_card(changed, FIGURES)
    write_card(card, tmp_path)
    text = (tmp_path / "model_card.md").read_text(encoding="utf-8")
    assert "Members: all, sdh." in text
    assert "isotonic, 3 knots" in text
    assert "A scan's score: the largest mean slice score over 10 mm of neighbouring slices." in text
    written = json.loads((tmp_path / "model_card.json").read_text(encoding="utf-8"))
    assert written["metrics"] == FIGURES
    assert written["calibration"]["curve"]["scores"] == [0.2, 0.5, 0.9]


def test_a_model_at_chance_has_that_among_its_limits(metadata):
    refused = ScanCalibration(
        "maximum",
        PlattCalibration(0.01, 0.0),
        calibrated=False,
        with_ich=12,
        without_ich=14,
        validation=(PoolingAuc("maximum", 0.52, 0.3, 0.74),),
    )
    card = model_card(replace(metadata, calibration=refused), {})
    assert card["calibration"]["calibrated"] is False
    assert (
        "- bright cannot be told from a model that guesses, on 12 validation scans with and 14 "
        "without hemorrhage: AUC 0.520 (0.300–0.740)."
    ) in card_markdown(card)

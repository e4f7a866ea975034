"""The planned test sets are those of the patients as they are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ichnet.config import load_config
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.planned import planned_scans

DEMO = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")


def test_counts_are_exact():
    sizes = replace(
        DEMO.phantom, scans={"dumc": 40, "cq500": 20}, ich_share={"dumc": 0.5, "cq500": 0.25}
    )
    found = planned_scans(replace(DEMO, phantom=sizes), ("dumc", "cq500"))
    assert (found["All"], found["normal"]) == (25, 35)
    assert 0 < found["SDH"] < 25
    assert 0 < found["Small"] < 25


def test_subtypes_of_another_cohort_are_counted():
    phantom = replace(DEMO.phantom, scans={"rsna": 60}, ich_share={"rsna": 1.0}, mix="paper")
    of_dumc = replace(phantom, mix_of={"rsna": "dumc"})
    own, other = (
        planned_scans(replace(DEMO, phantom=one), ("rsna",)) for one in (phantom, of_dumc)
    )
    assert own["All"] == other["All"] == 60
    assert own["SAH"] != other["SAH"]


def test_another_cohort_s_subtypes_and_scanners():
    """RSNA with AI-Hub's shares of the subtypes has them, and its own patients otherwise."""
    own = [draw_patient(1, "rsna", i, True, "paper") for i in range(60)]
    other = [draw_patient(1, "rsna", i, True, "paper", mix_of="dumc") for i in range(60)]
    assert [one.age_years for one in own] == [one.age_years for one in other]
    assert any(len(one.lesions) > 1 for one in own)
    assert all(len(one.lesions) == 1 for one in other)  # DUMC has no mixed hemorrhage

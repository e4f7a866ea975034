"""Three simulated readers: their votes come as often as CQ500's, and differ where it is hard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom.draw import draw_patient
from ichnet.phantom.patient import Lesion
from ichnet.phantom.votes import lesion_visibility, reader_votes

SCANS, WITH_MAJORITY = 491, 37 + 168
VOTES = np.array([245, 41, 37, 168])
"""CQ500's scans with 0, 1, 2 and 3 votes for hemorrhage."""


def lesion(volume_ml, hu):
    return Lesion("SDH", volume_ml, hu, 1, 0, "convexity")


def counted_votes(patients):
    votes = np.zeros(len(patients), int)
    for index, patient in enumerate(patients):
        reads = reader_votes(np.random.default_rng([3, index]), patient)
        votes[index] = sum(any(called.values()) for called in reads)
    return votes


def test_votes_come_as_often_as_in_cq500():
    """1,500 patients of the paper's mix: each share within .03, twice its standard error."""
    share = WITH_MAJORITY / SCANS
    patients = [draw_patient(5, "cq500", i, i % 1000 < 1000 * share, "paper") for i in range(2000)]
    found = np.bincount(counted_votes(patients), minlength=4) / len(patients)
    np.testing.assert_allclose(found, VOTES / SCANS, atol=0.03)


def test_readers_disagree_on_what_is_hard():
    plain = draw_patient(5, "cq500", 0, False)
    plain = replace(plain, mimics=frozenset())

    def disagreement(volume_ml, hu):
        patients = [replace(plain, lesions=(lesion(volume_ml, hu),))] * 300
        return np.mean(np.isin(counted_votes(patients), (1, 2)))

    assert disagreement(20.0, 60.0) < 0.1 < 0.3 < disagreement(1.0, 55.0)


def test_visibility_grows_with_volume_and_contrast():
    """1 mL with 20 HU of contrast: 0.2; e mL: 0.9 more; ten times less contrast: 1.1 ln 10 less."""
    assert lesion_visibility(lesion(1.0, 53.0)) == pytest.approx(0.2)
    assert lesion_visibility(lesion(np.e, 53.0)) == pytest.approx(1.1)
    assert lesion_visibility(lesion(1.0, 35.0)) == pytest.approx(0.2 - 1.1 * np.log(10))
    # darker than brain by as much is as plain; as dense as brain is bounded
    assert lesion_visibility(lesion(1.0, 13.0)) == pytest.approx(0.2)
    assert lesion_visibility(lesion(1.0, 33.0)) == lesion_visibility(lesion(1.0, 31.0))


def test_a_mimic_is_taken_for_blood():
    plain = replace(draw_patient(5, "cq500", 0, False), mimics=frozenset())
    like_blood = replace(plain, mimics=frozenset({"pseudo-sah"}))
    assert counted_votes([like_blood] * 200).sum() > 3 * counted_votes([plain] * 200).sum()

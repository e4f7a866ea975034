"""Patients drawn from numbers: reproducible alone, distributed as stated."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ichnet.phantom.patient import (
    CLOT_HU,
    COHORT_NUMBER,
    LN_VOLUME_ML,
    SINGLE_SUBTYPE,
    VOLUME_LIMITS_ML,
    Patient,
    draw_patient,
    generator,
)
from ichnet.subtypes import SUBTYPES


def draw_many(cohort: str, count: int, has_ich=True) -> list[Patient]:
    return [draw_patient(7, cohort, index, has_ich) for index in range(count)]


def test_a_patient_depends_on_seed_cohort_and_index_only():
    patient = draw_patient(7, "rsna", 5, True)
    draw_patient(7, "rsna", 4, True)
    assert draw_patient(7, "rsna", 5, True) == patient
    others = [
        draw_patient(8, "rsna", 5, True),
        draw_patient(7, "aihub", 5, True),
        draw_patient(7, "rsna", 6, True),
    ]
    assert len({patient.seed, *(other.seed for other in others)}) == 4


def test_streams_for_different_purposes_are_independent():
    numbers = {
        generator(7, cohort, index, purpose).random()
        for cohort in COHORT_NUMBER
        for index in (0, 1)
        for purpose in (0, 1, 2, 3)
    }
    assert len(numbers) == 32


@pytest.mark.parametrize("cohort", SINGLE_SUBTYPE)
def test_hemorrhage_is_there_when_it_should_be(cohort):
    assert all(patient.lesions for patient in draw_many(cohort, 40))
    assert not any(patient.lesions for patient in draw_many(cohort, 40, has_ich=False))


@pytest.mark.parametrize("cohort", SINGLE_SUBTYPE)
def test_shares_of_subtypes_add_up_and_are_drawn(cohort):
    mix = SINGLE_SUBTYPE[cohort]
    assert sum(mix.values()) == pytest.approx(1)
    assert set(mix) == {*SUBTYPES, "mixed"}
    count = 600
    kinds = Counter(
        patient.lesions[0].subtype if len(patient.lesions) == 1 else "mixed"
        for patient in draw_many(cohort, count)
    )
    for kind, share in mix.items():
        # four standard errors
        assert abs(kinds[kind] / count - share) <= 4 * np.sqrt(share * (1 - share) / count)


def test_a_mixed_hemorrhage_has_two_subtypes_or_more_each_once():
    for patient in draw_many("cq500", 100):
        subtypes = [lesion.subtype for lesion in patient.lesions]
        assert len(set(subtypes)) == len(subtypes)
        assert subtypes == sorted(subtypes)


def test_volumes_are_log_normal_between_limits():
    lesions = [lesion for patient in draw_many("aihub", 1500) for lesion in patient.lesions]
    low, high = VOLUME_LIMITS_ML
    for subtype in SUBTYPES:
        volumes = np.array([one.volume_ml for one in lesions if one.subtype == subtype])
        assert low <= volumes.min()
        assert volumes.max() <= high
        mean, deviation = LN_VOLUME_ML[subtype]
        # the median does not feel the limits
        error = 4 * 1.2533 * deviation / np.sqrt(len(volumes))
        assert np.median(np.log(volumes)) == pytest.approx(mean, abs=error)


def test_clots_are_denser_than_brain_and_some_subdural_ones_hardly():
    lesions = [lesion for patient in draw_many("aihub", 1500) for lesion in patient.lesions]
    assert min(one.hu for one in lesions) >= 34
    acute = [one.hu for one in lesions if one.subtype == "IPH"]
    assert np.mean(acute) == pytest.approx(CLOT_HU["IPH"][0], abs=1.5)
    subdural = np.array([one.hu for one in lesions if one.subtype == "SDH"])
    assert 0.15 < (subdural < 45).mean() < 0.4
    assert {one.side for one in lesions} == {-1, 1}


def test_heads_vary_within_reason():
    patients = draw_many("dumc", 400, has_ich=False)
    ages = np.array([patient.age_years for patient in patients])
    assert ages.min() >= 18
    assert ages.max() <= 97
    assert ages.mean() == pytest.approx(62, abs=3)
    assert 0.35 < np.mean([patient.sex == "F" for patient in patients]) < 0.55
    assert np.mean([patient.size for patient in patients]) == pytest.approx(1, abs=0.01)
    atrophy = np.array([patient.atrophy for patient in patients])
    assert atrophy.min() >= 0
    assert atrophy.max() <= 1
    assert np.corrcoef(ages, atrophy)[0, 1] > 0.6
    mimics = Counter(name for patient in patients for name in patient.mimics)
    assert set(mimics) == {"pineal", "choroid", "falx", "infarct"}
    assert mimics["pineal"] / 400 == pytest.approx(0.6, abs=0.1)
    assert mimics["infarct"] / 400 == pytest.approx(0.12, abs=0.07)

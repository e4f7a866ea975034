"""Patients drawn from numbers: reproducible alone, distributed as stated."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ichnet.phantom.draw import draw_patient
from ichnet.phantom.patient import COHORT_NUMBER, Patient, generator
from ichnet.phantom.published import (
    AGE_SHARES,
    CLOT_HU,
    EVEN_MIX,
    LN_VOLUME_ML,
    MIMICS,
    SITES_OF,
    VOLUME_LIMITS_ML,
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
    assert len(numbers) == 8 * len(COHORT_NUMBER)


@pytest.mark.parametrize("cohort", EVEN_MIX)
def test_hemorrhage_is_there_when_it_should_be(cohort):
    assert all(patient.lesions for patient in draw_many(cohort, 40))
    assert not any(patient.lesions for patient in draw_many(cohort, 40, has_ich=False))


@pytest.mark.parametrize("cohort", EVEN_MIX)
def test_shares_of_subtypes_add_up_and_are_drawn(cohort):
    mix = EVEN_MIX[cohort]
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
    for subtype in SUBTYPES:
        low, high = VOLUME_LIMITS_ML[subtype]
        volumes = np.array([one.volume_ml for one in lesions if one.subtype == subtype])
        assert low <= volumes.min()
        assert volumes.max() <= high
        mean, deviation = LN_VOLUME_ML[subtype]
        # the median does not feel the limits
        error = 4 * 1.2533 * deviation / np.sqrt(len(volumes))
        assert np.median(np.log(volumes)) == pytest.approx(mean, abs=error)


def test_density_follows_the_age_of_blood():
    lesions = [lesion for patient in draw_many("aihub", 1500) for lesion in patient.lesions]
    acute = [one.hu for one in lesions if one.subtype == "EDH"]
    assert np.mean(acute) == pytest.approx(CLOT_HU["EDH"][0], abs=1.5)
    subdural = [one for one in lesions if one.subtype == "SDH"]
    ages = Counter(one.age for one in subdural)
    for age, share in AGE_SHARES.items():
        error = 4 * np.sqrt(share * (1 - share) / len(subdural))
        assert ages[age] / len(subdural) == pytest.approx(share, abs=error)
    isodense = [one.hu for one in subdural if one.age == "isodense"]
    assert min(isodense) >= 30
    assert max(isodense) <= 42
    faint = [one.hu for one in lesions if one.subtype == "SAH" and one.age == "faint"]
    assert max(faint) <= 44
    assert {one.side for one in lesions} == {-1, 1}


def test_sites_are_those_published():
    for sites in SITES_OF.values():
        assert sum(sites.values()) == pytest.approx(1)
    lesions = [lesion for patient in draw_many("aihub", 1500) for lesion in patient.lesions]
    clots = Counter(one.site for one in lesions if one.subtype == "IPH")
    deep = (clots["ganglia"] + clots["thalamus"]) / sum(clots.values())
    assert deep == pytest.approx(0.6, abs=4 * np.sqrt(0.24 / sum(clots.values())))


def test_heads_vary_within_reason():
    patients = draw_many("dumc", 400, has_ich=False)
    ages = np.array([patient.age_years for patient in patients])
    assert ages.min() >= 18
    assert ages.max() <= 97
    assert ages.mean() == pytest.approx(65.7, abs=3)
    assert 0.25 < np.mean([patient.sex == "F" for patient in patients]) < 0.46
    assert np.mean([patient.size for patient in patients]) == pytest.approx(1, abs=0.01)
    atrophy = np.array([patient.atrophy for patient in patients])
    assert atrophy.min() >= 0
    assert atrophy.max() <= 1
    assert np.corrcoef(ages, atrophy)[0, 1] > 0.6


def test_mimics_are_as_frequent_as_stated():
    patients = draw_many("dumc", 600, has_ich=False)
    mimics = Counter(name for patient in patients for name in patient.mimics)
    assert set(mimics) == set(MIMICS)
    for name, share in MIMICS.items():
        error = 4 * np.sqrt(share * (1 - share) / 600)
        assert mimics[name] / 600 == pytest.approx(share, abs=error)


def test_the_papers_mix_can_be_had():
    patients = [draw_patient(7, "dumc", index, True, mix="paper") for index in range(300)]
    clots = np.mean([patient.lesions[0].subtype == "IPH" for patient in patients])
    assert clots == pytest.approx(221 / 327, abs=4 * np.sqrt(0.22 / 300))

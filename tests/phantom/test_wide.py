"""The cohort ``wide``: within its ranges, reproducible, always drawable."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom import camera
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.head import make_head
from ichnet.phantom.patient import WIDE, generator
from ichnet.phantom.plan import drawn_site
from ichnet.phantom.published import MIMICS, SITES_OF, VOLUME_LIMITS_ML
from ichnet.phantom.scanner import scan_patient
from ichnet.phantom.wide import FIELD_OF_VIEW_MM, WIDE_MIMICS
from ichnet.subtypes import SUBTYPES

COUNT = 600


@pytest.fixture(scope="module")
def patients():
    return [draw_patient(11, WIDE, index, has_ich=True) for index in range(COUNT)]


@pytest.fixture(scope="module")
def sites():
    return [drawn_site(np.random.default_rng(index), WIDE) for index in range(COUNT)]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("age_years", 2, 95),
        ("skull_mm", 2.5, 10),
        ("scalp_mm", 2, 10),
        ("rim_mm", -0.8, 1.2),
        ("fullness", 0, 1),
        ("white_hu", 23, 33),
        ("grey_hu", 26, 47),
        ("csf_hu", 0, 16),
        ("muscle_hu", 40, 68),
        ("mantle_hu", 0, 10),
        ("base_rough_mm", 0.5, 4.5),
        ("scalp_lumps", 1, 4),
        ("brawn_mm", -1, 6),
        ("tongue_hu", 0, 55),
    ],
)
def test_patients_fill_the_whole_range(patients, name, low, high):
    values = np.array([getattr(patient, name) for patient in patients])
    # the smallest and the largest sum of two uniform numbers are rare
    near = (0.12 if name == "grey_hu" else 0.05) * (high - low)
    assert low <= values.min() <= low + near
    assert high - near <= values.max() <= high


def test_grey_matter_is_always_denser_than_white(patients):
    assert min(patient.grey_hu - patient.white_hu for patient in patients) >= 3


def test_acute_blood_is_denser_than_the_brain_beside_it(patients):
    for patient in patients:
        brain_hu = patient.grey_hu + 0.6 * patient.mantle_hu
        fresh = [one.hu for one in patient.lesions if one.age in ("acute", "mixed")]
        assert min(fresh, default=99.0) >= brain_hu + 6


def test_transverse_sinuses_are_narrow_or_wide_each_for_itself(patients):
    widths = np.log([patient.sinus_widths for patient in patients])
    np.testing.assert_allclose(widths.std(axis=0), 0.35, rtol=0.2)
    assert abs(np.corrcoef(widths.T)[0, 1]) < 0.25


def test_children_are_small_and_have_thin_skulls(patients):
    children = [patient for patient in patients if patient.age_years < 14]
    assert 0.06 * COUNT < len(children) < 0.2 * COUNT  # 12 of 93 years
    assert max(patient.skull_mm for patient in children) <= 5
    adults = [patient.size for patient in patients if patient.age_years >= 14]
    assert np.mean([patient.size for patient in children]) < 0.93 * np.mean(adults)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("noise_hu", 1, 9),
        ("blur_mm", -0.9, 1.4),
        ("cupping_hu", 0, 9),
        ("streaks", 0, 2.2),
        ("holder", 0, 2),
        ("glow_mm", 5, 16),
        ("first_mm", -118, -48),
        ("last_mm", 62, 92),
        ("thickest_mm", 1, 8),
    ],
)
def test_scanners_fill_the_whole_range(sites, name, low, high):
    values = np.array([getattr(site, name) for site in sites])
    assert low <= values.min() <= low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) <= values.max() <= high


def test_a_third_of_scanners_remove_faces_and_all_have_one_field_of_view(sites):
    share = np.mean([site.defaced for site in sites])
    assert share == pytest.approx(0.35, abs=4 * np.sqrt(0.35 * 0.65 / COUNT))
    assert {site.field_of_view_mm for site in sites} == {(FIELD_OF_VIEW_MM, FIELD_OF_VIEW_MM)}


def test_blood_has_any_size_place_and_density(patients):
    lesions = [lesion for patient in patients for lesion in patient.lesions]
    counts = Counter(len(patient.lesions) for patient in patients)
    for count, share in ((1, 0.6), (2, 0.28), (3, 0.12)):
        assert counts[count] / COUNT == pytest.approx(share, abs=0.08)
    for subtype in SUBTYPES:
        own = [lesion for lesion in lesions if lesion.subtype == subtype]
        low, high = VOLUME_LIMITS_ML[subtype]
        # uniform in ln mL: the median is the geometric mean of the limits
        middle = np.log(low * 0.8 * high) / 2
        spread = np.log(0.8 * high / low) / 2
        assert np.median([np.log(one.volume_ml) for one in own]) == pytest.approx(
            middle, abs=0.25 * spread
        )
        wanted = {*SITES_OF[subtype], "anywhere"} - ({"anywhere"} if subtype == "IVH" else set())
        wanted |= {"stem"} if subtype == "IPH" else set()
        assert {one.site for one in own} == wanted
    acute = [one.hu for one in lesions if one.age == "acute"]
    assert 44 <= min(acute) < 48
    assert 80 < max(acute) <= 88


def test_mimics_are_as_frequent_as_stated(patients):
    found = Counter(name for patient in patients for name in patient.mimics)
    for name, chance in (MIMICS | WIDE_MIMICS).items():
        error = 4 * np.sqrt(chance * (1 - chance) / COUNT)
        assert found[name] / COUNT == pytest.approx(chance, abs=error)


def test_the_same_seed_gives_the_same_scan():
    first, again, other = (
        scan_patient(draw_patient(seed, WIDE, 3, True), seed, 32, (4, 4)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.hu, again.hu)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert not np.array_equal(first.hu, other.hu)


@pytest.mark.slow
def test_every_patient_has_a_head():
    for index in range(100):
        patient = draw_patient(12, WIDE, index, has_ich=True)
        head = make_head(patient)
        assert [one.lesion for one in head.placed] == list(patient.lesions)
        assert all(np.isfinite([one.level, *one.peak_mm]).all() for one in head.placed)


def test_where_faces_are_removed_skin_of_the_forehead_is_too(monkeypatch):
    """Pixels of skin, fat and muscle in front of the bone, in one slice of the vault."""
    index = next(
        index
        for index in range(50)
        if drawn_site(generator(5, WIDE, index, purpose=1), WIDE).defaced
        and abs(draw_patient(5, WIDE, index, False).pose_degrees[2]) < 3
    )
    patient = replace(draw_patient(5, WIDE, index, False), mimics=frozenset())
    counts = []
    for _ in range(2):
        hu = scan_patient(patient, 5, 96, (8, 8)).hu[5]
        in_front = np.cumsum(hu > 300, axis=0) == 0
        in_front[:, np.cumsum(hu > 300, axis=0)[-1] == 0] = False
        counts.append(np.count_nonzero(in_front & (hu > -200)))
        monkeypatch.setattr(camera, "without_face", lambda hu: hu)
    assert counts[0] < 0.4 * counts[1]

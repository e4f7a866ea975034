"""Rules of each subtype, in sections of single lesions in a plain head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ichnet.phantom.field import Points, Textures, head_points
from ichnet.phantom.head import make_head
from ichnet.phantom.skull import skull_of, suture_lines

HEIGHTS = np.arange(-56.0, 76.0, 4.0)
PIXEL_ML_AT_4MM = 1.6**2 * 4 / 1000


def shares(cut, patient, subtype):
    """Share of blood, [heights, rows, columns]."""
    head = make_head(patient)
    return np.stack([cut(head, z).lesions[subtype] for z in HEIGHTS])


def straight(patient, places) -> Points:
    """Points of all pixels in the straight average head, [heights, rows, columns]."""
    x, y = (np.broadcast_to(axis, (len(HEIGHTS), 140, 140)).astype(np.float32) for axis in places)
    z = np.broadcast_to(HEIGHTS[:, None, None], x.shape).astype(np.float32)
    return head_points(patient, Textures.draw(patient.seed), (x, y, z))


@pytest.mark.parametrize(
    ("subtype", "site", "volume_ml", "within"),
    [
        ("EDH", "temporal", 20.0, 0.1),
        ("EDH", "frontal", 5.0, 0.2),
        ("SDH", "convexity", 40.0, 0.1),
        ("SDH", "falx", 6.0, 0.3),
        ("IPH", "ganglia", 20.0, 0.1),
        ("IPH", "lobar", 2.0, 0.2),
        ("IVH", "level", 8.0, 0.2),
        ("SAH", "basal", 10.0, 0.25),
        ("EDH", "anywhere", 20.0, 0.1),
        ("SDH", "anywhere", 40.0, 0.1),
        ("IPH", "anywhere", 15.0, 0.1),
        ("SAH", "anywhere", 6.0, 0.3),
    ],
)
def test_a_lesion_fills_its_volume(cut, with_lesion, subtype, site, volume_ml, within):
    patient = with_lesion(subtype, site, volume_ml)
    found = shares(cut, patient, subtype).sum() * PIXEL_ML_AT_4MM
    assert found == pytest.approx(volume_ml, rel=within)


@pytest.mark.parametrize(("site", "seed"), [("temporal", 1), ("frontal", 2), ("parietal", 3)])
def test_an_epidural_hematoma_stops_at_sutures(cut, with_lesion, places, site, seed):
    patient = with_lesion("EDH", site, 30.0, seed=seed)
    blood = shares(cut, patient, "EDH") > 0.5
    coronal, lambdoid = suture_lines(straight(patient, places))
    for line in (coronal, lambdoid):
        beyond = min(np.count_nonzero(blood & (line > 0)), np.count_nonzero(blood & (line < 0)))
        assert beyond == 0  # all of it in front of the suture, or all of it behind
    assert blood.any()


def test_an_epidural_hematoma_is_a_lens_on_the_bone(cut, with_lesion, places):
    patient = with_lesion("EDH", "temporal", 30.0)
    blood = shares(cut, patient, "EDH") > 0.5
    skull = skull_of(straight(patient, places), Textures.draw(patient.seed), patient)
    depth = np.minimum(skull.depth, skull.base)[blood]
    assert depth.min() > -1.5
    assert depth.min() < 1.5
    # thicker than a crescent of the same volume
    crescent = with_lesion("SDH", "convexity", 30.0)
    other = shares(cut, crescent, "SDH") > 0.5
    other_depth = np.minimum(skull.depth, skull.base)[other]
    assert np.quantile(depth, 0.99) > 1.3 * np.quantile(other_depth, 0.99)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("site", ["convexity", "falx"])
def test_a_subdural_hematoma_stays_on_its_side(cut, with_lesion, places, side, site):
    patient = with_lesion("SDH", site, 60.0 if site == "convexity" else 8.0, side=side)
    blood = shares(cut, patient, "SDH") > 0.5
    assert blood.any()
    assert (side * straight(patient, places).x[blood] > -1.5).all()


def test_a_subdural_hematoma_crosses_sutures(cut, with_lesion, places):
    patient = with_lesion("SDH", "convexity", 80.0, seed=4)
    blood = shares(cut, patient, "SDH") > 0.5
    coronal, _ = suture_lines(straight(patient, places))
    assert (coronal[blood] > 8).any()
    assert (coronal[blood] < -8).any()


def test_an_isodense_subdural_hematoma_has_the_density_of_brain(cut, with_lesion):
    patient = with_lesion("SDH", "convexity", 60.0, hu=36.0, age="isodense")
    head = make_head(patient)
    section = cut(head, 30.0)
    assert section.hu[section.lesions["SDH"] > 0.9].mean() == pytest.approx(36, abs=4)


def test_oedema_lies_outside_the_clot(cut, plain, with_lesion):
    """Small enough to push nothing: what is darker than before is swollen white matter."""
    patient = with_lesion("IPH", "lobar", 3.0, hu=60.0)
    head = make_head(patient)
    z = head.placed[0].peak_mm[2]
    after, before = cut(head, z), cut(plain, z)
    change, share = after.hu - before.hu, after.lesions["IPH"]
    assert (change[share > 0.8] > 10).all()
    swollen = change < -3
    assert np.count_nonzero(swollen) > 30
    assert (share[swollen] < 0.5).all()
    # it surrounds the clot and ends near it
    rows, columns = np.nonzero(share > 0.5)
    far = np.hypot(
        *(np.nonzero(swollen)[i] - axis.mean() for i, axis in enumerate((rows, columns)))
    )
    assert far.max() * 1.6 < 30


def test_a_large_clot_shifts_the_midline(cut, plain, with_lesion):
    before = cut(plain, 18.0).hu
    after = cut(with_lesion("SDH", "convexity", 110.0, side=1), 18.0).hu
    columns = np.arange(140)

    def ventricles(hu):
        fluid = hu[50:100, 40:100] < 18
        return (fluid * columns[40:100]).sum() / fluid.sum()

    assert ventricles(after) < ventricles(before) - 1.0  # away from the left side


def test_ventricular_blood_lies_lowest_with_a_level(cut, with_lesion, places):
    patient = with_lesion("IVH", "level", 6.0)
    head = make_head(patient)
    blood, fluid = [], []
    for z in (8.0, 14.0, 20.0):
        section = cut(head, z)
        left = places[0] > 4
        box = left & (np.abs(places[1]) < 62) & (places[0] < 40)
        share = section.lesions["IVH"]
        blood.append(places[1][box & (share > 0.9)])
        fluid.append(places[1][box & (section.hu < 12) & (share < 0.1)])
    blood_mm, fluid_mm = np.concatenate(blood), np.concatenate(fluid)
    assert len(blood_mm) > 20
    # supine: the back is down; sulci of the insula and the level's blur leave a few exceptions
    assert np.quantile(blood_mm, 0.05) > np.quantile(fluid_mm, 0.8)


def test_subarachnoid_blood_is_where_fluid_was(cut, plain, with_lesion):
    patient = with_lesion("SAH", "basal", 12.0)
    head = make_head(patient)
    before = np.stack([cut(plain, z).hu for z in (-26.0, -20.0, -14.0)])
    blood = np.stack([cut(head, z).lesions["SAH"] for z in (-26.0, -20.0, -14.0)])
    assert (blood > 0.8).sum() > 100
    assert np.median(before[blood > 0.8]) < 22


def test_lesions_differ_by_seed_and_only_by_it(cut, with_lesion):
    one, same = (cut(with_lesion("IPH", "lobar", 10.0, seed=5), 28.0).hu for _ in range(2))
    np.testing.assert_array_equal(one, same)
    other = cut(with_lesion("IPH", "lobar", 10.0, seed=6), 28.0).hu
    assert not np.array_equal(one, other)


def test_mixed_lesions_are_all_there(cut, with_lesion):
    lesions = (
        *with_lesion("SDH", "convexity", 20.0).lesions,
        *with_lesion("IPH", "ganglia", 15.0, side=-1).lesions,
        *with_lesion("IVH", "level", 5.0).lesions,
    )
    head = make_head(replace(with_lesion("SAH", "sylvian", 4.0), lesions=lesions))
    found = [cut(head, z).lesions for z in (10.0, 22.0, 34.0)]
    for subtype in ("SDH", "IPH", "IVH"):
        assert max(one[subtype].max() for one in found) > 0.9


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hemorrhage_of_the_stem_lies_between_midbrain_and_medulla(cut, with_lesion, places, seed):
    patient = with_lesion("IPH", "stem", 0.8, seed=seed)
    heights = np.arange(-60.0, 6.0, 2.0)
    share = np.stack([cut(patient, z).lesions["IPH"] for z in heights])
    assert share.sum() * 1.6 * 1.6 * 2.0 / 1000 == pytest.approx(0.8, rel=0.25)  # mL
    x, y = places
    middle = [np.sum(share * one) / share.sum() for one in (x, y, heights[:, None, None])]
    assert abs(middle[0]) < 18
    assert 0 < middle[1] < 30
    assert -52 < middle[2] < 0

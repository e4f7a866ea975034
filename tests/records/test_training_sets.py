"""The scans each segmenter learns from, by a table of scans of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ichnet.config import ConfigError
from ichnet.records.record_set import RecordSet
from ichnet.records.training_sets import patient_folds, training_scans
from ichnet.subtypes import LABELS

SEED = 3

# name, split, subtypes, mL
SCANS = [
    ("sdh-small", "train", "SDH", "4.9"),
    ("sdh-large", "train", "SDH", "60"),
    ("sah-at-5", "train", "SAH", "5"),
    ("sah-sdh", "train", "SAH SDH", "3"),
    ("iph", "train", "IPH", "5.001"),
    ("ivh-specks", "train", "IVH", "0"),
    ("edh-unmeasured", "train", "EDH", ""),
    ("sdh-elsewhere", "ensemble", "SDH", "1"),
    ("normal-elsewhere", "ensemble", "", "0"),
    *[(f"normal{i}", "train", "", "0") for i in range(6)],
]

NORMAL = {f"normal{i}" for i in range(6)}


def row(name: str, split: str, subtypes: str, volume_ml: str) -> dict[str, str]:
    present = {*subtypes.split(), *(["ANY"] if subtypes else [])}
    labels = {label: str(int(label in present)) for label in LABELS}
    identity = {"scan_id": name, "patient_id": f"patient of {name}", "split": split}
    return {**identity, **labels, "volume_ml_ANY": volume_ml}


def record_set(scans=SCANS) -> RecordSet:
    return RecordSet(Path("records/aihub-scans"), {}, tuple(row(*scan) for scan in scans), ())


@pytest.mark.parametrize("segmenter", ["all", "subtype"])
def test_models_1_and_2_learn_from_all(segmenter):
    assert training_scans(record_set(), "train", segmenter, 5.0, SEED) == tuple(
        name for name, split, *_ in SCANS if split == "train"
    )


@pytest.mark.parametrize(
    ("segmenter", "with_ich"),
    [
        ("sdh", {"sdh-small", "sdh-large"}),
        ("sah", {"sah-at-5"}),
        # more than 0, at most 5 mL in all, of any subtype
        ("small", {"sdh-small", "sah-at-5", "sah-sdh"}),
    ],
)
def test_specialists_learn_from_their_kind_and_as_many_normal_scans(segmenter, with_ich):
    scans = training_scans(record_set(), "train", segmenter, 5.0, SEED)
    assert with_ich == set(scans) - NORMAL
    assert len(set(scans) & NORMAL) == len(with_ich)
    assert list(scans) == sorted(set(scans))


def test_all_normal_scans_when_there_are_fewer():
    few = [scan for scan in SCANS if scan[0] not in {f"normal{i}" for i in range(1, 6)}]
    scans = training_scans(record_set(few), "train", "small", 5.0, SEED)
    assert set(scans) == {"sdh-small", "sah-at-5", "sah-sdh", "normal0"}


def test_the_seed_draws_the_normal_scans():
    draws = {training_scans(record_set(), "train", "sah", 5.0, seed) for seed in range(30)}
    assert len(draws) == 6  # one of six
    assert training_scans(record_set(), "train", "sdh", 5.0, SEED) == training_scans(
        record_set(SCANS[::-1]), "train", "sdh", 5.0, SEED
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_scan_more_changes_no_other_scans_fate(seed):
    before = set(training_scans(record_set(), "train", "small", 5.0, seed))
    more = [*SCANS, ("normal-new", "train", "", "0")]
    after = set(training_scans(record_set(more), "train", "small", 5.0, seed))
    assert after - before <= {"normal-new"}
    assert len(after) == len(before)


def test_the_limit_is_the_configurations():
    scans = training_scans(record_set(), "train", "small", 3.0, SEED)
    assert set(scans) - NORMAL == {"sah-sdh"}


def test_no_scan_that_fits_is_an_error():
    with pytest.raises(ConfigError) as raised:
        training_scans(record_set(), "ensemble", "sah", 5.0, SEED)
    assert str(raised.value) == (
        "records/aihub-scans: no scan of split 'ensemble' fits the rule of segmenter 'sah'"
    )


def test_patients_are_left_out_before_normal_scans_are_drawn():
    without = {f"patient of {name}" for name in ("sdh-small", "normal0", "normal1")}
    scans = training_scans(record_set(), "train", "small", 5.0, SEED, without)
    assert set(scans) - NORMAL == {"sah-at-5", "sah-sdh"}
    assert len(set(scans) & NORMAL) == 2
    assert not set(scans) & {"sdh-small", "normal0", "normal1"}


def test_folds_share_no_patient_and_leave_none_out():
    more = [(f"{kind}{i}", "train", kind, "9") for kind in ("SDH", "SAH", "") for i in range(6)]
    folds = patient_folds(record_set([*more, *SCANS]), "train", 3)
    patients = [patient for fold in folds for patient in fold]
    assert len(patients) == len(set(patients))
    assert set(patients) == {
        f"patient of {name}" for name, split, *_ in [*more, *SCANS] if split == "train"
    }
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    for fold in folds:  # each has its part of each stratum
        assert sum("sdh" in patient.lower() for patient in fold) >= 2
        assert sum("normal" in patient for patient in fold) >= 1


def test_a_patients_scans_are_in_one_fold_together():
    twice = [row("first", "train", "SDH", "9"), row("second", "train", "SAH", "9")]
    twice = [{**one, "patient_id": "p"} for one in twice]
    scans = (*twice, row("other", "train", "", "0"))
    folds = patient_folds(RecordSet(Path("r"), {}, scans, ()), "train", 2)
    assert sorted(map(sorted, folds)) == [["p"], ["patient of other"]]


def test_folds_follow_from_the_records_alone():
    assert patient_folds(record_set(), "train", 4) == patient_folds(
        record_set(SCANS[::-1]), "train", 4
    )


def test_fewer_patients_than_folds_is_an_error():
    with pytest.raises(ConfigError, match="records/aihub-scans: 2 patients cannot make 3 folds"):
        patient_folds(record_set(), "ensemble", 3)

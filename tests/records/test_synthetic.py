"""The cohort ``wide`` straight into records: what was drawn, in one split each, the same again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ichnet.cohorts.labels import labels_from_mask
from ichnet.config import Config, ConfigError, PhantomConfig, load_config
from ichnet.phantom.cohort import with_hemorrhage
from ichnet.phantom.draw import draw_patient
from ichnet.phantom.patient import WIDE
from ichnet.phantom.scanner import scan_patient
from ichnet.phantom.wide import FIELD_OF_VIEW_MM
from ichnet.records import synthetic
from ichnet.records.record_set import RecordSet
from ichnet.records.schema import parse_slice
from ichnet.records.synthetic import SyntheticScan, write_synthetic_scans
from ichnet.subtypes import LABELS, bit_of

MATRIX, SLICES, SCANS = 32, (3, 5), 4


@pytest.fixture(scope="module")
def config() -> Config:
    base = load_config(Path("models/phantom.yaml"))
    return replace(
        base,
        seed=41,
        image=replace(base.image, matrix=MATRIX, field_of_view_mm=FIELD_OF_VIEW_MM),
        phantom=PhantomConfig(MATRIX, SLICES, {WIDE: SCANS}, {WIDE: 0.75}),
        selection=replace(base.selection, validation_share=0.25, ensemble_share=0.25),
    )


@pytest.fixture(scope="module")
def record_set(config, tmp_path_factory) -> RecordSet:
    return write_synthetic_scans(config, tmp_path_factory.mktemp("records") / "aihub-scans")


def records_by_scan(record_set: RecordSet) -> dict[str, list[dict[str, np.ndarray]]]:
    found: dict[str, list[dict[str, np.ndarray]]] = {}
    for split in record_set.splits:
        for one in tf.data.TFRecordDataset([str(path) for path in record_set.shards(split)]):
            parsed = {name: value.numpy() for name, value in parse_slice(one, MATRIX).items()}
            found.setdefault(parsed["scan_id"].decode(), []).append(parsed)
    return found


def test_records_hold_what_was_drawn_from_feet_to_head(config, record_set):
    found = records_by_scan(record_set)
    bleeds = with_hemorrhage(config.phantom, config.seed, WIDE)
    assert sorted(bleeds) == [False, True, True, True]
    assert sorted(found) == [f"wide00000{index}" for index in range(SCANS)]
    for index, has_ich in enumerate(bleeds):
        patient = draw_patient(config.seed, WIDE, index, bool(has_ich))
        scan = scan_patient(patient, config.seed, MATRIX, SLICES)
        records = found[f"wide00000{index}"]
        assert [one["slice_index"] for one in records] == list(range(len(scan.hu)))
        assert (np.diff(scan.positions_mm[:, 2]) > 0).all()
        np.testing.assert_array_equal([one["hu"] for one in records], scan.hu)
        np.testing.assert_array_equal([one["mask_bits"] for one in records], scan.mask)
        assert all(one["has_mask"] for one in records)
        np.testing.assert_array_equal(
            [one["labels"] for one in records], [labels_from_mask(mask) for mask in scan.mask]
        )
        pixel_ml = (FIELD_OF_VIEW_MM / MATRIX) ** 2 * scan.slice_spacing_mm / 1000
        volume_ml = [np.count_nonzero(scan.mask & bit_of(name)) * pixel_ml for name in LABELS]
        for one in records:
            np.testing.assert_array_equal(one["scan_labels"], labels_from_mask(scan.mask))
            np.testing.assert_allclose(one["volume_ml"], volume_ml, rtol=1e-6)
            assert one["slice_spacing_mm"] == pytest.approx(scan.slice_spacing_mm)
            assert one["pixel_spacing_mm"] == pytest.approx(FIELD_OF_VIEW_MM / MATRIX)
        assert bool(volume_ml[0]) == has_ich


def test_tables_say_who_was_drawn(config, record_set):
    for index, row in enumerate(sorted(record_set.scans, key=lambda row: row["scan_id"])):
        patient = draw_patient(config.seed, WIDE, index, row["ANY"] == "1")
        assert (row["cohort"], row["patient_id"]) == (WIDE, row["scan_id"])
        assert (float(row["age_years"]), row["sex"]) == (patient.age_years, patient.sex)
    assert record_set.info["phantom"]["scans"] == {WIDE: SCANS}


def test_splits_have_their_share_of_scans_with_and_without_hemorrhage(config, monkeypatch):
    many = replace(config, phantom=replace(config.phantom, scans={WIDE: 200}))
    monkeypatch.setattr(synthetic, "write_record_set", lambda chosen, *_: chosen)
    chosen = write_synthetic_scans(many, Path("nowhere"))
    assert [one.index for one, _, _ in chosen] == list(range(200))
    counts = Counter((split, one.has_ich) for one, split, wanted in chosen if wanted is None)
    for has_ich, scans in ((True, 150), (False, 50)):
        for split, share in (("train", 0.5), ("validation", 0.25), ("ensemble", 0.25)):
            # each of six kinds of hemorrhage is rounded by itself
            assert counts[split, has_ich] == pytest.approx(share * scans, abs=3)


def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(config, record_set, tmp_path):
    again = write_synthetic_scans(config, tmp_path / "again", workers=2)
    other = write_synthetic_scans(replace(config, seed=42), tmp_path / "other")
    first, second, third = (
        {path.name: path.read_bytes() for path in one.folder.iterdir()}
        for one in (record_set, again, other)
    )
    assert first == second
    assert first != third


def test_what_the_configuration_leaves_out_is_left_out(config, monkeypatch):
    left_out = ("face-and-neck", "bright-rim")
    some = replace(config, phantom=replace(config.phantom, without=left_out))
    monkeypatch.setattr(synthetic, "write_record_set", lambda chosen, source, *_: source)
    source = write_synthetic_scans(some, Path("nowhere"))
    assert repr(left_out) in repr(source)  # other records are not taken for these
    patient = draw_patient(config.seed, WIDE, 0, False, without=left_out)
    scan = scan_patient(patient, config.seed, MATRIX, SLICES)
    np.testing.assert_array_equal(source.load(SyntheticScan(0, False)).volume.hu, scan.hu)


def test_a_configuration_without_the_cohort_is_refused(config, tmp_path):
    wrong = replace(config, phantom=replace(config.phantom, ich_share={}))
    with pytest.raises(ConfigError, match="say nothing of 'wide'"):
        write_synthetic_scans(wrong, tmp_path / "records")

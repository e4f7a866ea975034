"""Where a network by hand looks, over a record set."""

from __future__ import annotations

import csv

import pytest

from ichnet.evaluation.localise import localise_model
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder

MODEL = "MobileNetV2-aihub-strong"


@pytest.fixture
def run(classifier, tmp_path) -> RunFolder:
    """A run in which evidence is the HU over 100."""
    run = RunFolder(tmp_path)
    run.best(MODEL).parent.mkdir(parents=True)
    classifier.save(run.best(MODEL))
    return run


@pytest.mark.slow
def test_slices_with_an_outline_are_measured(records, run):
    """65 HU on 4 x 4 pixels, 30 elsewhere; the outline is two columns too far to the right."""
    path = localise_model(MODEL, RecordSet.open(records / "aihub-scans"), "validation", run)
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    # the two scans without a lesion, and the slices beside the lesion, are not there
    assert {(row["cohort"], row["scan_id"], row["patient_id"]) for row in rows} == {
        ("aihub", "v1", "patient of v1"),
        ("aihub", "v2", "patient of v2"),
    }
    assert [row["slice_index"] for row in rows] == ["1", "1"]
    for row in rows:
        # the peak is 2 pixels from the outline, allowed are 15/224 of 32
        assert row["hit"] == "1"
        inside, total = 8 * 0.65 + 8 * 0.30, 16 * 0.65 + 1008 * 0.30
        assert float(row["energy_inside"]) == pytest.approx(inside / total, rel=1e-5)
        assert float(row["iou"]) == pytest.approx(8 / 24)
        assert float(row["area"]) == 16 / 1024


def test_a_split_without_outlines_is_refused(records, run):
    with pytest.raises(ValueError, match="no slice of split 'test' has an outline"):
        localise_model(MODEL, RecordSet.open(records / "dumc"), "test", run)
    assert not run.localisation(MODEL).exists()

"""One row a subtype, against numbers counted from the predictions."""

from __future__ import annotations

import numpy as np

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import FINAL_MODEL
from ichnet.reporting.tables.subtypes import _figures, subtypes_table
from ichnet.runs import TEST_COHORTS, RunFolder
from ichnet.runs.predictions import concatenate, read_predictions, subtypes_path
from ichnet.statistics.roc import roc_auc
from ichnet.subtypes import SUBTYPES


def test_each_subtype_against_all_other_scans(run: RunFolder, config: Config) -> None:
    folder = run.predictions(FINAL_MODEL)
    scans = concatenate(read_predictions(subtypes_path(folder, name)) for name in TEST_COHORTS)
    table = subtypes_table(run, config)
    assert [row[0] for row in table.rows] == list(SUBTYPES)
    for name, counts, auc, *_ in table.rows:
        truth = np.asarray(scans[name], float)
        assert counts == f"{int((truth == 1).sum())}, {int((truth == 0).sum())}"
        expected = roc_auc(truth, np.asarray(scans[f"probability_{name}"], float))
        assert str(auc).startswith(f"{expected:.3f} (")


def test_figures_by_hand() -> None:
    """Of two scans with it one is named, of three without none; 5 of 6 pairs are in order."""
    truth = np.array([True, True, False, False, False])
    counts, auc, with_it, without = _figures(truth, np.array([0.9, 0.3, 0.4, 0.1, 0.2]), 0.5)
    assert counts == "2, 3"
    assert str(auc).startswith("0.833 (")
    assert str(with_it).startswith("0.500 (")
    assert str(without).startswith("0.000 (")


def test_one_scan_is_no_figure() -> None:
    assert _figures(np.array([True, False, False]), np.ones(3), 0.5) == ("1, 2", "–", "–", "–")


def test_a_subtype_without_a_probability_still_has_its_counts() -> None:
    truth = np.array([True, True, False, False])
    assert _figures(truth, np.full(4, np.nan), 0.5) == ("2, 2", "–", "–", "–")

"""The tables of an exported model on seven real scans, three with hemorrhage, by hand."""

from __future__ import annotations

import pytest
from known_answers import write_answers

from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.external import ExternalAnswers, load_answers
from ichnet.reporting.tables.external import external_tables
from ichnet.reporting.tables.table import DASH, Table
from ichnet.statistics.delong import delong_interval
from ichnet.statistics.proportions import proportion_interval


def tables_of(answers: ExternalAnswers) -> dict[str, Table]:
    return {table.name: table for table in external_tables(answers)}


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, Table]:
    return tables_of(load_answers(write_answers(tmp_path_factory.mktemp("answers"))))


def row(table: Table, title: str) -> dict[str, object]:
    (found,) = [cells for cells in table.rows if title in cells[:2]]
    return dict(zip(table.columns, found, strict=True))


def test_all_scans(tables):
    found = row(tables["detection"], "Any hemorrhage")
    # of 12 pairs d is above b and above c
    auc = delong_interval([1, 1, 1, 0, 0, 0, 0], [0.9, 0.6, 0.4, 0.7, 0.2, 0.1, 0.05])
    assert auc.value == pytest.approx(10 / 12)
    assert found["AUC"] == Estimate.of(auc)
    assert found["Sensitivity"] == Estimate.of(proportion_interval(2, 3, method="wilson"))
    assert found["Specificity"] == Estimate.of(proportion_interval(3, 4, method="wilson"))
    assert "7 scans of 7 patients (3 with, 4 without ICH) of own" in tables["detection"].caption
    assert "1 scans of unknown truth are left out." in tables["detection"].notes


def test_rows_by_subtype_and_size_stand_against_all_normal_scans(tables):
    sdh = row(tables["detection"], "SDH")
    assert (sdh["With ICH"], sdh["AUC"].value) == ("2", pytest.approx(7 / 8))
    assert sdh["Sensitivity"].value == 1
    assert sdh["Specificity"] == DASH
    counts = {title: row(tables["detection"], title)["With ICH"] for title in ("IPH", "IVH")}
    assert counts == {"IPH": "1", "IVH": "0"}
    sizes = ("0–5 mL", "5–30 mL", ">30 mL")
    found = [row(tables["detection"], size)["Sensitivity"] for size in sizes]
    assert [estimate.value for estimate in found] == [1, 1, 0]


def test_what_cannot_be_known_is_said(tables):
    ivh = row(tables["detection"], "IVH")
    assert (ivh["AUC"], ivh["Sensitivity"]) == (DASH, DASH)
    few = next(note for note in tables["detection"].notes if note.startswith("Fewer than 10 scans"))
    assert "IVH 0, SAH 0, SDH 2" in few
    assert any(note.startswith("Scans without: 4,") for note in tables["detection"].notes)
    assert tables["subtypes"].notes == ("m does not tell subtypes.",)


def test_slices(tables):
    found = row(tables["slices"], "Any hemorrhage")
    assert (found["With ICH"], found["Of patients"]) == ("3", "3")
    # .9 .6 .4 against .45 .3 .2 .35 .7 .1 .2 .05 .1 .025 .05: two pairs of 33 wrong
    assert found["AUC"].value == pytest.approx(1 - 3 / 33)


def test_calibration(tables):
    (cells,) = tables["calibration"].rows
    squares = [0.01, 0.16, 0.36, 0.49, 0.04, 0.01, 0.0025]
    assert cells[1].value == pytest.approx(sum(squares) / 7)
    assert all(cell.low <= cell.value <= cell.high for cell in cells[1:])
    assert tables["calibration"].notes == ()
    assert sum(int(cells[1]) for cells in tables["reliability"].rows) == 7


def test_outlines(tables):
    slices, scans = tables["outlines"].rows
    assert slices[:2] == ("Slices", "3")
    assert (slices[2].value, slices[4].value) == (0.25, 1)  # 2 * 5 / (10 + 30)
    assert scans[:2] == ("Scans", "3")
    assert [round(cell.value, 6) for cell in scans[2:]] == [0.4, 15, round(2 / 3, 6)]
    assert tables["outlines"].notes == ("HD95 of the 2 scans in which anything was predicted.",)
    assert row(tables["lesions"], "m")["Recall, >30 mL (n = 1)"].value == 0


def test_a_cohort_without_outlines_has_no_sizes(tmp_path):
    tables = tables_of(load_answers(write_answers(tmp_path, outlines=False)))
    assert "No sizes: nobody outlined these scans." in tables["detection"].notes
    assert row(tables["detection"], ">30 mL")["With ICH"] == "0"
    assert tables["outlines"].rows == ()
    assert "lesions" not in tables


def test_subtypes_against_all_that_do_not_have_them(tmp_path):
    table = tables_of(load_answers(write_answers(tmp_path, subtypes=True)))["subtypes"]
    iph = row(table, "IPH")
    assert (iph["Scans with it"], iph["AUC by scan"]) == ("1 of 7", DASH)
    sdh = row(table, "SDH")
    assert sdh["AUC by scan"].value == pytest.approx(9 / 10)  # .9 and .6 among .4 .7 .2 .1 .05
    assert sdh["Slices with it"] == "2 of 14"


def test_scans_of_one_patient_are_drawn_together(tmp_path):
    tables = tables_of(load_answers(write_answers(tmp_path, one_patient=True)))
    assert "7 scans of 6 patients" in tables["detection"].caption
    assert "by bootstrap (1,000 replicates, patients drawn)" in tables["detection"].caption
    assert row(tables["detection"], "Any hemorrhage")["AUC"].value == pytest.approx(10 / 12)


def test_no_answers_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no answers of an exported model"):
        load_answers(tmp_path)

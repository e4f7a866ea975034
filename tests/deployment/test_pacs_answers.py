"""Answers of a PACS that are not what was asked for: a series counts only when all of it came."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from known_scans import HEIGHTS_MM, head
from odd_pacs import OddPacs, odd_pacs  # noqa: F401
from prediction_files import rows_of

from ichnet.cli import EXCLUDED, FAILED, SUCCESS, main
from ichnet.deployment import pacs_client

pytestmark = [
    pytest.mark.slow,
    # a time limit interrupts the program wherever it is, also while a library opens a socket, which
    # is then closed when it is collected, with a warning in whichever test runs at that moment
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STUDY = "1.2.826.0.1.3680043"
SLICES = len(HEIGHTS_MM)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what a test leaves before the next one, and the next module's, begins."""
    yield
    gc.collect()


@pytest.fixture
def pacs(odd_pacs, write_scan, tmp_path) -> OddPacs:  # noqa: F811
    """Holds a bleeding head of 11 slices."""
    odd_pacs.add(write_scan(tmp_path / "held", head(80), HEIGHTS_MM, series="5"))
    return odd_pacs


def fetch(pacs: OddPacs, model_dir: Path, out: Path, *studies: str, limit: float = 60) -> int:
    options = ["--settle", "0.05", "--time-limit", str(limit)]
    model = ["--model", str(model_dir), "--out", str(out)]
    return main(["pacs", "--url", pacs.url, *model, *options, *(studies or [STUDY])])


def predicted(out: Path) -> list[tuple[str, str]]:
    return [(row["decision"], row["slices"]) for row in rows_of(out / "predictions.csv")]


def reasons(out: Path) -> list[str]:
    return [row["reason"] for row in rows_of(out / "excluded.csv")]


def test_a_good_pacs_gets_two_objects_and_is_asked_for_them(pacs, model_dir, tmp_path, capsys):
    assert fetch(pacs, model_dir, tmp_path / "out") == SUCCESS
    assert capsys.readouterr().out == f"{STUDY}: 2 objects stored\n"
    assert predicted(tmp_path / "out") == [("hemorrhage", "11")]
    assert len(pacs.stored) == 2


@pytest.mark.parametrize("status", [200, 206])
def test_a_part_of_a_series_is_refused(pacs, model_dir, tmp_path, status, capsys):
    pacs.sends, pacs.status, pacs.gives_single = 7, status, False
    assert fetch(pacs, model_dir, tmp_path / "out") == EXCLUDED
    assert predicted(tmp_path / "out") == []
    (row,) = rows_of(tmp_path / "out" / "excluded.csv")
    assert row["reason"] == "incomplete-answer"
    assert row["detail"] == "7 of 11 instances of a series came"
    assert pacs.stored == []
    assert "7 of 11" in capsys.readouterr().err


@pytest.mark.parametrize("counts", [True, False])
def test_what_an_answer_lacks_is_asked_for_singly_and_pages_are_followed(
    pacs, model_dir, tmp_path, counts
):
    pacs.sends, pacs.status, pacs.page, pacs.counts = 7, 206, 4, counts
    assert fetch(pacs, model_dir, tmp_path / "out") == SUCCESS
    assert predicted(tmp_path / "out") == [("hemorrhage", "11")]


def test_a_series_that_still_arrives_is_waited_for(pacs, model_dir, tmp_path):
    pacs.growing = 5
    assert fetch(pacs, model_dir, tmp_path / "out") == SUCCESS
    assert predicted(tmp_path / "out") == [("hemorrhage", "11")]


def test_a_busy_pacs_is_asked_again(pacs, model_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("ichnet.deployment.pacs_client.BUSY_PAUSES_S", (0.01, 0.01))
    pacs.busy = 2
    assert fetch(pacs, model_dir, tmp_path / "out") == SUCCESS
    pacs.busy = 3
    assert fetch(pacs, model_dir, tmp_path / "out") == EXCLUDED
    (row,) = rows_of(tmp_path / "out" / "excluded.csv")
    assert row["detail"] == "the PACS answers with status 503"


def test_one_that_never_settles_costs_its_time_and_no_other_study(
    pacs, write_scan, model_dir, tmp_path
):
    other = "1.2.3.9"
    files = write_scan(tmp_path / "b", head(), HEIGHTS_MM, series="6", StudyInstanceUID=other)
    pacs.add(files)
    pacs.fails = ("1.2.3.8",)
    studies = ("1.2.3.7", "1.2.3.8", other)  # unknown, failing, good
    assert fetch(pacs, model_dir, tmp_path / "out", *studies) == EXCLUDED
    assert predicted(tmp_path / "out") == [("no hemorrhage", "11")]
    assert sorted(reasons(tmp_path / "out")) == ["not-in-pacs", "pacs-failure"]
    assert len(pacs.stored) == 2


def test_the_number_that_grows_for_ever(pacs, model_dir, tmp_path):
    pacs.growing = 10**9
    assert fetch(pacs, model_dir, tmp_path / "out", limit=1) == EXCLUDED
    assert reasons(tmp_path / "out") == ["pacs-failure"]


def test_an_answer_of_single_bytes_ends_with_the_time(pacs, model_dir, tmp_path):
    pacs.drips = True
    assert fetch(pacs, model_dir, tmp_path / "out", limit=1) == EXCLUDED
    (row,) = rows_of(tmp_path / "out" / "excluded.csv")
    assert (row["reason"], row["detail"]) == ("pacs-failure", "the PACS took longer than 1 s")


def test_a_part_that_is_no_dicom_costs_its_series(pacs, write_scan, model_dir, tmp_path):
    files = write_scan(tmp_path / "b", head(), HEIGHTS_MM, series="6")
    pacs.add(files)
    series = pacs.holds[STUDY]["1.2.826.0.1.3680043.6"]
    series[list(series)[3]] = b"<html>Doe^Jane: try again later</html>"
    assert fetch(pacs, model_dir, tmp_path / "out") == EXCLUDED
    assert predicted(tmp_path / "out") == [("hemorrhage", "11")]
    assert reasons(tmp_path / "out") == ["incomplete-answer"]


def test_an_instance_of_another_series_does_not_count(pacs, model_dir, tmp_path):
    series = pacs.holds[STUDY]["1.2.826.0.1.3680043.5"]
    (*_, uid) = series
    other = pydicom.dcmread(pydicom.filebase.DicomBytesIO(series[uid]))
    other.SeriesInstanceUID = "1.2.3"
    buffer = pydicom.filebase.DicomBytesIO()
    other.save_as(buffer)
    series[uid] = buffer.getvalue()
    assert fetch(pacs, model_dir, tmp_path / "out") == EXCLUDED
    assert reasons(tmp_path / "out") == ["incomplete-answer"]


def test_a_study_that_is_taken_again_replaces_its_rows(pacs, write_scan, model_dir, tmp_path):
    """A scout-like series of one slice is left out each time, and listed once."""
    pacs.add(write_scan(tmp_path / "lone", head()[:1], HEIGHTS_MM[:1], series="6"))
    assert fetch(pacs, model_dir, tmp_path / "out", STUDY, STUDY) == SUCCESS
    assert reasons(tmp_path / "out") == ["single-slice"]
    assert predicted(tmp_path / "out") == [("hemorrhage", "11")]


def test_a_pacs_that_does_not_keep_what_it_takes_is_told_of(pacs, model_dir, tmp_path, capsys):
    pacs.keeps = False
    assert fetch(pacs, model_dir, tmp_path / "out") == EXCLUDED
    said = capsys.readouterr().err
    assert f"{STUDY}: 0 objects stored of 2 that were made; the PACS took them" in said


@pytest.mark.parametrize(
    "url",
    [
        "http://doctor:s3cret@127.0.0.1/x",
        "http://doctor:s3/cret@127.0.0.1/x",
        "ftp://s3cret/",
        "http://127.0.0.1/x?token=s3cret",
        "http://127.0.0.1/x#s3cret",
    ],
)
def test_secrets_in_urls_are_refused_and_not_repeated(url, model_dir, tmp_path, capsys):
    arguments = ["--model", str(model_dir), "--out", str(tmp_path / "out"), STUDY]
    assert main(["pacs", "--url", url, *arguments]) == FAILED
    said = "".join(capsys.readouterr())
    assert "s3" not in said
    assert "doctor" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("status", [400, 503])
def test_a_list_of_series_of_which_a_page_is_missing_is_refused(
    pacs, model_dir, write_scan, tmp_path, monkeypatch, status
):
    monkeypatch.setattr(pacs_client, "BUSY_PAUSES_S", (0.01,))
    pacs.add(write_scan(tmp_path / "more", head(), HEIGHTS_MM, series="6"))
    pacs.page, pacs.refuses_pages = 1, status
    assert fetch(pacs, model_dir, tmp_path / "out") == EXCLUDED
    assert predicted(tmp_path / "out") == []
    assert reasons(tmp_path / "out") == ["incomplete-answer" if status == 400 else "pacs-failure"]
    assert pacs.stored == []

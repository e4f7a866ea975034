"""One bad file costs one file, one bad scan one scan; the program's own failure is told apart."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from known_scans import HEIGHTS_MM, head
from prediction_files import predict_into, rows_of

from ichnet.cli import CRASHED, EXCLUDED, FAILED, SUCCESS
from ichnet.deployment import predict, scan_prediction
from ichnet.deployment.attempts import MOST_ATTEMPTS, Attempts
from ichnet.deployment.predict import Predictor

pytestmark = pytest.mark.slow

KEY = bytes(range(32))
NUMBER = re.compile(r"number [0-9a-f]{8} \(\w+\); please report it with this number")


@pytest.fixture
def scans(write_scan, tmp_path) -> Path:
    """A normal and a bleeding scan, read in this order."""
    write_scan(tmp_path / "scans", head(), HEIGHTS_MM, series="1")
    write_scan(tmp_path / "scans", head(80.0), HEIGHTS_MM, series="2")
    return tmp_path / "scans"


def decisions(out: Path) -> list[str]:
    return [row["decision"] for row in rows_of(out / "predictions.csv")]


def failing_once(function, error: BaseException):
    """Return what raises an error at the first call and does as the function afterwards."""
    calls = []

    def call(*arguments, **named):
        calls.append(arguments)
        if len(calls) == 1:
            raise error
        return function(*arguments, **named)

    return call


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (predict, "read_series_and_skull"),
        (predict, "require_suitable"),
        (scan_prediction, "predict_volume"),
        (scan_prediction, "save_overlay"),
        (scan_prediction, "write_result"),
    ],
)
def test_a_mistake_of_this_program_costs_one_scan(
    model_dir, scans, tmp_path, monkeypatch, module, name
):
    error = RuntimeError("Doe^Jane, born 1923")
    monkeypatch.setattr(module, name, failing_once(getattr(module, name), error))
    assert predict_into(model_dir, tmp_path / "out", scans) == EXCLUDED
    assert decisions(tmp_path / "out") == ["hemorrhage"]
    rows = rows_of(tmp_path / "out" / "excluded.csv")
    assert [row["reason"] for row in rows] == ["internal-error"] * 11
    assert NUMBER.fullmatch(rows[0]["detail"])
    assert "Doe" not in (tmp_path / "out" / "excluded.csv").read_text()


def test_a_scan_that_does_not_fit_into_memory_costs_one_scan(
    model_dir, scans, tmp_path, monkeypatch
):
    reading = failing_once(predict.read_series_and_skull, MemoryError())
    monkeypatch.setattr(predict, "read_series_and_skull", reading)
    assert predict_into(model_dir, tmp_path / "out", scans) == EXCLUDED
    assert decisions(tmp_path / "out") == ["hemorrhage"]
    assert {row["reason"] for row in rows_of(tmp_path / "out" / "excluded.csv")} == {"too-large"}


def test_scores_that_are_no_numbers_are_no_answer(model_dir, scans, tmp_path, monkeypatch):
    answer = scan_prediction.predict_volume

    def unsure(model, volume):
        predicted = answer(model, volume)
        predicted.probability[3] = np.nan
        return predicted

    monkeypatch.setattr(scan_prediction, "predict_volume", unsure)
    assert predict_into(model_dir, tmp_path / "out", scans) == EXCLUDED
    reasons = {row["reason"] for row in rows_of(tmp_path / "out" / "excluded.csv")}
    assert reasons == {"internal-error"}


def test_the_program_s_own_failure_has_a_code_and_a_number_and_no_traceback(
    model_dir, scans, tmp_path, monkeypatch, capsys
):
    def fail(*_):
        raise RuntimeError("Doe^Jane")

    monkeypatch.setattr("ichnet.deployment.arrivals.discover", fail)
    assert predict_into(model_dir, tmp_path / "out", scans) == CRASHED == 3
    said = capsys.readouterr()
    assert re.fullmatch(rf"ichnet: internal error {NUMBER.pattern}\n", said.err)
    assert said.out == ""


def test_a_folder_that_cannot_be_written_is_named(model_dir, scans, tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    assert predict_into(model_dir, tmp_path / "out", scans) == FAILED
    assert f"{tmp_path / 'out'}: cannot be written" in capsys.readouterr().err


def latin_1_name(folder: Path, files: list[Path]) -> None:
    (folder / os.fsdecode(b"Befund M\xfcller.txt")).write_bytes(b"x")


def link_to_itself(folder: Path, files: list[Path]) -> None:
    (folder / "loop").symlink_to("loop")


def archive_of(method: int, damage: bool):
    def write(folder: Path, files: list[Path]) -> None:
        path = folder / "more.zip"
        with zipfile.ZipFile(path, "w", method) as opened:
            for file in files:
                opened.writestr(f"of another/{file.name}", file.read_bytes()[:200] * 30)
        content = bytearray(path.read_bytes())
        if damage:
            for at in range(len(content) // 3, len(content) // 3 + 200):
                content[at] ^= 0x5A
        path.write_bytes(content)

    return write


def member_named_dot(folder: Path, files: list[Path]) -> None:
    with zipfile.ZipFile(folder / "dot.zip", "w") as opened:
        opened.writestr(".", b"x")


def untrue_utf_8(folder: Path, files: list[Path]) -> None:
    with zipfile.ZipFile(folder / "names.zip", "w") as opened:
        opened.writestr("\u00e9.txt", b"x")
    content = (folder / "names.zip").read_bytes()
    (folder / "names.zip").write_bytes(content.replace(b"\xc3\xa9", b"\xe9\xe9"))


@pytest.mark.parametrize(
    "spoil",
    [
        *(latin_1_name, link_to_itself, member_named_dot, untrue_utf_8),
        archive_of(zipfile.ZIP_DEFLATED, damage=True),
        archive_of(zipfile.ZIP_BZIP2, damage=True),
        archive_of(zipfile.ZIP_LZMA, damage=True),
    ],
)
def test_odd_files_beside_good_scans(model_dir, scans, tmp_path, spoil):
    spoil(scans, sorted(scans.iterdir()))
    assert predict_into(model_dir, tmp_path / "out", scans) == EXCLUDED
    assert decisions(tmp_path / "out") == ["no hemorrhage", "hemorrhage"]
    reasons = {row["reason"] for row in rows_of(tmp_path / "out" / "excluded.csv")}
    assert reasons <= {"not-dicom", "bad-header", "bad-archive"}


class Dead(BaseException):
    """As if the process had ended in the middle of a library."""


def test_a_scan_that_ends_the_program_is_set_aside(model_dir, scans, tmp_path, monkeypatch):
    answer = scan_prediction.predict_volume
    normal = set()

    def die_of_the_first(model, volume):
        normal.add(volume.scan_id)
        if len(normal) == 1:
            raise Dead
        return answer(model, volume)

    monkeypatch.setattr(scan_prediction, "predict_volume", die_of_the_first)
    monkeypatch.setattr(Attempts, "end_all", lambda self: None)  # a dead process does not
    out = tmp_path / "out"
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(Dead):
            Predictor(model_dir, out, KEY).take([scans])
    assert predict_into(model_dir, out, scans) == EXCLUDED
    assert len(rows_of(out / "predictions.csv")) == 1
    rows = rows_of(out / "excluded.csv")
    assert [row["reason"] for row in rows] == ["set-aside"] * 11
    assert rows[0]["detail"] == "the program has ended 5 times while it was at work"
    # and it stays so
    assert predict_into(model_dir, out, scans) == EXCLUDED


def test_an_end_in_good_order_is_no_attempt(model_dir, scans, tmp_path, monkeypatch):
    monkeypatch.setattr(
        scan_prediction, "predict_volume", failing_once(scan_prediction.predict_volume, Dead())
    )
    with pytest.raises(Dead):
        Predictor(model_dir, tmp_path / "out", KEY).take([scans])
    assert not (tmp_path / "out" / ".attempts.json").exists()
    assert predict_into(model_dir, tmp_path / "out", scans) == SUCCESS


def test_attempts_are_counted_across_processes(tmp_path):
    path = tmp_path / "attempts.json"
    Attempts(path).begin("a")
    Attempts(path).begin("a")
    again = Attempts(path)
    assert (again.count("a"), again.count("b")) == (2, 0)
    again.begin("b")
    again.end("a")
    assert (Attempts(path).count("a"), Attempts(path).count("b")) == (0, 1)
    again.end("b")
    assert not path.exists()
    path.write_text("[1]")
    assert Attempts(path).count("a") == 0


def test_what_comes_from_an_origin_again_replaces_the_rows_of_before(model_dir, tmp_path):
    predictor = Predictor(model_dir, tmp_path / "out", KEY)
    for origin, reason in (("a", "not-in-pacs"), ("b", "not-in-pacs"), ("a", "pacs-failure")):
        predictor.come_from(origin)
        predictor.exclude(Path(reason, origin), reason, "of no importance")
    assert [one.reason for one in predictor.exclusions] == ["not-in-pacs", "pacs-failure"]
    rows = rows_of(tmp_path / "out" / "excluded.csv")
    assert [row["reason"] for row in rows] == ["not-in-pacs", "pacs-failure"]
    predictor.come_from("a")
    assert [one.reason for one in predictor.exclusions] == ["not-in-pacs"]

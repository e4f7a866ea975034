"""Nobody's name, number or date in any byte that a run leaves, but where it is asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pydicom
import pytest
from known_scans import HEIGHTS_MM, head

from ichnet.cli import EXCLUDED, SUCCESS, main
from ichnet.deployment.header_values import allowed_values
from ichnet.deployment.scratch import (
    ENDING,
    PREFIX,
    end_if_asked,
    ended_by_signals,
    scratch_folder,
    sweep_partials,
    sweep_scratch,
)

SECRETS = (
    b"Quisling",
    b"QUISLING",
    b"19230917",
    b"1923-09-17",
    b"MRN4711",
    b"20210305",
    b"1.2.826",
)
PERSON = {
    "PatientName": "Quisling^Jane",
    "PatientID": "MRN4711",
    "PatientBirthDate": "19230917",
    "StudyDate": "20210305",
    "PatientComments": "Quisling was here",
    "Manufacturer": "Dr. Quisling Imaging",
    "ManufacturerModelName": "MRN4711",
    "ConvolutionKernel": "Quisling",
    "KVP": "19230917",
    "SeriesDescription": "Quisling plain head",
    "InstitutionName": "Quisling Hospital",
}


@pytest.fixture
def inbox(write_scan, tmp_path) -> Path:
    """A good scan and everything that is refused, with a person's name in whatever holds text."""
    folder = tmp_path / "in" / "QUISLING^JANE_19230917"
    write_scan(folder / "good", head(80), HEIGHTS_MM, series="1", **PERSON)
    write_scan(folder / "chest", head(), HEIGHTS_MM, series="2", **PERSON, BodyPartExamined="CHEST")
    files = write_scan(folder / "cut", head(), HEIGHTS_MM, series="3", **PERSON)
    files[3].write_bytes(files[3].read_bytes()[:-50])
    files = write_scan(folder / "gap", head(), HEIGHTS_MM, series="4", **PERSON)
    files[7].unlink()
    files[5].rename(folder / "gap" / "QUISLING MRN4711.dcm")
    write_scan(folder / "mr", head()[:1], [0.0], series="5", **{**PERSON, "Modality": "QUISLING"})
    other = write_scan(folder / "slope", head()[:1], [0.0], series="6", **PERSON)[0]
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(other)
        dataset.PixelSpacing = [19230917, 19230917]
        dataset.save_as(other)
    (folder / "Quisling letter.txt").write_text("Dear Mrs Quisling")
    with zipfile.ZipFile(folder / "Quisling.zip", "w") as opened:
        opened.write(other, "/QUISLING/absolute.dcm")
    return folder


def leaves(*places: Path) -> list[tuple[str, bytes]]:
    """Return the names and contents of all files below some places."""
    found = []
    for place in places:
        for path in place.rglob("*"):
            found.append(
                (str(path.relative_to(place)), path.read_bytes() if path.is_file() else b"")
            )
    return found


def assert_nobody_is_named(found: list[tuple[str, bytes]]) -> None:
    for name, content in found:
        for secret in SECRETS:
            assert secret not in name.encode(), name
            assert secret not in content, f"{secret!r} in {name}"


def command(model_dir: Path, tmp_path: Path, *options: object) -> list[str]:
    words = [sys.executable, "-m", "ichnet", "predict", "--model", model_dir]
    return [str(word) for word in (*words, "--out", tmp_path / "out", *options)]


def environment(tmp_path: Path) -> dict[str, str]:
    scratch = tmp_path / "tmp"
    scratch.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(scratch), "HOME": str(tmp_path / "home")}


@pytest.mark.slow
def test_no_byte_that_a_run_leaves_names_anybody(model_dir, inbox, tmp_path):
    out, dicom, link = tmp_path / "out", tmp_path / "dicom", tmp_path / "link.csv"
    options = ["--dicom", dicom, "--link", link, "--nifti", tmp_path / "nifti", inbox]
    done = subprocess.run(
        command(model_dir, tmp_path, *options),
        capture_output=True,
        env=environment(tmp_path),
        check=False,
    )
    assert done.returncode == EXCLUDED, done.stderr
    found = leaves(out, tmp_path / "nifti", tmp_path / "tmp")
    assert len(found) > 5
    assert_nobody_is_named([*found, ("stdout", done.stdout), ("stderr", done.stderr)])
    # where it is asked for, it is there
    assert b"QUISLING MRN4711.dcm" in link.read_bytes()
    assert all(b"Quisling^Jane" in path.read_bytes() for path in dicom.iterdir())
    # all of it for the owner alone
    for path in [out, dicom, link, *out.iterdir(), *dicom.iterdir()]:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_end_of_the_program_leaves_a_scan_behind(model_dir, inbox, tmp_path, number):
    """Archives are unpacked into scratch folders; a SIGKILL's are swept at the next start."""
    archive = tmp_path / "in.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted((inbox / "good").iterdir()):
            opened.write(path, path.name)
    scratch = tmp_path / "tmp"
    process = subprocess.Popen(
        command(model_dir, tmp_path, archive), env=environment(tmp_path), stderr=subprocess.PIPE
    )
    for _ in range(2000):
        if any(path.is_file() for path in scratch.rglob("archive*/*")):
            break
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert b"Traceback" not in said
    assert_nobody_is_named([("stderr", said)])
    if number == signal.SIGKILL:
        assert list(scratch.rglob("archive*/*"))
        done = subprocess.run(command(model_dir, tmp_path, archive), env=environment(tmp_path))
        assert done.returncode == SUCCESS
    else:
        assert process.returncode == 128 + number
    assert not list(scratch.glob(f"{PREFIX}*"))
    assert_nobody_is_named(leaves(tmp_path / "out", scratch) if (tmp_path / "out").exists() else [])


@pytest.mark.parametrize("says", ["YES", "NO", ""])
def test_a_picture_of_pixels_that_show_text_is_not_made(model_dir, write_scan, tmp_path, says):
    write_scan(tmp_path / "in", head(80), HEIGHTS_MM, BurnedInAnnotation=says)
    out = tmp_path / "out"
    arguments = ["predict", "--model", model_dir, "--out", out, tmp_path / "in"]
    for _ in range(2):  # the second time it is kept
        assert main([str(word) for word in arguments]) == SUCCESS
    (result,) = (json.loads(path.read_text()) for path in out.glob("*.json"))
    shows = says == "YES"
    assert result["picture"] is not shows
    assert len(list(out.glob("*.png"))) == (not shows)
    assert any("no picture was made" in note for note in result["notes"]) == shows


def test_values_of_headers_come_from_lists():
    described = {
        "modality": "CT",
        "manufacturer": "GE MEDICAL SYSTEMS",
        "model": "LightSpeed VCT of Jane Doe",
        "kernel": "H30s",
        "kvp": "120.0",
        "contrast_agent": "Jane Doe",
        "slice_thickness_mm": "5",
        "repaired_slices": "3",
        "institution": "Doe Hospital",
    }
    assert allowed_values(described) == {
        "modality": "CT",
        "manufacturer": "GE",
        "model": "LightSpeed",
        "kernel": "H30s",
        "kvp": "120",
        "contrast_agent": "named",
        "slice_thickness_mm": "5",
        "repaired_slices": "3",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("manufacturer", "Doe Imaging"),
        ("model", "Doe"),
        ("kernel", "Doe"),
        ("kernel", "AB12345"),
        ("kvp", "19500101"),
        ("kvp", "nan"),
        ("kvp", "\u0661\u0662\u0660x"),
        ("slice_thickness_mm", "5 Doe"),
        ("modality", "DOE"),
    ],
)
def test_a_value_on_no_list_is_not_repeated(key, value):
    assert allowed_values({key: value}) == {key: "other"}


def test_scratch_in_use_is_not_swept_and_left_behind_is(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder() as in_use:
        assert in_use.stat().st_mode & 0o777 == 0o700
        (in_use / "1.dcm").write_bytes(b"Doe")
        left = tmp_path / f"{PREFIX}left"
        left.mkdir()
        (left / "2.dcm").write_bytes(b"Doe")
        (tmp_path / f"{PREFIX}left.lock").touch()
        (tmp_path / "another's").mkdir()
        sweep_scratch()
        assert (in_use / "1.dcm").exists()
        assert not left.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["another's"]


def test_what_a_killed_process_was_writing_is_swept(tmp_path):
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True
    )
    dead = int(gone.stdout)
    mine = tmp_path / f".a.{os.getpid()}.partial.png"
    for path in (mine, tmp_path / f".a.{dead}.partial.json", tmp_path / ".hidden.png"):
        path.touch()
    sweep_partials(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {mine.name, ".hidden.png"}


@pytest.mark.parametrize("name", ENDING)
def test_signals_that_end_the_program_let_it_clean_up(tmp_path, monkeypatch, name):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    number = getattr(signal, name)
    before = signal.getsignal(number)
    signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit) as ended, ended_by_signals(), scratch_folder():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)
    assert ended.value.code == 128 + number
    assert list(tmp_path.iterdir()) == []


def swallowed() -> None:
    """A library that makes an error of its own of whatever is raised in it."""
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_a_library_swallows_ends_the_program_later():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, ended_by_signals():
        swallowed()
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    end_if_asked()  # that was that program; this one goes on


def test_a_scan_is_not_refused_for_a_signal(model_dir, write_scan, tmp_path, monkeypatch):
    def infer(*_: object) -> None:
        swallowed()
        raise RuntimeError("error in a callback")

    write_scan(tmp_path / "in", head(80), HEIGHTS_MM)
    out = tmp_path / "out"
    arguments = ["predict", "--model", str(model_dir), "--out", str(out), str(tmp_path / "in")]
    with monkeypatch.context() as patch:
        patch.setattr("ichnet.deployment.predict.predict_scan", infer)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
    assert ended.value.code == 128 + signal.SIGTERM
    assert not list(out.glob("*.refused"))
    assert main(arguments) == SUCCESS


def test_what_nohup_started_goes_on_when_the_terminal_is_closed():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

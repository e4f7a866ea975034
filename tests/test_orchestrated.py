"""A scan handed over in folders, as mercure and hosts of MONAI Application Packages do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from known_networks import bright_pixels, calibration, config, members  # noqa: F401
from known_scans import HEIGHTS_MM, head, write_scan  # noqa: F401
from pydicom import dcmread

from ichnet.commands import CRASHED, FAILED, SUCCESS
from ichnet.deployment.export import export_model
from ichnet.deployment.metadata import model_fingerprint
from ichnet.orchestrated import main

pytest.importorskip("highdicom", reason="highdicom is not installed (extra: dicom-out)")

MERCURE = ("MERCURE_IN_DIR", "MERCURE_OUT_DIR")
MONAI = ("HOLOSCAN_INPUT_PATH", "HOLOSCAN_OUTPUT_PATH")
NOTIFICATION = "__mercure_notification"


@pytest.fixture(scope="module")
def model_dir(bright_pixels, config, calibration, tmp_path_factory) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("export") / "bright" / "1"
    export_model(bright_pixels, "bright", config, calibration, folder)
    return folder


@pytest.fixture
def handed_over(tmp_path) -> tuple[Path, Path]:
    """Input and output folder; mercure's own file lies beside the slices."""
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    target.mkdir()
    (source / "task.json").write_text("{}", encoding="utf-8")
    return source, target


def environment(names: tuple[str, str], folders: tuple[Path, Path], model: Path) -> dict[str, str]:
    pairs = zip(names, folders, strict=True)
    return {**{name: str(folder) for name, folder in pairs}, "ICHNET_MODEL": str(model)}


@pytest.mark.parametrize("names", [MERCURE, MONAI])
def test_a_bleeding_scan(handed_over, model_dir, write_scan, names):  # noqa: F811
    source, target = handed_over
    write_scan(source, head(80.0), HEIGHTS_MM)
    assert main(environment(names, handed_over, model_dir)) == SUCCESS
    said = json.loads((target / "result.json").read_text(encoding="utf-8"))
    (scan,) = said["scans"]
    assert (scan["decision"], scan["slices"]) == ("hemorrhage", 11)
    assert scan["model_sha256"] == model_fingerprint(model_dir)
    assert said["excluded"] == {"not-dicom": 1}  # mercure's own file
    assert said[NOTIFICATION]["requested"] is True
    assert said[NOTIFICATION]["text"].startswith("hemorrhage, probability 1.00")
    objects = sorted(path.name for path in target.iterdir())
    assert objects == [f"{scan['scan_id']}.{kind}.dcm" for kind in ("seg", "sr")] + ["result.json"]
    report = dcmread(target / objects[1])
    assert (report.Modality, report.PatientID) == ("SR", "HOSPITAL-1")
    text = (target / "result.json").read_text(encoding="utf-8")
    assert "HOSPITAL" not in text
    assert "Doe" not in text


def test_a_normal_scan_asks_nobody_to_look(handed_over, model_dir, write_scan):  # noqa: F811
    source, target = handed_over
    write_scan(source, head(), HEIGHTS_MM)
    assert main(environment(MERCURE, handed_over, model_dir)) == SUCCESS
    said = json.loads((target / "result.json").read_text(encoding="utf-8"))
    assert said[NOTIFICATION]["requested"] is False
    assert "no hemorrhage, probability 0.00" in said[NOTIFICATION]["text"]


def test_nothing_to_predict_is_a_failed_task(handed_over, model_dir):
    source, target = handed_over
    (source / "slice.dcm").write_bytes(b"no CT")
    assert main(environment(MERCURE, handed_over, model_dir)) == FAILED
    said = json.loads((target / "result.json").read_text(encoding="utf-8"))
    assert said["scans"] == []
    assert sum(said["excluded"].values()) == 2
    assert said[NOTIFICATION]["requested"] is True
    assert [path.name for path in target.iterdir()] == ["result.json"]


def test_another_model_than_the_pinned_one(handed_over, model_dir, capsys):
    pinned = {"ICHNET_MODEL_SHA256": "0" * 64}
    assert main({**environment(MERCURE, handed_over, model_dir), **pinned}) == FAILED
    assert "not " + "0" * 64 in capsys.readouterr().err
    assert not list(handed_over[1].iterdir())


def test_what_goes_wrong_tells_no_path(handed_over, model_dir, monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise OSError(f"no space on {handed_over[1]}")

    monkeypatch.setattr("ichnet.orchestrated.write_whole", fail)
    assert main(environment(MERCURE, handed_over, model_dir)) == CRASHED
    assert str(handed_over[1]) not in capsys.readouterr().err


def test_folders_that_are_not_named():
    command = [sys.executable, "-m", "ichnet.orchestrated"]
    run = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True)
    assert run.returncode == FAILED
    assert "set MERCURE_IN_DIR and MERCURE_OUT_DIR or HOLOSCAN_INPUT_PATH" in run.stderr

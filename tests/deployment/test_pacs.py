"""A real PACS: Orthanc with its DICOMweb plugin, started for the test on this machine alone."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from ichnet.cli import EXCLUDED, FAILED, SUCCESS, main

ORTHANC = shutil.which("Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
HEIGHTS_MM = np.array([0, 5, 10, 22, 27, 32, 37, 42, 47, 52, 57])
STUDY = "1.2.826.0.1.3680043"

pytestmark = pytest.mark.skipif(
    not ORTHANC or not PLUGIN.exists(), reason="Orthanc with DICOMweb is not installed"
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(url: str, data: bytes | None = None):
    with urllib.request.urlopen(url, data, timeout=20) as answer:
        return json.loads(answer.read())


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """The URL of an empty Orthanc."""
    folder, port = tmp_path_factory.mktemp("orthanc"), free_port()
    settings = {
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([ORTHANC, folder / "orthanc.json"], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                ask(f"{url}/system")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text())
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def head_in_pacs(orthanc, write_scan, tmp_path) -> list[str]:
    """SOP Instance UIDs of a tilted head with a bleeding, stored in the PACS."""
    hu = np.full((len(HEIGHTS_MM), 64, 64), -1000)
    hu[:, 8:56, 8:56] = 30
    hu[2, 24:40, 16:32] = 80
    for path in write_scan(tmp_path / "sent", hu, HEIGHTS_MM, series="5"):
        ask(f"{orthanc}/instances", path.read_bytes())
    return [f"1.2.826.0.1.3680043.5.{index}" for index in range(len(HEIGHTS_MM))]


def pacs(orthanc: str, model_dir: Path, out: Path, study: str) -> int:
    url = f"{orthanc}/dicom-web"
    return main(["pacs", "--url", url, "--model", str(model_dir), "--out", str(out), study])


def test_there_and_back_again(orthanc, head_in_pacs, model_dir, tmp_path, capsys):
    assert pacs(orthanc, model_dir, tmp_path / "out", STUDY) == SUCCESS
    assert f"{STUDY}: 2 objects stored" in capsys.readouterr().out
    (study,) = ask(f"{orthanc}/studies")
    arrived = {}
    for series in ask(f"{orthanc}/studies/{study}/series"):
        arrived[series["MainDicomTags"]["Modality"]] = series["Instances"]
    assert set(arrived) == {"CT", "SEG", "SR"}
    assert len(arrived["CT"]) == len(HEIGHTS_MM)
    (seg,), (sr,) = arrived["SEG"], arrived["SR"]
    frames = ask(f"{orthanc}/instances/{seg}/simplified-tags")["PerFrameFunctionalGroupsSequence"]
    heights_mm = {
        frame["DerivationImageSequence"][0]["SourceImageSequence"][0][
            "ReferencedSOPInstanceUID"
        ]: float(frame["PlanePositionSequence"][0]["ImagePositionPatient"].split("\\")[2])
        for frame in frames
    }
    assert heights_mm == dict(zip(head_in_pacs, HEIGHTS_MM.tolist(), strict=True))
    report = json.dumps(ask(f"{orthanc}/instances/{sr}/simplified-tags"))
    assert ask(f"{orthanc}/instances/{seg}/simplified-tags")["SOPInstanceUID"] in report
    for path in (tmp_path / "out").iterdir():
        assert b"HOSPITAL" not in path.read_bytes()

    # once more: the same objects, nothing twice
    assert pacs(orthanc, model_dir, tmp_path / "out", STUDY) == SUCCESS
    assert len(ask(f"{orthanc}/instances")) == len(HEIGHTS_MM) + 2


def test_a_study_without_a_head_gets_nothing(orthanc, write_scan, model_dir, tmp_path):
    hu = np.zeros((1, 64, 64))
    (path,) = write_scan(tmp_path / "one", hu, [0], series="4", StudyInstanceUID="1.2.3.4")
    ask(f"{orthanc}/instances", path.read_bytes())
    assert pacs(orthanc, model_dir, tmp_path / "out", "1.2.3.4") == EXCLUDED
    assert "single-slice" in (tmp_path / "out" / "excluded.csv").read_text()


def test_a_study_that_is_not_there(orthanc, model_dir, tmp_path, capsys):
    assert pacs(orthanc, model_dir, tmp_path / "out", "1.9.9") == FAILED
    assert "no CT of study 1.9.9" in capsys.readouterr().err


def test_a_pacs_that_is_not_there(model_dir, tmp_path, capsys):
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert pacs(nowhere, model_dir, tmp_path / "out", STUDY) == FAILED
    assert "ichnet: error:" in capsys.readouterr().err

"""Real parts on this machine: dcmtk's storescu sends, the service is killed, Orthanc receives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import bright_answers
import pytest
from dicom_peers import until
from known_scans import HEIGHTS_MM, head
from pydicom import dcmread
from real_orthanc import IS_INSTALLED, WHY_NOT, Orthanc, ask, free_port, running_orthanc

STORESCU = shutil.which("storescu", path=os.defpath)  # pynetdicom brings one of that name
GOOD, TWICE, IN_TWO = 47, (0, 1, 2), (3, 4, 5)
QUIET_S = 3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not IS_INSTALLED, reason=WHY_NOT),
    pytest.mark.skipif(not STORESCU, reason="dcmtk (storescu) is not installed"),
]


@pytest.fixture
def orthanc(tmp_path) -> Iterator[Orthanc]:
    folder = tmp_path / "orthanc"
    folder.mkdir()
    with running_orthanc(folder) as found:
        yield found


class Server:
    """The service in a process of its own, which can be killed."""

    def __init__(self, state: Path, orthanc: Orthanc, log: Path) -> None:
        self.port, self.http_port = free_port(), free_port()
        self._state, self._log = state, log
        self._options = ["--state", state, "--port", self.port, "--http-port", self.http_port]
        self._options += ["--quiet-seconds", QUIET_S, "--retry-seconds", 0.2]
        self._options += ["--send", f"ORTHANC@127.0.0.1:{orthanc.dicom_port}"]
        self._options += ["--stow", f"{orthanc.url}/dicom-web"]

    def start(self) -> None:
        command = [sys.executable, bright_answers.__file__, "serve", *map(str, self._options)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._is_ready)

    def kill(self) -> None:
        self._process.kill()
        assert self._process.wait(60) == -signal.SIGKILL

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(60) == 0, self._log.read_text()

    def status(self) -> dict:
        command = [sys.executable, "-m", "ichnet", "status", "--state", self._state, "--json"]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    def audit_lines(self) -> list[str]:
        return (self._state / "audit.jsonl").read_text().splitlines()

    def partial_files(self) -> list[Path]:
        return list((self._state / "partial").iterdir())

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            url = f"http://127.0.0.1:{self.http_port}/ready"
            with urllib.request.urlopen(url, timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False


@pytest.fixture
def server(orthanc, tmp_path, monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("ICHNET_PSEUDONYM_KEY_FILE", str(tmp_path / "pseudonym.key"))
    one = Server(tmp_path / "state", orthanc, tmp_path / "log")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def studies(write_scan, tmp_path) -> list[list[Path]]:
    """Good ones, then one with a short slice, one without a position, and one with a gap."""
    found = []
    for number in range(GOOD + 3):
        hu = head(80.0 if number % 3 == 0 else 30.0)
        hu[0, 20, 20] = number  # no two have the same bytes
        study = {"StudyInstanceUID": f"1.2.826.0.1.3680043.9.{number}"}
        folder = tmp_path / "studies" / str(number)
        found.append(write_scan(folder, hu, HEIGHTS_MM, series=f"9{number}", **study))
    for number, keyword in ((GOOD, "PixelData"), (GOOD + 1, "ImagePositionPatient")):
        damaged = dcmread(found[number][6])
        if keyword == "PixelData":
            damaged.PixelData = damaged.PixelData[:1000]
        else:
            del damaged[keyword]
        damaged.save_as(found[number][6])
    found[GOOD + 2].pop(6).unlink()
    return found


def storescu(port: int, files: list[Path]) -> subprocess.Popen[bytes]:
    command = [STORESCU, "-R", "-aec", "ICHNET", "127.0.0.1", str(port), *map(str, files)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, **quiet)


def send(port: int, files: list[Path]) -> None:
    """Send, again and again where it fails, as a PACS does."""
    until(lambda: storescu(port, files).wait(120) == 0)


def slices_of(instance: str, orthanc: Orthanc) -> list[str]:
    """SOP Instance UIDs that the frames of a segmentation refer to."""
    tags = ask(f"{orthanc.url}/instances/{instance}/simplified-tags")
    return [
        frame["DerivationImageSequence"][0]["SourceImageSequence"][0]["ReferencedSOPInstanceUID"]
        for frame in tags["PerFrameFunctionalGroupsSequence"]
    ]


def test_killed_in_between_each_study_has_its_one_result_or_a_reason(server, studies, orthanc):
    for number, files in enumerate(studies):
        if number in IN_TWO:
            send(server.port, files[:5])
            files = files[5:]
        if number in (4, 9, 30):  # killed while slices arrive, and others are at work
            sending = storescu(server.port, files)
            time.sleep(0.2)
            server.kill()
            sending.wait(120)
            server.start()
        send(server.port, files)
        if number in TWICE:
            send(server.port, files)
    until(lambda: not server.status()["queue"], 600)
    server.kill()  # while results are being sent
    server.start()
    until(lambda: server.status()["counts"]["done"] == GOOD, 600)
    counts = server.status()["counts"]
    reasons = Counter(row["reason"] for row in server.status()["scans"])
    assert (counts["refused"], counts["set-aside"], counts["receiving"]) == (3, 0, 0)
    assert reasons == {"": GOOD, "incomplete-series": 3}

    held = {}
    for study in ask(f"{orthanc.url}/studies?expand"):
        kinds: dict[str, list[str]] = {}
        for series in ask(f"{orthanc.url}/studies/{study['ID']}/series"):
            kinds.setdefault(series["MainDicomTags"]["Modality"], []).extend(series["Instances"])
        held[study["MainDicomTags"]["StudyInstanceUID"]] = kinds
    assert held.keys() == {f"1.2.826.0.1.3680043.9.{number}" for number in range(GOOD)}
    for number in range(GOOD):
        kinds = held[f"1.2.826.0.1.3680043.9.{number}"]
        assert {kind: len(instances) for kind, instances in kinds.items()} == {"SEG": 1, "SR": 1}
        sent = [str(dcmread(path).SOPInstanceUID) for path in studies[number]]
        assert sorted(slices_of(kinds["SEG"][0], orthanc)) == sorted(sent)
        report = json.dumps(ask(f"{orthanc.url}/instances/{kinds['SR'][0]}/simplified-tags"))
        assert ('"Present"' in report) == (number % 3 == 0)
    audited = [json.loads(line) for line in server.audit_lines()]
    assert [entry["number"] for entry in audited] == sorted({one["number"] for one in audited})
    assert Counter(one["event"] for one in audited)["sent"] >= 2 * GOOD
    assert server.partial_files() == []

"""Orthanc with its DICOMweb plugin, started for tests on this machine alone."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ORTHANC = shutil.which("Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
IS_INSTALLED = bool(ORTHANC) and PLUGIN.exists()
WHY_NOT = "Orthanc with DICOMweb is not installed"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(url: str, data: bytes | None = None) -> Any:
    with urllib.request.urlopen(url, data, timeout=60) as answer:
        return json.loads(answer.read())


@dataclass(frozen=True)
class Orthanc:
    """Where it listens: REST and DICOMweb at ``url``, C-STORE at ``dicom_port`` as ORTHANC."""

    url: str
    dicom_port: int


@contextmanager
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Yield an empty Orthanc that keeps its files in a folder."""
    port, dicom_port = free_port(), free_port()
    settings = {
        "HttpPort": port,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "DicomServerEnabled": True,
        "DicomAlwaysAllowStore": True,
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
        end = time.monotonic() + 60
        while True:
            try:
                ask(f"{url}/system")
                break
            except (urllib.error.URLError, ConnectionError):
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.1)
        yield Orthanc(url, dicom_port)
    finally:
        server.terminate()
        server.wait(timeout=60)

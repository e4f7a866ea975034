"""Results go to dcmtk's storescp, and to nobody who refuses them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from known_scans import HEIGHTS_MM, head
from pydicom import dcmread
from real_orthanc import free_port

from ichnet.serving.destinations import DicomDestination, NotSentError, dicom_destination

STORESCP = shutil.which("storescp", path=os.defpath)  # pynetdicom brings one of that name


def test_where_a_name_leads():
    found = dicom_destination("PACS@pacs.example:104", "ICHNET")
    assert found == DicomDestination("PACS", "pacs.example", 104, "ICHNET")
    assert found.name == "PACS@pacs.example:104"


@pytest.mark.parametrize(
    "text",
    ["", "PACS", "PACS@host", "@host:104", "PACS@host:0", "PACS@host:99999", "A" * 17 + "@h:1"],
)
def test_what_names_no_node(text):
    with pytest.raises(ValueError, match="not AE@host:port"):
        dicom_destination(text, "ICHNET")


@pytest.fixture
def one_slice(write_scan, tmp_path) -> Path:
    return write_scan(tmp_path / "scan", head()[:1], HEIGHTS_MM[:1])[0]


@pytest.mark.filterwarnings("ignore")
def test_nobody_listens(one_slice):
    with pytest.raises(NotSentError, match="does not answer"):
        DicomDestination("PACS", "127.0.0.1", free_port(), "ICHNET").send([one_slice])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not STORESCP, reason="dcmtk (storescp) is not installed")
@pytest.mark.parametrize(("option", "problem"), [(None, ""), ("--refuse", "refuses")])
def test_objects_arrive_or_it_is_said_that_they_did_not(one_slice, tmp_path, option, problem):
    port, folder = free_port(), tmp_path / "held"
    folder.mkdir()
    command = [STORESCP, "-od", str(folder), *([option] if option else []), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    to = DicomDestination("PACS", "127.0.0.1", port, "ICHNET")
    try:
        said = "does not answer"
        for _ in range(100):  # until it listens
            try:
                to.send([one_slice])
                said = ""
            except NotSentError as error:
                said = str(error)
            if said != "does not answer":
                break
            time.sleep(0.1)
    finally:
        server.terminate()
        server.wait(20)
    assert problem in said
    assert (said == "") == (problem == "")
    held = [str(dcmread(path).SOPInstanceUID) for path in folder.iterdir()]
    assert held == ([] if problem else [str(dcmread(one_slice).SOPInstanceUID)])

"""A service in this process: received, predicted, sent on, told of."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pydicom
import pytest
from dicom_peers import Shelf, send, until
from known_scans import HEIGHTS_MM, head
from pydicom.uid import CTImageStorage
from pynetdicom import AE

from ichnet.cli import SUCCESS, main
from ichnet.serving.node import NodeSettings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

WHOLE = {"NumberOfSeriesRelatedInstances": len(HEIGHTS_MM)}


def ask(service, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.http_port}{path}", headers={"Host": host}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def states(service) -> list[str]:
    rows = service.state.rows("SELECT state FROM series")
    return sorted(row["state"] for row in rows)


def audit_of(service) -> list[dict]:
    return [json.loads(line) for line in service.state.audit.read_text().splitlines()]


def test_from_slices_to_results_that_are_sent_and_told_of(running, write_scan, tmp_path, capsys):
    files = write_scan(tmp_path / "one", head(80.0), HEIGHTS_MM, series="1", **WHOLE)
    normal = write_scan(tmp_path / "two", head(), HEIGHTS_MM, series="2", **WHOLE)
    scout = write_scan(
        tmp_path / "three", head()[:1], [0], series="3", NumberOfSeriesRelatedInstances=1
    )
    nameless = write_scan(tmp_path / "four", head()[:1], [0], series="4", SeriesInstanceUID="")
    shelf = Shelf(fails=1)
    with running(shelf, capture=True) as service:
        # half of the slices, all of them in another association: one scan
        assert send(service.port, files[:5]) == [0] * 5
        assert send(service.port, files) == [0] * 11
        assert send(service.port, normal) == [0] * 11
        assert send(service.port, scout) == [0]
        assert send(service.port, nameless) == [0xC000]
        until(lambda: states(service) == ["done", "done", "refused"])
        health, ready = ask(service, "/health"), ask(service, "/ready")
        _, metrics = ask(service, "/metrics")
        elsewhere, _ = ask(service, "/metrics", host="evil.example")
        assert main(["status", "--state", str(tmp_path / "state")]) == SUCCESS
        entries = audit_of(service)
        # a slice more: another result takes the first one's place
        hu = head(80.0)[[0]]
        one_more = {"SOPInstanceUID": "1.2.3.99", "NumberOfSeriesRelatedInstances": 12}
        more = write_scan(tmp_path / "more", hu, [-5], series="1", **one_more)
        assert send(service.port, more) == [0]
        until(lambda: len(shelf.sent) == 3 and states(service) == ["done", "done", "refused"])
        counts = {row["slices"] for row in service.state.rows("SELECT slices FROM series")}
    assert shelf.sent == [["SEG", "SR", "OT"]] * 3
    assert counts == {11, 12, None}
    assert (health[0], ready[0], elsewhere) == (200, 200, 400)
    assert 'ichnet_instances_total{outcome="new"} 23.0' in metrics
    assert 'ichnet_instances_total{outcome="repeated"} 5.0' in metrics
    assert 'ichnet_instances_total{outcome="bad-header"} 1.0' in metrics
    assert 'ichnet_refusals_total{reason="single-slice"} 1.0' in metrics
    assert 'ichnet_series{state="done"} 2.0' in metrics
    assert "ichnet_positive_share 0.5" in metrics
    assert 'ichnet_deliveries_total{destination="SHELF",outcome="failed"} 1.0' in metrics
    said = capsys.readouterr()
    assert "hemorrhage in 50 % of the last 2 scans" in said.out
    lines = [json.loads(line) for line in said.err.splitlines() if line.startswith("{")]
    assert sorted((line["state"], line.get("decision", "")) for line in lines) == [
        ("done", "hemorrhage"),
        ("done", "hemorrhage"),
        ("done", "no hemorrhage"),
        ("refused", ""),
    ]
    assert sorted(entry["event"] for entry in entries) == [
        *("refused", "result", "result", "sent", "sent")
    ]
    results = [entry for entry in entries if entry["event"] == "result"]
    assert all(len(entry["input_sha256"]) == len(entry["model_sha256"]) == 64 for entry in results)
    nobody_is_named(tmp_path, said.err + said.out + metrics)


def nobody_is_named(folder, said: str) -> None:
    """What is not meant to identify does not."""
    state = folder / "state"
    files = [state / "audit.jsonl", state / "state.sqlite", *(state / "results").iterdir()]
    names = [str(path.relative_to(state)) for path in state.rglob("*")]
    for text in [said.encode(), " ".join(names).encode(), *(path.read_bytes() for path in files)]:
        for word in (b"HOSPITAL", b"Jane", b"1.2.826", b"20230917"):
            assert word not in text


def test_the_capture_is_marked_and_belongs_to_the_study(running, write_scan, tmp_path):
    files = write_scan(tmp_path / "one", head(80.0), HEIGHTS_MM, series="1", **WHOLE)
    with running(Shelf(), capture=True) as service:
        send(service.port, files)
        until(lambda: states(service) == ["done"])
        (path,) = service.state.dicom.glob("*.sc.dcm")
        capture = pydicom.dcmread(path)
    source = pydicom.dcmread(files[0])
    assert capture.StudyInstanceUID == source.StudyInstanceUID
    assert capture.PatientID == source.PatientID
    assert capture.SeriesInstanceUID != source.SeriesInstanceUID
    assert "RESEARCH ONLY" in capture.SeriesDescription
    assert "research use only" in capture.ImageComments
    assert capture.pixel_array.shape[2] == 3


def test_a_node_takes_ct_of_those_who_may_send_alone(running, write_scan, tmp_path):
    files = write_scan(tmp_path / "one", head(), HEIGHTS_MM, series="1", **WHOLE)
    with running(node=NodeSettings(port=0, callers=["SCANNER"])) as service:
        for title, kind, is_taken in (
            ("SCANNER", CTImageStorage, True),
            ("SCANNER", "1.2.840.10008.1.1", True),  # verification
            ("SCANNER", "1.2.840.10008.5.1.4.1.1.4", False),  # MR
            ("STRANGER", CTImageStorage, False),
        ):
            entity = AE(title)
            entity.add_requested_context(kind)
            association = entity.associate("127.0.0.1", service.port)
            assert association.is_established == is_taken
            if kind == "1.2.840.10008.1.1":
                assert association.send_c_echo().Status == 0
            association.release()
        assert send(service.port, files[:1]) == [0]


def test_files_go_after_their_time_and_come_again(running, write_scan, tmp_path):
    files = write_scan(tmp_path / "one", head(80.0), HEIGHTS_MM, series="1", **WHOLE)
    shelf = Shelf()
    with running(shelf, capture=True) as service:
        send(service.port, files)
        until(lambda: states(service) == ["done"])
        assert list(service.state.dicom.glob("*.sc.dcm"))
    with running(shelf, keep_s=-1.0) as service:  # done with before it began, captures off
        until(lambda: not list(service.state.incoming.iterdir()))
        assert list(service.state.dicom.iterdir()) == []
        assert len(list(service.state.results.glob("*.json"))) == 1
    with running(shelf) as service:
        assert send(service.port, files) == [0] * 11
        until(lambda: len(shelf.sent) == 2)
        until(lambda: states(service) == ["done"])

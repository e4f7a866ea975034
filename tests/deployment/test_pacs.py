"""A real PACS: Orthanc with its DICOMweb plugin, started for the test on this machine alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from known_scans import HEIGHTS_MM, head
from real_orthanc import IS_INSTALLED, WHY_NOT, ask, free_port, running_orthanc

from ichnet.cli import EXCLUDED, FAILED, SUCCESS, main

STUDY = "1.2.826.0.1.3680043"

pytestmark = pytest.mark.skipif(not IS_INSTALLED, reason=WHY_NOT)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """The URL of an empty Orthanc."""
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as found:
        yield found.url


@pytest.fixture
def head_in_pacs(orthanc, write_scan, tmp_path) -> list[str]:
    """SOP Instance UIDs of a tilted head with a bleeding, stored in the PACS."""
    for path in write_scan(tmp_path / "sent", head(80), HEIGHTS_MM, series="5"):
        ask(f"{orthanc}/instances", path.read_bytes())
    return [f"1.2.826.0.1.3680043.5.{index}" for index in range(len(HEIGHTS_MM))]


def pacs(orthanc: str, model_dir: Path, out: Path, *studies: str) -> int:
    url = f"{orthanc}/dicom-web"
    options = ["--model", str(model_dir), "--out", str(out), "--settle", "0.1"]
    return main(["pacs", "--url", url, *options, *studies])


@pytest.mark.slow
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
    assert pacs(orthanc, model_dir, tmp_path / "out", "1.9.9") == EXCLUDED
    assert "1.9.9: 0 objects stored; the PACS holds no CT of the study" in capsys.readouterr().err
    table = (tmp_path / "out" / "excluded.csv").read_text()
    assert "not-in-pacs" in table
    assert "1.9.9" not in table


def test_studies_after_a_missing_one_are_tried(orthanc, head_in_pacs, model_dir, tmp_path, capsys):
    assert pacs(orthanc, model_dir, tmp_path / "out", "1.9.9", STUDY) == EXCLUDED
    assert f"{STUDY}: 2 objects stored" in capsys.readouterr().out


@pytest.mark.slow
def test_more_slices_later_are_another_result_that_refers_to_the_first(
    orthanc, write_scan, model_dir, tmp_path
):
    """Orthanc keeps what it has under a UID: the second result must not bear the first one's."""
    study, heights_mm = "1.2.3.5", np.arange(24) * 5.0
    hu = np.repeat(head()[:1], 24, axis=0)
    hu[[11, 23]] = head()[-1]  # each half has a vertex
    hu[18, 24:40, 16:32] = 80
    files = write_scan(tmp_path / "sent", hu, heights_mm, series="6", StudyInstanceUID=study)
    reports = []
    for part in (files[:12], files[12:]):
        for path in part:
            ask(f"{orthanc}/instances", path.read_bytes())
        assert pacs(orthanc, model_dir, tmp_path / "out", study) == SUCCESS
        found = [ask(f"{orthanc}/instances/{one}/simplified-tags") for one in held(orthanc, study)]
        reports.append({one["SOPInstanceUID"]: one for one in found if one["Modality"] == "SR"})
    (first,), (second,) = reports[0], reports[1].keys() - reports[0].keys()
    assert json.dumps(reports[1][second]["PredecessorDocumentsSequence"]).count(first) == 1
    assert '"Absent"' in json.dumps(reports[0][first])
    assert '"Present"' in json.dumps(reports[1][second])


def held(orthanc: str, study: str) -> list[str]:
    query = {"Level": "Instance", "Query": {"StudyInstanceUID": study}}
    return ask(f"{orthanc}/tools/find", json.dumps(query).encode())


def test_a_pacs_that_is_not_there(model_dir, tmp_path, capsys):
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert pacs(nowhere, model_dir, tmp_path / "out", STUDY) == FAILED
    assert "ichnet: error:" in capsys.readouterr().err

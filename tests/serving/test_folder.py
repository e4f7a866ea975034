"""A watched folder: what arrives in it joins the queue, once, whatever restarts."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from dicom_peers import until
from known_scans import HEIGHTS_MM, head

from ichnet.cli import main
from ichnet.commands import FAILED
from ichnet.serving.folder import WatchedFolder
from ichnet.serving.inbox import Inbox

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

WHOLE = {"NumberOfSeriesRelatedInstances": len(HEIGHTS_MM)}


def results(service) -> int:
    return service.state.audit.read_text().count('"result"')


def states(service) -> list[str]:
    return sorted(row["state"] for row in service.state.rows("SELECT state FROM series"))


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "arrivals"
    made.mkdir()
    return made


def test_folders_and_archives_are_predicted_once_also_after_a_restart(
    running, write_scan, tmp_path, folder
):
    write_scan(folder / "one", head(80.0), HEIGHTS_MM, series="1", **WHOLE)
    packed = write_scan(tmp_path / "two", head(), HEIGHTS_MM, series="2", **WHOLE)
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        for path in packed:
            archive.write(path, path.name)
    (folder / "notes.txt").write_text("no DICOM")
    with running(watch=folder, settle_s=0.1) as service:
        until(lambda: states(service) == ["done", "done"])
        found = service.state.rows("SELECT decision, slices FROM series ORDER BY decision")
        turned_away = service.metrics.instances.labels("bad-header")._value.get()
    assert [tuple(row) for row in found] == [("hemorrhage", 11), ("no hemorrhage", 11)]
    assert turned_away == 1
    assert len(list(folder.rglob("*.dcm"))) == 11  # nothing was taken away

    with running(watch=folder, settle_s=0.1) as service:
        write_scan(folder / "three", head(), HEIGHTS_MM, series="3", **WHOLE)
        until(lambda: states(service) == ["done"] * 3)
        assert results(service) == 3  # of the first two none anew
        # a slice more: its series is predicted again
        one_more = {"SOPInstanceUID": "1.2.3.99", "NumberOfSeriesRelatedInstances": 12}
        write_scan(folder / "three" / "more", head()[[0]], [-5], series="3", **one_more)
        until(lambda: results(service) == 4)


def test_a_file_that_is_no_ct_is_counted_and_one_that_cannot_be_read_tried_again(
    state, write_scan, tmp_path, folder
):
    kept, turned_away = [], []
    one = write_scan(folder / "a", head()[:1], [0], series="1")[0]
    report = "1.2.840.10008.5.1.4.1.1.88.11"
    write_scan(folder / "b", head()[:1], [0], series="2", SOPClassUID=report)
    (folder / "c").mkdir()
    (folder / "c" / "gone.dcm").symlink_to(tmp_path / "nowhere")
    inbox = Inbox(state.incoming, state.partial, b"k" * 32)
    watched = WatchedFolder(folder, 0, state, inbox, b"k" * 32, kept.append, turned_away.append)
    watched._take([folder / "a", folder / "b"])
    watched._take([folder / "a"])  # as it was: not read again
    assert [(one.is_new, one.expected) for one in kept] == [(True, None)]
    assert turned_away == ["not-ct"]
    with pytest.raises(FileNotFoundError):
        watched._take([folder / "c"])
    (tmp_path / "nowhere").write_bytes(one.read_bytes())
    watched._take([folder / "c"])
    assert [one.is_new for one in kept] == [True, False]


def test_a_folder_that_is_not_there_is_said_before_anything_is_served(
    bright_model, tmp_path, capsys
):
    asked = ["serve", "--state", str(tmp_path / "state"), "--watch", str(tmp_path / "none")]
    assert main(asked) == FAILED
    assert "there is no such folder to watch" in capsys.readouterr().err

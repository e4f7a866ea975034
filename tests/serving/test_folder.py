"""A watched folder: what arrives in it joins the queue, once, whole or not at all."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pydicom
import pytest
from dicom_peers import until
from known_scans import HEIGHTS_MM, head

from ichnet.cli import main
from ichnet.commands import FAILED
from ichnet.serving.folder import WatchedFolder
from ichnet.serving.inbox import Inbox

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def results(service) -> int:
    return service.state.audit.read_text().count('"result"')


def states(service) -> list[str]:
    return sorted(row["state"] for row in service.state.rows("SELECT state FROM series"))


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "arrivals"
    made.mkdir()
    return made


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
def watched(state, queue, folder, counted, monkeypatch) -> WatchedFolder:
    """A folder that is read when the test says so, without pauses."""
    monkeypatch.setattr("ichnet.serving.folder.PAUSE_S", 0)
    inbox = Inbox(state.incoming, state.partial, b"k" * 32)
    told = {"counted": counted.append, "refused": lambda name, reason: counted.append("refused")}
    return WatchedFolder(folder, 0, state, inbox, queue, b"k" * 32, **told)


def series_of(state) -> list[tuple]:
    return [tuple(row) for row in state.rows("SELECT state, files, reason FROM series")]


def test_folders_and_archives_are_predicted_once_also_after_a_restart(
    running, write_scan, tmp_path, folder
):
    write_scan(folder / "one", head(80.0), HEIGHTS_MM, series="1")
    packed = write_scan(tmp_path / "two", head(), HEIGHTS_MM, series="2")
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        for path in packed:
            archive.write(path, path.name)
    (folder / "notes.txt").write_text("no DICOM")
    with running(watch=folder, settle_s=0.1) as service:
        until(lambda: states(service) == ["done", "done"])
        found = service.state.rows("SELECT decision, slices FROM series ORDER BY decision")
    assert [tuple(row) for row in found] == [("hemorrhage", 11), ("no hemorrhage", 11)]
    assert len(list(folder.rglob("*.dcm"))) == 11  # nothing was taken away

    with running(watch=folder, settle_s=0.1) as service:
        write_scan(folder / "three", head(), HEIGHTS_MM, series="3")
        until(lambda: states(service) == ["done"] * 3)
        assert results(service) == 3  # of the first two none anew
        # a slice more: its series is predicted again
        more = {"SOPInstanceUID": "1.2.3.99"}
        write_scan(folder / "three" / "more", head()[[0]], [-5], series="3", **more)
        until(lambda: results(service) == 4)


@pytest.mark.parametrize("damage", ["empty", "cut", "gone"])
def test_a_series_with_a_damaged_slice_is_refused_until_it_is_whole(
    watched, write_scan, folder, state, counted, damage
):
    files = write_scan(folder / "one", head(80.0), HEIGHTS_MM, series="1")
    whole = files[5].read_bytes()
    files[5].unlink()
    if damage != "gone":
        files[5].write_bytes(b"" if damage == "empty" else whole[:400])
    watched._take([folder / "one"])
    watched._take([folder / "one"])
    assert series_of(state) == [("refused", 0, "incomplete-series")]
    assert counted.count("refused") == 1
    assert not list(state.incoming.iterdir())

    files[5].write_bytes(whole)
    watched._take([folder / "one"])
    assert series_of(state)[0][:2] == ("receiving", 11)


def test_a_series_is_in_the_queue_whole_and_once_though_its_files_were_removed(
    watched, write_scan, folder, state, counted, queue
):
    write_scan(folder / "day" / "one", head(), HEIGHTS_MM, series="1")
    watched._take([folder / "day"])
    claim = queue.claim(quiet_s=3600)  # all are there: no need to wait
    assert claim is not None
    assert claim.generation == 1
    shutil.rmtree(state.incoming / claim.name)  # as after a day
    write_scan(folder / "day" / "two", head(), HEIGHTS_MM, series="2")
    watched._take([folder / "day"])
    assert len(series_of(state)) == 2
    assert [one.name for one in state.incoming.iterdir()] != [claim.name]
    assert counted == ["new"] * 22


def test_a_slice_that_is_there_twice_refuses_nothing(watched, write_scan, folder, state, counted):
    files = write_scan(folder / "one", head(), HEIGHTS_MM, series="1")
    shutil.copy(files[3], folder / "one" / "copy.dcm")
    watched._take([folder / "one"])
    assert series_of(state) == [("receiving", 11, "")]
    assert sorted(counted) == ["duplicate-file"] + ["new"] * 11


def test_an_entry_that_changes_while_it_is_read_is_read_again(
    watched, write_scan, folder, state, monkeypatch
):
    import ichnet.serving.folder as module

    files = write_scan(folder / "one", head(), HEIGHTS_MM, series="1")
    read = module.discover

    def discover_and_change(*arguments):
        found = read(*arguments)
        files[0].touch()
        return found

    monkeypatch.setattr(module, "discover", discover_and_change)
    with pytest.raises(OSError, match="changes while it is read"):
        watched._take([folder / "one"])
    monkeypatch.setattr(module, "discover", read)
    assert not series_of(state)
    watched._take([folder / "one"])
    assert series_of(state) == [("receiving", 11, "")]


def test_an_entry_that_is_gone_is_not_remembered(watched, folder, state):
    with pytest.raises(FileNotFoundError):
        watched._take([folder / "none"])
    assert not state.rows("SELECT name FROM arrival")


def test_a_series_that_is_there_or_has_a_result_is_not_turned_down(queue, state):
    queue.received("a", is_new=True)
    assert not queue.turned_down("a", "scan", "incomplete-series", "")
    with state.transaction() as db:  # its files were removed after a day
        db.execute("UPDATE series SET state = 'done', files = 0")
    assert not queue.turned_down("a", "scan", "incomplete-series", "")
    assert queue.turned_down("b", "scan", "incomplete-series", "")
    assert not queue.turned_down("b", "scan", "incomplete-series", "")
    assert queue.turned_down("b", "scan", "single-slice", "")
    found = state.rows("SELECT name, state, reason FROM series ORDER BY name")
    assert [tuple(row) for row in found] == [("a", "done", ""), ("b", "refused", "single-slice")]


def test_a_file_whose_meta_information_leads_out_of_it_is_compared_whole(
    write_scan, tmp_path, state
):
    inbox = Inbox(state.incoming, state.partial, b"k" * 32)
    path = write_scan(tmp_path / "one", head()[:1], [0], series="1")[0]
    long = b"\0" * 128 + b"DICM\x02\x00\x01\x00OB\0\0\xff\xff\xff\xff"
    for end in (b"1", b"2"):
        inbox.stage(tmp_path / "one", "1.2", long + end)
    assert len(list((tmp_path / "one").iterdir())) == 2 + len([path])


def test_a_copy_with_another_preamble_is_the_same_file(write_scan, tmp_path, state):
    inbox = Inbox(state.incoming, state.partial, b"k" * 32)
    path = write_scan(tmp_path / "one", head()[:1], [0], series="1")[0]
    assert inbox.keep(path.read_bytes()).is_new
    again = pydicom.dcmread(path)
    again.file_meta.ImplementationVersionName = "ANOTHER"
    again.preamble = b"x" * 128
    again.save_as(path)
    assert not inbox.keep(path.read_bytes()).is_new


def test_what_cannot_be_watched_is_said_before_anything_is_served(bright_model, tmp_path, capsys):
    state = tmp_path / "state"
    asked = ["serve", "--state", str(state), "--watch"]
    assert main([*asked, str(tmp_path / "none")]) == FAILED
    assert "there is no such folder to watch" in capsys.readouterr().err
    assert main([*asked, str(tmp_path)]) == FAILED
    assert "neither may lie within the other" in capsys.readouterr().err

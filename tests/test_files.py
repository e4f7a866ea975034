"""Files appear whole or not at all, and private where they must."""

from __future__ import annotations

import pytest

from ichnet.files import file_digest, private_files, whole_path, write_whole


def test_a_file_is_there_only_when_it_is_written(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with write_whole(path) as file:
        file.write("a,b\n")
        assert not path.exists()
    assert path.read_text() == "a,b\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_writing_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail() -> None:
        with write_whole(path) as file:
            file.write("ne")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_and_text(tmp_path):
    with write_whole(tmp_path / "bytes", "wb") as file:
        file.write(b"\xff\n")
    with write_whole(tmp_path / "text", newline="") as file:
        file.write("µ\r\n")
    assert (tmp_path / "bytes").read_bytes() == b"\xff\n"
    assert (tmp_path / "text").read_bytes() == "µ\r\n".encode()


def test_the_temporary_name_keeps_the_suffix(tmp_path):
    with whole_path(tmp_path / "figure.png") as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        temporary.write_bytes(b"")


def test_a_folder_replaces_a_folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()
    with whole_path(path) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["new"]


def test_a_failed_folder_is_removed(tmp_path):
    def fail() -> None:
        with whole_path(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / "new").touch()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole_path(tmp_path / "never"):
        pass


def test_a_file_s_digest_is_of_its_bytes(tmp_path):
    (tmp_path / "w").write_bytes(b"abc")
    assert file_digest(tmp_path / "w") == "ba7816bf8f01"  # SHA-256 of "abc", FIPS 180-2


def test_private_files_are_their_owners_alone(tmp_path):
    with private_files():
        (tmp_path / "names.csv").touch()
    (tmp_path / "others.csv").touch(mode=0o644)
    assert (tmp_path / "names.csv").stat().st_mode & 0o777 == 0o600

"""Pseudonyms are stable, keyed, and their key is private."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from ichnet.ct.pseudonym import KEY_FILE_VARIABLE, load_key, pseudonym

KEY = bytes(range(32))


def test_it_is_the_beginning_of_the_hmac_of_kind_and_identity():
    expected = hmac.new(KEY, b"scan\x001.2.3", hashlib.sha256).hexdigest()[:16]
    assert pseudonym(KEY, "scan", "1.2.3") == expected
    assert len(expected) == 16


def test_key_kind_and_identity_all_matter():
    names = {
        pseudonym(KEY, "scan", "1.2.3"),
        pseudonym(KEY, "patient", "1.2.3"),
        pseudonym(KEY, "scan", "1.2.4"),
        pseudonym(KEY[::-1], "scan", "1.2.3"),
    }
    assert len(names) == 4


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "config" / "key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_two_installations_have_two_keys(tmp_path):
    assert load_key(tmp_path / "a") != load_key(tmp_path / "b")


def test_the_slower_of_two_processes_takes_the_key_of_the_quicker(tmp_path, monkeypatch):
    path = tmp_path / "key"
    exists = Path.exists

    def late(self: Path) -> bool:
        if self == path and not exists(path):
            path.write_bytes(KEY)
            return False
        return exists(self)

    monkeypatch.setattr(Path, "exists", late)
    assert load_key(path) == KEY


def test_the_environment_names_the_key_file(tmp_path, monkeypatch):
    path = tmp_path / "hospital.key"
    path.write_bytes(KEY)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(path))
    assert load_key() == KEY


def test_without_the_environment_the_key_lies_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    key = load_key()
    assert (tmp_path / ".config" / "ichnet" / "pseudonym.key").read_bytes() == key


def test_a_short_key_is_refused_by_name(tmp_path):
    path = tmp_path / "short.key"
    path.write_bytes(b"secret")
    with pytest.raises(ValueError, match=r"short\.key: .* at least 32 bytes, this file has 6"):
        load_key(path)

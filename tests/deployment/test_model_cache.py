"""Converted models are kept whole, for their owner alone, and made again when they are damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ichnet.deployment.model_cache import kept_conversion


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ichnet"


class Converter:
    """Writes ``content`` and counts how often."""

    def __init__(self, content: bytes = b"converted") -> None:
        self.content, self.calls = content, 0

    def __call__(self, path: Path) -> None:
        self.calls += 1
        path.write_bytes(self.content)


def test_a_model_is_converted_once(cache):
    convert = Converter()
    assert [kept_conversion("abc", ".onnx", convert) for _ in range(2)] == [b"converted"] * 2
    assert convert.calls == 1
    (path,) = cache.iterdir()
    assert path.name == f"abc.{hashlib.sha256(b'converted').hexdigest()}.onnx"
    assert (path.stat().st_mode & 0o777, cache.stat().st_mode & 0o777) == (0o600, 0o700)


def test_another_key_is_another_model(cache):
    kept_conversion("abc", ".onnx", Converter(b"first"))
    assert kept_conversion("xyz", ".onnx", Converter(b"second")) == b"second"
    assert kept_conversion("abc", ".onnx", Converter(b"third")) == b"first"


@pytest.mark.parametrize("damaged", [b"", b"half", b"convertex"])
def test_what_is_damaged_is_made_again(cache, damaged):
    convert = Converter()
    kept_conversion("abc", ".onnx", convert)
    (path,) = cache.iterdir()
    path.write_bytes(damaged)
    assert kept_conversion("abc", ".onnx", convert) == b"converted"
    assert convert.calls == 2
    assert [one.name for one in cache.iterdir()] == [path.name]


def test_nothing_is_left_of_a_conversion_that_fails(cache):
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        kept_conversion("abc", ".onnx", fail)
    assert not list(cache.iterdir())


def test_a_folder_that_others_may_write_is_refused(cache):
    cache.mkdir()
    cache.chmod(0o770)
    with pytest.raises(PermissionError, match="others may write there"):
        kept_conversion("abc", ".onnx", Converter())

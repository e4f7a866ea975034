"""A result belongs to its input: the digest of a series."""

from __future__ import annotations

import hashlib
import zipfile

import numpy as np
import pytest

from ichnet.ct.dicom import read_series
from ichnet.ct.digest import content_digest, series_digest
from ichnet.ct.discover import discover

KEY = bytes(32)
FLAT = np.full((4, 6), 40, np.int16)


def test_a_digest_by_hand():
    one, two = hashlib.sha256(b"one").digest(), hashlib.sha256(b"two").digest()
    assert content_digest(b"one") == one
    # sorted by UID as text: "1.10" before "1.2"
    expected = hashlib.sha256(b"4:1.10" + two + b"3:1.2" + one).hexdigest()
    assert series_digest([("1.2", one), ("1.10", two)]) == expected
    assert series_digest([("1.10", two), ("1.2", one)]) == expected


def digests(folder, scratch) -> tuple[str, str]:
    (series,), _ = discover([folder], scratch)
    return series.digest(), read_series(series.files, KEY).digest


def test_the_digest_of_files_is_that_of_the_volume(write_series, tmp_path):
    write_series(tmp_path / "in", [FLAT] * 4)
    from_files, of_volume = digests(tmp_path / "in", tmp_path / "scratch")
    assert from_files == of_volume
    assert len(of_volume) == 64


def test_names_order_and_archives_do_not_matter(write_series, tmp_path):
    files = write_series(tmp_path / "a", [FLAT] * 4)
    first = digests(tmp_path / "a", tmp_path / "scratch")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number, path in enumerate(reversed(files)):
            archive.write(path, f"other/{number}")
    assert digests(tmp_path / "a.zip", tmp_path / "scratch") == first


@pytest.mark.parametrize("change", ["a pixel", "a text", "a slice less", "an instance UID"])
def test_whatever_differs_changes_it(write_series, tmp_path, change):
    files = write_series(tmp_path / "in", [FLAT] * 4, SeriesDescription="AXIAL ")
    before = digests(tmp_path / "in", tmp_path / "scratch")
    content = files[3].read_bytes()
    if change == "a pixel":
        content = content[:-1] + bytes([content[-1] ^ 1])
    elif change == "a text":
        content = content.replace(b"AXIAL ", b"AXIAL2")
    elif change == "an instance UID":
        content = content.replace(b"1.2.3.1000.1000.2500", b"1.2.3.1000.1000.2501")
    if change == "a slice less":
        files[3].unlink()
    else:
        assert content != files[3].read_bytes()
        files[3].write_bytes(content)
    after = digests(tmp_path / "in", tmp_path / "scratch")
    assert after[0] == after[1] != before[0]

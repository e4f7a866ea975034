"""Slices that did not arrive, told from the gaps."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ichnet.ct.discover import discover
from ichnet.ct.gaps import missing_numbers, missing_slices

FLAT = np.full((4, 6), 40, np.int16)


@pytest.mark.parametrize(
    ("gaps_mm", "missing"),
    [
        ([5, 5, 10, 5, 5], [(2, 1)]),
        ([5, 5, 15, 5, 5], [(2, 2)]),
        ([5, 10, 5, 5, 10, 5], [(1, 1), (4, 1)]),
        ([10, 5, 5, 5], [(0, 1)]),  # at an end one regular neighbour is enough
        ([5, 5, 5, 10], [(3, 1)]),
        ([5, 5, 10, 10, 5, 5], [(2, 1), (3, 1)]),  # every second one, twice
        ([4.9, 5.1, 10.1, 5, 4.95], [(2, 1)]),  # rounded positions
        # none is missing
        ([5, 5, 5, 5, 5], []),
        ([2.5, 2.5, 2.5, 5, 5, 5], []),  # thin base, thick vertex
        ([5, 5, 5, 2.5, 2.5, 2.5], []),
        ([5, 5, 7, 5, 5], []),  # no multiple
        ([5, 10], []),  # too few to be regular
        ([2.5, 2.5, 5, 5, 5, 5, 2.5, 2.5], []),  # four in a row are another spacing
    ],
)
def test_gaps(gaps_mm, missing):
    assert missing_slices(np.cumsum([0, *gaps_mm]).astype(float)) == missing


@pytest.mark.parametrize("lost", [1, 5, 6, 10])
def test_a_series_without_one_of_its_slices_is_incomplete(write_series, tmp_path, lost):
    files = write_series(tmp_path / "in", [FLAT] * 12)
    files[lost].unlink()
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert series == []
    assert Counter(e.reason for e in exclusions) == {"incomplete-series": 11}
    assert f"1 slices seem to be missing above slice {lost} of 11" in exclusions[0].detail


@pytest.mark.parametrize(
    "damage",
    [lambda content: b"", lambda content: bytes(len(content)), lambda content: content[:90]],
)
@pytest.mark.parametrize("name", ["005.dcm", "IM5", "5", "1.2.3.5"])
def test_a_slice_that_is_empty_or_blank_makes_its_series_incomplete(
    write_series, tmp_path, damage, name
):
    files = write_series(tmp_path / "in", [FLAT] * 12)
    path = files[5].rename(files[5].with_name(name))
    path.write_bytes(damage(path.read_bytes()))
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert series == []
    reasons = Counter(e.reason for e in exclusions)
    assert reasons == {"empty-file": 1, "incomplete-series": 11}


@pytest.mark.parametrize("bytes_left", [140, 200, 300, 420, 600])
def test_a_slice_cut_within_its_header_makes_its_series_incomplete(
    write_series, tmp_path, bytes_left
):
    files = write_series(tmp_path / "in", [FLAT] * 12)
    files[11].write_bytes(files[11].read_bytes()[:bytes_left])
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert series == []
    reasons = Counter(e.reason for e in exclusions)
    assert reasons["incomplete-series"] == 11
    assert set(reasons) - {"incomplete-series"} <= {"bad-header", "truncated", "no-pixels"}


@pytest.mark.parametrize("name", [".DS_Store", "readme.txt", "DICOMDIR.bak"])
def test_an_empty_file_that_is_no_slice_by_its_name_costs_nothing(write_series, tmp_path, name):
    write_series(tmp_path / "in", [FLAT] * 12)
    (tmp_path / "in" / name).write_bytes(b"")
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert [len(one.files) for one in series] == [12]
    assert [e.reason for e in exclusions] == ["empty-file"]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3, 4], 0),
        ([5, 4, 3, 2], 0),
        ([1, 2, 4, 5], 1),
        ([9, 8, 4, 3], 3),
        ([1, 3, 5, 7], 3),  # every second slice
        ([10, 20, 30], 0),  # counted by tens
        ([1, 2, 2, 4], 0),
        ([1, 3, 2, 5], 0),  # not in order: they tell nothing
        ([1, 2, None, 5], 0),
        ([7], 0),
    ],
)
def test_numbers_that_are_left_out(numbers, missing):
    assert missing_numbers(numbers) == missing

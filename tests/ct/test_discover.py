"""Whatever a user points at: every file found is a slice of a series or is excluded."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest

from ichnet.ct.dicom import read_series
from ichnet.ct.discover import discover
from ichnet.ct.errors import ReadError

KEY = bytes(32)
FLAT = np.full((4, 6), 40, np.int16)


@pytest.fixture
def scans(write_slice, write_series, tmp_path):
    """A folder as from a hospital's disc: two series, and much else."""
    root = tmp_path / "disc"
    write_series(root / "study" / "thin", [FLAT] * 3, SeriesInstanceUID="1.2.1")
    write_series(root / "study" / "thick", [FLAT] * 2, SeriesInstanceUID="1.2.2")
    write_series(
        root / "study" / "scout",
        [FLAT] * 2,
        SeriesInstanceUID="1.2.3",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    write_series(root / "study" / "lone", [FLAT], SeriesInstanceUID="1.2.4")
    (root / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0JFIF")
    (root / "readme.txt").write_text("hello")
    return root


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for file in sorted(folder.rglob("*")):
            opened.write(file, file.relative_to(folder))
    return archive


def shown(series, root):
    return [[str(name.relative_to(root)) for name in one.names] for one in series]


EXPECTED_SERIES = [
    ["study/thick/000.dcm", "study/thick/001.dcm"],
    ["study/thin/000.dcm", "study/thin/001.dcm", "study/thin/002.dcm"],
]
EXPECTED_REASONS = {"localizer": 2, "single-slice": 1, "not-dicom": 2}


def test_a_folder_is_searched_through_all_levels(scans, tmp_path):
    series, exclusions = discover([scans], tmp_path / "scratch")
    assert shown(series, scans) == EXPECTED_SERIES
    assert Counter(exclusion.reason for exclusion in exclusions) == EXPECTED_REASONS
    found = [path for path in scans.rglob("*") if path.is_file()]
    kept = [name for one in series for name in one.names]
    assert sorted(found) == sorted([*kept, *(exclusion.path for exclusion in exclusions)])
    assert len(read_series(series[1].files, KEY).hu) == 3


def test_an_archive_is_searched_like_a_folder(scans, tmp_path):
    archive = zipped(scans, tmp_path / "disc.ZIP")
    series, exclusions = discover([archive], tmp_path / "scratch")
    assert shown(series, archive) == EXPECTED_SERIES
    assert Counter(exclusion.reason for exclusion in exclusions) == EXPECTED_REASONS
    assert archive / "photo.jpg" in [exclusion.path for exclusion in exclusions]
    assert len(read_series(series[0].files, KEY).hu) == 2


def test_archives_in_a_folder_are_opened(write_series, tmp_path):
    write_series(tmp_path / "a", [FLAT] * 2, SeriesInstanceUID="1.2.1")
    write_series(tmp_path / "b", [FLAT] * 2, SeriesInstanceUID="1.2.2")
    for name in "ab":
        (tmp_path / "in").mkdir(exist_ok=True)
        zipped(tmp_path / name, tmp_path / "in" / f"{name}.zip")
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert shown(series, tmp_path / "in") == [
        ["a.zip/000.dcm", "a.zip/001.dcm"],
        ["b.zip/000.dcm", "b.zip/001.dcm"],
    ]
    assert exclusions == []


def test_files_are_taken_one_by_one(scans, tmp_path):
    files = sorted((scans / "study" / "thin").iterdir())
    series, exclusions = discover(files, tmp_path / "scratch")
    assert [one.names for one in series] == [tuple(files)]
    assert exclusions == []


def test_what_is_reached_twice_counts_once(scans, tmp_path):
    (scans / "again").symlink_to(scans / "study")
    (scans / "loop").symlink_to(scans)
    series, exclusions = discover(
        [scans, scans / "study", scans / "photo.jpg"], tmp_path / "scratch"
    )
    assert sum(len(one.files) for one in series) == 5
    assert Counter(exclusion.reason for exclusion in exclusions) == EXPECTED_REASONS


def test_linked_folders_are_searched(write_series, tmp_path):
    write_series(tmp_path / "store" / "scan", [FLAT] * 2)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "store")
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert shown(series, tmp_path / "in") == [["link/scan/000.dcm", "link/scan/001.dcm"]]
    assert exclusions == []


def test_an_identical_copy_is_excluded_and_the_series_kept(write_series, tmp_path):
    files = write_series(tmp_path / "in", [FLAT] * 2)
    copy = files[0].with_name("copy of 000.dcm")
    copy.write_bytes(files[0].read_bytes())
    series, exclusions = discover([zipped(tmp_path / "in", tmp_path / "in.zip")], tmp_path / "s")
    assert len(series) == 1
    assert [(e.path.name, e.reason, e.detail) for e in exclusions] == [
        ("copy of 000.dcm", "duplicate-file", "an identical copy of a slice that is kept")
    ]


def test_a_broken_slice_excludes_its_series_and_no_other(write_series, tmp_path):
    files = write_series(tmp_path / "in", [FLAT] * 4)
    others = write_series(tmp_path / "in", [FLAT] * 3, SeriesInstanceUID="1.2.9", prefix="b")
    files[1].write_bytes(files[1].read_bytes()[:-10])
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert [one.files for one in series] == [tuple(others)]
    assert [(e.path, e.reason) for e in exclusions] == [
        (files[1], "truncated"),
        *((files[i], "incomplete-series") for i in (0, 2, 3)),
    ]
    assert "[truncated]" in exclusions[1].detail
    assert not any("001.dcm" in exclusion.detail for exclusion in exclusions)


def test_a_slice_cut_before_it_names_its_series_excludes_those_beside_it(write_series, tmp_path):
    files = write_series(tmp_path / "in" / "a", [FLAT] * 3)
    others = write_series(tmp_path / "in" / "b", [FLAT] * 3, SeriesInstanceUID="1.2.9")
    files[1].write_bytes(files[1].read_bytes()[:300])
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert [one.files for one in series] == [tuple(others)]
    assert [e.reason for e in exclusions] == ["bad-header", *["incomplete-series"] * 2]


@pytest.mark.parametrize(
    ("name", "content", "reasons"),
    [
        ("IM0003", b"<html>404 Not Found</html>", {"not-dicom": 1, "incomplete-series": 3}),
        ("IM0003", b"", {"empty-file": 1, "incomplete-series": 3}),
        ("LICENSE", b"do as you like", {"not-dicom": 1}),
        ("notes 2", b"seen", {"not-dicom": 1}),
    ],
)
def test_what_is_named_as_the_slices_beside_it_was_one(
    write_series, tmp_path, name, content, reasons
):
    for number, file in enumerate(write_series(tmp_path / "in", [FLAT] * 3)):
        file.rename(file.parent / f"IM{number:04d}")
    (tmp_path / "in" / name).write_bytes(content)
    _, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert Counter(one.reason for one in exclusions) == reasons


def test_a_slice_that_says_it_is_no_ct_is_missing_from_its_series(write_series, tmp_path):
    files = write_series(tmp_path / "in", [FLAT] * 4)
    dataset = pydicom.dcmread(files[-1])
    dataset.Modality = "CU"
    dataset.save_as(files[-1])
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert series == []
    assert Counter(one.reason for one in exclusions) == {"not-ct": 1, "incomplete-series": 3}


def test_a_scout_among_its_slices_does_not_exclude_a_series(write_series, write_slice, tmp_path):
    write_series(tmp_path / "in", [FLAT] * 3)
    write_slice(tmp_path / "in" / "scout.dcm", FLAT, ImageType=["ORIGINAL", "LOCALIZER"])
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert [len(one.files) for one in series] == [3]
    assert [e.reason for e in exclusions] == ["localizer"]


def test_a_series_that_does_not_fit_together_is_excluded_file_by_file(
    write_slice, write_series, tmp_path
):
    files = write_series(tmp_path / "in", [FLAT] * 2)
    odd = write_slice(tmp_path / "in" / "odd.dcm", FLAT[:2], (0, 0, 50))
    cause = "another matrix than the series' first file"
    series, exclusions = discover([tmp_path / "in"], tmp_path / "scratch")
    assert series == []
    assert [(e.path, e.reason, e.detail) for e in exclusions] == [
        (files[0], "mixed-geometry", f"another slice of its series: {cause}"),
        (files[1], "mixed-geometry", f"another slice of its series: {cause}"),
        (odd, "mixed-geometry", cause),
    ]


def test_a_series_that_fails_while_decoding_is_listed_by_the_users_names(write_series, tmp_path):
    write_series(tmp_path / "in", [FLAT] * 2)
    archive = zipped(tmp_path / "in", tmp_path / "in.zip")
    (series,), _ = discover([archive], tmp_path / "scratch")
    series.files[1].write_bytes(b"damaged since")
    with pytest.raises(ReadError) as error:
        read_series(series.files, KEY)
    assert [(e.path, e.reason, e.detail) for e in series.exclusions(error.value)] == [
        (archive / "000.dcm", "not-dicom", "another slice of its series: not a DICOM file"),
        (archive / "001.dcm", "not-dicom", "not a DICOM file"),
    ]


def test_nothing_is_said_to_be_nothing(tmp_path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "none.zip", "w"):
        pass
    inputs = [tmp_path / "folder", tmp_path / "none.zip", tmp_path / "gone"]
    series, exclusions = discover(inputs, tmp_path / "scratch")
    assert series == []
    assert [(e.path, e.reason) for e in exclusions] == [
        (tmp_path / "folder", "empty"),
        (tmp_path / "none.zip", "empty"),
        (tmp_path / "gone", "missing-file"),
    ]


def test_an_unsafe_archive_does_not_stop_the_others(scans, tmp_path):
    with zipfile.ZipFile(scans / "evil.zip", "w") as opened:
        opened.writestr("../../evil.dcm", b"evil")
    (scans / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    series, exclusions = discover([scans], tmp_path / "scratch")
    assert shown(series, scans) == EXPECTED_SERIES
    reasons = {e.path.name: e.reason for e in exclusions}
    assert reasons["evil.zip"] == "unsafe-archive"
    assert reasons["broken.zip"] == "bad-archive"


def test_an_archive_in_an_archive_is_not_opened(scans, tmp_path):
    inner = zipped(scans, tmp_path / "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as opened:
        opened.write(inner, "inner.zip")
    series, exclusions = discover([tmp_path / "outer.zip"], tmp_path / "scratch")
    assert series == []
    assert [(e.reason, e.detail.split(" (")[0]) for e in exclusions] == [
        ("not-dicom", "a zip archive that is not opened")
    ]


def test_a_pipe_is_not_waited_for(scans, tmp_path):
    os.mkfifo(scans / "pipe")
    _, exclusions = discover([scans], tmp_path / "scratch")
    assert (scans / "pipe", "not-dicom") in [(e.path, e.reason) for e in exclusions]


def test_the_real_head_is_one_series(real_head, tmp_path):
    series, exclusions = discover([real_head[0].parent], tmp_path / "scratch")
    assert [one.names for one in series] == [tuple(real_head)]
    assert exclusions == []

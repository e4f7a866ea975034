"""Raw files of each cohort become record sets: what is kept, what is counted, what is hidden."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.config import disable_value_validation

from ichnet.cohorts.readers import READERS
from ichnet.cohorts.selection import SelectionError
from ichnet.config import Config, PhantomConfig, load_config
from ichnet.ct.errors import Exclusion, ReadError
from ichnet.phantom.cohort import generate
from ichnet.records.preparation_report import Preparation
from ichnet.records.prepare import Options, prepare, relative_to
from ichnet.records.reader import slices_dataset
from ichnet.records.record_set import RecordSet, require_patient_disjoint
from ichnet.subtypes import LABELS, SUBTYPES

# makes the raw files of four cohorts
pytestmark = pytest.mark.slow

SETS = {
    "rsna": ("rsna", "slices"),
    "aihub-slices": ("aihub", "slices"),
    "aihub-scans": ("aihub", "scans"),
    "dumc": ("dumc", "all"),
    "cq500": ("cq500", "all"),
    "rsna-whole": ("rsna", "all"),
    "aihub-whole": ("aihub", "all"),
}

IDENTIFYING = (
    "PatientID",
    "PatientName",
    "StudyDate",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
)


@pytest.fixture(scope="module")
def config() -> Config:
    """A seed with which so few scans hold every subtype."""
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    scans = {"rsna": 20, "aihub": 24, "dumc": 6, "cq500": 6}
    share = {"rsna": 0.75, "aihub": 0.6, "dumc": 0.84, "cq500": 0.5}
    return replace(
        demo,
        seed=47,
        image=replace(demo.image, matrix=32),
        phantom=PhantomConfig(64, (8, 10), scans, share),
        selection=replace(
            demo.selection,
            slices_per_subtype=2,
            scans_with_ich=7,
            validation_share=0.25,
            ensemble_share=0.25,
        ),
    )


@pytest.fixture(scope="module")
def raw(config, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("raw")
    generate(config.phantom, config.seed, root, workers=1)
    return root


@pytest.fixture(scope="module")
def prepared(config, raw, tmp_path_factory) -> dict[str, tuple[Preparation, RecordSet]]:
    """Every set of the experiments."""
    folder = tmp_path_factory.mktemp("records")
    (folder / "key").write_bytes(bytes(range(32)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICHNET_PSEUDONYM_KEY_FILE", str(folder / "key"))
        return {
            name: (
                prepare(
                    cohort, selection, config, raw / cohort, folder / name, Options(strict=True)
                ),
                RecordSet.open(folder / name),
            )
            for name, (cohort, selection) in SETS.items()
        }


@pytest.mark.parametrize("name", SETS)
def test_the_report_counts_what_the_tables_hold(prepared, config, name):
    report, record_set = prepared[name]
    cohort, selection = SETS[name]
    assert report.scans_found == config.phantom.scans[cohort]
    assert report.scans_kept == report.scans_chosen == len(record_set.scans)
    assert report.slices_kept == len(record_set.slices)
    assert report.slices_kept == sum(int(row["slices"]) for row in record_set.scans)
    assert report.excluded == {}
    assert report.slices_with == {
        label: sum(row[label] == "1" for row in record_set.slices) for label in LABELS
    }
    assert record_set.info["cohort"] == cohort
    assert record_set.info["selection"] == selection
    assert record_set.info["image"]["matrix"] == 32
    assert record_set.info["slices_kept"] == report.slices_kept
    assert f"{report.scans_kept} kept; {report.slices_kept} slices kept" in str(report)


@pytest.mark.parametrize("name", SETS)
def test_records_follow_their_table(prepared, name):
    _, record_set = prepared[name]
    for split in record_set.splits:
        rows = [row for row in record_set.slices if row["split"] == split]
        slices = list(slices_dataset(record_set, split))
        assert [(one["scan_id"].numpy().decode(), int(one["slice_index"])) for one in slices] == [
            (row["scan_id"], int(row["slice_index"])) for row in rows
        ]
        for one, row in zip(slices, rows, strict=True):
            labels = [-1 if row[label] == "" else int(row[label]) for label in LABELS]
            assert one["labels"].numpy().tolist() == labels


@pytest.mark.parametrize("name", ["rsna", "aihub-slices"])
def test_experiment_a_draws_slices_for_every_subtype_and_as_many_without(prepared, name):
    report, record_set = prepared[name]
    assert report.slices_kept == 20
    assert report.slices_with["ANY"] == 10
    assert all(report.slices_with[subtype] >= 2 for subtype in SUBTYPES)
    assert set(record_set.splits) <= {"train", "validation"}  # the weight model is experiment C's


def test_experiment_b_draws_whole_scans(prepared):
    _, record_set = prepared["aihub-scans"]
    assert Counter(row["ANY"] for row in record_set.scans) == {"1": 7, "0": 7}
    assert record_set.splits == ("ensemble", "train", "validation")
    assert {int(row["slices"]) for row in record_set.scans} <= {8, 9, 10}
    assert all(row["volume_ml_ANY"] != "" for row in record_set.scans)


@pytest.mark.parametrize("name", ["rsna-whole", "aihub-whole"])
def test_a_cohort_that_experiments_draw_from_can_be_had_whole(prepared, config, name):
    """With fewer scans than the experiments want, too."""
    report, record_set = prepared[name]
    cohort, _ = SETS[name]
    assert record_set.splits == ("test",)
    assert report.scans_kept == config.phantom.scans[cohort]
    counts = Counter(row["scan_id"] for row in record_set.slices)
    assert set(counts.values()) <= {8, 9, 10}
    assert report.files.kept == report.files.found


@pytest.mark.parametrize("name", ["dumc", "cq500"])
def test_test_sets_hold_all_scans(prepared, name):
    report, record_set = prepared[name]
    assert record_set.splits == ("test",)
    assert report.scans_kept == 6
    assert report.slices_with["ANY"] > 0 or name == "cq500"
    votes = {row["votes"] for row in record_set.scans}
    assert all(len(text) == 3 for text in votes) if name == "cq500" else votes == {""}


def test_both_sets_of_a_cohort_keep_the_same_patients_for_validation(prepared):
    of = {
        name: {row["patient_id"]: row["split"] for row in prepared[name][1].scans}
        for name in ("aihub-slices", "aihub-scans")
    }
    shared = of["aihub-slices"].keys() & of["aihub-scans"].keys()
    assert {of["aihub-scans"][patient] for patient in shared} == {"train", "validation", "ensemble"}
    for patient in shared:
        if of["aihub-scans"][patient] == "ensemble":
            assert of["aihub-slices"][patient] == "train"
        else:
            assert of["aihub-slices"][patient] == of["aihub-scans"][patient]
    for names in (("aihub-slices", "aihub-scans"), ("aihub-scans", "aihub-slices")):
        require_patient_disjoint(
            [(prepared[names[0]][1], "train"), (prepared[names[1]][1], "validation")]
        )


def test_a_scan_has_one_name_in_all_sets_and_its_pixels_are_the_same(prepared):
    pixels: dict[tuple[str, int], np.ndarray] = {}
    for split in ("train", "validation", "ensemble"):
        for one in slices_dataset(prepared["aihub-scans"][1], split):
            pixels[one["scan_id"].numpy().decode(), int(one["slice_index"])] = one["hu"].numpy()
    compared = 0
    record_set = prepared["aihub-slices"][1]
    for split in record_set.splits:
        for one in slices_dataset(record_set, split):
            name = one["scan_id"].numpy().decode(), int(one["slice_index"])
            if name in pixels:
                np.testing.assert_array_equal(one["hu"], pixels[name])
                compared += 1
    assert compared >= 5


@pytest.mark.parametrize("name", SETS)
def test_records_tell_nobody_who_it_was(prepared, raw, name):
    report, record_set = prepared[name]
    cohort, _ = SETS[name]
    identities = set()
    with disable_value_validation():  # RSNA's UIDs are text
        for path in (raw / cohort).rglob("*.dcm"):
            header = pydicom.dcmread(path, specific_tags=list(IDENTIFYING))
            identities |= {str(header[name].value) for name in IDENTIFYING if name in header}
    entries, _ = READERS[cohort].list_scans(raw / cohort)
    identities |= {key for entry in entries for key in (entry.scan_key, entry.patient_key)}
    assert len(identities) > 3 * report.scans_found
    content = b"".join(path.read_bytes() for path in record_set.folder.iterdir())
    assert len(content) > 2 * 32 * 32 * report.slices_kept
    assert [name for name in sorted(identities) if name.encode() in content] == []


def test_the_same_input_gives_the_same_files(prepared, config, raw, tmp_path, key_file):
    prepare("dumc", "all", config, raw / "dumc", tmp_path / "dumc")
    first, again = (
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (prepared["dumc"][1].folder, tmp_path / "dumc")
    )
    assert again == first
    key_file.write_bytes(bytes(32))
    prepare("dumc", "all", config, raw / "dumc", tmp_path / "dumc")
    other = RecordSet.open(tmp_path / "dumc")
    names = {row["scan_id"] for row in prepared["dumc"][1].scans}
    assert not names & {row["scan_id"] for row in other.scans}
    assert len(other.scans) == len(names)


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]


@pytest.fixture
def damaged(raw, tmp_path) -> Path:
    """DUMC with a slice of one scan cut in the middle of its pixels, and no DICOM in another.

    That other one has no masks: they would be without their slices.
    """
    folder = tmp_path / "raw-dumc"
    shutil.copytree(raw / "dumc", folder)
    assert not any((folder / "masks" / "D0002").iterdir())
    cut = folder / "dicom" / "D0001" / "IM0003.dcm"
    cut.write_bytes(cut.read_bytes()[:-2000])
    for path in (folder / "dicom" / "D0002").iterdir():
        path.write_text("no DICOM")
    return folder


def test_what_cannot_be_read_is_left_out_and_counted(prepared, damaged, config, tmp_path):
    report = prepare("dumc", "all", config, damaged, tmp_path / "dumc")
    whole = prepared["dumc"][0]
    lost = len(list((damaged / "dicom" / "D0002").iterdir()))
    rest = len(list((damaged / "dicom" / "D0001").iterdir())) - 1
    masks = len(list((damaged / "masks" / "D0001").iterdir()))
    excluded = {"truncated": 1, "incomplete-series": rest, "not-an-image": masks}
    excluded |= {"not-dicom": lost, "empty": 1}
    assert report.excluded == excluded
    assert (report.scans_found, report.scans_kept) == (4, 4)
    assert report.slices_kept == whole.slices_kept - rest - 1 - lost
    assert f"excluded: {sum(excluded.values())}\n    1 empty\n    {rest} incomplete" in str(report)
    assert RecordSet.open(tmp_path / "dumc").info["excluded"] == report.excluded
    header, *lines = (tmp_path / "dumc" / "excluded.csv").read_text().splitlines()
    assert header == "file,reason,detail"
    assert len(lines) == sum(excluded.values())
    names = report.names_file.read_text().splitlines()[1:]
    assert [line.split(",")[:2] for line in lines] == [line.split(",")[:2] for line in names]
    assert any("dicom/D0001/IM0003.dcm: " in name for name in names)
    assert report.names_file.stat().st_mode & 0o777 == 0o600
    files = report.files
    assert files.found == sum(path.name != "scans.csv" for path in all_files(damaged))
    assert files.found == files.kept + files.not_drawn + files.excluded
    assert files.excluded == sum(excluded.values()) - 1  # a folder is no file


def test_a_scan_that_fails_while_it_is_read_is_counted_too(
    prepared, raw, config, tmp_path, monkeypatch
):
    def load(entry, key):
        if entry.scan_key == "D0001":
            raise ReadError(entry.files[0], "truncated", "damaged since it was listed")
        return reader.load(entry, key)

    reader = READERS["dumc"]
    monkeypatch.setitem(READERS, "dumc", reader._replace(load=load))
    report = prepare("dumc", "all", config, raw / "dumc", tmp_path / "dumc")
    assert (report.scans_found, report.scans_chosen, report.scans_kept) == (6, 6, 5)
    slices = len(all_files(raw / "dumc" / "dicom" / "D0001"))
    assert report.excluded == {"truncated": slices}
    first, second, *_ = report.names_file.read_text().splitlines()[1:]
    assert first.endswith("dicom/D0001/IM0000.dcm: damaged since it was listed")
    assert second.endswith("IM0001.dcm: another file of its scan: damaged since it was listed")
    (tmp_path / "strict").mkdir()
    with pytest.raises(ReadError, match="damaged since it was listed"):
        prepare(
            "dumc", "all", config, raw / "dumc", tmp_path / "strict" / "dumc", Options(strict=True)
        )
    assert list((tmp_path / "strict").iterdir()) == []


def test_strict_stops_at_it_and_leaves_nothing(damaged, config, tmp_path):
    (tmp_path / "records").mkdir()
    with pytest.raises(ReadError, match=r"\[truncated\]") as error:
        prepare("dumc", "all", config, damaged, tmp_path / "records" / "dumc", Options(strict=True))
    assert error.value.path.name == "IM0003.dcm"
    assert list((tmp_path / "records").iterdir()) == []


def test_strict_stops_at_what_the_listing_left_out(raw, config, tmp_path):
    folder = tmp_path / "raw-dumc"
    shutil.copytree(raw / "dumc", folder)
    (folder / "dicom" / "D0002" / "notes.dcm").write_text("no DICOM")
    report = prepare("dumc", "all", config, folder, tmp_path / "dumc")
    assert report.excluded == {"not-dicom": 1}
    with pytest.raises(ReadError) as error:
        prepare("dumc", "all", config, folder, tmp_path / "dumc", Options(strict=True))
    assert error.value.path.name == "notes.dcm"
    assert RecordSet.open(tmp_path / "dumc").info["excluded"] == {"not-dicom": 1}  # the old one


def test_asking_for_more_than_there_is(raw, config, tmp_path):
    greedy = replace(config, selection=replace(config.selection, scans_with_ich=15))
    with pytest.raises(SelectionError, match="15 scans with hemorrhage are wanted"):
        prepare("aihub", "scans", greedy, raw / "aihub", tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_excluded_files_are_named_from_the_cohorts_folder_on():
    exclusions = [
        Exclusion(Path("/data/dumc/dicom/D1/x.dcm"), "truncated", "cut"),
        Exclusion(Path("/elsewhere/y.dcm"), "not-ct", "other"),
    ]
    assert relative_to(exclusions, Path("/data/dumc")) == [
        Exclusion(Path("dicom/D1/x.dcm"), "truncated", "cut"),
        Exclusion(Path("/elsewhere/y.dcm"), "not-ct", "other"),
    ]

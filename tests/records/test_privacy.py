"""A prepared set tells nobody who was scanned: every byte of it is searched."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from ichnet.config import PhantomConfig, load_config
from ichnet.phantom.cohort import generate
from ichnet.records import writer
from ichnet.records.preparation_report import Preparation
from ichnet.records.prepare import Options, prepare

SECRETS = ("Doe", "Jane", "19610203", "MRN-778899", "St.Elsewhere", "ACC-4711", "20190817")


@pytest.fixture
def hospital(tmp_path) -> tuple[Path, set[str]]:
    """DUMC's layout with names in headers, folders, files and the table; some files are bad."""
    phantom = PhantomConfig(48, (4, 5), {"dumc": 3}, {"dumc": 0.7})
    generate(phantom, 3, tmp_path, ["dumc"], workers=1)
    root = tmp_path / "dumc"
    identities: set[str] = set(SECRETS)
    for folder in sorted((root / "dicom").iterdir()):
        named = folder.with_name(f"Doe^Jane {folder.name} 19610203")
        folder.rename(named)
        for path in sorted(named.iterdir()):
            dataset = pydicom.dcmread(path)
            identities |= {str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID)}
            dataset.PatientName, dataset.PatientBirthDate = "Doe^Jane", "19610203"
            dataset.PatientID, dataset.AccessionNumber = "MRN-778899", "ACC-4711"
            dataset.InstitutionName, dataset.StudyDate = "St.Elsewhere", "20190817"
            dataset.save_as(path.with_name(f"MRN-778899 {path.name}"))
            path.unlink()
    table = (root / "scans.csv").read_text(encoding="utf-8")
    for name in ("D0000", "D0001", "D0002"):
        table = table.replace(f"dicom/{name}", f"dicom/Doe^Jane {name} 19610203")
    (root / "scans.csv").write_text(table, encoding="utf-8")
    broken = sorted((root / "dicom").rglob("*.dcm"))[0]
    broken.write_bytes(broken.read_bytes()[:-50])
    (root / "Jane Doe.txt").write_text("a letter to St.Elsewhere", encoding="utf-8")
    shutil.copy(broken.with_name(broken.name.replace("0000.dcm", "0001.dcm")), root / "Doe.dcm")
    return root, identities


@pytest.mark.parametrize("shares", [1, 2])
def test_no_byte_of_a_set_names_anybody(hospital, tmp_path, capfd, caplog, monkeypatch, shares):
    caplog.set_level("DEBUG")
    monkeypatch.setattr(writer, "SLICES_PER_SHARD", 6)
    root, identities = hospital
    demo = load_config(Path(__file__).parents[2] / "models" / "phantom.yaml")
    config = replace(demo, image=replace(demo.image, matrix=16))
    records = tmp_path / "records" / "set"
    for number in range(1, shares) if shares > 1 else []:
        print(prepare("dumc", "all", config, root, records, Options(shard=(number, shares))))
    report = prepare("dumc", "all", config, root, records)
    assert isinstance(report, Preparation)
    print(report)
    assert report.scans_kept >= 2
    assert report.excluded["not-an-image"] == 2
    assert report.excluded["truncated"] == 1
    said = "".join(capfd.readouterr()) + caplog.text
    walked = [path for path in records.rglob("*") if path.is_file()]
    assert len(walked) >= 6
    texts = {str(path.relative_to(records)): path.read_bytes() for path in walked}
    for identity in identities:
        assert identity not in said
        for name, content in texts.items():
            assert identity not in name
            assert identity.encode() not in content, name
            assert identity.encode("utf-16-le") not in content, name
    # the one table that names files lies outside of the set, for its owner only
    assert "Doe" in report.names_file.read_text(encoding="utf-8")
    assert report.names_file.stat().st_mode & 0o077 == 0
    assert {path.name for path in (tmp_path / "records").iterdir()} == {
        "set",
        report.names_file.name,
    }

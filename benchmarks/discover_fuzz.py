"""Search folders and archives of damaged and mixed series: each file is used or has a reason.

A lot is a series or two in folders or an archive, with one to four changes: slices cut, blanked,
removed, repeated, renamed, or of another patient, study, pass or kernel; bytes of a file or of an
archive exchanged; members of odd names; links; other files. Seeded.

Every file must be a slice of a series or be excluded with a reason; every series must be read, with
the digest of its files, or refused; no reason may quote a header or a name; the good series beside
each lot must be read. Whatever else happens is a crash and is named with its seed.

The last line is one JSON object.

Example:
    python benchmarks/discover_fuzz.py --lots 10000
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ichnet.ct.dicom import read_series
from ichnet.ct.discover import discover
from ichnet.ct.errors import ReadError

KEY = bytes(32)
SLICES = 6
SIZE = 8
MIB = 1 << 20
SECRET = "Secret^Patient"

Rng = np.random.Generator
Lot = dict[str, bytes]
"""Contents by name."""


def main() -> None:
    """Fuzz and print the reasons with their numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lots", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.perf_counter()
    before_mib = peak_mib()
    outcomes, slowest = fuzz(args.seed, args.lots)
    for outcome, count in outcomes.most_common():
        print(f"{count:7,} {outcome}")
    failed = [outcome for outcome in outcomes if outcome.startswith("FAILED")]
    result = {
        "lots": args.lots,
        "files": sum(count for outcome, count in outcomes.items() if not outcome.startswith("=")),
        "series_read": outcomes["= series read"],
        "crashes": sum(outcomes[outcome] for outcome in failed),
        "peak_mib": round(peak_mib() - before_mib),
        "longest_seconds": round(slowest, 3),
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(result))
    raise SystemExit(bool(failed))


def peak_mib() -> float:
    """Return the largest memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fuzz(seed: int, lots: int) -> tuple[Counter[str], float]:
    """Search ``lots`` lots; the numbers of files by outcome, and the seconds of the slowest."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(seed, seed + lots):
        with tempfile.TemporaryDirectory(prefix="discover-fuzz-") as folder:
            write_lot(np.random.default_rng(number), Path(folder) / "in")
            start = time.perf_counter()
            try:
                outcomes.update(outcomes_of(Path(folder)))
            except Exception as error:
                outcomes[f"FAILED: {type(error).__name__}: {error} (seed {number})"] += 1
            slowest = max(slowest, time.perf_counter() - start)
    return outcomes, slowest


def outcomes_of(folder: Path) -> Counter[str]:
    """Search one lot and read what is found.

    Raises:
        AssertionError: when a promise is not kept.
    """
    series, exclusions = discover([folder / "in"], folder / "scratch")
    outcomes: Counter[str] = Counter()
    for one in series:
        try:
            volume = read_series(one.files, KEY)
            digest = one.digest()
        except ReadError as error:
            exclusions += one.exclusions(error)
            continue
        require(volume.digest == digest, "the digest of a volume is not that of its files")
        require(volume.hu.shape[1:] == (SIZE, SIZE), "a volume of another shape")
        outcomes["used"] += len(one.files)
        outcomes["= series read"] += 1
    names = [name for one in series for name in one.names]
    listed = {*names, *(one.path for one in exclusions)}
    for path in found_files(folder / "in"):
        lies_inside = path.suffix == ".zip" and any(path in other.parents for other in listed)
        require(path in listed or lies_inside, "a file was lost")
    require(sum("good" in name.parts for name in names) == SLICES, "the good series was not read")
    for one_exclusion in exclusions:
        outcomes[one_exclusion.reason] += 1
        require(SECRET not in one_exclusion.detail, "a detail quotes the header")
        require("IM0" not in one_exclusion.detail, "a detail names a file")
        require(one_exclusion.reason != "internal-error", one_exclusion.detail)
    return outcomes


def require(holds: bool, failure: str) -> None:
    """Check that a promise is kept.

    Raises:
        AssertionError: when it is not.
    """
    if not holds:
        raise AssertionError(failure)


def found_files(folder: Path) -> list[Path]:
    """Return all files, those that links lead to left out: they are found once."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def slice_content(number: int, position_mm: float, **elements: object) -> bytes:
    """Return a small CT slice as a DICOM file."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"1.2.3.{number + 1}",
        "StudyInstanceUID": "1.2.4",
        "SeriesInstanceUID": "1.2.5",
        "FrameOfReferenceUID": "1.2.6",
        "PatientID": SECRET,
        "PatientName": SECRET,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "InstanceNumber": number + 1,
        "ImagePositionPatient": [0.0, 0.0, position_mm],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.5],
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": SIZE,
        "Columns": SIZE,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PixelData": np.full((SIZE, SIZE), number, "<i2").tobytes(),
    }
    for keyword, value in {**values, **elements}.items():
        setattr(dataset, keyword, value)
    return dataset_bytes(dataset)


def dataset_bytes(dataset: Dataset) -> bytes:
    """Return a data set as the bytes of a file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def series_lot(first: int = 0, shift_mm: float = 0.0, **elements: object) -> Lot:
    """Return a series of six slices."""
    return {
        f"IM{first + n:04d}.dcm": slice_content(first + n, 5.0 * n + shift_mm, **elements)
        for n in range(SLICES)
    }


def write_lot(rng: Rng, folder: Path) -> None:
    """Write a good series, and beside it a lot with one to four changes."""
    write_files(GOOD, folder / "good")
    lot = dict(SERIES)
    for _ in range(rng.integers(1, 5)):
        CHANGES[rng.integers(len(CHANGES))](lot, rng)
    if rng.random() < 0.4:
        write_archive(lot, rng, folder / "odd" / "scans.zip")
    else:
        write_files(lot, folder / "odd")
    if rng.random() < 0.1:
        (folder / "odd" / "loop").symlink_to(rng.choice(["loop", "..", "nothing"]))


def write_files(lot: Lot, folder: Path) -> None:
    """Write a lot into a folder."""
    for name, content in lot.items():
        path = folder / os.fsdecode(name.encode("utf-8", "surrogateescape"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_archive(lot: Lot, rng: Rng, path: Path) -> None:
    """Write a lot as a zip archive, and damage some of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]
    method = methods[rng.integers(len(methods))]
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in lot.items():
            archive.writestr(name.encode("utf-8", "replace").decode(), content)
        if rng.random() < 0.1:
            archive.writestr(str(rng.choice([".", "/etc/x", "../x", "a/./b", "C:\\x"])), b"x")
    if rng.random() < 0.6:
        path.write_bytes(with_changed_bytes(path.read_bytes(), rng))


def with_changed_bytes(content: bytes, rng: Rng) -> bytes:
    """Return contents with some bytes exchanged, cut out or put in."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 12)):
        if not damaged:
            break
        at, kind = int(rng.integers(len(damaged))), rng.integers(4)
        if kind <= 1:
            damaged[at] = int(rng.integers(256))
        elif kind == 2:
            del damaged[at : at + int(rng.integers(1, 32))]
        else:
            damaged[at:at] = rng.bytes(int(rng.integers(1, 32)))
    return bytes(damaged)


def any_of(lot: Lot, rng: Rng) -> str:
    """Return one of the names; an empty lot gets a file."""
    if not lot:
        lot["IM0000.dcm"] = b""
    return sorted(lot)[rng.integers(len(lot))]


def change_bytes(lot: Lot, rng: Rng) -> None:
    """Exchange bytes of one file."""
    name = any_of(lot, rng)
    lot[name] = with_changed_bytes(lot[name], rng)


def cut(lot: Lot, rng: Rng) -> None:
    """Cut one file off."""
    name = any_of(lot, rng)
    lot[name] = lot[name][: int(rng.integers(len(lot[name]) + 1))]


def blank(lot: Lot, rng: Rng) -> None:
    """Fill one file with one byte."""
    name = any_of(lot, rng)
    lot[name] = bytes([int(rng.choice([0, 32, 255]))]) * len(lot[name])


def remove(lot: Lot, rng: Rng) -> None:
    """Leave one file out."""
    del lot[any_of(lot, rng)]


def rename(lot: Lot, rng: Rng) -> None:
    """Give one file an odd name, or another folder."""
    names = ["IM 0", "a/b/IM0", "0", ".hidden", "x.zip", "M\udcfcller.dcm", "IM0\n1", "x" * 200]
    content = lot.pop(any_of(lot, rng))
    lot[names[rng.integers(len(names))]] = content


def repeat(lot: Lot, rng: Rng) -> None:
    """Add a copy of one file, identical or not."""
    content = lot[any_of(lot, rng)]
    same = rng.random() < 0.5
    lot[f"copy {rng.integers(100)}.dcm"] = content if same else with_changed_bytes(content, rng)


def mix(lot: Lot, rng: Rng) -> None:
    """Add a second series, or slices that claim to be of the same one."""
    lot.update(SECONDS[rng.integers(len(SECONDS))])


def add_other(lot: Lot, rng: Rng) -> None:
    """Add a file that is no slice."""
    others = {
        "a.jpg": b"\xff\xd8\xff\xe0JFIF",
        "DICOMDIR": b"",
        "a.txt": b"x",
        "b.zip": b"PK\x03\x04",
    }
    name = sorted(others)[rng.integers(len(others))]
    lot[name] = others[name]


CHANGES: list[Callable[[Lot, Rng], None]] = [
    *(change_bytes, change_bytes, change_bytes, cut, cut, blank, remove),
    *(rename, repeat, mix, mix, add_other),
]
GOOD = series_lot(SeriesInstanceUID="1.2.99", PatientID="good")
SERIES = series_lot()
SECONDS = [
    series_lot(100, SeriesInstanceUID="1.2.7"),
    series_lot(100, 1.3, PatientID="other"),
    series_lot(100, 1.3, StudyInstanceUID="1.2.8"),
    series_lot(100, 60.0, FrameOfReferenceUID="1.2.8"),
    series_lot(100, 2.5, AcquisitionNumber=2),
    series_lot(100, 2.0),
    series_lot(100, 0.0, ConvolutionKernel="BONE"),
    series_lot(100, 30.0, AcquisitionNumber=2),
]


if __name__ == "__main__":
    main()

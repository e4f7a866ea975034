"""What a scan costs in preparation when there are 1,000, 3,000 or 10,000: time, and peak memory.

Scans are copies of one of two slices of 32 x 32 with other identifiers, so that nearly all of the
time is what the number of scans can make longer: searching folders, headers, lists, tables. Each
number of scans is prepared in a process of its own, by ``data_prep/dumc.py``'s way; the time is the
processor's. All records are written first, then the command is run again: that is what it costs to
take up an interrupted run, listing the files, and to join the shards.

The last line is one JSON object: milliseconds a scan, of the first run and of the second, and MiB,
by number of scans; ``growth`` is the milliseconds a scan with most scans over those with fewest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
from peak_memory import peak_kb
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ichnet.config import load_config
from ichnet.records.prepare import Options, prepare

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
SIZES = (1_000, 3_000, 10_000)
SIDE_PX, GAP_MM = 32, 5.0
NUMBER = "00000000"
"""Stands in the identifiers of the slice that is copied, for the number of the scan."""


def main() -> None:
    """Prepare cohorts of several sizes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--prepare", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.prepare:
        print(json.dumps(measured(*args.prepare)))
        return
    memory = Path("/dev/shm")
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        os.environ["ICHNET_PSEUDONYM_KEY_FILE"] = str(Path(name) / "key")
        for scans in args.sizes:
            raw = Path(name) / str(scans)
            write_scans(raw, scans)
            command = [sys.executable, __file__, "--prepare", str(raw), str(raw) + "-set"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(f"{scans:6,} scans: {found}")
            result |= {f"{key}_{scans}": value for key, value in found.items()}
    first, last = (result[f"ms_a_scan_{size}"] for size in (args.sizes[0], args.sizes[-1]))
    print(json.dumps({**result, "growth": round(last / first, 3)}))


def write_scans(root: Path, scans: int) -> None:
    """Write a table and folders of two slices each."""
    slices = [slice_bytes(index) for index in range(2)]
    rows = ["scan_id,patient_id,path,ich"]
    for scan in range(scans):
        number = f"{scan + 1:0{len(NUMBER)}d}"
        folder = root / number
        folder.mkdir(parents=True)
        rows.append(f"S{scan},P{scan},{number},{scan % 2}")
        for index, content in enumerate(slices):
            copy = content.replace(NUMBER.encode(), number.encode())
            (folder / f"{index}.dcm").write_bytes(copy)
    (root / "scans.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def slice_bytes(index: int) -> bytes:
    """Return the file of one slice of air."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.Modality = CTImageStorage, "CT"
    dataset.SOPInstanceUID = f"1.2.1{NUMBER}.{index}"
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = f"1.3.1{NUMBER}", f"1.4.1{NUMBER}"
    dataset.PatientID = f"P{NUMBER}"
    dataset.ImagePositionPatient = [0, 0, index * GAP_MM]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [6, 6]
    dataset.Rows = dataset.Columns = SIDE_PX
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.PixelData = np.full((SIDE_PX, SIDE_PX), -1000, "<i2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    with tempfile.TemporaryFile() as file:
        dataset.save_as(file, enforce_file_format=True)
        file.seek(0)
        return file.read()


def measured(raw: Path, folder: Path) -> dict[str, float]:
    """Write all records, then join them; return milliseconds a scan of both, and MiB."""
    scans = sum(path.is_dir() for path in raw.iterdir())
    config = load_config(CONFIG)
    start = time.process_time()
    prepare("dumc", "all", config, raw, folder, Options(shard=(1, 1)))
    written = time.process_time()
    prepare("dumc", "all", config, raw, folder)
    joined = time.process_time()
    return {
        "ms_a_scan": round((written - start) / scans * 1e3, 3),
        "ms_a_scan_resumed": round((joined - written) / scans * 1e3, 3),
        "mib": round(peak_kb() / 1024, 1),
    }


if __name__ == "__main__":
    main()

"""Slices a second from 512 x 512 DICOM to TFRecord, against the loop that everybody writes.

The usual loop reads each file with pydicom, takes ``pixel_array``, rescales to HU, shrinks with
``cv2.resize`` (INTER_AREA) and writes a tf.train.Example, in one process. Ours is the whole of
``data_prep/dumc.py`` on the same files with two workers: headers of all files, ledger, geometry,
pseudonyms, tables. Both write 256 x 256 int16, from and to memory (3 GB of /dev/shm) where the
system has it, so that no disk decides. The first turn of each way is thrown away, and with it
TensorFlow's import in the usual loop and the imports of the process from which our workers are
forked; forking workers and their decoders is counted in every turn. Medians are compared. Of
decoders pydicom prefers GDCM, which takes all cores for JPEG 2000; there the usual loop is timed
with it and with pylibjpeg, which takes one, and ours with whole and with half resolution
(``--reduced``). Headers are as short as RSNA's (22 elements), or as long as scanners write them
(80; real heads have 80 to 90).
Memory is the peak of one process, over 6 scans and over 60.

Beside the time of one process stands what the machine cannot do without, each measured alone in
the same turns: reading the bytes of the file and writing those of the record, the checksum over
them, and the multiplications of resampling at the rate of the BLAS library on one core.
``over_limit_uncompressed`` is the processor's time of a slice over their sum.

The last line is one JSON object.

What workers do not need is imported where it is used: they import this module when they start.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import google_crc32c
import numpy as np
import pydicom
import pydicom.dataset
from peak_memory import peak_kb
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1
from threadpoolctl import threadpool_limits

from ichnet.config import Config, load_config
from ichnet.ct.dicom import read_series
from ichnet.ct.header import read_header
from ichnet.ct.pixels import read_hu
from ichnet.ct.resample import axis_weights, to_matrix
from ichnet.ct.slice_header import SliceHeader
from ichnet.ct.volume import Volume
from ichnet.records.example import SliceRecord
from ichnet.records.prepare import Options, prepare
from ichnet.records.tfrecord import TFRecordFile

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
SLICES, ROUNDS, WORKERS, MATRIX = 32, 3, 2, 256
ONE_THREAD = "pylibjpeg"


class Cohort(NamedTuple):
    """What is prepared: so many scans, and whether a slice's header is as long as a scanner's."""

    name: str
    scans: int
    syntax: UID = ExplicitVRLittleEndian
    long_headers: bool = False


COHORTS = (
    Cohort("uncompressed", 128),
    Cohort("uncompressed_long_headers", 64, long_headers=True),
    Cohort("jpeg2000", 16, JPEG2000Lossless),
    Cohort("jpeg_lossless", 32, JPEGLosslessSV1),
)


def main() -> None:
    """Measure speed for both encodings, where the time goes, and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only-memory", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    config = load_config(CONFIG)
    config = replace(config, image=replace(config.image, matrix=MATRIX))
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        if args.only_memory:
            raw, out = args.only_memory
            prepare("dumc", "all", config, raw, out)
            print(peak_kb())
            return
        os.environ["ICHNET_PSEUDONYM_KEY_FILE"] = str(Path(folder) / "key")
        result: dict[str, float] = {}
        for cohort in COHORTS:
            raw = Path(folder) / cohort.name
            write_cohort(raw, cohort)
            result |= compare(raw, config, cohort)
            if cohort.name == "uncompressed":
                limit_ms = show_limits(raw, config)
                result["over_limit_uncompressed"] = result["cpu_ms_uncompressed"] / limit_ms
            show_stages(raw, config)
            shutil.rmtree(raw)
        result["rss_ratio_10x"] = memory_ratio(Path(folder))
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


def write_cohort(root: Path, cohort: Cohort) -> None:
    """Write scans of one synthetic head, each with identities of its own."""
    from ichnet.phantom.dicom import slice_dataset
    from ichnet.phantom.draw import draw_patient
    from ichnet.phantom.scanner import scan_patient

    phantom = scan_patient(draw_patient(1, "dumc", 0, has_ich=True), 1, 512, (SLICES, SLICES))
    slices = [slice_dataset(phantom, i, True, 0) for i in range(SLICES)]
    rows = ["scan_id,patient_id,path,ich"]
    for dataset in slices:
        if cohort.long_headers:
            add_scanner_elements(dataset)
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPInstanceUID = "1.2"
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        if cohort.syntax == JPEGLosslessSV1:
            compress_jpeg_lossless(dataset)
        elif cohort.syntax != ExplicitVRLittleEndian:
            dataset.compress(cohort.syntax, generate_instance_uid=False)
    for scan in range(cohort.scans):
        folder = root / f"{scan:03d}"
        folder.mkdir(parents=True)
        rows.append(f"S{scan},P{scan},{folder.name},{scan % 2}")
        for index, dataset in enumerate(slices):
            dataset.PatientID = f"P{scan}"
            dataset.SeriesInstanceUID, dataset.StudyInstanceUID = f"1.2.{scan}", f"1.3.{scan}"
            dataset.SOPInstanceUID = f"1.2.{scan}.{index}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.save_as(folder / f"{index:03d}.dcm", enforce_file_format=True)
    (root / "scans.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def compress_jpeg_lossless(dataset: pydicom.Dataset) -> None:
    """Compress a slice to JPEG Lossless, which pydicom cannot."""
    import imagecodecs

    codestream = imagecodecs.ljpeg_encode(dataset.pixel_array.view(np.uint16), bitspersample=16)
    dataset.PixelData = encapsulate([bytes(codestream)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1


def add_scanner_elements(dataset: pydicom.Dataset) -> None:
    """Add what a real scanner writes: the public elements of pydicom's CT_small.dcm."""
    scanner = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    scanner.remove_private_tags()
    for element in scanner:
        if element.tag not in dataset and element.VR != "SQ":
            dataset[element.tag] = element


def compare(raw: Path, config: Config, cohort: Cohort) -> dict[str, float]:
    """Time both ways in turns; the first round of each is thrown away."""
    name, files = cohort.name, sorted(raw.rglob("*.dcm"))
    out = raw.with_name(f"{name}-records")
    ways: dict[str, Callable[[], object]] = {
        "usual": lambda: usual_loop(files, raw.with_suffix(".tfrecord")),
        "ours": lambda: prepare("dumc", "all", config, raw, out, Options(workers=WORKERS)),
    }
    ways["ours, 1 process"] = lambda: prepare("dumc", "all", config, raw, out)
    if cohort.syntax == JPEG2000Lossless:
        ways["usual, 1 thread"] = lambda: usual_loop(
            files, raw.with_suffix(".tfrecord"), ONE_THREAD
        )
        reduced = Options(workers=WORKERS, reduced=True)
        ways["ours, reduced"] = lambda: prepare("dumc", "all", config, raw, out, reduced)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    cpu: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS + 1):
        for way, run in ways.items():
            shutil.rmtree(out, ignore_errors=True)
            raw.with_suffix(".tfrecord").unlink(missing_ok=True)
            start, start_cpu = time.perf_counter(), time.process_time()
            run()
            seconds[way].append(time.perf_counter() - start)
            cpu[way].append(time.process_time() - start_cpu)
    rates = {way: len(files) / float(np.median(values[1:])) for way, values in seconds.items()}
    elements = len(pydicom.dcmread(files[0]))
    print(f"{name}: {len(files)} slices, {elements} elements each")
    for way, rate in rates.items():
        print(f"  {way:16} {rate:8.1f} slices/s  {[round(value, 2) for value in seconds[way][1:]]}")
    jpeg2000 = (
        {
            f"speedup_{name}_one_thread": rates["ours"] / rates["usual, 1 thread"],
            f"speedup_{name}_reduced": rates["ours, reduced"] / rates["usual"],
        }
        if cohort.syntax == JPEG2000Lossless
        else {}
    )
    slice_ms = float(np.median(cpu["ours, 1 process"][1:])) / len(files) * 1e3
    return {
        **jpeg2000,
        f"cpu_ms_{name}": slice_ms,
        f"slices_per_second_{name}": rates["ours"],
        f"slices_per_second_{name}_usual": rates["usual"],
        f"speedup_{name}": rates["ours"] / rates["usual"],
        f"cpu_ratio_{name}": float(
            np.median(cpu["usual"][1:]) / np.median(cpu["ours, 1 process"][1:])
        ),
    }


def usual_loop(files: list[Path], out: Path, decoder: str = "") -> None:
    """Do what most code bases do; without a decoder's name pydicom chooses one."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(out)) as writer:
        for path in files:
            dataset = pydicom.dcmread(path)
            dataset.pixel_array_options(decoding_plugin=decoder)
            pixels = dataset.pixel_array.astype(np.float32)
            hu = pixels * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
            small = cv2.resize(hu, (MATRIX, MATRIX), interpolation=cv2.INTER_AREA)
            content = np.rint(small).astype(np.int16).tobytes()
            feature = {
                "hu": tf.train.Feature(bytes_list=tf.train.BytesList(value=[content])),
                "id": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[str(dataset.SOPInstanceUID).encode()])
                ),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[0])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def show_limits(raw: Path, config: Config) -> float:
    """Print what a slice cannot do without, each alone; return the sum in ms of one core."""
    files = sorted(raw.rglob("*.dcm"))[: 4 * SLICES]
    memory = memoryview(bytearray(files[0].stat().st_size))
    record = bytes(2 * MATRIX * MATRIX)
    volume = read_series(files[:SLICES], bytes(32))
    multiplications = resampling_multiplications(volume, config)
    square = np.ones((512, 512), np.float32)
    parts: dict[str, tuple[Callable[[], object], float]] = {
        "bytes of the file": (lambda: [read_bytes(path, memory) for path in files], 1),
        "bytes of the record": (lambda: write_bytes(record, len(files), raw / "limit"), 1),
        "checksum": (lambda: [google_crc32c.value(record) for _ in files], 1),
        "resampling at BLAS' rate": (
            lambda: [square @ square for _ in files],
            multiplications / 512**3,
        ),
    }
    limits = {}
    with threadpool_limits(1):
        for part, (run, share) in parts.items():
            seconds = []
            for _ in range(ROUNDS + 1):
                start = time.process_time()
                run()
                seconds.append(time.process_time() - start)
            limits[part] = float(np.median(seconds[1:])) / len(files) * share * 1e3
    print("  cannot be done without, ms of a core a slice:")
    for part, milliseconds in limits.items():
        print(f"    {part:25} {milliseconds:6.3f}")
    return sum(limits.values())


def resampling_multiplications(volume: Volume, config: Config) -> float:
    """Return how many multiplications the weights of a slice are that are not 0."""
    rows, columns = volume.hu.shape[1:]
    matrix_mm = config.image.field_of_view_mm / MATRIX
    by_row, by_column = (
        np.count_nonzero(axis_weights(size, spacing_mm, MATRIX, matrix_mm))
        for size, spacing_mm in zip((rows, columns), volume.pixel_spacing_mm, strict=True)
    )
    return float(by_row * columns + by_column * MATRIX)


def read_bytes(path: Path, memory: memoryview) -> int:
    """Read a file into memory that is there."""
    with path.open("rb", buffering=0) as file:
        return file.readinto(memory)


def write_bytes(record: bytes, count: int, path: Path) -> None:
    """Write so many records of zeros."""
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(record)
    path.unlink()


def show_stages(raw: Path, config: Config) -> None:
    """Print how one process spends its time on a slice, stage by stage."""
    files = sorted(raw.rglob("*.dcm"))[: 4 * SLICES]
    headers = [read_header(path) for path in files]
    field = config.image.field_of_view_mm
    volume = read_series(files[:SLICES], bytes(32))
    slices = [np.rint(hu) for hu in to_matrix(volume.hu, volume.pixel_spacing_mm, MATRIX, field)]
    stages: dict[str, Callable[[], object]] = {
        "I/O (reading files)": lambda: sum(len(path.read_bytes()) for path in files),
        "headers": lambda: [read_header(path) for path in files],
        "decoding to HU (and I/O)": lambda: sum(len(read_hu(header)) for header in headers),
        "resampling": lambda: resample_all(volume.hu, headers, config),
        "encoding and writing": lambda: write_all(slices, raw / "stage.tfrecord"),
    }
    counts = dict.fromkeys(stages, len(files)) | {"encoding and writing": SLICES}
    took = {}
    for stage, run in stages.items():
        seconds = []
        for _ in range(ROUNDS + 1):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        took[stage] = float(np.median(seconds[1:])) / counts[stage] * 1e3
    took["decoding to HU (and I/O)"] -= took["I/O (reading files)"]
    took["decoding to HU"] = took.pop("decoding to HU (and I/O)")
    total = sum(took.values())
    for stage, milliseconds in took.items():
        print(f"  {stage:22} {milliseconds:6.2f} ms a slice {milliseconds / total:6.1%}")


def resample_all(
    hu: np.ndarray[tuple[int, ...], np.dtype[np.int16]], headers: list[SliceHeader], config: Config
) -> None:
    """Resample as many slices as there are headers."""
    for index, header in enumerate(headers):
        to_matrix(
            hu[index % SLICES], header.pixel_spacing_mm, MATRIX, config.image.field_of_view_mm
        )


def write_all(slices: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]], path: Path) -> None:
    """Serialise and write slices."""
    labels = np.zeros(6, np.int8)
    with TFRecordFile(path) as writer:
        for hu in slices:
            record = SliceRecord(
                hu.astype(np.int16), None, labels, labels, "scan", "patient", 0, 1, 5, np.zeros(6)
            )
            writer.write(*record.pieces())


def memory_ratio(folder: Path) -> float:
    """Return peak memory of preparing 60 scans over that of preparing 6."""
    peaks = list(peaks_kb(folder, (6, 60)))
    print(f"peak memory: 6 scans {peaks[0] / 1024:.0f} MiB, 60 scans {peaks[1] / 1024:.0f} MiB")
    return peaks[1] / peaks[0]


def peaks_kb(folder: Path, sizes: tuple[int, ...]) -> Iterator[int]:
    """Yield the peak memory of preparing so many scans, each in a process of its own."""
    for scans in sizes:
        raw = folder / f"memory-{scans}"
        write_cohort(raw, Cohort("memory", scans))
        command = [sys.executable, __file__, "--only-memory", str(raw), str(folder / f"m{scans}")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield int(done.stdout.split()[-1])


if __name__ == "__main__":
    main()

"""Give `ichnet predict` and `ichnet pacs` damaged input: none may end the run or get lost.

Five kinds of damage, by turns, seeded: headers and pixels of a series of six slices in one of
seven encodings, archives, folders with odd things in them, and answers of a PACS. Each input must
end as a result or as a row of `excluded.csv`, and each file of a damaged series too. The model is a
tiny untrained segmenter, whatever it says.

    python benchmarks/predict_fuzz.py --inputs 1000

The last line is one JSON object: `files` and `inputs` given, `lost` among them, `crashes` (an
exception that left the program), `peak_mib` of the process, `longest_seconds` of an input.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from dicom_fuzz import mutated
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from ichnet.config import load_config
from ichnet.deployment.export import export_model
from ichnet.deployment.pacs import Pacs, predict_studies
from ichnet.deployment.predict import Predictor
from ichnet.deployment.saved_model import SavedModel
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.statistics.scan_score import UNCHANGED

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))
from odd_pacs import OddPacs, started  # noqa: E402 - lies beside the tests, which share it

CONFIG = ROOT / "models" / "phantom.yaml"
SLICES, GAP_MM, SIZE, AT_ONCE = 6, 10.0, 64, 50
KEY = bytes(32)
COMPRESSED = (RLELossless, JPEGLSLossless, JPEG2000Lossless)
SYNTAXES = (
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian),
    *(DeflatedExplicitVRLittleEndian, *COMPRESSED),
)
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
NAMES = ("a", ".", "../a", "/a", "a/" * 40 + "b", "\u00e9", "CON", "a\\b", "x.zip", "\n", "a" * 200)

Slices = list[bytes]
Damage = Callable[[Slices, np.random.Generator, Path], None]


@dataclass
class Tally:
    """What became of the inputs."""

    files: int = 0
    inputs: int = 0
    lost: int = 0
    crashes: int = 0
    longest_seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)


def main() -> None:
    """Fuzz and print what became of the inputs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        tally = fuzz(write_model(Path(name) / "model" / "1"), Path(name), args.seed, args.inputs)
    for outcome, count in tally.outcomes.most_common():
        print(f"{count:7,} {outcome}")
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = {
        "inputs": tally.inputs,
        "files": tally.files,
        "lost": tally.lost,
        "crashes": tally.crashes,
        "peak_mib": round(peak_kib / 1024),
        "longest_seconds": round(tally.longest_seconds, 2),
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(result))
    raise SystemExit(bool(tally.lost or tally.crashes))


def write_model(folder: Path) -> Path:
    """Export an untrained segmenter of 32 x 32 pixels."""
    config = load_config(CONFIG)
    config = replace(config, image=replace(config.image, matrix=32))
    network = build_inception_unet(config.image, base_width=4, depth=2, name="unet", seed=0)
    export_model(network, "untrained", config, UNCHANGED, folder)
    return folder


def fuzz(model_dir: Path, folder: Path, seed: int, count: int) -> Tally:
    """Predict so many damaged inputs, a lot with each predictor, and account for them."""
    tally, model = Tally(), SavedModel(model_dir)
    for first in range(seed, seed + count, AT_ONCE):
        lot = folder / f"lot-{first}"
        predictor = Predictor(model_dir, lot / "out", KEY, dicom_dir=lot / "dicom")
        predictor.model = model  # loaded once
        for number in range(first, min(first + AT_ONCE, seed + count)):
            rng = np.random.default_rng(number)
            kind = (*DAMAGES, "PACS answers")[number % (len(DAMAGES) + 1)]
            start = time.perf_counter()
            try:
                if kind in DAMAGES:
                    outcome = _of_files(predictor, number, rng, kind, lot / str(number), tally)
                else:
                    outcome = _of_answers(predictor, number, rng, tally)
            except Exception as error:
                tally.crashes += 1
                outcome = f"CRASH: {type(error).__name__} (input {number})"
            tally.outcomes[f"{kind}: {outcome}"] += 1
            tally.inputs += 1
            tally.longest_seconds = max(tally.longest_seconds, time.perf_counter() - start)
        shutil.rmtree(lot)
    return tally


def series(number: int) -> Slices:
    """Return the files of a head's slices, brain in a skull and a vertex, in one encoding."""
    hu = np.full((SLICES, SIZE, SIZE), -1000, np.int16)
    hu[:-1, 8:56, 8:56] = 1000
    hu[:-1, 10:54, 10:54] = 30
    hu[-1, 24:40, 24:40] = 1000
    contents = []
    for index in range(SLICES):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.SOPClassUID, dataset.Modality = CTImageStorage, "CT"
        dataset.StudyInstanceUID = f"1.2.4.{number}"
        dataset.SeriesInstanceUID = f"1.2.3.{number}"
        dataset.SOPInstanceUID = f"1.2.3.{number}.{index + 1}"
        dataset.PatientID, dataset.PatientName = f"P{number}", "Doe^Jane"
        dataset.ImagePositionPatient = [0, 0, index * GAP_MM]
        dataset.ImageOrientationPatient, dataset.PixelSpacing = [1, 0, 0, 0, 1, 0], [2, 2]
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.Rows = dataset.Columns = SIZE
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 1
        contents.append(_encoded(dataset, hu[index], number % len(SYNTAXES)))
    return contents


def _encoded(dataset: Dataset, hu: np.ndarray, which: int) -> bytes:
    syntax = SYNTAXES[which]
    plain = ExplicitVRLittleEndian if syntax in COMPRESSED else syntax
    dataset.file_meta.TransferSyntaxUID = plain
    dataset.PixelData = hu.astype("<i2" if plain.is_little_endian else ">i2").tobytes()
    dataset["PixelData"].VR = "OW"
    if syntax in COMPRESSED:
        dataset.compress(syntax, generate_instance_uid=False)
    content = BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()


def damage_headers(contents: Slices, rng: np.random.Generator, folder: Path) -> None:
    """Change bytes before the pixels of one slice, or of all."""
    _write(folder, _damaged(contents, rng, lambda content: (0, min(len(content), 900))))


def damage_pixels(contents: Slices, rng: np.random.Generator, folder: Path) -> None:
    """Change bytes of the pixels of one slice, or of all."""
    _write(folder, _damaged(contents, rng, lambda content: (len(content) // 2, len(content))))


def damage_archive(contents: Slices, rng: np.random.Generator, folder: Path) -> None:
    """Pack the series by some method, under odd names, and change bytes of the archive."""
    folder.mkdir(parents=True)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", ZIP_METHODS[rng.integers(len(ZIP_METHODS))]) as opened:
        for index, content in enumerate(contents):
            odd = NAMES[rng.integers(len(NAMES))] if rng.random() < 0.1 else f"{index}.dcm"
            opened.writestr(odd if odd != "a" else f"a{index}", content)
    content = packed.getvalue()
    (folder / "series.zip").write_bytes(mutated(content, rng) if rng.random() < 0.8 else content)


def damage_folder(contents: Slices, rng: np.random.Generator, folder: Path) -> None:
    """Put odd things beside the slices, or in the place of one."""
    _write(folder, contents)
    path = folder / f"{rng.integers(SLICES)}.dcm"
    kind = int(rng.integers(10))
    if kind == 0:
        path.write_bytes(b"")
    elif kind == 1:
        path.write_bytes(bytes(path.stat().st_size))
    elif kind == 2:
        path.unlink()
    elif kind == 3:
        shutil.copy(path, folder / "copy.dcm")
    elif kind == 4:
        (folder / "loop").symlink_to("loop")
    elif kind == 5:
        (folder / "again").symlink_to(folder)
    elif kind == 6:
        path.unlink()
        path.symlink_to("nowhere.dcm")
    elif kind == 7:
        os.mkfifo(folder / "pipe")
    elif kind == 8:
        (folder / os.fsdecode(b"M\xfcller.txt")).write_bytes(rng.bytes(100))
    else:
        _write(folder / "deeper" / "x" / "y", [content[:200] for content in contents])


DAMAGES: dict[str, Damage] = {
    "headers": damage_headers,
    "pixels": damage_pixels,
    "archives": damage_archive,
    "folders": damage_folder,
}


def _damaged(
    contents: Slices, rng: np.random.Generator, part: Callable[[bytes], tuple[int, int]]
) -> Slices:
    everywhere, one = rng.random() < 0.3, int(rng.integers(len(contents)))
    changed = []
    for index, content in enumerate(contents):
        first, last = part(content)
        if everywhere or index == one:
            content = content[:first] + mutated(content[first:last], rng) + content[last:]
        changed.append(content)
    return changed


def _write(folder: Path, contents: Slices) -> None:
    folder.mkdir(parents=True)
    for index, content in enumerate(contents):
        (folder / f"{index}.dcm").write_bytes(content)


def _of_files(
    predictor: Predictor,
    number: int,
    rng: np.random.Generator,
    kind: str,
    folder: Path,
    tally: Tally,
) -> str:
    DAMAGES[kind](series(number), rng, folder)
    files = [path for path in folder.rglob("*") if not path.is_dir()]
    before = len(predictor.exclusions)
    results = predictor.take([folder])
    rows = predictor.exclusions[before:]
    predicted = sum(len(result.slices) for result in results)
    tally.files += len(files)
    if kind in ("headers", "pixels"):
        of_files = [row for row in rows if row.reason != "no-dicom-result"]
        tally.lost += abs(len(files) - predicted - len(of_files))
    elif not results and not rows:
        tally.lost += len(files)
    return "predicted" if results else rows[0].reason if rows else "LOST"


def _of_answers(predictor: Predictor, number: int, rng: np.random.Generator, tally: Tally) -> str:
    """Damage one of the first answers of a PACS, or let it send a part."""
    with started() as pacs:
        _fill(pacs, number)
        spoilt = int(rng.integers(8))
        answers = iter(range(10_000))
        pacs.spoil = lambda body: mutated(body, rng) if next(answers) == spoilt else body
        if rng.random() < 0.3:
            pacs.sends, pacs.status = int(rng.integers(1, SLICES)), 206
            pacs.gives_single = bool(rng.random() < 0.5)
        asked = Pacs(pacs.url, settle_s=0.0, time_limit_s=10.0)
        (outcome,) = predict_studies(asked, [f"1.2.4.{number}"], predictor)
    tally.files += SLICES
    if outcome.made == 0 and not outcome.problem and not predictor.exclusions:
        tally.lost += SLICES
        return "LOST"
    return "stored" if outcome.is_whole else "not stored, and said so"


def _fill(pacs: OddPacs, number: int) -> None:
    uids = [f"1.2.3.{number}.{index + 1}" for index in range(SLICES)]
    by_instance = dict(zip(uids, series(number), strict=True))
    pacs.holds[f"1.2.4.{number}"] = {f"1.2.3.{number}": by_instance}


if __name__ == "__main__":
    main()

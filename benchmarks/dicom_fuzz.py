"""Damage DICOM files at random and read them: each is read, or refused with a reason.

Mutates the headers and pixel streams of small CT slices in all encodings (uncompressed, implicit,
big-endian, deflated, RLE, JPEG-LS, JPEG 2000), seeded. An exception that is no ReadError, a crash,
more than 10 s or more than 1 GiB over the start is a failure and is named with its seed.

The last line is one JSON object.

Example:
    python benchmarks/dicom_fuzz.py --files 10000
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import signal
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from ichnet.ct.errors import ReadError
from ichnet.ct.header import read_frames
from ichnet.ct.pixels import read_pixels

SECONDS, GIB, AT_ONCE = 10, 1 << 30, 500
COMPRESSED = (RLELossless, JPEGLSLossless, JPEG2000Lossless)
OTHERS = (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def main() -> None:
    """Fuzz and print the reasons with their numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest, start = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        originals = write_originals(Path(folder))
        for first in range(0, args.files, AT_ONCE):
            count = min(AT_ONCE, args.files - first)
            found, seconds = in_child(originals, args.seed + first, count, Path(folder) / "x.dcm")
            outcomes.update(found)
            slowest = max(slowest, seconds)
    for outcome, count in outcomes.most_common():
        print(f"{count:7,} {outcome}")
    failures = sum(count for outcome, count in outcomes.items() if outcome.startswith("FAILED"))
    result = {
        "files": sum(outcomes.values()),
        "failures": failures,
        "slowest_seconds": round(slowest, 3),
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(result))
    raise SystemExit(failures > 0)


def write_originals(folder: Path) -> list[bytes]:
    """Return one CT slice in every encoding."""
    source = str(get_testdata_file("CT_small.dcm", download=False))
    originals = [Path(source).read_bytes()]
    for syntax in (*OTHERS, *COMPRESSED):
        dataset = dcmread(source)
        path = folder / f"{syntax}.dcm"
        if syntax in COMPRESSED:
            dataset.compress(syntax, generate_instance_uid=False)
            dataset.save_as(path)
        else:
            pixels = dataset.pixel_array.astype("<i2" if syntax.is_little_endian else ">i2")
            bare = Dataset({element.tag: element for element in dataset})
            bare.file_meta = dataset.file_meta
            bare.file_meta.TransferSyntaxUID = syntax
            bare.PixelData = pixels.tobytes()
            bare.save_as(path, enforce_file_format=True)
        originals.append(path.read_bytes())
    return originals


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with one to eight changes: bytes, lengths, cuts, insertions, repetitions."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        at = int(rng.integers(0, len(damaged)))
        kind = rng.integers(0, 6)
        if kind <= 1:
            damaged[at] = int(rng.integers(0, 256))
        elif kind == 2:
            damaged[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f"])
        elif kind == 3:
            del damaged[at : at + int(rng.integers(1, 64))]
        elif kind == 4:
            damaged[at:at] = rng.bytes(int(rng.integers(1, 64)))
        elif rng.random() < 0.2:
            del damaged[at:]
        if not damaged:
            break
    return bytes(damaged)


def outcome_of(path: Path) -> str:
    """Read a file whole: ``read``, or the reason for which it was refused."""
    try:
        for header in read_frames(path):
            pixels = read_pixels(header)
            if pixels.hu.shape != header.shape or pixels.hu.dtype != np.int16:
                return "FAILED: not int16 of the header's shape"
    except ReadError as error:
        return error.reason
    except Exception as error:
        return f"FAILED: {type(error).__name__}: {error}"
    return "read"


def fuzz(
    originals: list[bytes], seed: int, count: int, path: Path, sender: Connection | None = None
) -> tuple[Counter[str], float]:
    """Read ``count`` damaged files; their numbers by outcome, and the seconds of the slowest."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for number in range(seed, seed + count):
        rng = np.random.default_rng(number)
        path.write_bytes(mutated(originals[number % len(originals)], rng))
        if sender is not None:
            sender.send(number)
            signal.alarm(SECONDS)
        start = time.perf_counter()
        outcome = outcome_of(path)
        slowest = max(slowest, time.perf_counter() - start)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
        if grown > GIB:
            before += grown
            outcome = f"FAILED: {grown / GIB:.1f} GiB more"
        if outcome.startswith("FAILED"):
            outcome += f" (seed {number})"
        outcomes[outcome] += 1
    signal.alarm(0)
    return outcomes, slowest


def in_child(
    originals: list[bytes], seed: int, count: int, path: Path
) -> tuple[Counter[str], float]:
    """Do the same in a process that may crash or be stopped by its clock."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    last = seed + count
    while seed < last:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        arguments = (originals, seed, last - seed, path, sender)
        child = multiprocessing.Process(target=_report, args=arguments)
        child.start()
        sender.close()
        number, done = seed, None
        try:
            while done is None:
                message = receiver.recv()
                number, done = (message, None) if isinstance(message, int) else (number, message)
        except EOFError:
            child.join()
            outcomes[f"FAILED: ended by signal {-(child.exitcode or 0)} (seed {number})"] += 1
            outcomes["read before a crash"] += number - seed
            seed = number + 1
            continue
        child.join()
        outcomes.update(done[0])
        slowest, seed = max(slowest, done[1]), last
    return outcomes, slowest


def _report(originals: list[bytes], seed: int, count: int, path: Path, sender: Connection) -> None:
    sender.send(fuzz(originals, seed, count, path, sender))


if __name__ == "__main__":
    main()

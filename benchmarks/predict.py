"""What `ichnet predict` takes for a scan of 32 slices of 512 x 512, and where the time goes.

Ten scans are predicted, then a hundred, each lot in a process of its own; uncompressed synthetic
heads, the ensemble of five untrained segmenters of the demonstration's size. Reading, model and
writing are timed one after another on one scan. Then scans are read ahead as a run does it: what of
reading is hidden is the share of its time for which the model did not wait.

    python benchmarks/predict.py [--scans 100]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from ichnet.config import SEGMENTERS, load_config
from ichnet.ct.dicom import read_series_and_skull
from ichnet.ct.discover import Series, discover
from ichnet.ct.volume import Volume
from ichnet.deployment.export import export_model
from ichnet.deployment.predict import Predictor
from ichnet.deployment.read_ahead import read_ahead
from ichnet.deployment.result_files import ResultFiles
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_prediction import predict_scan, predict_volume
from ichnet.deployment.scan_result import Provenance
from ichnet.deployment.suitability import require_suitable
from ichnet.networks.ensemble import build_ensemble
from ichnet.networks.inception_unet import build_inception_unet
from ichnet.networks.weight_model import build_weight_model
from ichnet.phantom.dicom import save, uid
from ichnet.statistics.scan_score import UNCHANGED

CONFIG = Path(__file__).parents[1] / "models" / "phantom.yaml"
SLICES, SIZE, SPACING_MM, GAP_MM = 32, 512, 0.45, 5.0
FEW, ROUNDS = 10, 3
KEY = bytes(32)


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scans", type=int, default=100, help="of the large lot (100)")
    many = parser.parse_args().scans
    spawn = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model_dir = in_process(spawn, write_model, folder / "model" / "1")
        write_scans(folder / "scans", many)
        parts = in_process(spawn, parts_of_a_scan, model_dir, folder / "scans" / "0", folder)
        waited = in_process(spawn, waiting_for_reader, model_dir, folder / "scans", folder)
        few = in_process(spawn, predict_lot, model_dir, folder / "scans", FEW, folder / "few")
        lot = in_process(spawn, predict_lot, model_dir, folder / "scans", many, folder / "many")
    seconds = lot["seconds"] / many
    reading_cpu_seconds = parts.pop("reading_cpu")
    total = sum(parts.values())
    hidden = 1 - waited / parts["reading"]
    for part, one in parts.items():
        print(f"{part:8} {one:.3f} s")
    print(f"{'sum':8} {total:.3f} s; in a run of {many}: {seconds:.3f} s a scan")
    print(f"peak memory: {FEW} scans {few['mib']:.0f} MiB, {many} scans {lot['mib']:.0f} MiB")
    result = {
        "seconds_per_scan": round(seconds, 3),
        "reading_seconds": round(parts["reading"], 3),
        "reading_cpu_seconds": round(reading_cpu_seconds, 3),
        "model_seconds": round(parts["model"], 3),
        "writing_seconds": round(parts["writing"], 3),
        "reading_hidden": round(hidden, 3),
        "rss_ratio": round(lot["mib"] / few["mib"], 3),
    }
    print(json.dumps(result))


def in_process(context: SpawnContext, function: Callable[..., Any], *arguments: object) -> Any:
    """Return what a function returns in a process of its own, whose memory counts alone."""
    with context.Pool(1) as pool:
        return pool.apply(function, arguments)


def write_model(folder: Path) -> Path:
    """Export an untrained ensemble of five, of the demonstration's size."""
    config = load_config(CONFIG)
    size, ensembles = config.segmenters, config.ensembles
    members = {
        name: build_inception_unet(config.image, size.base_width, size.depth, name, seed)
        for seed, name in enumerate(SEGMENTERS)
    }
    weights = build_weight_model(
        config.image.matrix,
        SEGMENTERS,
        ensembles.weighting,
        ensembles.width,
        ensembles.pixel_threshold,
        config.seed,
    )
    network = build_ensemble(members, weights, config.evaluation.top_pixels)
    export_model(network, "untrained", config, UNCHANGED, folder, members=SEGMENTERS)
    return folder


def write_scans(folder: Path, count: int) -> None:
    """Write one noisy ball of soft tissue in bone, then the same under other identities."""
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[-1 : 1 : SLICES * 1j, -1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    radius = np.sqrt((z * 0.9) ** 2 + (y * 1.1) ** 2 + (x * 1.3) ** 2)
    hu = np.where(radius < 0.9, 35, np.where(radius < 0.95, 900, -1000))
    hu = np.clip(hu + rng.normal(0, 5, hu.shape), -1024, 3000).astype("<i2")
    for number in range(count):
        for index in range(SLICES):
            save(slice_of(hu[index], number, index), folder / str(number) / f"{index}.dcm")


def slice_of(hu: NDArray[np.int16], number: int, index: int) -> Dataset:
    """Return a slice as a scanner stores it."""
    dataset = Dataset()
    dataset.Modality, dataset.SOPClassUID = "CT", CTImageStorage
    dataset.SOPInstanceUID = uid("benchmark", number, index)
    dataset.SeriesInstanceUID = uid("benchmark", number)
    dataset.StudyInstanceUID = uid("benchmark", "study", number)
    dataset.PatientID = f"P{number}"
    dataset.ImagePositionPatient = [0, 0, index * GAP_MM]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [SPACING_MM, SPACING_MM]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = SIZE
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
    dataset.PixelData = hu.tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def read(series: Series) -> Volume:
    """Read a scan and check that it can be judged, as prediction does."""
    volume, skull = read_series_and_skull(series.files, KEY)
    require_suitable(volume, skull, series.files)
    return volume


def parts_of_a_scan(model_dir: Path, scan: Path, folder: Path) -> dict[str, float]:
    """Return the median seconds of reading, model and writing, one after another.

    ``reading_cpu`` is the time that reading, in one thread, has of a processor: the same on a busy
    machine.
    """
    model = SavedModel(model_dir)
    seconds: dict[str, list[float]] = {
        name: [] for name in ("reading", "reading_cpu", "model", "writing")
    }
    for turn in range(ROUNDS + 1):
        start, start_cpu = time.perf_counter(), time.thread_time()
        (series,), _ = discover([scan], folder / "scratch")
        volume = read(series)
        seen, seen_cpu = time.perf_counter(), time.thread_time()
        predict_volume(model, volume)
        predicted = time.perf_counter()
        provenance = Provenance(volume.digest, model.fingerprint)
        predict_scan(model, volume, series, provenance, ResultFiles(folder / "parts"))
        written = time.perf_counter() - predicted - (predicted - seen)
        if turn:  # the first one traces the graph
            seconds["reading"].append(seen - start)
            seconds["reading_cpu"].append(seen_cpu - start_cpu)
            seconds["model"].append(predicted - seen)
            seconds["writing"].append(max(written, 0.0))
    return {part: float(np.median(values)) for part, values in seconds.items()}


def waiting_for_reader(model_dir: Path, scans: Path, folder: Path) -> float:
    """Return for how many seconds a scan was waited for, on average.

    The first, which has nothing to hide behind, does not count.
    """
    model = SavedModel(model_dir)
    found, _ = discover([scans / str(number) for number in range(FEW)], folder / "scratch")
    waited = []
    with closing(read_ahead(read, found)) as reads:
        for series, ahead in reads:
            start = time.perf_counter()
            volume = ahead.result()
            waited.append(time.perf_counter() - start)
            provenance = Provenance(volume.digest, model.fingerprint)
            predict_scan(model, volume, series, provenance, ResultFiles(folder / "waiting"))
    return float(np.mean(waited[1:]))


def predict_lot(model_dir: Path, scans: Path, count: int, out: Path) -> dict[str, float]:
    """Predict a number of scans; seconds after the first, times the number, and peak memory."""
    predictor = Predictor(model_dir, out, KEY)
    warm = out / "warm"
    shutil.copytree(scans / "0", warm)
    for path in warm.iterdir():
        dataset = dcmread(path)
        dataset.SeriesInstanceUID = uid("benchmark", "warm")
        dataset.save_as(path)
    predictor.take([warm])
    start = time.perf_counter()
    predictor.take([scans / str(number) for number in range(count)])
    if predictor.summary.scans != count + 1:
        raise RuntimeError(f"{predictor.summary.scans} scans of {count + 1}")
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": time.perf_counter() - start, "mib": mib}


if __name__ == "__main__":
    main()

"""What JPEG 2000 decoded at half its resolution changes: HU on the networks' grid, and scores.

Each series is compressed to JPEG 2000 without loss, read whole and at half the resolution
(:mod:`ichnet.ct.reduced`), and resampled to the networks' grid. Differences are told of pixels in
the brain, which lie, with all around them, between -20 and 120 HU; the standard deviation of HU
there stands beside them. Scores are those of the embedded model. Without folders a synthetic head
is taken.

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import JPEG2000Lossless
from scipy.ndimage import maximum_filter, minimum_filter

from ichnet.ct.dicom import read_headers, read_listed
from ichnet.ct.reduced import reduced_headers
from ichnet.ct.resample import to_matrix
from ichnet.ct.series_headers import SeriesHeaders
from ichnet.ct.stack import stack_slices
from ichnet.ct.volume import Volume
from ichnet.deployment.embedded import embedded_model_dir
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_prediction import predict_volume

MATRICES, FIELD_OF_VIEW_MM = (112, 128, 256), 230.0
SCORE_TOLERANCE = 0.005
SOFT_HU, AROUND_PX = (-20, 120), 5


def main() -> None:
    """Compare both ways of reading, series by series."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="each of one uncompressed series")
    args = parser.parse_args()
    model = SavedModel(embedded_model_dir())
    found: dict[str, list[NDArray[np.float64]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folders = args.folders or [synthetic_series(Path(temporary) / "synthetic")]
        for number, folder in enumerate(folders):
            files = compress(sorted(folder.iterdir()), Path(temporary) / str(number))
            for name, values in compare(files, model).items():
                found.setdefault(name, []).append(values)
    joined = {name: np.concatenate(values) for name, values in found.items()}
    print(json.dumps(summary(joined)))


def synthetic_series(folder: Path) -> Path:
    """Write one synthetic head with hemorrhage, 512 x 512."""
    from ichnet.phantom.dicom import save, slice_dataset
    from ichnet.phantom.draw import draw_patient
    from ichnet.phantom.scanner import scan_patient

    scan = scan_patient(draw_patient(1, "dumc", 0, has_ich=True), 1, 512, (32, 32))
    folder.mkdir()
    for index in range(len(scan.hu)):
        save(slice_dataset(scan, index, True, 0), folder / f"{index:03d}.dcm")
    return folder


def compress(files: Sequence[Path], folder: Path) -> list[Path]:
    """Write copies of slices as JPEG 2000 without loss."""
    folder.mkdir()
    copies = []
    for path in files:
        dataset = pydicom.dcmread(path)
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        dataset.save_as(folder / path.name)
        copies.append(folder / path.name)
    return copies


def compare(files: Sequence[Path], model: SavedModel) -> dict[str, NDArray[np.float64]]:
    """Return differences in HU by matrix, in scores, and HU of the brain."""
    slices, _ = stack_slices(read_headers(files)[0])
    halved = reduced_headers(slices, max(slices[0].pixel_spacing_mm) * 2)
    if halved is None:
        raise ValueError("the series cannot be read at half its resolution")
    whole, half = (read_listed(SeriesHeaders.of(one), bytes(32)) for one in (slices, halved))
    scores = [predict_volume(model, one).probability for one in (whole, half)]
    found = {"score": np.asarray(scores[1] - scores[0], np.float64).ravel()}
    for matrix in MATRICES:
        exact, other = (on_grid(volume, matrix) for volume in (whole, half))
        brain = np.stack([is_brain(one) for one in exact])
        found[f"hu_{matrix}"] = np.asarray(other[brain] - exact[brain], np.float64)
        found[f"brain_{matrix}"] = np.asarray(exact[brain], np.float64)
    return found


def on_grid(volume: Volume, matrix: int) -> NDArray[np.float32]:
    """Resample a scan as its records are."""
    grid = (volume.pixel_spacing_mm, matrix, FIELD_OF_VIEW_MM, volume.centre_mm)
    return np.rint(to_matrix(volume.hu, *grid))


def is_brain(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the pixels of soft tissue with nothing else around, [rows, columns]."""
    low, high = SOFT_HU
    return np.asarray(
        (minimum_filter(hu, AROUND_PX) > low) & (maximum_filter(hu, AROUND_PX) < high)
    )


def summary(found: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return mean, standard deviation and high percentiles of differences."""
    scores = np.abs(found["score"])
    result = {
        "slices": float(len(scores)),
        "median_score_difference": float(np.median(scores)),
        "largest_score_difference": float(scores.max()),
        "share_of_scores_within_0.005": float(np.mean(scores <= SCORE_TOLERANCE)),
    }
    for matrix in MATRICES:
        differences = found[f"hu_{matrix}"]
        result |= {
            f"mean_hu_{matrix}": float(differences.mean()),
            f"sd_hu_{matrix}": float(differences.std()),
            f"p99_hu_{matrix}": float(np.percentile(np.abs(differences), 99)),
            f"largest_hu_{matrix}": float(np.abs(differences).max()),
            f"sd_of_brain_hu_{matrix}": float(found[f"brain_{matrix}"].std()),
        }
    return {name: round(value, 4) for name, value in result.items()}


if __name__ == "__main__":
    main()

"""Segmenters and ensembles against outlines, lesion by lesion in 3-D."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.evaluation.predict_fn import dataset_and_predict_fn
from ichnet.files import write_whole
from ichnet.records.record_set import RecordSet
from ichnet.runs import RunFolder
from ichnet.statistics.lesions import (
    Matching,
    dice,
    froc_point,
    hausdorff95_mm,
    match_lesions,
)

BATCH_SLICES = 16
FROC_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class ScanMaps:
    """A scan's predicted map and its outline.

    Attributes:
        map: predicted, float32 [slices, m, m], in [0, 1].
        outline: bool [slices, m, m].
        spacing_mm: between slices (the median), rows, columns.
        voxel_ml: of each slice, [slices].
    """

    scan_id: str
    patient_id: str
    map: NDArray[np.float32]
    outline: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    voxel_ml: NDArray[np.float64]


class LesionTables:
    """Lesions, scans and points of the FROC curve of one model, measured scan by scan.

    Args:
        pixel_threshold: a pixel is hemorrhage above this.
    """

    def __init__(self, pixel_threshold: float) -> None:
        self._pixel_threshold = pixel_threshold
        self._lesions: list[dict[str, object]] = []
        self._scans: list[dict[str, object]] = []
        self._by_threshold: dict[float, list[Matching]] = {t: [] for t in FROC_THRESHOLDS}

    @property
    def any_lesion(self) -> bool:
        """Whether any scan so far holds an outlined lesion."""
        return bool(self._lesions)

    def add(self, scan: ScanMaps) -> None:
        """Measure one scan."""
        for threshold, matchings in self._by_threshold.items():
            matchings.append(match_lesions(scan.outline, scan.map > threshold, scan.voxel_ml))
        predicted = scan.map > self._pixel_threshold
        matching = match_lesions(scan.outline, predicted, scan.voxel_ml)
        identity = {"scan_id": scan.scan_id, "patient_id": scan.patient_id}
        for volume_ml, found in zip(matching.volumes_ml, matching.found, strict=True):
            self._lesions.append({**identity, "volume_ml": f"{volume_ml:.6g}", "found": int(found)})
        with_lesion = bool(matching.found)
        self._scans.append(
            {
                **identity,
                "lesions": len(matching.found),
                "false_positives": matching.false_positives,
                "dice": _text(dice(scan.outline, predicted, scan.voxel_ml), with_lesion),
                "hausdorff95_mm": _text(
                    hausdorff95_mm(scan.outline, predicted, scan.spacing_mm), with_lesion
                ),
            }
        )

    def write(self, folder: Path) -> None:
        """Write ``lesions.csv``, ``scans.csv`` and ``froc.csv``.

        Raises:
            ValueError: when no scan holds an outlined lesion.
        """
        points = [froc_point(*item) for item in self._by_threshold.items()]
        _write(folder / "lesions.csv", self._lesions)
        _write(folder / "scans.csv", self._scans)
        _write(folder / "froc.csv", map(asdict, points))


def measure_lesions(
    config: Config, model: str, record_set: RecordSet, split: str, run: RunFolder
) -> None:
    """Write ``lesions.csv``, ``scans.csv`` and ``froc.csv`` of a model with maps.

    Scans without outlines are left out.

    Raises:
        FileNotFoundError: when the model is not trained or its maps are not cached.
        ValueError: when no scan holds an outlined lesion.
    """
    tables = LesionTables(config.evaluation.mask_threshold)
    for scan in scan_maps(config, model, record_set, split, run):
        tables.add(scan)
    tables.write(run.lesions(model))


def scan_maps(
    config: Config, model: str, record_set: RecordSet, split: str, run: RunFolder
) -> Iterator[ScanMaps]:
    """Yield every outlined scan of a split with the model's map."""
    dataset_of, predict = dataset_and_predict_fn(config, model, record_set.folder.parent, run)
    names = ("scan_id", "patient_id", "mask", "has_mask", "pixel_spacing_mm", "slice_spacing_mm")

    def with_map(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = predict(batch)
        if "map" not in outputs:
            raise ValueError(f"{model} has no map")
        return {**{name: batch[name] for name in names}, "map": outputs["map"]}

    batches = dataset_of(record_set, split).batch(BATCH_SLICES)
    graph = tf.function(with_map, input_signature=[batches.element_spec], autograph=False)
    held: list[dict[str, NDArray[np.generic]]] = []
    for batch in batches.prefetch(1):
        columns = {name: values.numpy() for name, values in graph(batch).items()}
        for index, scan_id in enumerate(columns["scan_id"]):
            if held and held[0]["scan_id"] != scan_id:
                yield from outlined(held)
                held = []
            held.append({name: values[index] for name, values in columns.items()})
    if held:
        yield from outlined(held)


def outlined(slices: Sequence[Mapping[str, Any]]) -> Iterator[ScanMaps]:
    """Join a scan's slices to volumes; ``None`` for a scan that has no outline.

    Args:
        slices: from feet to head, each with ``map``, ``mask``, ``has_mask``, ``scan_id``,
            ``patient_id`` and the two spacings of the records.
    """
    if not all(one["has_mask"] for one in slices):
        return

    def column(name: str) -> NDArray[np.float64]:
        return np.array([one[name] for one in slices], np.float64)

    pixel_mm, gaps_mm = column("pixel_spacing_mm"), column("slice_spacing_mm")
    yield ScanMaps(
        scan_id=bytes(slices[0]["scan_id"]).decode(),
        patient_id=bytes(slices[0]["patient_id"]).decode(),
        map=np.stack([one["map"] for one in slices]).astype(np.float32),
        outline=np.stack([one["mask"] for one in slices]) > 0,
        spacing_mm=(float(np.median(gaps_mm)), float(pixel_mm[0]), float(pixel_mm[0])),
        voxel_ml=pixel_mm**2 * gaps_mm / 1000,
    )


def _text(value: float, known: bool) -> str:
    return f"{value:.6g}" if known and np.isfinite(value) else ""


def _write(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    found = list(rows)
    with write_whole(path, newline="") as handle:
        writer = csv.DictWriter(handle, found[0])
        writer.writeheader()
        writer.writerows(found)

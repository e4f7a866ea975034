"""DICOM in, results out: what ``ichnet predict`` does.

Scans are predicted and written one after another, the next one is read meanwhile, so memory does
not grow with their number. A scan's JSON is its last file: where it exists, made by the same model
from as many files, the scan is finished, and a run that was interrupted goes on with the others.
"""

from __future__ import annotations

import csv
import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ichnet.ct.dicom import read_series
from ichnet.ct.discover import Series, discover
from ichnet.ct.errors import Exclusion, ReadError, write_exclusions
from ichnet.ct.nifti_mask import write_nifti_mask
from ichnet.ct.overlay import save_overlay
from ichnet.ct.pseudonym import load_key, pseudonym
from ichnet.ct.resample import from_matrix, to_matrix
from ichnet.ct.volume import Volume
from ichnet.deployment.embedded import embedded_model_dir
from ichnet.deployment.read_ahead import read_ahead
from ichnet.deployment.saved_model import SavedModel
from ichnet.deployment.scan_result import (
    PredictedSlices,
    Provenance,
    ScanResult,
    read_result,
    summarize_scan,
    write_predictions_csv,
    write_result,
)
from ichnet.deployment.suitability import require_suitable
from ichnet.files import whole_path

logger = logging.getLogger(__name__)

BATCH_SLICES = 8
"""Few enough for the largest network at 512 x 512 in 4 GiB; more are hardly faster on a CPU."""


@dataclass(frozen=True)
class Summary:
    """What a call of :func:`predict_inputs` did.

    Attributes:
        scans: scans with a result.
        kept: of these, results that were there already.
        excluded: lines of ``excluded.csv``.
        predictions_csv, excluded_csv: where they lie.
    """

    scans: int
    kept: int
    excluded: int
    predictions_csv: Path
    excluded_csv: Path


def predict_inputs(
    model_dir: Path,
    inputs: Sequence[Path],
    out_dir: Path,
    key: bytes,
    link_csv: Path | None = None,
    dicom_dir: Path | None = None,
    nifti_dir: Path | None = None,
) -> Summary:
    """Predict every head CT among the inputs; see :class:`Predictor`.

    Args:
        model_dir: ``export/<model>/<version>``.
        inputs: DICOM folders, DICOM files, zip archives.
        out_dir: see :class:`Predictor`.
        key: for the pseudonyms.
        link_csv: where to write which scan is which; confidential.
        dicom_dir: see :class:`Predictor`.
        nifti_dir: see :class:`Predictor`.

    Raises:
        ModelError: when ``model_dir`` is not an exported model.
        OSError: when ``out_dir`` cannot be written.
    """
    predictor = Predictor(model_dir, out_dir, key, link_csv, dicom_dir, nifti_dir)
    predictor.take(inputs)
    return predictor.summary


def predict_path(path: Path, model_dir: Path | None = None) -> list[ScanResult]:
    """Predict every head CT in one place and return the results; see :func:`ichnet.predict`."""
    model_dir = embedded_model_dir() if model_dir is None else model_dir
    with tempfile.TemporaryDirectory(prefix="ichnet-") as scratch:
        predictor = Predictor(model_dir, Path(scratch), load_key())
        predictor.take([path])
    reasons = Counter(exclusion.reason for exclusion in predictor.exclusions)
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    if not predictor.results:
        raise ReadError(path, "empty", f"no head CT that can be predicted (left out: {told})")
    if reasons:
        # who called ichnet.predict, which called this
        warnings.warn(f"{path}: not all was used; left out: {told}", stacklevel=3)
    return predictor.results


class Predictor:
    """Predicts what it is given and keeps the tables of all that it was given.

    Args:
        model_dir: ``export/<model>/<version>``.
        out_dir: gets ``predictions.csv``, ``excluded.csv`` and, for each scan,
            ``<scan_id>.json`` and ``<scan_id>.png``.
        key: for the pseudonyms.
        link_csv: where to write which scan is which; confidential.
        dicom_dir: where to write each result as DICOM SEG and SR, with the patient's identity.
        nifti_dir: where to write each mask as NIfTI; a classifier has none.

    Raises:
        ModelError: when ``model_dir`` is not an exported model.
    """

    def __init__(
        self,
        model_dir: Path,
        out_dir: Path,
        key: bytes,
        link_csv: Path | None = None,
        dicom_dir: Path | None = None,
        nifti_dir: Path | None = None,
    ) -> None:
        self.model = SavedModel(model_dir)
        metadata = self.model.metadata
        if not metadata.calibration.calibrated:
            logger.warning("%s %s", metadata.model, metadata.calibration.refusal)
        self.out_dir, self.key = out_dir, key
        self.link_csv, self.dicom_dir, self.nifti_dir = link_csv, dicom_dir, nifti_dir
        self._results: dict[str, ScanResult] = {}
        self._kept: set[str] = set()
        self._exclusions: dict[tuple[Path, ...], list[Exclusion]] = {}
        self._series_uids: dict[str, str] = {}

    @property
    def results(self) -> list[ScanResult]:
        """The results so far, in the order in which scans were first met."""
        return list(self._results.values())

    @property
    def exclusions(self) -> list[Exclusion]:
        """What could not be used so far, and why."""
        return [one for found in self._exclusions.values() for one in found]

    @property
    def summary(self) -> Summary:
        """What was done so far."""
        return Summary(
            len(self._results),
            len(self._kept),
            len(self.exclusions),
            self._predictions_csv,
            self._excluded_csv,
        )

    def take(self, inputs: Sequence[Path]) -> None:
        """Predict every head CT among the inputs; the same inputs again replace what was said.

        Raises:
            OSError: when the results cannot be written.
        """
        with tempfile.TemporaryDirectory(prefix="ichnet-") as scratch:
            found, exclusions = discover(inputs, Path(scratch))
            self._exclusions[tuple(inputs)] = exclusions
            self._write_tables()
            for series in found:
                self._series_uids[pseudonym(self.key, "scan", series.series_uid)] = (
                    series.series_uid
                )
            if self.link_csv:
                write_link(self._series_uids.items(), self.link_csv)
            reads = read_ahead(self._read, tqdm(found, desc="predict", unit="scan", disable=None))
            with closing(reads):
                for series, ahead in reads:
                    try:
                        result, is_new = self._predict_read(series, ahead)
                    except ReadError as error:
                        exclusions += series.exclusions(error)
                    else:
                        self._results[result.scan_id] = result
                        (self._kept.discard if is_new else self._kept.add)(result.scan_id)
                    finally:
                        del ahead  # the scan's memory, before the one after next is read
                    self._write_tables()

    def _read(self, series: Series) -> ScanResult | Volume:
        finished = finished_result(
            self.out_dir,
            pseudonym(self.key, "scan", series.series_uid),
            _provenance(self.model, series),
            self.dicom_dir,
            self.nifti_dir if self.model.metadata.kind != "classifier" else None,
        )
        if finished:
            return finished
        volume = read_series(series.files, self.key)
        require_suitable(volume, series.files[0])
        return volume

    def _predict_read(
        self, series: Series, ahead: Future[ScanResult | Volume]
    ) -> tuple[ScanResult, bool]:
        """Return a scan's result and whether it is new; holds the only reference to its pixels."""
        read = ahead.result()
        if isinstance(read, ScanResult):
            return read, False
        result = predict_scan(
            self.model, read, series, self.out_dir, self.dicom_dir, self.nifti_dir
        )
        return result, True

    @property
    def _predictions_csv(self) -> Path:
        return self.out_dir / "predictions.csv"

    @property
    def _excluded_csv(self) -> Path:
        return self.out_dir / "excluded.csv"

    def _write_tables(self) -> None:
        write_predictions_csv(self.results, self._predictions_csv)
        write_exclusions(self.exclusions, self._excluded_csv)


def _provenance(model: SavedModel, series: Series) -> Provenance:
    return Provenance(model.fingerprint, len(series.files))


def predict_scan(
    model: SavedModel,
    volume: Volume,
    series: Series,
    out_dir: Path,
    dicom_dir: Path | None = None,
    nifti_dir: Path | None = None,
) -> ScanResult:
    """Predict one scan and write its overlay, what else is asked for and, last, its JSON."""
    predicted = predict_volume(model, volume)
    result = summarize_scan(volume, predicted, model.metadata, _provenance(model, series))
    if dicom_dir:
        # highdicom is needed, and loaded, for this alone
        from ichnet.deployment.dicom_results import write_dicom_results

        write_dicom_results(volume, predicted.mask, result, series.files, dicom_dir)
    if nifti_dir and predicted.mask is not None:
        write_nifti_mask(volume, predicted.mask, nifti_mask_path(nifti_dir, volume.scan_id))
    save_overlay(
        volume,
        predicted.mask,
        out_dir / f"{volume.scan_id}.png",
        title=_title(result),
        caption=f"{result.model}. {result.data_statement}",
    )
    write_result(result, model.metadata, out_dir / f"{volume.scan_id}.json")
    return result


def predict_volume(model: SavedModel, volume: Volume) -> PredictedSlices:
    """Return what a model says about each slice, with the mask on the scan's own pixels."""
    slices, rows, columns = volume.hu.shape
    image = model.metadata.image
    spacing_mm, field_of_view_mm = volume.pixel_spacing_mm, image.field_of_view_mm
    probability = np.empty(slices, np.float32)
    mask, members = None, None
    if model.metadata.kind != "classifier":
        mask = np.empty(volume.hu.shape, np.uint8)
    if model.metadata.kind == "ensemble":
        members = np.empty((slices, len(model.metadata.members)), np.float32)
    for first in range(0, slices, BATCH_SLICES):
        batch = slice(first, first + BATCH_SLICES)
        hu = to_matrix(
            volume.hu[batch], spacing_mm, image.matrix, field_of_view_mm, volume.centre_mm
        )
        outputs = model(np.rint(hu))  # whole HU, as records hold them
        probability[batch] = outputs["probability"]
        if mask is not None:
            maps = outputs["mask_probability"]
            maps = from_matrix(maps, spacing_mm, rows, columns, field_of_view_mm, volume.centre_mm)
            mask[batch] = maps > model.metadata.pixel_threshold
        if members is not None:
            members[batch] = outputs["member_probability"]
    return PredictedSlices(probability, mask, members)


def _title(result: ScanResult) -> str:
    title = f"Scan {result.scan_id}: {result.decision}, probability {result.probability:.2f}"
    title += " (uncertain)" if result.uncertain else ""
    return title if result.volume_ml is None else f"{title}, {result.volume_ml:.1f} mL"


def finished_result(
    out_dir: Path,
    scan_id: str,
    provenance: Provenance,
    dicom_dir: Path | None = None,
    nifti_dir: Path | None = None,
) -> ScanResult | None:
    """Return the result of an earlier run when it was made in the same way and is all there."""
    result = read_result(out_dir / f"{scan_id}.json")
    if result is None or result.provenance != provenance:
        return None
    files = [out_dir / f"{scan_id}.png"]
    if dicom_dir:
        files.append(dicom_dir / f"{scan_id}.sr.dcm")  # the last of them to be written
    if nifti_dir:
        files.append(nifti_mask_path(nifti_dir, scan_id))
    return result if all(path.exists() for path in files) else None


def nifti_mask_path(folder: Path, scan_id: str) -> Path:
    """Return where a scan's mask lies."""
    return folder / f"{scan_id}.mask.nii.gz"


def write_link(pairs: Iterable[tuple[str, str]], path: Path) -> None:
    """Write ``scan_id,series_instance_uid``, readable by its owner alone: it undoes pseudonyms."""
    with whole_path(path) as temporary:
        temporary.touch(mode=0o600)
        with temporary.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["scan_id", "series_instance_uid"])
            writer.writerows(pairs)

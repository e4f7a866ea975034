"""DICOM in, results out: what ``ichnet predict`` does.

Scans are predicted and written one after another, the next one is read meanwhile, so memory does
not grow with their number. A scan's JSON is its last file: where it exists, made by the same model
and program from the same bytes, the scan is finished, and a run that was interrupted goes on with
the others.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from ichnet import __version__
from ichnet.ct.dicom import read_series_and_skull
from ichnet.ct.dicom_file import lenient_pydicom
from ichnet.ct.discover import Series
from ichnet.ct.errors import Exclusion, ReadError, described, errors_named
from ichnet.ct.pseudonym import load_key
from ichnet.ct.volume import Volume
from ichnet.deployment.arrivals import Arrivals, instance_names, refused_scans
from ichnet.deployment.attempts import MOST_ATTEMPTS, Attempts
from ichnet.deployment.embedded import embedded_model_dir
from ichnet.deployment.exclusion_table import (
    Excluded,
    FileNames,
    Link,
    excluded_rows,
    write_excluded,
    write_link,
)
from ichnet.deployment.file_attempts import FileAttempts
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.read_ahead import read_ahead
from ichnet.deployment.result_files import ResultFiles
from ichnet.deployment.saved_model import SavedModel, require_sha256
from ichnet.deployment.scan_prediction import predict_scan
from ichnet.deployment.scan_result import Provenance, ScanResult, write_predictions_csv
from ichnet.deployment.scratch import end_if_asked, scratch_folder, sweep_partials, sweep_scratch
from ichnet.deployment.suitability import require_suitable
from ichnet.files import private_files

ABSENT = ("missing-file", "unreadable", "empty")
"""Reasons that tell of no file: when there are no others, the command was wrong."""


@dataclass(frozen=True)
class Summary:
    """The outcome of a call of :func:`predict_inputs`.

    Attributes:
        scans: scans with a result.
        kept: of these, results that were there already.
        excluded: lines of ``excluded.csv``.
        absent: of these, what could not even be opened (:data:`ABSENT`).
        predictions_csv, excluded_csv: paths of the tables.
    """

    scans: int
    kept: int
    excluded: int
    absent: int
    predictions_csv: Path
    excluded_csv: Path


def predict_inputs(
    model_dir: Path | None,
    inputs: Sequence[Path],
    out_dir: Path,
    key: bytes,
    link_csv: Path | None = None,
    dicom_dir: Path | None = None,
    nifti_dir: Path | None = None,
    runtime: str | None = None,
) -> Summary:
    """Predict every head CT among the inputs; see :class:`Predictor`.

    Args:
        model_dir: ``export/<model>/<version>``; ``None`` for the model in the package.
        inputs: DICOM folders, DICOM files, zip archives.
        out_dir: see :class:`Predictor`.
        key: for the pseudonyms.
        link_csv: where to write which scan is which; confidential.
        dicom_dir: see :class:`Predictor`.
        nifti_dir: see :class:`Predictor`.
        runtime: see :class:`Predictor`.

    Raises:
        ModelError: when ``model_dir`` is not an exported model.
        OSError: when ``out_dir`` cannot be written.
    """
    predictor = Predictor(model_dir, out_dir, key, link_csv, dicom_dir, nifti_dir, runtime=runtime)
    predictor.take(inputs)
    return predictor.summary


def predict_path(
    path: Path, model_dir: Path | None = None, runtime: str | None = None
) -> list[ScanResult]:
    """Predict every head CT in one place and return the results; see :func:`ichnet.predict`."""
    with scratch_folder() as scratch:
        predictor = Predictor(model_dir, scratch, load_key(), runtime=runtime)
        if predictor.caution:
            warnings.warn(predictor.caution, stacklevel=3)
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
    """Predicts inputs one after another, and keeps the tables of all of them.

    A file or scan with an error becomes a row of ``excluded.csv``, and the others go on. Everything
    written is readable by its owner only.

    Args:
        model_dir: ``export/<model>/<version>``; ``None`` for the model in the package.
        out_dir: gets ``predictions.csv``, ``excluded.csv`` and, for each scan,
            ``<scan_id>.json`` and ``<scan_id>.png``.
        key: for the pseudonyms.
        link_csv: where to write which scan and which excluded file is which; confidential.
        dicom_dir: where to write each result as DICOM SEG and SR, with the patient's identity.
        nifti_dir: where to write each mask as NIfTI; a classifier has none.
        model_sha256: that the model must have; empty for any.
        runtime: what computes the model, see :mod:`ichnet.deployment.runtime`; ``None`` for the
            fastest that is installed.
        remembers: keep what was taken before in memory and in the tables. A service does that by
            itself: without, each call of :meth:`take` stands alone, and no table is written.

    Raises:
        ModelError: when ``model_dir`` is not an exported model, or not the one that is asked for,
            or the runtime is not installed.
    """

    def __init__(
        self,
        model_dir: Path | None,
        out_dir: Path,
        key: bytes,
        link_csv: Path | None = None,
        dicom_dir: Path | None = None,
        nifti_dir: Path | None = None,
        model_sha256: str = "",
        runtime: str | None = None,
        remembers: bool = True,
    ) -> None:
        self.model = SavedModel(embedded_model_dir() if model_dir is None else model_dir, runtime)
        require_sha256(self.model, model_sha256)
        self.out_dir, self.key, self.dicom_dir = out_dir, key, dicom_dir
        self._link_csv, self._remembers = link_csv, remembers
        self._has_mask = self.model.metadata.kind != "classifier"
        self._files = ResultFiles(out_dir, dicom_dir, nifti_dir)
        self._attempts = Attempts(out_dir / ".attempts.json")
        with private_files():
            self._file_attempts = FileAttempts(out_dir / ".opened", self._attempts, key)
        self._results: dict[str, ScanResult] = {}
        self._kept: set[str] = set()
        self._excluded: dict[tuple[str, tuple[Path, ...]], list[Excluded]] = {}
        self._origin = ""
        self._arrivals = Arrivals()
        self._links: dict[str, Link] = {}
        self._at_work: dict[str, str] = {}
        sweep_scratch()
        for folder in filter(None, (out_dir, dicom_dir, nifti_dir)):
            sweep_partials(folder)

    @property
    def caution(self) -> str:
        """A warning about a model that may only guess; empty for a calibrated one."""
        metadata = self.model.metadata
        calibrated = metadata.calibration.calibrated
        return "" if calibrated else f"{metadata.model} {metadata.calibration.refusal}."

    @property
    def results(self) -> list[ScanResult]:
        """The results so far, in the order in which scans were first met."""
        return list(self._results.values())

    @property
    def exclusions(self) -> list[Excluded]:
        """The rows of ``excluded.csv`` so far."""
        return [one for found in self._excluded.values() for one in found]

    @property
    def summary(self) -> Summary:
        """The outcome so far."""
        return Summary(
            len(self._results),
            len(self._kept),
            len(self.exclusions),
            sum(one.reason in ABSENT for one in self.exclusions),
            self.out_dir / "predictions.csv",
            self.out_dir / "excluded.csv",
        )

    def come_from(self, origin: str) -> None:
        """Name the origin of the next inputs, and drop the rows of what came from it before."""
        self._excluded = {key: rows for key, rows in self._excluded.items() if key[0] != origin}
        self._origin = origin

    def take(
        self, inputs: Sequence[Path], stop: Callable[[], bool] = lambda: False
    ) -> list[ScanResult]:
        """Predict every head CT among the inputs; the same inputs again replace their results.

        Where a series is also in inputs taken before, those are read again together with these, so
        that a series that arrives in parts is one scan, or refused.

        Args:
            inputs: DICOM folders, DICOM files, zip archives.
            stop: called between scans; when it returns true, the remaining scans are left out.

        Returns:
            the results of these inputs.

        Raises:
            OSError: when the results cannot be written.
            ModelError: when the model cannot be loaded.
        """
        if not self._remembers:
            self._forget()
        # outermost, as the reading thread enters and leaves it as well
        with private_files(), lenient_pydicom(), scratch_folder() as scratch:
            with self._file_attempts.search():
                found, exclusions, joined = self._arrivals.discover(
                    inputs, scratch, self._file_attempts.opened
                )
            rows = self._begin(found, exclusions, joined)
            reads = read_ahead(self._read, tqdm(found, desc="predict", unit="scan", disable=None))
            try:
                with closing(reads):
                    for series, ahead in reads:
                        rows(self._predict(series, ahead))
                        del ahead  # the scan's memory, before the one after next is read
                        self._write_tables()
                        if stop():
                            break
            finally:
                self._attempts.end_all()
            taken = (self._results.get(series.scan_id(self.key)) for series in found)
            return [result for result in taken if result is not None]

    def dicom_paths(self, scan_id: str) -> list[Path]:
        """Return the DICOM objects that were made of a scan."""
        return [path for path in self._files.dicom(scan_id) if path.exists()]

    def set_aside(self, path: Path, error: Exception) -> None:
        """Record that an input could not be taken at all.

        Raises:
            OSError: when the table cannot be written.
        """
        self.exclude(path, "set-aside", f"taken in vain several times: {described(error)}")

    def exclude(self, path: Path, reason: str, detail: str) -> None:
        """Record that an input is left out.

        Raises:
            OSError: when the table cannot be written.
        """
        names = FileNames([path], [], self.key)
        rows = excluded_rows([Exclusion(path, reason, detail)], names, self.key)
        self._excluded[self._origin, (path,)] = rows
        with private_files():
            self._write_tables()

    def _begin(
        self, found: Sequence[Series], exclusions: Sequence[Exclusion], joined: Sequence[Path]
    ) -> Callable[[Sequence[Exclusion]], None]:
        """Write the tables of what was found; return a function that adds exclusions."""
        paths = [name for series in found for name in series.names]
        paths += [one.path for one in exclusions]
        names = FileNames(joined, paths, self.key)
        for key in [one for one in self._excluded if set(one[1]) <= set(joined)]:
            del self._excluded[key]
        rows = excluded_rows(exclusions, names, self.key)
        self._excluded[self._origin, tuple(joined)] = rows
        for scan_id, reason, instances in refused_scans(exclusions, self.key):
            self._refuse(scan_id, reason, instances)
        for series in found:
            scan_id = series.scan_id(self.key)
            self._links[scan_id] = Link(scan_id, series.series_uid)
        self._write_tables()
        return lambda more: rows.extend(excluded_rows(more, names, self.key))

    def _read(self, series: Series) -> ScanResult | Volume | None:
        """Return a finished result, or the scan; ``None`` for one left to :meth:`_read_alone`."""
        scan_id, instances = series.scan_id(self.key), self._instances(series)
        provenance = self._provenance(series.digest(), instances)
        seen = self._files.earlier(scan_id).instances
        repeated = instance_names(series.repeated_uids, self.key)
        if missing := seen.difference(instances, repeated):
            detail = f"{len(missing)} slices came in an earlier call: give all files together"
            raise ReadError(series.files[0], "incomplete-series", detail)
        finished = self._files.finished(scan_id, provenance)
        if finished:
            return finished
        self._at_work[scan_id] = work = (
            f"{provenance.digest}/{self.model.fingerprint}/{__version__}"
        )
        if self._attempts.count(work):
            return None
        self._attempts.begin(work)
        return self._read_suitable(series)

    def _read_suitable(self, series: Series) -> Volume:
        volume, skull = read_series_and_skull(series.files, self.key)
        return require_suitable(volume, skull, series.files)

    def _read_alone(self, series: Series) -> Volume:
        """Read a scan during which the program has ended before, with no other scan at work."""
        work = self._at_work[series.scan_id(self.key)]
        if self._attempts.count(work) >= MOST_ATTEMPTS:
            detail = f"the program has ended {MOST_ATTEMPTS} times while it was at work"
            raise ReadError(series.files[0], "set-aside", detail)
        self.model.load()
        self._attempts.begin(work)
        return self._read_suitable(series)

    def _predict(
        self, series: Series, ahead: Future[ScanResult | Volume | None]
    ) -> list[Exclusion]:
        """Keep a scan's result, or return exclusions that say why there is none."""
        scan_id = series.scan_id(self.key)
        try:
            with errors_named(series.files[0]):
                exclusions = self._predict_read(series, ahead)
        except ReadError as error:
            end_if_asked()
            if isinstance(error.__cause__, ModelError):
                raise error.__cause__ from None
            exclusions = series.exclusions(error)
            self._refuse(scan_id, error.reason, self._instances(series))
            if error.reason == "set-aside":
                return exclusions
        if scan_id in self._at_work:
            self._attempts.end(self._at_work.pop(scan_id))
        return exclusions

    def _predict_read(
        self, series: Series, ahead: Future[ScanResult | Volume | None]
    ) -> list[Exclusion]:
        """Keep a scan's result; holds the only reference to its pixels."""
        read = ahead.result()
        if isinstance(read, ScanResult):
            self._results[read.scan_id] = read
            self._kept.add(read.scan_id)
            return []
        volume = self._read_alone(series) if read is None else read
        del read
        self.model.load()
        provenance = self._provenance(volume.digest, self._instances(series))
        provenance = replace(provenance, runtime=self.model.runtime)
        result, exclusions = predict_scan(self.model, volume, series, provenance, self._files)
        self._results[result.scan_id] = result
        self._kept.discard(result.scan_id)
        return exclusions

    def _refuse(self, scan_id: str, reason: str, instances: Iterable[str]) -> None:
        self._files.refuse(scan_id, reason, instances)
        if not self._files.json(scan_id).exists():
            self._results.pop(scan_id, None)
            self._kept.discard(scan_id)

    def _instances(self, series: Series) -> tuple[str, ...]:
        return instance_names(series.file_uids, self.key)

    def _provenance(self, digest: str, instances: tuple[str, ...]) -> Provenance:
        return Provenance(
            digest, self.model.fingerprint, instances=instances, has_mask=self._has_mask
        )

    def _forget(self) -> None:
        """Drop what was taken before; results on disk stay."""
        self._arrivals = Arrivals()
        for held in (self._results, self._kept, self._excluded, self._links, self._at_work):
            held.clear()

    def _write_tables(self) -> None:
        if not self._remembers:
            return
        write_predictions_csv(self.results, self.summary.predictions_csv)
        write_excluded(self.exclusions, self.summary.excluded_csv)
        if self._link_csv:
            write_link(self._links.values(), self.exclusions, self._link_csv)

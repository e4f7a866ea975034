"""The files of a scan's result, and what they record of earlier calls.

A scan has either a result, ``<scan_id>.json`` (its last file: where it exists, the others do), or,
when it was refused, ``<scan_id>.refused``. Both remember by pseudonym which instances were seen of
the series. A series may arrive in parts, and the first part alone would get an answer that looks
like one about the whole; so once a slice was seen, no result is made, or left, without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ichnet.deployment.scan_result import (
    Provenance,
    ScanResult,
    read_provenance,
    read_result,
)
from ichnet.files import write_whole

PASSING = ("missing-file", "unreadable", "internal-error", "set-aside", "too-large")
"""Reasons for which an earlier result of the same slices is kept."""


@dataclass(frozen=True)
class Earlier:
    """What earlier calls recorded of a scan.

    Attributes:
        instances: pseudonyms of the slices seen so far.
        reported: provenance of earlier results that have DICOM objects, newest first.
    """

    instances: frozenset[str] = frozenset()
    reported: tuple[Provenance, ...] = ()

    def predecessor_of(self, provenance: Provenance) -> Provenance | None:
        """Return the last reported result that differs from the one to be made."""
        return next((one for one in self.reported if one != provenance), None)


@dataclass(frozen=True)
class ResultFiles:
    """Paths of the results of scans.

    Attributes:
        out_dir: JSON and PNG.
        dicom_dir: SEG and SR, ``None`` when none are made.
        nifti_dir: masks, ``None`` when none are made.
    """

    out_dir: Path
    dicom_dir: Path | None = None
    nifti_dir: Path | None = field(default=None)

    def json(self, scan_id: str) -> Path:
        """Return the path of a scan's result."""
        return self.out_dir / f"{scan_id}.json"

    def picture(self, scan_id: str) -> Path:
        """Return the path of its overlay."""
        return self.out_dir / f"{scan_id}.png"

    def refusal(self, scan_id: str) -> Path:
        """Return the path of the file that records a refused scan."""
        return self.out_dir / f"{scan_id}.refused"

    def nifti(self, scan_id: str) -> Path | None:
        """Return the path of a scan's mask."""
        return self.nifti_dir and self.nifti_dir / f"{scan_id}.mask.nii.gz"

    def dicom(self, scan_id: str) -> list[Path]:
        """Return the paths of its DICOM objects."""
        if self.dicom_dir is None:
            return []
        return [self.dicom_dir / f"{scan_id}.{kind}.dcm" for kind in ("seg", "sr")]

    def finished(self, scan_id: str, provenance: Provenance) -> ScanResult | None:
        """Return the result of an earlier call if it has this provenance and all its files exist.

        A classifier writes no mask, and a scan with a burned-in annotation has no picture.
        """
        result = read_result(self.json(scan_id))
        if result is None or result.provenance != provenance:
            return None
        needed = self.dicom(scan_id)[-1:]  # the report is the last of them to be written
        nifti = self.nifti(scan_id)
        if nifti is not None and result.volume_ml is not None:
            needed.append(nifti)
        if result.picture:
            needed.append(self.picture(scan_id))
        return result if all(path.exists() for path in needed) else None

    def earlier(self, scan_id: str) -> Earlier:
        """Return what earlier calls recorded of a scan."""
        refused = self._refused(scan_id)
        result = read_result(self.json(scan_id))
        if result is None:
            return refused
        made = (result.provenance if result.dicom else None, result.predecessor)
        # of both: a kill may have come between writing the one and removing the other
        instances = refused.instances.union(result.provenance.instances)
        return Earlier(instances, tuple(one for one in made if one is not None))

    def _refused(self, scan_id: str) -> Earlier:
        try:
            mapping = json.loads(self.refusal(scan_id).read_text(encoding="utf-8"))
            reported = tuple(read_provenance(one) for one in mapping["reported"])
            return Earlier(frozenset(mapping["instances"]), reported)
        except (OSError, ValueError, KeyError, TypeError):
            return Earlier()

    def refuse(self, scan_id: str, reason: str, instances: Iterable[str]) -> None:
        """Record that a scan was refused, and remove an earlier result of it.

        The result of a whole scan stays when some of the same slices come again.

        Args:
            scan_id: of the scan.
            reason: the reason, see :data:`PASSING`.
            instances: pseudonyms of the slices of this call.
        """
        earlier, now = self.earlier(scan_id), frozenset(instances)
        result = read_result(self.json(scan_id))
        if result and reason in PASSING and now <= earlier.instances:
            return
        if result and reason == "incomplete-series" and now < set(result.provenance.instances):
            return
        mapping = {
            "scan_id": scan_id,
            "refused": reason,
            "instances": sorted(now | earlier.instances),
            "reported": [asdict(one) for one in earlier.reported],
        }
        if not mapping["instances"]:
            return
        with write_whole(self.refusal(scan_id)) as handle:
            json.dump(mapping, handle, indent=2)
        nifti = self.nifti(scan_id)
        for path in (
            *(self.json(scan_id), self.picture(scan_id), *self.dicom(scan_id)),
            *([] if nifti is None else [nifti]),
        ):
            path.unlink(missing_ok=True)

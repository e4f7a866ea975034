"""The readers of all cohorts, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ichnet.cohorts import aihub, bhsd, cq500, ct_ich, dumc, rsna
from ichnet.cohorts.case import Case, ScanEntry
from ichnet.ct.dicom import Mapper
from ichnet.ct.errors import Exclusion


class Reader(NamedTuple):
    """How one cohort is read.

    Attributes:
        list_scans: from the cohort's folder, and what reads its headers, to its scans and what
            was left out; no pixels.
        load: from a scan and the key for pseudonyms to its pixels and labels.
    """

    list_scans: Callable[[Path, Mapper], tuple[list[ScanEntry], list[Exclusion]]]
    load: Callable[[ScanEntry, bytes], Case]


READERS: dict[str, Reader] = {
    rsna.COHORT: Reader(rsna.list_scans, rsna.load),
    aihub.COHORT: Reader(aihub.list_scans, aihub.load),
    dumc.COHORT: Reader(dumc.list_scans, dumc.load),
    cq500.COHORT: Reader(cq500.list_scans, cq500.load),
    ct_ich.COHORT: Reader(ct_ich.list_scans, ct_ich.load),
    bhsd.COHORT: Reader(bhsd.list_scans, bhsd.load),
}

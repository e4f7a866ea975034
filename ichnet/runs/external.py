"""An exported model evaluated on a record set: which model, which records, where the results lie.

::

    <out>/answers/external.json                          this module's ExternalTest
    <out>/answers/predictions/<model>/<cohort>.*.csv     scans, slices, subtypes
    <out>/answers/lesions/<model>/                       lesions.csv, scans.csv, froc.csv
    <out>/tables/, figures/, index.html                  what is computed from them
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ichnet.files import write_whole
from ichnet.runs.paths import RunFolder

TEST_FILE = "external.json"


@dataclass(frozen=True)
class ExternalTest:
    """What was evaluated on what.

    Attributes:
        model: its name in the export.
        model_sha256: of the export's files.
        data_statement: what the model was trained on.
        threshold: a scan is called hemorrhage from this probability up.
        pixel_threshold: a pixel is hemorrhage above this.
        matrix: rows and columns at which the model works.
        pooling: from slice scores to the scan's, one of ``ichnet.statistics.pooling.POOLINGS``.
        calibrated: false when the probability is the pooled score itself, or the share of
            hemorrhages among validation scans.
        records: name of the record set.
        records_fingerprint: of its content.
        records_matrix: rows and columns of its slices, at which outlines are compared.
        field_of_view_mm: of both.
        cohort: of its scans, as the tables call it.
        excluded: files that were left out when the set was prepared, by reason.
    """

    model: str
    model_sha256: str
    data_statement: str
    threshold: float
    pixel_threshold: float
    matrix: int
    pooling: str
    calibrated: bool
    records: str
    records_fingerprint: str
    records_matrix: int
    field_of_view_mm: float
    cohort: str
    excluded: dict[str, int]


def answers_folder(out: Path) -> RunFolder:
    """Return where the model's answers lie."""
    return RunFolder(out / "answers")


def write_test(test: ExternalTest, folder: Path) -> None:
    """Write ``external.json``."""
    with write_whole(folder / TEST_FILE) as handle:
        json.dump(asdict(test), handle, indent=1)


def read_test(folder: Path) -> ExternalTest:
    """Read ``external.json``."""
    return ExternalTest(**json.loads((folder / TEST_FILE).read_text(encoding="utf-8")))

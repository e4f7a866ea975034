"""The tables of an exported model on real scans."""

from __future__ import annotations

from ichnet.reporting.measures.external import ExternalAnswers
from ichnet.reporting.tables.external_calibration import calibration_table, reliability_table
from ichnet.reporting.tables.external_detection import (
    detection_table,
    slices_table,
    subtypes_table,
)
from ichnet.reporting.tables.external_outlines import external_lesions_table, outlines_table
from ichnet.reporting.tables.table import Table


def external_tables(answers: ExternalAnswers) -> tuple[Table, ...]:
    """Return all tables; one that has nothing to show says why."""
    return (
        detection_table(answers),
        slices_table(answers),
        calibration_table(answers),
        reliability_table(answers),
        subtypes_table(answers),
        outlines_table(answers),
        *([external_lesions_table(answers)] if answers.outlined else []),
    )

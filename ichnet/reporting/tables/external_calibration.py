"""Tables: how well an exported model's probabilities are calibrated on real scans."""

from __future__ import annotations

from ichnet.reporting.measures.external import BINS, BY_PATIENT, ExternalAnswers, calibration, share
from ichnet.reporting.tables.table import Table, cell
from ichnet.statistics.calibration import reliability


def calibration_table(answers: ExternalAnswers) -> Table:
    """Return Brier score, slope and intercepts of the scans' probabilities."""
    units = answers.units()
    found = calibration(units)
    prevalence = float(units.truth.mean())
    notes = []
    if not answers.test.calibrated:
        notes.append("The model's probability was not fitted on validation scans.")
    if found.slope is None:
        notes.append(
            "No slope: a class is missing, or the probabilities are all equal or separate the two."
        )
    return Table(
        name="calibration",
        title="Calibration, by scan",
        caption=(
            f"{answers.describe()}. Slope 1 and intercepts 0 are right: a slope below 1 says that "
            "the probabilities are too extreme, calibration in the large above 0 that they are too "
            f"low. 95 % intervals {BY_PATIENT}. Always saying the share of hemorrhages would have "
            f"a Brier score of {prevalence * (1 - prevalence):.3f}."
        ),
        columns=("Model", "Brier score", "Slope", "Intercept", "Calibration in the large"),
        rows=(
            (
                answers.test.model,
                found.brier,
                *map(cell, (found.slope, found.intercept, found.in_the_large)),
            ),
        ),
        notes=tuple(notes),
    )


def reliability_table(answers: ExternalAnswers) -> Table:
    """Return the points of the reliability figure."""
    units = answers.units()
    bins = reliability(units.truth, units.score, BINS, "quantile")
    rows = []
    for count, predicted, observed in zip(bins.units, bins.predicted, bins.observed, strict=True):
        with_ich = round(float(observed * count))
        found = share(with_ich, int(count))
        rows.append((f"{predicted:.3f}", f"{count:,}", f"{with_ich:,}", cell(found)))
    return Table(
        name="reliability",
        title="Reliability",
        caption=(
            f"{answers.describe()}, in up to {BINS} bins of equal numbers of scans. Share of "
            "hemorrhages with Wilson's 95 % interval."
        ),
        columns=("Mean probability", "Scans", "With ICH", "Share"),
        rows=tuple(rows),
    )

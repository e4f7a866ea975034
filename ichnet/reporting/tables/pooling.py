"""Table: the pooling chosen for each model, and the validation AUC of all poolings."""

from __future__ import annotations

from ichnet.config import SEGMENTERS, Config
from ichnet.reporting.measures.calibrations import load_calibrations, refusals
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.model_pairs import classifiers
from ichnet.reporting.tables.table import DASH, Cell, Table
from ichnet.runs import (
    BASELINES,
    THRESHOLD,
    RunFolder,
    baseline_name,
    ensemble_name,
    segmenter_name,
)
from ichnet.statistics.pooling import POOLINGS
from ichnet.statistics.scan_score import ScanCalibration

COLUMNS = ("Model", "Scans with, without ICH", "Chosen", "Calibrated", *POOLINGS)


def pooling_table(run: RunFolder, config: Config) -> Table:
    """Return one row a model: what was chosen, and the AUC of each pooling on validation scans."""
    models = [
        *classifiers(config),
        *map(segmenter_name, SEGMENTERS),
        *map(baseline_name, BASELINES),
        THRESHOLD,
        *map(ensemble_name, config.ensembles.combinations),
    ]
    found = load_calibrations(run, models)
    ways = "; ".join(f"{name}: {way}" for name, way in POOLINGS.items())
    return Table(
        name="pooling",
        title="The ways from slices to a scan, on validation scans",
        caption=(
            "AUC by scan with DeLong's 95 % interval on the validation scans that the model is "
            f"calibrated on, not on test scans. {ways}. Chosen is the first of them that falls "
            "short of the best by no more than one standard error of their difference. A model is "
            "not calibrated when the interval of its AUC reaches down to .5, or that of the "
            "calibration's slope to 0."
        ),
        columns=COLUMNS,
        rows=tuple(_row(model, calibration) for model, calibration in found.items()),
        notes=(
            *refusals(run, models),
            *(f"{model}: no calibration." for model in models if model not in found),
        ),
    )


def _row(model: str, calibration: ScanCalibration) -> tuple[Cell, ...]:
    aucs = {one.pooling: Estimate(one.auc, one.low, one.high) for one in calibration.validation}
    return (
        model,
        f"{calibration.with_ich:,}, {calibration.without_ich:,}",
        calibration.pooling,
        "yes" if calibration.calibrated else "no",
        *(aucs.get(name, DASH) for name in POOLINGS),
    )

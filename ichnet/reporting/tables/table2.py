"""Table 2: four networks in three arms, weak against strong annotation."""

from __future__ import annotations

from ichnet.config import Config
from ichnet.reporting.measures.metrics import SetMetrics, load_metrics
from ichnet.reporting.measures.model_pairs import CONTRAST, REFERENCE_ARM, classifiers
from ichnet.reporting.measures.model_predictions import ModelPredictions, Unit, load_predictions
from ichnet.reporting.tables.comparison import (
    Line,
    comparison_columns,
    comparison_rows,
    missing_notes,
)
from ichnet.reporting.tables.table import Table
from ichnet.runs import RunFolder, classifier_name

ARM_TITLES: dict[str, str] = {
    "rsna-weak": "RSNA, weak",
    "aihub-weak": "AI-Hub, weak",
    "aihub-strong": "AI-Hub, strong",
}
_SUFFIX: dict[Unit, str] = {"scan": "", "slice": "_slices"}

HOW: dict[Unit, str] = {
    "scan": (
        "AUC with DeLong's 95 % interval and with a bootstrap interval; sensitivity and "
        "specificity at {threshold:g} with bootstrap intervals ({replicates} replicates within "
        "each class). AUC differences, standard errors (SE) and two-sided p by DeLong's test"
    ),
    "slice": (
        "AUC, sensitivity and specificity at {threshold:g} and AUC differences with bootstrap "
        "95 % intervals: {replicates} replicates of whole patients within each class, since a "
        "patient's slices are not independent (for which reason there is no DeLong test). "
        "AUC differences"
    ),
}


def table2(run: RunFolder, config: Config) -> list[Table]:
    """Return Table 2 and its primary contrast, by scan and by slice.

    Returns:
        ``table2``, ``table2_contrast``, ``table2_slices``, ``table2_slices_contrast``.
    """
    metrics = load_metrics(run, config)
    tables: list[Table] = []
    units: tuple[Unit, Unit] = ("scan", "slice")
    for unit in units:
        predictions = load_predictions(run, classifiers(config), unit)
        found = metrics.of(unit)
        tables += [
            _arms_table(predictions, found, config),
            _contrast_table(predictions, found, config),
        ]
    return tables


def _arms_table(predictions: ModelPredictions, found: SetMetrics, config: Config) -> Table:
    lines = []
    for backbone in config.classifiers.backbones:
        reference = classifier_name(backbone, REFERENCE_ARM)
        for arm in config.classifiers.arms:
            model = classifier_name(backbone, arm)
            heads = (backbone, ARM_TITLES[arm])
            lines.append(Line(heads, model, None if model == reference else reference))
    return Table(
        name=f"table2{_SUFFIX[predictions.unit]}",
        title=f"Table 2, by {predictions.unit}. Weakly and strongly trained models",
        caption=_caption(
            predictions, found, config, "against the same network trained on RSNA", lines
        ),
        columns=("Network", "Training", *comparison_columns(predictions.unit)),
        rows=tuple(comparison_rows(found, predictions.unit, lines)),
        notes=missing_notes(predictions, [line.model for line in lines]),
        section_column=True,
    )


def _contrast_table(predictions: ModelPredictions, found: SetMetrics, config: Config) -> Table:
    weak, strong = CONTRAST
    lines = [
        Line((b, ARM_TITLES[strong]), classifier_name(b, strong), classifier_name(b, weak))
        for b in config.classifiers.backbones
    ]
    return Table(
        name=f"table2{_SUFFIX[predictions.unit]}_contrast",
        title=f"Table 2, by {predictions.unit}: primary contrast. What the outlines add",
        caption=_caption(
            predictions,
            found,
            config,
            "against the same network on the same slices without outlines",
            lines,
        ),
        columns=("Network", "Training", *comparison_columns(predictions.unit)),
        rows=tuple(comparison_rows(found, predictions.unit, lines)),
        notes=missing_notes(predictions, [m for x in lines for m in (x.model, x.reference or "")]),
    )


def _caption(
    predictions: ModelPredictions,
    found: SetMetrics,
    config: Config,
    against: str,
    lines: list[Line],
) -> str:
    how = HOW[predictions.unit].format(
        threshold=config.evaluation.threshold, replicates=config.evaluation.bootstrap_replicates
    )
    tests = sum(line.reference is not None for line in lines)
    corrected = predictions.unit == "scan" and tests > 1
    family = f"; Holm's correction over the {tests} tests" if corrected else ""
    reason = found.unmeasurable
    return (
        f"{predictions.unit.capitalize()} level; {predictions.describe()}. {how} {against}{family}."
        + (f" No numbers: {reason}." if reason else "")
    )

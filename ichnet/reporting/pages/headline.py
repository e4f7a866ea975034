"""The result of the final ensemble: a sentence and a few numbers for any reader."""

from __future__ import annotations

from ichnet.config import Config
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.measures.learned import GUESSING
from ichnet.reporting.measures.metrics import SetMetrics
from ichnet.reporting.measures.model_predictions import FINAL_MODEL, ModelPredictions


def headline(
    predictions: ModelPredictions, metrics: SetMetrics, refusals: tuple[str, ...], config: Config
) -> str:
    """Return the sentence.

    When the interval of the AUC contains that of guessing, or the model was not calibrated, the
    sentence says so and does not count any scans as found.

    Args:
        predictions: of the final ensemble.
        metrics: of the test scans.
        refusals: why the final ensemble was not calibrated, a sentence; none when it was.
        config: the experiment.
    """
    if FINAL_MODEL in predictions.missing:
        return f"{FINAL_MODEL} has {predictions.missing[FINAL_MODEL]}: there is nothing to sum up."
    if metrics.unmeasurable:
        return f"There is nothing to sum up: {metrics.unmeasurable}."
    result, threshold = metrics.models[FINAL_MODEL], config.evaluation.threshold
    test_set = f"Test set: {predictions.describe()}."
    if guesses(result.auc):
        worse = result.auc.high < GUESSING
        verdict = "does worse than guessing" if worse else "cannot be told from guessing"
        said = (
            f"The final ensemble {verdict}: its AUC on the test scans is {result.auc}, that of "
            f"guessing {GUESSING}."
        )
        return " ".join([said, *refusals, test_set])
    if refusals:
        return " ".join([*refusals, f"On the test scans its AUC is {result.auc}.", test_set])
    point = result.decisions
    return (
        f"At a probability of {threshold:g} the final ensemble finds {point.true_positives:,} of "
        f"{metrics.with_ich:,} scans with hemorrhage and raises a false alarm on "
        f"{point.false_positives:,} of {metrics.units - metrics.with_ich:,} normal ones. {test_set}"
    )


def guesses(auc: Estimate) -> bool:
    """Return whether an AUC cannot be distinguished from guessing, or is below it."""
    return auc.low <= GUESSING


def tiles(metrics: SetMetrics, refusals: tuple[str, ...], config: Config) -> list[dict[str, str]]:
    """Return the numbers: AUC, decisions (unless the model may only guess), and test scans.

    Args:
        metrics: of the test scans.
        refusals: see :func:`headline`.
        config: the experiment.
    """
    if FINAL_MODEL not in metrics.models:
        return []
    result, threshold = metrics.models[FINAL_MODEL], f"{config.evaluation.threshold:g}"
    estimates = {"AUC of the final ensemble": result.auc}
    if not refusals and not guesses(result.auc):
        estimates |= {
            f"Sensitivity at {threshold}": result.sensitivity_exact,
            f"Specificity at {threshold}": result.specificity_exact,
        }
    scans = {
        "label": "Test scans",
        "value": f"{metrics.units:,}",
        "interval": f"{metrics.with_ich:,} with hemorrhage",
    }
    return [
        {
            "label": label,
            "value": f"{estimate.value:.3f}",
            "interval": f"95 % interval {estimate.low:.3f}–{estimate.high:.3f}",
        }
        for label, estimate in estimates.items()
    ] + [scans]

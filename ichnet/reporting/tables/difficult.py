"""Experiment E's difficult cases: for the model and for readers.

Difficult for AI (paper, Methods 3): a DUMC scan with hemorrhage and a probability of at most 0.6,
or without and at least 0.4, ends included. Difficult for humans: a Qure.ai scan whose three
readers did not all agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.reporting.measures.model_predictions import (
    COHORT_TITLES,
    FINAL_MODEL,
    Column,
    ModelPredictions,
    exclusive_subtypes,
    load_predictions,
)
from ichnet.reporting.tables.table import DASH, Table
from ichnet.runs import RunFolder

AI_COHORT = "dumc"
HUMAN_COHORT = "cq500"
FOR_AI, FOR_HUMANS = "AI", "humans"


@dataclass(frozen=True)
class DifficultCase:
    """One scan to be read again.

    Attributes:
        difficult_for: ``AI`` or ``humans``.
        ich: ground truth.
        kind: its exclusive subtype, ``mixed``, ``none`` stated, or empty without ICH.
        votes: the readers' opinions as ``110``; empty without readers.
    """

    difficult_for: str
    cohort: str
    scan_id: str
    ich: bool
    kind: str
    volume_ml: float
    votes: str
    probability: float


def difficult_cases(
    predictions: ModelPredictions, model: str, limits: tuple[float, float]
) -> list[DifficultCase]:
    """Return the cases difficult for AI, most mistaken first, then those difficult for humans.

    Args:
        predictions: scans with the predictions of ``model``.
        model: whose probabilities decide what is difficult for AI.
        limits: a normal scan is difficult from the first probability up, a scan with ICH from
            the second down, ends included (paper: 0.4, 0.6).
    """
    probability = predictions.by_model[model]
    ich = predictions.ich
    low, high = limits
    cohort = predictions.truth["cohort"]
    for_ai = (cohort == AI_COHORT) & np.where(ich, probability <= high, probability >= low)
    for_humans = (cohort == HUMAN_COHORT) & split_votes(predictions.truth["votes"])
    error = np.where(ich, 1 - probability, probability)
    order = np.argsort(-error, kind="stable")
    return [
        _case(predictions, index, probability, group)
        for group, where in ((FOR_AI, for_ai), (FOR_HUMANS, for_humans))
        for index in order[where[order]]
    ]


def split_votes(votes: Column) -> NDArray[np.bool_]:
    """Return where readers voted both ways, bool [scans]; without votes false."""
    return np.array([len(set(str(vote))) > 1 for vote in votes], dtype=bool)


def difficult_tables(run: RunFolder, config: Config) -> tuple[Table, Table]:
    """Return the summary and the list of difficult cases of a run."""
    predictions = load_predictions(run, [FINAL_MODEL])
    limits = config.evaluation.uncertain
    notes = list(predictions.notes)
    if FINAL_MODEL in predictions.missing:
        notes.append(f"{FINAL_MODEL}: {predictions.missing[FINAL_MODEL]}.")
        cases = []
    else:
        cases = difficult_cases(predictions, FINAL_MODEL, limits)
    return _summary(cases, predictions, config, notes), _listing(cases, predictions, limits, notes)


def _summary(
    cases: list[DifficultCase], predictions: ModelPredictions, config: Config, notes: list[str]
) -> Table:
    threshold = config.evaluation.threshold
    rows = []
    for group, cohort in ((FOR_AI, AI_COHORT), (FOR_HUMANS, HUMAN_COHORT)):
        chosen = [case for case in cases if case.difficult_for == group]
        scans = int((predictions.truth["cohort"] == cohort).sum())
        rows.append(
            (
                f"Difficult for {group}",
                COHORT_TITLES[cohort],
                f"{scans:,}" if scans else DASH,
                f"{len(chosen):,}",
                f"{sum(case.ich for case in chosen):,}",
                f"{sum(not case.ich for case in chosen):,}",
                _share_right([case for case in chosen if case.ich], threshold),
                _share_right([case for case in chosen if not case.ich], threshold),
                _share_right(chosen, threshold),
            )
        )
    low, high = config.evaluation.uncertain
    return Table(
        name="difficult_cases_summary",
        title="Difficult cases",
        caption=(
            f"Scan level; {len(cases):,} difficult cases among {predictions.describe()}, "
            f"probability by {FINAL_MODEL}. For AI: {COHORT_TITLES[AI_COHORT]} scans with ICH and "
            f"probability ≤ {high:g}, or without and ≥ {low:g}. For humans: "
            f"{COHORT_TITLES[HUMAN_COHORT]} scans on which the readers disagreed. Sensitivity, "
            f"specificity and accuracy of the model at {threshold:g} within each group."
        ),
        columns=(
            "Group",
            "Cohort",
            "Scans",
            "Difficult",
            "With ICH",
            "Without ICH",
            "Sensitivity",
            "Specificity",
            "Accuracy",
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _listing(
    cases: list[DifficultCase],
    predictions: ModelPredictions,
    limits: tuple[float, float],
    notes: list[str],
) -> Table:
    return Table(
        name="difficult_cases",
        title="List of difficult cases",
        caption=(
            f"Scan level; {len(cases):,} of {predictions.describe()}. Most mistaken first within "
            f"each group; limits {limits[0]:g} and {limits[1]:g}."
        ),
        columns=(
            "Difficult for",
            "Cohort",
            "Scan",
            "Truth",
            "Subtype",
            "Volume, mL",
            "Votes",
            "Probability",
        ),
        rows=tuple(
            (
                case.difficult_for,
                case.cohort,
                case.scan_id,
                "ICH" if case.ich else "normal",
                case.kind or DASH,
                DASH if np.isnan(case.volume_ml) else f"{case.volume_ml:.1f}",
                case.votes or DASH,
                f"{case.probability:.3f}",
            )
            for case in cases
        ),
        notes=tuple(notes),
    )


def _case(
    predictions: ModelPredictions, index: int, probability: NDArray[np.float64], group: str
) -> DifficultCase:
    truth = {column: values[index : index + 1] for column, values in predictions.truth.items()}
    return DifficultCase(
        difficult_for=group,
        cohort=str(truth["cohort"][0]),
        scan_id=str(truth["scan_id"][0]),
        ich=bool(predictions.ich[index]),
        kind=str(exclusive_subtypes(truth)[0]),
        volume_ml=float(truth["volume_ml"][0]),
        votes=str(truth["votes"][0]),
        probability=float(probability[index]),
    )


def _share_right(cases: list[DifficultCase], threshold: float) -> str:
    right = sum(case.ich == (case.probability >= threshold) for case in cases)
    return f"{right}/{len(cases)}" if cases else DASH

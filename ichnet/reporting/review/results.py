"""Results of the review: agreement, consensus meeting, amended truth, accuracy before and after.

The paper (Methods 3): where a reader disagrees with the ground truth, a consensus meeting votes; at
least four of six amend the truth, three to three leave it; everything is computed again.
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ichnet.files import write_whole
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.review.answers import UNANSWERED, VOTE_COLUMNS, Answers
from ichnet.reporting.tables.table import DASH, Cell, Table, p_value
from ichnet.statistics.agreement import cohen_kappa, count_ratings, fleiss_kappa
from ichnet.statistics.proportions import mcnemar_test, proportion_interval

MODEL = "model"


@dataclass(frozen=True, eq=False)
class Amendment:
    """The truth after the vote.

    Attributes:
        discussed: bool [cases], where a reader disagreed with the ground truth.
        votes: int64 [cases, 2], for and against a hemorrhage; zero where nobody voted.
        truth: bool [cases], amended.
        from_meeting: whether the votes are a meeting's; otherwise the readers' own opinions.
        pending: cases to be discussed that a meeting's file leaves open.
    """

    discussed: NDArray[np.bool_]
    votes: NDArray[np.int64]
    truth: NDArray[np.bool_]
    from_meeting: bool
    pending: int


def needed_votes(readers: int) -> int:
    """Return how many votes amend the truth: four of six, and two thirds of other numbers."""
    return -(-2 * readers // 3)


def amend(answers: Answers, votes: Mapping[str, tuple[int, int]] | None = None) -> Amendment:
    """Apply the votes to the cases on which a reader disagreed with the ground truth.

    Args:
        answers: of all readers; where one has not answered a case, the others' answers count.
        votes: the meeting's votes for and against a hemorrhage, by case; without them each reader's
            own opinion counts as a vote.

    Raises:
        ValueError: when a case has more votes than there are readers, or votes although no reader
            disputed it.
    """
    against = (answers.ich != UNANSWERED) & (answers.ich != answers.truth[:, None])
    discussed = against.any(axis=1)
    counts = np.zeros((len(answers.key), 2), np.int64)
    if votes is None:
        counts[:, 0] = (answers.ich == 1).sum(axis=1)
        counts[:, 1] = (answers.ich == 0).sum(axis=1)
        counts[~discussed] = 0
    else:
        for index, row in enumerate(answers.key):
            counts[index] = votes.get(row.case, (0, 0))
            if counts[index].any() and not discussed[index]:
                raise ValueError(f"{row.case}: votes on a case that no reader disputed")
            if counts[index].sum() > len(answers.readers):
                raise ValueError(
                    f"{row.case}: {counts[index].sum()} votes of {len(answers.readers)} readers"
                )
    contrary = np.where(answers.truth, counts[:, 1], counts[:, 0])
    changed = contrary >= needed_votes(len(answers.readers))
    pending = int((discussed & (counts.sum(axis=1) == 0)).sum())
    return Amendment(discussed, counts, answers.truth ^ changed, votes is not None, pending)


def write_meeting(answers: Answers, amendment: Amendment, path: Path) -> Path:
    """Write the consensus meeting's list: the cases to discuss, with room for the votes.

    The ground truth is not in it, nor who said what, so that the meeting stays blinded.
    """
    with write_whole(path, newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([*VOTE_COLUMNS, "opinions_for_ich", "opinions_against_ich"])
        for index in np.flatnonzero(amendment.discussed):
            row, ich = answers.key[index], answers.ich[index]
            opinions = [int((ich == 1).sum()), int((ich == 0).sum())]
            writer.writerow([row.review, row.case, "", "", *opinions])
    return path


def agreement_table(answers: Answers) -> Table:
    """Return how far readers agree with each other: Fleiss' kappa, and Cohen's for each pair."""
    complete = answers.ich[answers.complete]
    rows: list[tuple[Cell, ...]] = []
    if len(complete) >= 2 and len(answers.readers) >= 2:
        kappa = fleiss_kappa(count_ratings(complete))
        rows.append(
            ("Fleiss, all readers", str(len(complete)), Estimate.of(kappa), f"{kappa.z:.2f}")
        )
        for a, b in itertools.combinations(range(len(answers.readers)), 2):
            pair = cohen_kappa(complete[:, a], complete[:, b])
            names = f"Cohen, {answers.readers[a]} and {answers.readers[b]}"
            rows.append((names, str(len(complete)), Estimate.of(pair), f"{pair.z:.2f}"))
    truth = answers.truth[answers.complete]
    unanimous = (complete == complete[:, :1]).all(axis=1)
    with_truth = int((unanimous & (complete[:, 0] == truth)).sum()) if len(complete) else 0
    alone = int(unanimous.sum()) - with_truth
    return Table(
        name="review_agreement",
        title="Agreement of the readers",
        caption=(
            f"Scan level; {len(answers.key):,} difficult cases, {len(answers.readers)} readers, "
            f"{len(complete):,} cases answered by all. They agree completely on "
            f"{int(unanimous.sum()):,}: {with_truth:,} with the ground truth, {alone:,} against "
            f"it. Kappa with its 95 % interval; z against no agreement beyond chance."
        ),
        columns=("Kappa", "Cases", "Value", "z"),
        rows=tuple(rows),
        notes=_unanswered(answers),
    )


def before_after_table(answers: Answers, amendment: Amendment) -> Table:
    """Return accuracy, sensitivity and specificity of model and readers on both truths."""
    decisions = {MODEL: np.array([row.decision for row in answers.key], np.int8)}
    decisions |= dict(zip(answers.readers, answers.ich.T, strict=True))
    rows: list[tuple[Cell, ...]] = []
    for title, truth in (("Original truth", answers.truth), ("Amended truth", amendment.truth)):
        positives = int(truth.sum())
        heading = f"{title} ({positives:,} ICH, {len(truth) - positives:,} normal)"
        for name, decision in decisions.items():
            given = decision != UNANSWERED
            right = (decision == truth)[given]
            rows.append(
                (
                    heading,
                    name,
                    f"{int(given.sum()):,}",
                    _share(right),
                    _share(right[truth[given]]),
                    _share(right[~truth[given]]),
                    DASH if name == MODEL else _against_model(decisions[MODEL], decision, truth),
                )
            )
    changed = amendment.truth != answers.truth
    discussed = int(amendment.discussed.sum())
    to_ich = int((changed & amendment.truth).sum())
    return Table(
        name="review_before_after",
        title="Difficult cases before and after the consensus",
        caption=(
            f"Scan level; {len(answers.key):,} difficult cases. On {discussed:,} "
            f"a reader disagreed with the ground truth. {needed_votes(len(answers.readers))} of "
            f"{len(answers.readers)} votes amend it: {to_ich:,} became ICH and "
            f"{int(changed.sum()) - to_ich:,} normal. {_votes_sentence(answers, amendment)} Shares "
            "with Clopper and Pearson's 95 % interval; p by McNemar's exact test of right "
            "decisions against the model's on the same cases."
        ),
        columns=("Truth", "Who", "Cases", "Accuracy", "Sensitivity", "Specificity", "p"),
        rows=tuple(rows),
        notes=_unanswered(answers),
        section_column=True,
    )


def errors_table(answers: Answers, amendment: Amendment) -> Table:
    """Return eTable 2: what the model still gets wrong, for the qualitative review."""
    wrong = np.flatnonzero(
        np.array([row.decision for row in answers.key], dtype=bool) != amendment.truth
    )
    gap = np.array([abs(float(amendment.truth[i]) - answers.key[i].probability) for i in wrong])
    rows = []
    for index in wrong[np.argsort(-gap, kind="stable")] if len(wrong) else wrong:
        row = answers.key[index]
        ich = answers.ich[index]
        rows.append(
            (
                row.case,
                row.cohort,
                row.scan_id,
                "missed" if amendment.truth[index] else "false alarm",
                row.kind or DASH,
                DASH if np.isnan(row.volume_ml) else f"{row.volume_ml:.1f}",
                f"{row.probability:.3f}",
                f"{int((ich == 1).sum())} of {int((ich != UNANSWERED).sum())}",
                "yes" if amendment.truth[index] != answers.truth[index] else "no",
                "",
            )
        )
    missed = sum(row[3] == "missed" for row in rows)
    return Table(
        name="etable2",
        title="eTable 2. What the model gets wrong, for the qualitative review",
        caption=(
            f"Scan level; {len(rows):,} of {len(answers.key):,} difficult cases are wrong on the "
            f"amended truth: {missed:,} missed, {len(rows) - missed:,} false alarms; most mistaken "
            "first. The last column is for the reviewers: why."
        ),
        columns=(
            "Case",
            "Cohort",
            "Scan",
            "Error",
            "Subtype",
            "Volume, mL",
            "Probability",
            "Readers saw ICH",
            "Truth amended",
            "Finding",
        ),
        rows=tuple(rows),
        notes=_unanswered(answers),
    )


def _votes_sentence(answers: Answers, amendment: Amendment) -> str:
    source = "in the meeting" if amendment.from_meeting else "(the readers' own opinions)"
    counts = amendment.votes[amendment.discussed & (amendment.votes.sum(axis=1) > 0)]
    tally = Counter(f"{max(pair)}:{min(pair)}" for pair in counts.tolist())
    votes = ", ".join(f"{count:,} times {split}" for split, count in sorted(tally.items())[::-1])
    pending = f" {amendment.pending:,} not yet voted on." if amendment.pending else ""
    return f"Votes {source}: {votes or 'none'}.{pending}"


def _unanswered(answers: Answers) -> tuple[str, ...]:
    counts = (answers.ich == UNANSWERED).sum(axis=0)
    notes = [
        f"{reader}: {count:,} cases without an answer, left out where this reader counts."
        for reader, count in zip(answers.readers, counts, strict=True)
        if count
    ]
    if seen := int(answers.overlay_seen.sum()):
        notes.append(f"{seen:,} answers were given after the model's outlines had been looked at.")
    return tuple(notes)


def _share(right: NDArray[np.bool_]) -> Cell:
    if not len(right):
        return DASH
    return Estimate.of(proportion_interval(int(right.sum()), len(right)))


def _against_model(
    model: NDArray[np.int8], decision: NDArray[np.int8], truth: NDArray[np.bool_]
) -> str:
    given = decision != UNANSWERED
    ours, theirs = (model == truth)[given], (decision == truth)[given]
    return p_value(mcnemar_test(int((ours & ~theirs).sum()), int((~ours & theirs).sum())))

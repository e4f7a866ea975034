"""The sections of the report and of the results page: one list for both."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        key: anchor of the section; must differ from all tables' names.
        title: its heading.
        text: what a reader should know before the numbers.
        script: script of ``eval/`` that writes the files.
        tables, figures: stems of the files in the run folder.
        options: further options of the script, beside ``--run``.
    """

    key: str
    title: str
    text: str
    script: str
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    options: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The tables and figures, as CSV and PNG, by their path in the run folder."""
        tables = tuple(f"tables/{name}.csv" for name in self.tables)
        return tables + tuple(f"figures/{name}.png" for name in self.figures)

    def command(self, run: Path) -> str:
        """Return the command that makes the section's files."""
        options = f" {self.options}" if self.options else ""
        return f"python eval/{self.script}.py --run {shlex.quote(str(run))}{options}"


SECTIONS: tuple[Section, ...] = (
    Section(
        "questions",
        "Contrasts",
        "What was asked before the run, and what came out.",
        "contrasts",
        tables=("contrasts",),
        figures=("contrasts",),
    ),
    Section(
        "explained",
        "What explains it",
        "Parts of the experiment again with one thing changed, against the experiment itself.",
        "variants",
        tables=("variants",),
    ),
    Section(
        "cohorts",
        "Cohorts",
        "The cohorts, as the paper's Table 1 describes its own.",
        "table1",
        tables=("table1",),
    ),
    Section(
        "learned-from",
        "What each model learned from",
        "Training slices and scans by the rules of the paper's Figure 1.",
        "figure1",
        figures=("figure1",),
    ),
    Section(
        "method",
        "The method in pictures",
        "Channels, arms, both networks, and the weights that inputs get.",
        "method_figures",
        figures=("efigure1", "efigure2", "efigure3", "efigure4", "efigure5"),
    ),
    Section(
        "annotation",
        "Weak against strong annotation",
        "Experiment A: classifiers of slices. Each network is trained three times: on RSNA's and "
        "on AI-Hub's slices with labels alone, and on the same AI-Hub slices with the outlines as "
        "well. What the outlines are worth is the last against the second, and nothing else "
        "differs between the two. A scan's probability is made from its slice scores "
        "in a way chosen on validation scans, and calibrated there.",
        "table2",
        tables=("table2", "table2_contrast", "table2_slices", "table2_slices_contrast"),
    ),
    Section(
        "position",
        "The place of a slice",
        "What an AUC by slice is to be held against: a score that never looks at the slice.",
        "slice_position",
        tables=("slice_position",),
    ),
    Section(
        "saliency",
        "Where the classifiers look",
        "Saliency maps against outlines, measured apart from detection.",
        "localise",
        tables=("localisation",),
    ),
    Section(
        "ensembles",
        "Weighted ensembles",
        "Experiments B and C: five segmenters, and five combinations of them. Each combination is "
        "tested on all scans with ICH and on those with subdural, subarachnoid and small "
        "hemorrhage, always against the same normal scans.",
        "table3",
        tables=("table3", "baselines", "table3-matched"),
    ),
    Section(
        "by-lesion",
        "Lesions found",
        "Recall by volume, false components and outlines, lesion by lesion.",
        "lesions",
        tables=("lesions",),
    ),
    Section(
        "roc",
        "ROC curves",
        "The final ensemble and the strong classifiers.",
        "figure2",
        tables=("etable1",),
        figures=("figure2",),
    ),
    Section(
        "roc-panels",
        "ROC curves by arm and by test set",
        "Each network in its three arms; the final ensemble on each external set.",
        "roc_panels",
        figures=("efigure6", "efigure7"),
    ),
    Section(
        "slices-to-scan",
        "From slices to a scan",
        "How a model's slice scores become one score for the scan: chosen on validation scans, "
        "where it is calibrated too. A model that cannot be told from guessing there is not "
        "calibrated, and its probabilities are no more than the share of hemorrhages.",
        "pooling",
        tables=("pooling",),
    ),
    Section(
        "which-hemorrhage",
        "Which hemorrhage",
        "Model 2's encoder is pre-trained on the subtypes and keeps that head beside its map. A "
        "slice's subtype score is the head's times the slice's score of any hemorrhage.",
        "subtypes",
        tables=("subtypes",),
    ),
    Section(
        "probabilities",
        "Calibration",
        "Whether a probability means what it says.",
        "calibration",
        tables=("calibration",),
        figures=("reliability",),
    ),
    Section(
        "difficult",
        "Difficult cases",
        "Cases that the final ensemble is not sure of.",
        "difficult_cases",
        tables=("difficult_cases_summary",),
    ),
    Section(
        "review",
        "The review of difficult cases",
        "What six simulated experts make of them: their agreement, the truth before and after "
        "their vote, what the ensemble still gets wrong. They show that the review works; they "
        "are evidence of nothing.",
        "review",
        tables=("review_agreement", "review_before_after", "etable2"),
        options="--simulate",
    ),
    Section(
        "time-and-memory",
        "Time and memory",
        "What each step took on the machine that made this page.",
        "costs",
        tables=("costs",),
    ),
)

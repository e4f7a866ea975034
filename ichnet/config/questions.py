"""What an experiment asks: contrasts, repeats, variants, and what counts as trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

TestSet = Literal["All", "SDH", "SAH", "Small"]


@dataclass(frozen=True)
class RepeatsConfig:
    """Every training again with other seeds, on the same data.

    Attributes:
        seeds: each gives one repeat; an empty list means none. Splits and test data stay.
    """

    seeds: tuple[int, ...]


@dataclass(frozen=True)
class ContrastConfig:
    """A comparison planned before the run: has ``model`` a higher AUC than ``against``?

    Attributes:
        question: one sentence.
        model, against: names of models, e.g. ``ensemble-all``; ``*-aihub-strong`` for the mean over
            the networks.
        test_set: scans with ICH to include beside all normal scans (see Table 3).
        family: p values are corrected for the number of contrasts of the same family.
    """

    question: str
    model: str
    against: str
    test_set: TestSet
    family: str = "contrasts"


@dataclass(frozen=True)
class VariantConfig:
    """A part of the experiment again with other settings, to explain what came out.

    Whatever its changes do not touch (records, models, maps) is shared with the experiment.

    Attributes:
        name: names its folder, ``<run>/variants/<name>``.
        question: one sentence; answered by ``models`` against the experiment's.
        changes: values by their place in the configuration, e.g. ``classifiers.saliency_weight``.
        models: which models to train and test.
        against: what each of them is compared with; null for the experiment's model of that name.
        test_set: as for contrasts.
    """

    name: str
    question: str
    changes: dict[str, Any]
    models: tuple[str, ...]
    against: str | None = None
    test_set: TestSet = "All"


@dataclass(frozen=True)
class ClaimsConfig:
    """What a classifier must have learned before anything is claimed about it.

    Attributes:
        validation_slice_auc: its AUC on validation slices, at least.
        scan_auc: the lower end of the interval of its AUC on the test scans lies above this.
    """

    validation_slice_auc: float = 0.85
    scan_auc: float = 0.6

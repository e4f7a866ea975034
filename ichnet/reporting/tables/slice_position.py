"""The AUC of slice position alone: the baseline for AUCs by slice.

Hemorrhages lie where the brain is, so a slice near the vertex rarely shows one. A classifier that
has learned nothing else ranks slices well, but cannot rank scans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ichnet.config import Config
from ichnet.records.record_set import RecordSet
from ichnet.reporting.measures.estimate import Estimate
from ichnet.reporting.tables.table import Table
from ichnet.statistics.bootstrap import bootstrap_interval
from ichnet.statistics.roc import roc_auc

TENTHS = 10
"""Parts of a scan's height whose share of hemorrhages is counted."""

CAPTION = (
    "Slice level; {slices:,} slices ({ich:,} with, {normal:,} without ICH) of the external test "
    "sets, scored without a look at them: by the share of slices with ICH in the same tenth of a "
    "scan's height among {known:,} training slices. AUC with a bootstrap 95 % interval "
    "({replicates} replicates of whole patients within each class). By scan such a score is the "
    "same for all."
)


def position_table(learnt: RecordSet, tested: Sequence[RecordSet], config: Config) -> Table:
    """Return the AUC by slice of a score that depends on the position of a slice only.

    Args:
        learnt: whole scans; the shares are those of its split ``train``.
        tested: whole scans; slices of unknown truth are left out.
        config: replicates and seed of the bootstrap.
    """
    tenth, ich, _ = _slices(learnt, "train")
    shares = np.array([ich[tenth == part].mean() for part in range(TENTHS)])
    parts = [_slices(one, "test") for one in tested]
    places, truths, patients = (np.concatenate(part) for part in zip(*parts, strict=True))
    replicates = config.evaluation.bootstrap_replicates
    auc = bootstrap_interval(
        roc_auc, truths, shares[places], groups=patients, replicates=replicates, seed=config.seed
    )
    return Table(
        name="slice_position",
        title="The place of a slice alone",
        caption=CAPTION.format(
            slices=len(truths),
            ich=int(truths.sum()),
            normal=int((~truths).sum()),
            known=len(ich),
            replicates=replicates,
        ),
        columns=(
            *(f"{10 * part}–{10 * part + 10} % of the height" for part in range(TENTHS)),
            "AUC",
        ),
        rows=((*(f"{share:.3f}" for share in shares), Estimate.of(auc)),),
    )


def _slices(
    record_set: RecordSet, split: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.str_]]:
    """Return tenth of the height from the feet, ICH and patient of each slice of known truth.

    Patients are unique over cohorts, as in every other table.
    """
    cohort = record_set.folder.name
    patients = {row["scan_id"]: f"{cohort}/{row['patient_id']}" for row in record_set.scans}
    rows = [row for row in record_set.slices if row["split"] == split]
    counts = Counter(row["scan_id"] for row in rows)
    known = [row for row in rows if row["ANY"] in ("0", "1")]
    height = [(int(row["slice_index"]) + 0.5) / counts[row["scan_id"]] for row in known]
    return (
        np.floor(np.array(height) * TENTHS).astype(np.int64),
        np.array([row["ANY"] == "1" for row in known]),
        np.array([patients[row["scan_id"]] for row in known]),
    )

"""How many test scans of each kind a configuration's synthetic cohorts will hold, without drawing.

Patients are drawn as numbers. Counts of DUMC are exact but for lesions that fill less than they
were meant to. CQ500's truth is its readers' majority and its volumes are unknown, so that it has
fewer scans with hemorrhage than are counted, and none that is known to be small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ichnet.config import Config
from ichnet.phantom.cohort import with_hemorrhage
from ichnet.phantom.draw import draw_patient

NORMAL = "normal"


def planned_scans(config: Config, cohorts: Iterable[str]) -> dict[str, int]:
    """Return the number of scans by test set: ``All``, ``SDH``, ``SAH``, ``Small`` and ``normal``.

    Args:
        config: the experiment; ``phantom`` says how many scans there are.
        cohorts: that are tested on.
    """
    counts: Counter[str] = Counter()
    for cohort in cohorts:
        mix_of = dict[str, str](config.phantom.mix_of.items()).get(cohort)
        for index, has_ich in enumerate(with_hemorrhage(config.phantom, config.seed, cohort)):
            if not has_ich:
                counts[NORMAL] += 1
                continue
            patient = draw_patient(
                config.seed, cohort, index, True, config.phantom.mix, mix_of=mix_of
            )
            lesions = patient.lesions
            subtypes = {one.subtype for one in lesions}
            counts["All"] += 1
            counts.update(subtypes & {"SDH", "SAH"})
            volume_ml = sum(one.volume_ml for one in lesions)
            counts["Small"] += volume_ml <= config.selection.small_lesion_ml
    return dict(counts)

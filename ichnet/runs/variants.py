"""What a variant of an experiment shares with it, and links to what is shared.

::

    runs/<name>/variants/<variant>/                  laid out as any run
    runs/<name>/repeats/<seed>/variants/<variant>/   the same with another seed
    work/<name>/variants/<variant>/                  cohorts and records that the changes touch

Records, models and maps that the changes do not touch are links to those of the experiment, so that
every script finds them where it looks for them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ichnet.config import SEGMENTERS, SPECIALISTS, Config
from ichnet.config.depends import settings_of, settings_of_model
from ichnet.runs.paths import (
    ARM_RECORDS,
    ENCODER,
    RECORD_SETS,
    RunFolder,
    fold_name,
    segmenter_name,
)


@dataclass(frozen=True)
class Variant:
    """An experiment beside one of its variants.

    Results are named ``records/<set>``, ``models/<model>`` and ``maps/<set>``.

    Attributes:
        base: the experiment's configuration.
        changed: the variant's.
    """

    base: Config
    changed: Config

    def is_own(self, result: str) -> bool:
        """Return whether the variant has a result of its own, which its changes touch."""
        return _settings(self.base, result) != _settings(self.changed, result) or any(
            self.is_own(needed) for needed in _needs(self.changed, result)
        )

    def link_shared(self, variant: RunFolder, base: RunFolder, own: Path, records: Path) -> Path:
        """Link what is shared into the variant's folders, and return where its records lie.

        Args:
            variant: the variant's run folder.
            base: the experiment's.
            own: folder for record sets of the variant.
            records: the experiment's record sets.
        """
        sets = [f"records/{name}" for name in RECORD_SETS]
        touched = any(map(self.is_own, sets))
        for result in [*_models(self.changed), *(f"maps/{name}" for name in RECORD_SETS)]:
            self._link(result, variant.root / result, base.root / result)
        for result in sets if touched else ():
            name = Path(result).name
            self._link(result, own / name, records / name)
        return own if touched else records

    def _link(self, result: str, place: Path, target: Path) -> None:
        """Make a link, or remove one that is there no longer rightly."""
        if place.is_symlink():
            place.unlink()
        if self.is_own(result):
            return
        if place.exists():  # of former changes
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.path.relpath(target.absolute(), place.parent.absolute()))


def _settings(config: Config, result: str) -> object:
    kind, _, name = result.partition("/")
    if kind == "records":
        return settings_of(config, "records"), config.phantom.of(name.split("-")[0])
    if kind == "maps":
        return settings_of(config, "maps")
    if name.startswith("baseline-"):
        return settings_of(config, "baselines")
    return settings_of_model(config, name)


def _needs(config: Config, result: str) -> Iterable[str]:
    """Return the results that another one is made of."""
    kind, _, name = result.partition("/")
    if kind == "records":
        return []
    if kind == "maps":
        return [f"records/{name}", *(f"models/{segmenter_name(one)}" for one in SEGMENTERS)]
    arm = next((arm for arm in ARM_RECORDS if name.endswith(arm)), None)
    if arm is not None:
        return [f"records/{ARM_RECORDS[arm]}"]
    if name.startswith(("ensemble-", "baseline-")) and name != "baseline-threshold":
        return ["maps/aihub-scans"]
    needed = ["records/aihub-scans"]
    if name.startswith("segmenter-subtype"):
        needed.append(f"models/{ENCODER}")
    if name.startswith(tuple(map(segmenter_name, SPECIALISTS))):
        started_from_all = config.segmenters.specialist_training is not None
        needed += [f"models/{segmenter_name('all')}"] if started_from_all else []
    return needed


def _models(config: Config) -> list[str]:
    """Return the models that others are made of, those of folds included."""
    folds = config.ensembles.folds if config.ensembles.maps == "out-of-fold" else 0
    names = [ENCODER, *map(segmenter_name, SEGMENTERS)]
    numbered = [fold_name(name, fold, folds) for name in names for fold in range(1, folds + 1)]
    return [f"models/{name}" for name in [*names, *numbered]]

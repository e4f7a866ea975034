"""The one list of the settings that each result depends on.

The workflow repeats a result when one of its settings changes. The code that makes a result stores
them beside it and starts over when they differ. Inputs other than settings (records, models, maps)
are added there as digests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ichnet.config.load import config_to_mapping
from ichnet.config.schema import ARMS, BACKBONES, Config, members_of


@dataclass(frozen=True)
class Settings:
    """The settings that a kind of result depends on.

    Attributes:
        sections: sections or keys of the configuration, e.g. ``image`` or ``evaluation.threshold``.
        without: keys in these sections that the result does not depend on.
    """

    sections: tuple[str, ...]
    without: tuple[str, ...] = ()


TRAINING = ("seed", "register", "image")
SEGMENTER = (*TRAINING, "augmentation", "segmenters")
SUBTYPE_ONLY = ("segmenters.pretraining",)
"""Settings that Models 1, 3, 4 and 5 do not depend on."""
SPECIALIST_ONLY = ("segmenters.specialist_training",)
CALIBRATION = ("evaluation.top_pixels", "evaluation.calibration", "evaluation.pooling")

DEPENDS_ON: dict[str, Settings] = {
    "phantom": Settings(("seed", "phantom")),
    "records": Settings(("seed", "image", "selection")),
    # a classifier does not depend on which others are trained
    "classifier": Settings(
        (*TRAINING, "augmentation", "classifiers"),
        without=(
            "classifiers.backbones",
            "classifiers.arms",
            "classifiers.training_by_backbone",
            "classifiers.pretraining",
        ),
    ),
    "backbone": Settings((*TRAINING, "augmentation", "classifiers.pretraining")),
    "encoder": Settings(
        SEGMENTER,
        without=(
            "segmenters.loss",
            "segmenters.training",
            "segmenters.training_by_segmenter",
            *SPECIALIST_ONLY,
        ),
    ),
    "segmenter-all": Settings(SEGMENTER, without=(*SUBTYPE_ONLY, *SPECIALIST_ONLY)),
    "segmenter": Settings(SEGMENTER, without=SUBTYPE_ONLY),
    "segmenter-small": Settings((*SEGMENTER, "selection.small_lesion_ml"), without=SUBTYPE_ONLY),
    # depends on the pre-training through the digest of the encoder's weights
    "segmenter-subtype": Settings(SEGMENTER, without=("segmenters.pretraining", *SPECIALIST_ONLY)),
    "maps": Settings(
        ("ensembles.maps", "ensembles.folds", "evaluation.mirrored", "evaluation.without_bone")
    ),
    "ensemble": Settings((*TRAINING, "ensembles"), without=("ensembles.combinations",)),
    "baselines": Settings(("ensembles.maps",)),
    "calibration": Settings(CALIBRATION),
    "predictions": Settings((*CALIBRATION, "evaluation.mask_threshold")),
    "metrics": Settings(
        (
            "seed",
            "evaluation",
            "selection.small_lesion_ml",
            "contrasts",
            "classifiers.backbones",
            "classifiers.arms",
            "ensembles.combinations",
        )
    ),
    "localise": Settings(
        ("seed", "evaluation.bootstrap_replicates", "classifiers.backbones", "classifiers.arms")
    ),
    "lesions": Settings(
        (
            "seed",
            "evaluation.bootstrap_replicates",
            "evaluation.mask_threshold",
            "ensembles.combinations",
        )
    ),
    "slice_position": Settings(("seed", "evaluation.bootstrap_replicates")),
    "figure1": Settings(("seed", "selection", "classifiers.backbones", "classifiers.arms")),
    "method_figures": Settings(("image", "classifiers.backbones", "ensembles")),
    # all other scripts of eval/
    "tables": Settings(("evaluation", "classifiers.arms", "ensembles.combinations")),
    "table1": Settings(()),
    "costs": Settings(()),
    "contrasts": Settings(
        ("contrasts", "repeats", "claims", "classifiers.backbones", "selection.small_lesion_ml")
    ),
    "variants": Settings(
        ("variants", "repeats", "claims", "classifiers.backbones", "selection.small_lesion_ml")
    ),
    "export": Settings(
        (
            "data_statement",
            "image",
            "evaluation",  # the model card reports figures with intervals
            "selection.small_lesion_ml",
        )
    ),
    "report": Settings(tuple(Config.__dataclass_fields__)),  # it prints the configuration
}
"""Settings by kind of result; for the model of a given name see :func:`settings_of_model`."""


def settings_of(config: Config, result: str) -> dict[str, Any]:
    """Return the settings that a result depends on, by section or key, as JSON values.

    Args:
        config: the experiment.
        result: a key of :data:`DEPENDS_ON`.
    """
    needs = DEPENDS_ON[result]
    mapping = config_to_mapping(config)
    for name in needs.without:
        section, _, key = name.partition(".")
        del mapping[section][key]
    return {name: _part(mapping, name.split(".")) for name in needs.sections}


def settings_of_model(config: Config, model: str) -> dict[str, Any]:
    """Return the settings that a trained model depends on.

    Args:
        config: the experiment.
        model: name in the run, e.g. ``VGG19-aihub-strong`` or ``segmenter-sdh-fold2of5``.

    Raises:
        ConfigError: for an ensemble that is not in ``ensembles.combinations``.
    """
    for backbone in BACKBONES:
        if model in (f"{backbone}-{arm}" for arm in ARMS):
            own = config.classifiers.of(backbone)  # type: ignore[arg-type]
            return settings_of(replace(config, classifiers=own), "classifier")
    kind, _, name = re.sub(r"-fold\d+of\d+$", "", model).partition("-")
    if kind == "segmenter":
        config = replace(config, segmenters=config.segmenters.of(name))  # type: ignore[arg-type]
    found = settings_of(config, f"{kind}-{name}" if f"{kind}-{name}" in DEPENDS_ON else kind)
    return {**found, "members": list(members_of(config, name))} if kind == "ensemble" else found


def settings_of_script(config: Config, script: str) -> dict[str, Any]:
    """Return the settings that the result of a script of ``eval/`` depends on."""
    return settings_of(config, script if script in DEPENDS_ON else "tables")


def differences(old: object, new: object, where: str = "") -> Iterable[str]:
    """Yield a text, e.g. ``seed: 1, now 2``, for each value that differs in two JSON documents."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            place = f"{where}.{key}" if where else str(key)
            yield from differences(old.get(key), new.get(key), place)
    elif old != new:
        yield f"{where}: {old!r}, now {new!r}"


def _part(mapping: Any, names: list[str]) -> Any:
    for name in names:
        mapping = mapping[name]
    return mapping

"""Reading and writing a :class:`~ichnet.config.schema.Config` as YAML.

An unknown key is refused; the message suggests the most similar known one.
"""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from dataclasses import MISSING, asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from ichnet.config.questions import RepeatsConfig, VariantConfig
from ichnet.config.schema import Config, ConfigError
from ichnet.files import write_whole

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ConfigLoader(yaml.SafeLoader):
    """YAML loader as YAML 1.2 has it: ``1e-4`` is a number, a key that comes twice an error."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping as it is written, before ``<<`` adds keys, if none comes twice."""
        node = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} comes twice", node.start_mark
                )
        return node


ConfigLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def load_config(path: Path) -> Config:
    """Read and check a YAML configuration.

    Raises:
        ConfigError: when the file is missing or not YAML, a key is unknown or missing, or a
            value has the wrong type.

    Examples:
        >>> from dataclasses import replace
        >>> from pathlib import Path
        >>> config = load_config(Path("models/phantom.yaml"))
        >>> config.image.matrix, config.classifiers.backbones
        (128, ('MobileNetV2',))
        >>> small = replace(config, image=replace(config.image, matrix=64))
        >>> small.image.matrix
        64
    """
    try:
        mapping = yaml.load(path.read_text(encoding="utf-8"), ConfigLoader)  # a SafeLoader
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {error}") from error
    config = config_from_mapping(mapping, source=str(path))
    _check_values(config, str(path))
    return config


def save_config(config: Config, path: Path) -> None:
    """Write a configuration as YAML, such that :func:`load_config` returns an equal one."""
    with write_whole(path) as handle:
        yaml.safe_dump(config_to_mapping(config), handle, sort_keys=False)


def config_from_mapping(mapping: object, source: str = "configuration") -> Config:
    """Build a :class:`Config` from plain dictionaries and lists, as YAML gives them."""
    result = _convert(mapping, Config, source)
    assert isinstance(result, Config)
    return result


def config_to_mapping(config: Config) -> dict[str, Any]:
    """Return plain dictionaries and lists from which the same configuration can be built."""
    mapping: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return mapping


def variant_config(config: Config, variant: VariantConfig) -> Config:
    """Return an experiment with the changes of one of its variants, without repeats and variants.

    Raises:
        ConfigError: when a change names no place of the configuration, or does not fit there.
    """
    mapping = config_to_mapping(config)
    where = f"variant {variant.name}"
    for place, value in variant.changes.items():
        *path, last = place.split(".")
        section: Any = mapping
        for name in path:
            section = section.get(name) if isinstance(section, dict) else None
        if not isinstance(section, dict):
            raise ConfigError(f"{where}: the configuration has no {place!r}")
        section[last] = value
    changed = replace(
        config_from_mapping(mapping, where), repeats=RepeatsConfig(seeds=()), variants=()
    )
    _check_values(changed, where)
    return changed


def _convert(value: object, kind: Any, where: str) -> object:
    """Convert plain YAML data to the type ``kind``; raise ``ConfigError`` if it does not fit."""
    if is_dataclass(kind):
        return _convert_dataclass(value, kind, where)
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin is Literal:
        options = typing.get_args(kind)
        if value not in options:
            raise ConfigError(f"{where}: {value!r} is not one of {', '.join(map(str, options))}")
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(value, typing.get_args(kind), where)
    if origin is tuple:
        return _convert_tuple(value, typing.get_args(kind), where)
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected keys and values, got {value!r}")
        keys, item = typing.get_args(kind)
        return {
            _convert(str(key), keys, where): _convert(entry, item, f"{where}.{key}")
            for key, entry in value.items()
        }
    return _convert_scalar(value, kind, where)


def _convert_dataclass(value: object, kind: Any, where: str) -> object:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected keys and values, got {value!r}")
    known = {f.name for f in fields(kind)}
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            raise ConfigError(f"{where}: unknown key {key!r}; did you mean {near[0]!r}?")
    required = (
        f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING
    )
    missing = [name for name in required if name not in value]
    if missing:
        raise ConfigError(f"{where}: missing {', '.join(missing)}")
    hints = typing.get_type_hints(kind)
    return kind(
        **{key: _convert(entry, hints[key], f"{where}: {key}") for key, entry in value.items()}
    )


def _convert_union(value: object, options: tuple[Any, ...], where: str) -> object:
    if value is None and type(None) in options:
        return None
    errors = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _convert(value, option, where)
        except ConfigError as error:
            errors.append(str(error))
    raise ConfigError(errors[0])


def _convert_tuple(value: object, items: tuple[Any, ...], where: str) -> object:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{where}: expected a list, got {value!r}")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_convert(v, items[0], f"{where}[{i}]") for i, v in enumerate(value))
    if len(value) != len(items):
        raise ConfigError(f"{where}: expected {len(items)} values, got {len(value)}")
    return tuple(
        _convert(v, item, f"{where}[{i}]")
        for i, (v, item) in enumerate(zip(value, items, strict=True))
    )


def _convert_scalar(value: object, kind: Any, where: str) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{where}: expected {kind.__name__}, got {value!r}")
    return value


def _check_values(config: Config, source: str) -> None:
    """Raise ``ConfigError`` for values that have the right type but cannot be used."""
    for where, name in (
        ("name", config.name),
        *(("ensembles.combinations", one) for one in config.ensembles.combinations),
        *(("variants", one.name) for one in config.variants),
    ):
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{source}: {where}: {name!r} names a folder and stands in commands: letters, "
                "digits, '.', '_' and '-', of which a letter or digit is the first"
            )
    low, high = config.evaluation.uncertain
    if not 0 <= low <= high <= 1:
        raise ConfigError(f"{source}: evaluation.uncertain must be two ordered probabilities")
    for key, weights, name in (
        ("classifiers.weights", config.classifiers.weights, "imagenet"),
        ("segmenters.weights", config.segmenters.weights, "embedded"),
    ):
        if weights is not None and weights != name and "/" not in weights:
            raise ConfigError(
                f"{source}: {key}: {weights!r} is neither {name} nor a folder with a slash in its "
                "path"
            )
    blurred, sharpened = config.augmentation.sharpness
    if not -1 <= blurred <= sharpened:
        raise ConfigError(f"{source}: augmentation.sharpness must be two ordered numbers from -1")
    shares = config.selection.validation_share + config.selection.ensemble_share
    if shares >= 1 or min(config.selection.validation_share, config.selection.ensemble_share) < 0:
        raise ConfigError(f"{source}: the selection's shares leave no patient for training")
    trainings = [
        config.classifiers.training,
        *config.classifiers.training_by_backbone.values(),
        *([config.classifiers.pretraining] if config.classifiers.pretraining else []),
        config.segmenters.training,
        config.segmenters.pretraining,
        *config.segmenters.training_by_segmenter.values(),
        config.ensembles.training,
    ]
    if not all(0 <= training.average_decay < 1 for training in trainings):
        raise ConfigError(f"{source}: a training's average_decay must be from 0 to below 1")
    if min(min(one.batch_size, one.epochs, one.steps_per_epoch) for one in trainings) < 1:
        raise ConfigError(f"{source}: a training has at least one slice, step and epoch")
    for problem, is_so in _problems(config).items():
        if is_so:
            raise ConfigError(f"{source}: {problem}")
    if not 0 < config.classifiers.outlined_share <= 1:
        raise ConfigError(f"{source}: classifiers.outlined_share must be above 0 and at most 1")
    for variant in config.variants:
        variant_config(config, variant)
    if config.ensembles.maps == "out-of-fold":
        if config.ensembles.folds < 2:
            raise ConfigError(f"{source}: ensembles.folds must be 2 or more")
        if config.selection.ensemble_share:
            raise ConfigError(
                f"{source}: out-of-fold maps need no patients of their own; set "
                "selection.ensemble_share to 0, so that the segmenters train on them"
            )


def _problems(config: Config) -> dict[str, bool]:
    """Return what can be wrong with single values, and whether it is."""
    phantom, evaluation, seeds = config.phantom, config.evaluation, config.repeats.seeds
    fewest, most = phantom.slices
    probabilities = (evaluation.threshold, evaluation.mask_threshold)
    return {
        "evaluation: thresholds are probabilities": not all(0 <= one <= 1 for one in probabilities),
        "evaluation.top_pixels must be 1 or more": evaluation.top_pixels < 1,
        "phantom.slices must be two ordered numbers from 1": not 1 <= fewest <= most,
        "phantom.ich_share: shares are from 0 to 1": not all(
            0 <= share <= 1 for share in phantom.ich_share.values()
        ),
        "repeats.seeds: each once": len(set(seeds)) < len(seeds),
        "ensembles.combinations: a combination is of members, each once": any(
            not members or len(set(members)) < len(members)
            for members in config.ensembles.combinations.values()
        ),
        "export must name a model": not config.export,
    }

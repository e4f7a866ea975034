"""What explains the answers: parts of the experiment again with other settings, against itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ichnet.config import Config, ContrastConfig
from ichnet.reporting.measures.trainings import variant_model
from ichnet.reporting.tables.contrasts import answers_table
from ichnet.reporting.tables.table import Table
from ichnet.runs import RunFolder

FAMILY = "variants"


def variants_table(run: RunFolder, config: Config) -> Table:
    """Return each variant's models against the experiment's, and what was changed."""
    table = answers_table(run, config, variant_contrasts(config), "variants", "What explains it")
    changes = [
        f"{variant.name}: {'; '.join(changed)}."
        for variant in config.variants
        if (changed := [change_in_words(*one) for one in variant.changes.items()])
    ]
    return replace(table, notes=(*changes, *table.notes))


def change_in_words(place: str, value: Any) -> str:
    """Return a change of the configuration; of a group with groups in it the name alone."""
    if not isinstance(value, Mapping):
        return f"{place} = {value}"
    if any(isinstance(one, Mapping) for one in value.values()):
        return f"{place} of its own, as the configuration has it"
    return ", ".join(f"{place}.{key} = {one}" for key, one in value.items())


def variant_contrasts(config: Config) -> tuple[ContrastConfig, ...]:
    """Return a contrast for each model of each variant."""
    return tuple(
        ContrastConfig(
            question=variant.question,
            model=variant_model(variant.name, model),
            against=variant.against or model,
            test_set=variant.test_set,
            family=FAMILY,
        )
        for variant in config.variants
        for model in variant.models
    )

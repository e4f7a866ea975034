"""What explains the answers: parts of the experiment again with other settings, against itself."""

from __future__ import annotations

from dataclasses import replace

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
        f"{variant.name}: {', '.join(f'{place} = {value}' for place, value in changed)}."
        for variant in config.variants
        if (changed := variant.changes.items())
    ]
    return replace(table, notes=(*changes, *table.notes))


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

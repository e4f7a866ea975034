"""The experiment of a run: one configuration and one folder of record sets.

The first training of a run stores both in the run folder; all later steps read them there. A
training with another configuration is refused, so that no report mixes two experiments.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ichnet.config import Config, ConfigError, config_to_mapping, load_config, save_config
from ichnet.config.depends import differences
from ichnet.files import write_whole
from ichnet.runs.paths import RunFolder

SHOWN_DIFFERENCES = 5


@dataclass(frozen=True)
class Experiment:
    """A run folder with its configuration and its data.

    Attributes:
        config: the configuration.
        records: folder of the record sets.
        run: the folder of the results.
    """

    config: Config
    records: Path
    run: RunFolder


def begin_run(config: Config, records: Path, run: RunFolder, replace: bool = False) -> Experiment:
    """Store the experiment of a run in its folder, or check that it is the same.

    While a run has no trained model, its experiment can still be changed.

    Args:
        config: the configuration.
        records: folder of the record sets. It is kept relative to the run folder.
        run: the run folder.
        replace: overwrite another configuration. What depends on the difference must then be
            made again, as the workflow does.

    Raises:
        ConfigError: when the run has another configuration or other records; names what
            differs.
    """
    if not replace and run.config.exists() and any(run.model("").glob("*")):
        _require_same(load_config(run.config), config, run)
        if (kept := _read_records(run)).resolve() != records.resolve():
            raise ConfigError(
                f"{run.records_file}: the run is of the records in {kept}, not {records}; "
                "name another run folder (--run)"
            )
        return Experiment(config, records, run)
    with write_whole(run.records_file) as handle:
        json.dump({"records": os.path.relpath(records.resolve(), run.root.resolve())}, handle)
    save_config(config, run.config)
    return Experiment(config, records, run)


def open_run(run: RunFolder) -> Experiment:
    """Return the experiment of a run.

    Raises:
        ConfigError: when nothing has been trained in it, or its configuration cannot be read.
    """
    return Experiment(load_config(run.config), _read_records(run), run)


def _read_records(run: RunFolder) -> Path:
    try:
        kept = json.loads(run.records_file.read_text(encoding="utf-8"))["records"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{run.records_file}: does not say which records the run is of ({error})"
        ) from error
    path = Path(os.path.normpath(run.root.resolve() / kept))
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _require_same(kept: Config, config: Config, run: RunFolder) -> None:
    found = differences(config_to_mapping(kept), config_to_mapping(config))
    shown = list(islice(found, SHOWN_DIFFERENCES + 1))
    if shown:
        more = "; ..." if len(shown) > SHOWN_DIFFERENCES else ""
        raise ConfigError(
            f"{run.config}: the run is of another configuration "
            f"({'; '.join(shown[:SHOWN_DIFFERENCES])}{more}); name another run folder (--run), or "
            "replace the configuration (models/configure.py --replace) and make again what "
            "depends on it"
        )

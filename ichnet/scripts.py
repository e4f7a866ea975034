"""What the scripts in ``data_prep/``, ``models/`` and ``eval/`` share: arguments and endings."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ichnet.config import Config, ConfigError, load_config
from ichnet.ct.errors import ReadError
from ichnet.inference.environment import quiet_tensorflow

DEFAULT_CONFIG = Path("models/phantom.yaml")


def experiment_parser(description: str | None, *names: str) -> argparse.ArgumentParser:
    """Return a parser with the usual options among ``config``, ``records``, ``run``, ``seed``."""
    options = {
        "config": ("the experiment's configuration", DEFAULT_CONFIG),
        "records": ("folder of the record sets", Path("work/phantom/records")),
        "run": ("the run folder", Path("runs/phantom")),
    }
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in names:
        if name == "seed":
            parser.add_argument("--seed", type=int, help="in place of the configuration's seed")
            continue
        text, default = options[name]
        parser.add_argument(
            f"--{name}", type=Path, default=default, metavar="PATH", help=f"{text} ({default})"
        )
    return parser


def load_experiment(args: argparse.Namespace) -> Config:
    """Return the configuration that ``--config`` names, with the seed that ``--seed`` gives."""
    config = load_config(args.config)
    return config if args.seed is None else replace(config, seed=args.seed)


def load_tensorflow() -> None:
    """Import TensorFlow without its chatter; called after ``--help`` has been answered."""
    with quiet_tensorflow():
        import tensorflow  # noqa: F401


def run_script(main: Callable[[], None]) -> None:
    """Run a script; what its user can mend ends in one line and exit code 2, not a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        main()
    except (ConfigError, ReadError, OSError, ValueError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error

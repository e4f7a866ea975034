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
from ichnet.deployment.environment import quiet_tensorflow

DEFAULT_CONFIG = Path("models/phantom.yaml")


def experiment_parser(description: str | None, *names: str) -> argparse.ArgumentParser:
    """Return a parser with the usual options among ``config``, ``records``, ``run``, ``seed``."""
    options = {
        "config": ("YAML configuration of the experiment", DEFAULT_CONFIG),
        "records": ("folder that holds the record sets", Path("work/phantom/records")),
        "run": ("folder of the run: its models, predictions and tables", Path("runs/phantom")),
    }
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in names:
        if name == "seed":
            parser.add_argument(
                "--seed", type=int, help="random seed (default: the configuration's seed)"
            )
            continue
        text, default = options[name]
        parser.add_argument(
            f"--{name}",
            type=Path,
            default=default,
            metavar="PATH",
            help=f"{text} (default: {default})",
        )
    return parser


def preparation_parser(description: str | None, thin: bool = False) -> argparse.ArgumentParser:
    """Return a parser with what every script of ``data_prep/`` takes.

    Args:
        description: the script's docstring.
        thin: whether thin slices may be averaged.
    """
    parser = experiment_parser(description, "config")
    parser.add_argument(
        "--input", type=Path, required=True, metavar="DIR", help="folder with the raw files"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write the record set to",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="stop at the first unusable file instead of excluding it",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="number of processes (default: number of cores)"
    )
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="K/N",
        help="write only part K of N; when all are written, run again without --shard to join",
    )
    if thin:
        parser.add_argument(
            "--average-mm",
            type=float,
            metavar="MM",
            help="average thin slices to about this thickness in mm, e.g. 5",
        )
    return parser


def run_preparation(args: argparse.Namespace, cohort: str, selection: str) -> None:
    """Prepare a record set as the arguments say, and print the report."""
    load_tensorflow()
    from ichnet.records.pool import available_cores
    from ichnet.records.prepare import Options, prepare

    options = Options(
        strict=args.strict,
        workers=args.workers or available_cores(),
        shard=args.shard,
        average_mm=getattr(args, "average_mm", None),
    )
    config = load_config(args.config)
    print(prepare(cohort, selection, config, args.input, args.output, options))  # type: ignore[arg-type]


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    return int(number), int(count)


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
    # it shows a traceback for a damaged file, which is excluded with a reason all the same
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    try:
        main()
    except (ConfigError, ReadError, OSError, ValueError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error

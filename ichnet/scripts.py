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


def preparation_parser(description: str | None, thin: bool = False) -> argparse.ArgumentParser:
    """Return a parser with what every script of ``data_prep/`` takes.

    Args:
        description: the script's docstring.
        thin: whether thin slices may be averaged.
    """
    parser = experiment_parser(description, "config")
    parser.add_argument("--input", type=Path, required=True, help="the cohort's folder")
    parser.add_argument("--output", type=Path, required=True, help="the record set's folder")
    parser.add_argument("--strict", action="store_true", help="stop at the first unusable file")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (as many as there are cores)"
    )
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="K/N",
        help="write the K-th of N shares only; when all are written, run again without this",
    )
    if thin:
        parser.add_argument(
            "--average-mm",
            type=float,
            metavar="MM",
            help="average thin slices to about this thickness, e.g. 5",
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

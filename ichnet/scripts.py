"""Shared by the scripts in ``data_prep/``, ``models/`` and ``eval/``: arguments, error messages."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ichnet.config import ConfigError, load_config
from ichnet.ct.errors import ReadError
from ichnet.deployment.environment import quiet_tensorflow
from ichnet.deployment.metadata import ModelError
from ichnet.runs import RunFolder
from ichnet.runs.experiment import Experiment, begin_run, open_run

DEFAULT_CONFIG, DEFAULT_RUN = Path("models/phantom.yaml"), Path("runs/phantom")


def script_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows a script's docstring as it is written."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def run_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with ``--run``: all that a script needs after training."""
    parser = script_parser(description)
    parser.add_argument(
        "--run",
        type=Path,
        default=DEFAULT_RUN,
        metavar="PATH",
        help=f"run folder (default: {DEFAULT_RUN})",
    )
    return parser


def training_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with ``--run``, ``--config``, ``--records`` and ``--seed``, for trainings."""
    parser = run_parser(description)
    parser.add_argument(
        "--config",
        type=Path,
        metavar="PATH",
        help=f"configuration (default: the run's own; for a new run {DEFAULT_CONFIG})",
    )
    parser.add_argument(
        "--records",
        type=Path,
        metavar="PATH",
        help="folder of the record sets (default: the run's own; for a new run "
        "work/<name>/records)",
    )
    parser.add_argument(
        "--seed", type=int, help="random seed to use instead of the configuration's"
    )
    return parser


def begin_experiment(args: argparse.Namespace, replace_config: bool = False) -> Experiment:
    """Return the experiment of a run, which the first training of the run defines.

    Raises:
        ConfigError: when the arguments differ from it; names what differs.
    """
    run = RunFolder(args.run)
    begun = run.config.exists()
    config = load_config(args.config or (run.config if begun else DEFAULT_CONFIG))
    if args.seed is not None:
        config = replace(config, seed=args.seed)
    own = open_run(run).records if begun else Path("work", config.name, "records")
    return begin_run(config, args.records or own, run, replace_config)


def open_experiment(args: argparse.Namespace) -> Experiment:
    """Return the experiment of the run that ``--run`` names."""
    return open_run(RunFolder(args.run))


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``, for steps that come before a run."""
    parser.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="PATH",
        help=f"the experiment's configuration (default: {DEFAULT_CONFIG})",
    )


def preparation_parser(
    description: str | None, sets: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """Return a parser with the arguments of every script of ``data_prep/``.

    Args:
        description: the script's docstring.
        sets: which of ``slices`` and ``scans`` the experiments draw from the cohort. Without
            ``--whole`` the only one is drawn; of several, one must be named.
    """
    parser = script_parser(description)
    add_config(parser)
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
        help="write only part K of N (K from 1); when all are written, run again without "
        "--shard to join them",
    )
    parser.add_argument(
        "--average-mm",
        type=float,
        metavar="MM",
        help="average thin slices of whole scans to about this thickness in mm, e.g. 5",
    )
    parser.add_argument(
        "--reduced",
        action="store_true",
        help="decode JPEG 2000 at half its resolution where that is not coarser than the records: "
        "faster, and not quite the same HU",
    )
    _add_selection(parser, sets)
    return parser


def _add_selection(parser: argparse.ArgumentParser, sets: Sequence[str]) -> None:
    what = parser.add_mutually_exclusive_group(required=len(sets) > 1)
    default = "" if sets else " (this cohort is never drawn from: the default)"
    what.add_argument(
        "--whole",
        dest="selection",
        action="store_const",
        const="all",
        help=f"take every readable scan with all its slices, as split test{default}",
    )
    if len(sets) > 1:
        what.add_argument(
            "--set",
            dest="selection",
            choices=sets,
            help="draw slices for experiment A, or scans for experiment B",
        )
    parser.set_defaults(selection=sets[0] if len(sets) == 1 else "all")


def run_preparation(args: argparse.Namespace, cohort: str) -> None:
    """Prepare a record set as the arguments say, and print the report."""
    load_tensorflow()
    from ichnet.records.pool import available_cores
    from ichnet.records.prepare import Options, prepare

    options = Options(
        strict=args.strict,
        workers=args.workers or available_cores(),
        shard=args.shard,
        average_mm=args.average_mm,
        reduced=args.reduced,
    )
    config = load_config(args.config)
    print(prepare(cohort, args.selection, config, args.input, args.output, options))


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    return int(number), int(count)


def load_tensorflow() -> None:
    """Import TensorFlow without its messages; called after ``--help`` has been answered."""
    with quiet_tensorflow():
        import tensorflow  # noqa: F401


def run_script(main: Callable[[], None]) -> None:
    """Run a script; errors that its user can correct end in one line and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # it shows a traceback for a damaged file, which is excluded with a reason all the same
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    try:
        main()
    except ReadError as error:
        print(f"error: {error.with_path}", file=sys.stderr)
        raise SystemExit(2) from error
    except (ConfigError, ModelError, OSError, ValueError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error

"""What the commands of ``ichnet`` do; :mod:`ichnet.cli` reads their arguments.

What a command needs is imported when it runs, so that ``--help`` waits for nothing.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ichnet.deployment.pacs_client import Pacs
    from ichnet.deployment.predict import Predictor, Summary
    from ichnet.serving.destinations import Destination

SUCCESS, EXCLUDED, FAILED, CRASHED = 0, 1, 2, 3
"""Exit codes."""


@contextmanager
def in_silence() -> Iterator[None]:
    """Keep libraries from saying what they think of a header: they quote it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def predict(args: argparse.Namespace) -> int:
    """Predict what is named, and what arrives; return the exit code."""
    from ichnet.ct.pseudonym import load_key
    from ichnet.deployment.metadata import ModelError
    from ichnet.deployment.predict import Predictor
    from ichnet.deployment.scratch import ended_by_signals

    if not args.inputs and not args.watch:
        return _fail("nothing to predict: name DICOM folders, files or archives, or --watch DIR")
    if args.watch and not args.watch.is_dir():
        return _fail("--watch: there is no such folder")
    if args.dicom and not find_spec("highdicom"):
        return _fail("--dicom needs highdicom: pip install 'ichnet[dicom-out]'")
    try:
        key = load_key()
    except (OSError, ValueError) as error:
        return _fail(str(error))
    with in_silence(), ended_by_signals():
        try:
            predictor = Predictor(
                args.model,
                args.out,
                key,
                args.link,
                args.dicom,
                args.nifti,
                args.model_sha256,
                args.runtime,
            )
            if problem := _unwritable(
                args.out, args.dicom, args.nifti, args.link and args.link.parent
            ):
                return _fail(problem)
            _tell_caution(predictor)
            if args.inputs:
                predictor.take(args.inputs)
            if args.watch:
                predictor.model.load()
                _watch(args.watch, args.settle, predictor)
        except ModelError as error:
            return _fail(str(error))
    return _tell(predictor.summary, watched=bool(args.watch))


def _watch(folder: Path, settle_s: float, predictor: Predictor) -> None:
    from ichnet.deployment.watch import stopped_by_signals, watch

    with stopped_by_signals() as stop:
        watch(
            folder,
            settle_s,
            lambda entries: predictor.take(entries, stop.is_set),
            predictor.set_aside,
            stop,
        )


def _tell_caution(predictor: Predictor) -> None:
    """Say once that a model may only guess."""
    if predictor.caution:
        print(f"ichnet: {predictor.caution}", file=sys.stderr)


def _tell(summary: Summary, watched: bool) -> int:
    """Say what was done, and return the exit code for it."""
    if watched and not summary.scans and not summary.excluded:
        return SUCCESS  # nothing arrived
    if not watched and not summary.scans and summary.excluded == summary.absent:
        return _fail(f"there is nothing to read, see {summary.excluded_csv}")
    earlier = f" ({summary.kept} of them earlier)" if summary.kept else ""
    print(f"scans predicted: {summary.scans}{earlier}, see {summary.predictions_csv}")
    if summary.excluded:
        print(f"files excluded: {summary.excluded}, see {summary.excluded_csv}", file=sys.stderr)
        return EXCLUDED
    return SUCCESS


def pacs(args: argparse.Namespace) -> int:
    """Fetch studies, predict them, store the results back; return the exit code."""
    missing = [name for name in ("highdicom", "dicomweb_client") if not find_spec(name)]
    if missing:
        return _fail(f"pacs needs {', '.join(missing)}: pip install 'ichnet[dicom-out]'")
    if problem := _problem_of(args.url):
        return _fail(problem)
    from ichnet.ct.pseudonym import load_key
    from ichnet.deployment.metadata import ModelError
    from ichnet.deployment.pacs import predict_studies
    from ichnet.deployment.pacs_access import AccessError
    from ichnet.deployment.predict import Predictor
    from ichnet.deployment.scratch import ended_by_signals, scratch_folder

    if bool(args.studies) == bool(args.poll):
        return _fail("name studies, or ask for new ones with --poll SECONDS")

    try:
        key = load_key()
    except (OSError, ValueError) as error:
        return _fail(str(error))
    outcomes = []
    with in_silence(), ended_by_signals(), scratch_folder() as scratch:
        try:
            dicom_dir = args.dicom or scratch
            predictor = Predictor(
                args.model,
                args.out,
                key,
                dicom_dir=dicom_dir,
                model_sha256=args.model_sha256,
                runtime=args.runtime,
            )
            if problem := _unwritable(args.out, args.dicom):
                return _fail(problem)
            _tell_caution(predictor)
            pacs = _pacs_of(args, args.url, args.settle, args.time_limit)
            if args.poll:
                return _poll(pacs, predictor, args)
            for outcome in predict_studies(pacs, args.studies, predictor):
                outcomes.append(outcome)
                print(outcome, file=sys.stderr if outcome.problem else sys.stdout)
        except (ModelError, AccessError) as error:
            return _fail(str(error))
    if all(outcome.unreachable for outcome in outcomes):
        return _fail("the PACS cannot be reached, or is none")
    return EXCLUDED if any(not one.is_whole for one in outcomes) else SUCCESS


def _poll(pacs: Pacs, predictor: Predictor, args: argparse.Namespace) -> int:
    """Predict new studies until a signal comes; a study at work is finished first."""
    from ichnet.ct.pseudonym import pseudonym
    from ichnet.deployment.pacs_polling import new_studies
    from ichnet.deployment.watch import stopped_by_signals

    predictor.model.load()
    with stopped_by_signals() as stop:
        for outcome in new_studies(
            pacs,
            predictor,
            args.poll,
            args.days,
            stop,
            lambda problem: print(f"ichnet: {problem}", file=sys.stderr, flush=True),
        ):
            # nobody has named the study: what is said may end in a log, and excluded.csv has this
            name = pseudonym(predictor.key, "input", outcome.study_uid)
            stream = sys.stderr if outcome.problem else sys.stdout
            print(f"{name}: {outcome.said}", file=stream, flush=True)
    return SUCCESS


def _pacs_of(args: argparse.Namespace, url: str, settle_s: float, time_limit_s: float) -> Pacs:
    """Return a PACS with what the command's options show to it."""
    from ichnet.deployment.pacs_access import PacsAccess
    from ichnet.deployment.pacs_client import Pacs

    key, timeout_s = args.client_key, args.timeout
    access = PacsAccess(args.token_file, args.client_cert, key, args.ca, timeout_s)
    return Pacs(url, settle_s, time_limit_s, access)


def _unwritable(*folders: Path | None) -> str:
    """Make folders for results, for their owner alone; say which of them cannot be written."""
    from ichnet.files import private_files

    for folder in filter(None, folders):
        try:
            with private_files(), tempfile.TemporaryFile(dir=_made(folder)):
                pass
        except OSError as error:
            return f"{folder}: cannot be written ({error.strerror})"
    return ""


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _problem_of(url: str, option: str = "--url") -> str:
    """Say what is wrong with a PACS's URL, without repeating it; empty when nothing is."""
    if "@" in url:
        return (
            f"{option} must not hold a user or a password: every list of processes shows it. Write "
            "them into ~/.netrc, readable by you alone"
        )
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if is_whole and (parts.query or parts.fragment):
        return f"{option} must have no query (?...) and no fragment (#...), which may hold secrets"
    return "" if is_whole else f"{option} must be http://HOST/... or https://HOST/..."


def serve(args: argparse.Namespace) -> int:
    """Receive, predict and send on until a signal comes; return the exit code."""
    needed = ("highdicom", "dicomweb_client", "prometheus_client", "pynetdicom", "uvicorn")
    missing = [name for name in (*needed, "starlette") if not find_spec(name)]
    if missing:
        return _fail(f"serve needs {', '.join(missing)}: pip install 'ichnet[serve]'")
    from ichnet.ct.pseudonym import load_key
    from ichnet.deployment.metadata import ModelError
    from ichnet.deployment.pacs_access import AccessError
    from ichnet.deployment.watch import stopped_by_signals
    from ichnet.serving.node import NodeSettings
    from ichnet.serving.queue import Retries
    from ichnet.serving.service import Service, Settings
    from ichnet.serving.state import StateError

    with in_silence(), stopped_by_signals() as stop:
        try:
            settings = Settings(
                state=args.state,
                node=NodeSettings(args.ae_title, args.bind, args.port, args.caller),
                quiet_s=args.quiet_seconds,
                http_port=args.http_port,
                page=args.page,
                capture=args.capture,
                watch=args.watch,
                settle_s=args.settle,
                keep_s=3600 * args.keep_hours,
                retries=Retries(args.tries, args.retry_seconds),
                model_dir=args.model,
                model_sha256=args.model_sha256,
                runtime=args.runtime,
            )
            service = Service(settings, load_key(), _destinations(args))
            _tell_caution(service.predictor)
            service.run(stop)
        except (ModelError, AccessError, StateError, ValueError) as error:
            return _fail(str(error))
        except OSError as error:
            return _fail(f"cannot serve: {error.strerror or type(error).__name__}")
    return SUCCESS


def _destinations(args: argparse.Namespace) -> list[Destination]:
    """Return where results go.

    Raises:
        ValueError: when one of them is none.
        AccessError: when a service cannot be shown what it is to be shown.
    """
    from ichnet.serving.destinations import StowDestination, dicom_destination

    found: list[Destination] = [dicom_destination(one, args.ae_title) for one in args.send]
    for url in args.stow:
        if problem := _problem_of(url, "--stow"):
            raise ValueError(problem)
        # a thread of its own sends, which no signal interrupts: each wait has its limit instead
        found.append(StowDestination(url, _pacs_of(args, url, 0, 0)))
    return found


def status(args: argparse.Namespace) -> int:
    """Say what a service is doing; return the exit code."""
    import json
    import time

    from ichnet.serving.overview import overview
    from ichnet.serving.state import State, StateError
    from ichnet.serving.status import retry_set_aside, status_lines

    try:
        state = State(args.state, serves=False)
    except StateError as error:
        return _fail(str(error))
    if args.retry:
        print(f"series that are tried again: {retry_set_aside(state)}")
    found = overview(state, time.time())
    state.close()
    print(json.dumps(found, indent=2) if args.json else "\n".join(status_lines(found)))
    return SUCCESS


def export(args: argparse.Namespace) -> int:
    """Copy the model in the package out of it; return the exit code."""
    from ichnet.deployment.embedded import copy_embedded_model
    from ichnet.deployment.metadata import ModelError

    try:
        print(f"exported: {copy_embedded_model(args.out)}")
    except (ModelError, OSError) as error:
        return _fail(str(error))
    return SUCCESS


def phantom(args: argparse.Namespace) -> int:
    """Make synthetic cohorts; return the exit code."""
    from ichnet.config import ConfigError, load_config

    try:
        config = load_config(args.config)
        from ichnet.phantom.cohort import generate  # slow to load: after the configuration's errors

        counts = generate(config.phantom, config.seed, args.out)
    except (ConfigError, OSError) as error:
        return _fail(str(error))
    for cohort, count in counts.items():
        print(f"{args.out / cohort}: {count} scans")
    return SUCCESS


def info(args: argparse.Namespace) -> int:
    """Print versions, devices and decoders; return the exit code."""
    from ichnet.deployment.environment import describe_environment

    for name, value in describe_environment().items():
        print(f"{name:24}{value}")
    return SUCCESS


def _fail(message: str) -> int:
    print(f"ichnet: error: {message}", file=sys.stderr)
    return FAILED

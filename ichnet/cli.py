"""The installed command ``ichnet``.

Parsing arguments, ``--help`` and ``--version`` import nothing but the standard library; what a
command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ichnet import __version__

if TYPE_CHECKING:
    from ichnet.deployment.predict import Predictor, Summary

SUCCESS, EXCLUDED, FAILED, CRASHED = 0, 1, 2, 3

PREDICT_DESCRIPTION = """\
Look for intracranial hemorrhage in head CT. For research only, not for diagnosis.

Takes DICOM folders (searched to the bottom), DICOM files and zip archives, in any number and
order; slices are sorted into series by their headers. Writes into --out:

  predictions.csv   one row a scan: probability, decision at the model's threshold, volume in mL
  <scan_id>.json    everything about a scan: each slice's probability, position and volume
  <scan_id>.png     the scan with the predicted outline
  excluded.csv      every file that could not be used, and why
  <scan_id>.refused that a scan was refused, and pseudonyms of its slices

All of these are readable by you alone.

With --dicom, each result also as DICOM Segmentation and structured report (TID 1500). These carry
the patient's identity, as a PACS needs: treat them as the scans themselves.

With --watch, whatever arrives in a folder is predicted: each file, archive or folder directly
below it, once nothing of it has changed for --settle seconds. Parts of a series that arrive one
after another are joined; what cannot be taken three times is set aside.

A scan that is already in --out, made from the same bytes by the same model and version, is not
computed again. A series of which other slices came in an earlier call is refused until all of them
are given together. predictions.csv lists the scans of this call's inputs."""

PREDICT_EPILOG = """\
Pseudonyms: results carry no name, number or date of a patient, and no path. scan_id and patient_id
are made from the DICOM identifiers with a secret key (file named by ICHNET_PSEUDONYM_KEY_FILE,
otherwise ~/.config/ichnet/pseudonym.key, made at first use); the same key gives the same
pseudonyms. Only --link tells which scan is which and which file was excluded: it writes a table of
scan_id and SeriesInstanceUID, and of excluded files with their paths, readable by you alone. Keep
it as confidential as the scans.

A model is code: give --model only what you trust, and pin it with --model-sha256.

Exit code: 0 when everything was used, 1 when something was excluded (see excluded.csv), 2 when
nothing could be read or the command was wrong, 3 when the program itself failed, 128 and the
signal's number when a signal ended it."""


PACS_DESCRIPTION = """\
Fetch the CT of studies from a PACS by DICOMweb (QIDO-RS, WADO-RS), look for intracranial
hemorrhage, add a DICOM Segmentation and a structured report to each study (STOW-RS), and ask the
PACS whether it holds them. For research only, not for diagnosis.

A series is used only when all of it came: as many instances as the PACS says it has
(NumberOfSeriesRelatedInstances), by a number that does not change for --settle seconds.

--out gets what `ichnet predict` writes, pseudonymous. User and password are taken from ~/.netrc,
never from the URL.

Exit code: 0 when every study got results, 1 when one did not (see excluded.csv), 2 when the command
was wrong or the PACS cannot be reached, 3 when the program itself failed."""


EXPORT_DESCRIPTION = """\
Copy the model in the package to DIR/<model>/<version>, where TF Serving finds it: a SavedModel with
its signatures, metadata.json, model card and warm-up requests. Its license is the package's.

Exit code: 0 when it was written, 2 when it was not, e.g. because that version exists."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = build_parser().parse_args(arguments)
    try:
        result: int = args.run(args)
    except Exception as error:
        # a traceback could quote a header or a path
        from ichnet.ct.errors import described

        print(f"ichnet: internal error {described(error)}", file=sys.stderr)
        return CRASHED
    return result


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


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ichnet`` and its commands."""
    parser = argparse.ArgumentParser(
        prog="ichnet",
        description="Intracranial hemorrhage detection on head CT. For research only.",
    )
    parser.add_argument("--version", action="version", version=f"ichnet {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    predict = commands.add_parser(
        "predict",
        help="predict head CT in DICOM: probability, volume and overlay of each scan",
        description=PREDICT_DESCRIPTION,
        epilog=PREDICT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_model(predict)
    predict.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    predict.add_argument(
        "--link", type=Path, metavar="FILE", help="write which scan is which (confidential CSV)"
    )
    predict.add_argument(
        "--dicom", type=Path, metavar="DIR", help="write DICOM SEG and SR (with identity) here"
    )
    predict.add_argument("--nifti", type=Path, metavar="DIR", help="write each mask as NIfTI here")
    predict.add_argument(
        "--watch",
        type=Path,
        metavar="DIR",
        help="then predict what arrives in this folder, until interrupted (SIGINT or SIGTERM)",
    )
    predict.add_argument(
        "--settle",
        type=float,
        default=10,
        metavar="SECONDS",
        help="how long an arrival must stay unchanged before it is read (default: 10)",
    )
    predict.add_argument(
        "inputs", type=Path, nargs="*", metavar="INPUT", help="DICOM folder, file or zip"
    )
    predict.set_defaults(run=_predict)

    pacs = commands.add_parser(
        "pacs",
        help="fetch studies from a PACS, predict them, store the results back",
        description=PACS_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    pacs.add_argument("--url", required=True, help="base URL of the PACS's DICOMweb service")
    _add_model(pacs)
    pacs.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    pacs.add_argument(
        "--dicom",
        type=Path,
        metavar="DIR",
        help="keep the DICOM SEG and SR (with identity) here as well",
    )
    pacs.add_argument(
        "--settle",
        type=float,
        default=5,
        metavar="SECONDS",
        help="how long the number of a series' instances must stay the same before the series "
        "is fetched (default: 5)",
    )
    pacs.add_argument(
        "--time-limit",
        type=float,
        default=1800,
        metavar="SECONDS",
        help="limit for fetching a study, and again for storing its results, including retries "
        "(default: 1800)",
    )
    pacs.add_argument("studies", nargs="+", metavar="STUDY", help="StudyInstanceUID of each study")
    pacs.set_defaults(run=_pacs)

    export = commands.add_parser(
        "export",
        help="copy the model in the package out of it, as a SavedModel for TF Serving",
        description=EXPORT_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets <model>/<version>"
    )
    export.set_defaults(run=_export)

    phantom = commands.add_parser(
        "phantom",
        help="make synthetic head CT in the file formats of the four cohorts",
        description="Make the synthetic cohorts of a configuration, as DICOM with labels.",
    )
    phantom.add_argument(
        "--config",
        type=Path,
        required=True,
        metavar="YAML",
        help="says how many scans of which size",
    )
    phantom.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets a folder for each cohort"
    )
    phantom.set_defaults(run=_phantom)

    info = commands.add_parser("info", help="versions, devices and DICOM decoders of this machine")
    info.set_defaults(run=_info)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="an exported model, export/<model>/<version> (default: the one in the package)",
    )
    parser.add_argument(
        "--model-sha256",
        default="",
        metavar="HEX",
        help="refuse a model whose SHA-256 is not this one (each result states its model's)",
    )


def _predict(args: argparse.Namespace) -> int:
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
                args.model, args.out, key, args.link, args.dicom, args.nifti, args.model_sha256
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
    if not summary.scans:
        return _fail(
            f"no head CT could be read; files excluded: {summary.excluded}, see "
            f"{summary.excluded_csv}"
        )
    earlier = f" ({summary.kept} of them earlier)" if summary.kept else ""
    print(f"scans predicted: {summary.scans}{earlier}, see {summary.predictions_csv}")
    if summary.excluded:
        print(f"files excluded: {summary.excluded}, see {summary.excluded_csv}", file=sys.stderr)
        return EXCLUDED
    return SUCCESS


def _pacs(args: argparse.Namespace) -> int:
    missing = [name for name in ("highdicom", "dicomweb_client") if not find_spec(name)]
    if missing:
        return _fail(f"pacs needs {', '.join(missing)}: pip install 'ichnet[dicom-out]'")
    if problem := _problem_of(args.url):
        return _fail(problem)
    from ichnet.ct.pseudonym import load_key
    from ichnet.deployment.metadata import ModelError
    from ichnet.deployment.pacs import Pacs, predict_studies
    from ichnet.deployment.predict import Predictor
    from ichnet.deployment.scratch import ended_by_signals, scratch_folder

    try:
        key = load_key()
    except (OSError, ValueError) as error:
        return _fail(str(error))
    outcomes = []
    with in_silence(), ended_by_signals(), scratch_folder() as scratch:
        try:
            dicom_dir = args.dicom or scratch
            predictor = Predictor(
                args.model, args.out, key, dicom_dir=dicom_dir, model_sha256=args.model_sha256
            )
            if problem := _unwritable(args.out, args.dicom):
                return _fail(problem)
            _tell_caution(predictor)
            pacs = Pacs(args.url, args.settle, args.time_limit)
            for outcome in predict_studies(pacs, args.studies, predictor):
                outcomes.append(outcome)
                print(outcome, file=sys.stderr if outcome.problem else sys.stdout)
        except ModelError as error:
            return _fail(str(error))
    if all(outcome.unreachable for outcome in outcomes):
        return _fail("the PACS cannot be reached, or is none")
    return EXCLUDED if any(not one.is_whole for one in outcomes) else SUCCESS


def _unwritable(*folders: Path | None) -> str:
    """Make folders for results, for their owner alone; say which of them cannot be written."""
    from ichnet.deployment.scratch import private_files

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


def _problem_of(url: str) -> str:
    """Say what is wrong with a PACS's URL, without repeating it; empty when nothing is."""
    if "@" in url:
        return (
            "--url must not hold a user or a password: every list of processes shows it. Write "
            "them into ~/.netrc, readable by you alone"
        )
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    return "" if is_whole else "--url must be http://HOST/... or https://HOST/..."


def _export(args: argparse.Namespace) -> int:
    from ichnet.deployment.embedded import copy_embedded_model
    from ichnet.deployment.metadata import ModelError

    try:
        print(f"exported: {copy_embedded_model(args.out)}")
    except (ModelError, OSError) as error:
        return _fail(str(error))
    return SUCCESS


def _phantom(args: argparse.Namespace) -> int:
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


def _info(args: argparse.Namespace) -> int:
    from ichnet.deployment.environment import describe_environment

    for name, value in describe_environment().items():
        print(f"{name:24}{value}")
    return SUCCESS


def _fail(message: str) -> int:
    print(f"ichnet: error: {message}", file=sys.stderr)
    return FAILED

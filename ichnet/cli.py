"""The installed command ``ichnet``.

Parsing arguments, ``--help`` and ``--version`` import nothing but the standard library; what a
command does, and needs, is in :mod:`ichnet.commands`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ichnet import __version__, commands
from ichnet.commands import CRASHED, EXCLUDED, FAILED, SUCCESS

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["CRASHED", "EXCLUDED", "FAILED", "SUCCESS", "build_parser", "main"]

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

Exit code: 0 when everything was used, 1 when something was excluded, be it everything (see
excluded.csv), 2 when the command was wrong or there is nothing to read (no such file, an empty
folder, no access), 3 when the program itself failed, 128 and the signal's number when a signal
ended it."""


PACS_DESCRIPTION = """\
Fetch the CT of studies from a PACS by DICOMweb (QIDO-RS, WADO-RS), look for intracranial
hemorrhage, add a DICOM Segmentation and a structured report to each study (STOW-RS), and ask the
PACS whether it holds them. For research only, not for diagnosis.

A series is used only when all of it came: as many instances as the PACS says it has
(NumberOfSeriesRelatedInstances), by a number that does not change for --settle seconds.

With --poll, no study is named: the PACS is asked again and again for studies of the last days, and
each that is new, or has grown, is taken, until SIGINT or SIGTERM.

--out gets what `ichnet predict` writes, pseudonymous. A token (--token-file), or user and password
from ~/.netrc, never from the URL, go over https or to this machine alone; files of secrets that
others can read are refused.

Exit code: 0 when every study got results, 1 when one did not (see excluded.csv), 2 when the command
was wrong or the PACS cannot be reached, 3 when the program itself failed."""


SERVE_DESCRIPTION = """\
Receive head CT as a DICOM node (C-ECHO, C-STORE), predict each series once it is complete, and send
a DICOM Segmentation and a structured report on (--send, --stow). For research only, not for
diagnosis. Runs until SIGINT or SIGTERM; a scan at work is finished first.

A slice is answered for when it is on disk. Everything that is known lies in --state, so that the
program can be killed at any moment and started again: no scan is lost, none gets two results. A
series is complete when nothing of it came for --quiet-seconds, or when as many files came as it
says it has (NumberOfSeriesRelatedInstances). More slices later make a new result. Series whose
slices came within the last ten minutes go before a backlog; hemorrhages are sent first. What fails
is tried again, after longer and longer pauses, and set aside after --tries.

In --state:

  audit.jsonl       time, SHA-256 of input and model, version, result, where it was sent
  results           <scan_id>.json and <scan_id>.png, pseudonymous
  incoming, dicom   received files and DICOM results, with identity; removed after --keep-hours
  state.sqlite      the queue; `ichnet status` reads it

A line of JSON for each scan goes to standard error. http://127.0.0.1:PORT has /health, /ready and
/metrics (Prometheus), and with --page a page of the queue, results and slices."""


STATUS_DESCRIPTION = """\
Say what a running (or stopped) `ichnet serve` is doing: series by state, the longest wait, the
share of hemorrhages, and what could not be sent.

Exit code: 0, or 2 when the folder holds no state."""


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


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``ichnet`` and its commands."""
    parser = argparse.ArgumentParser(
        prog="ichnet",
        description="Intracranial hemorrhage detection on head CT. For research only.",
    )
    parser.add_argument("--version", action="version", version=f"ichnet {__version__}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (
        _add_predict,
        _add_pacs,
        _add_serve,
        _add_status,
        _add_export,
        _add_phantom,
        _add_info,
    ):
        add(subparsers)
    return parser


def _add_predict(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "predict",
        help="predict head CT in DICOM: probability, volume and overlay of each scan",
        description=PREDICT_DESCRIPTION,
        epilog=PREDICT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_model(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument(
        "--link", type=Path, metavar="FILE", help="write which scan is which (confidential CSV)"
    )
    parser.add_argument(
        "--dicom", type=Path, metavar="DIR", help="write DICOM SEG and SR (with identity) here"
    )
    parser.add_argument("--nifti", type=Path, metavar="DIR", help="write each mask as NIfTI here")
    parser.add_argument(
        "--watch",
        type=Path,
        metavar="DIR",
        help="then predict what arrives in this folder, until interrupted (SIGINT or SIGTERM)",
    )
    parser.add_argument(
        "--settle",
        type=float,
        default=10,
        metavar="SECONDS",
        help="how long an arrival must stay unchanged before it is read (default: 10)",
    )
    parser.add_argument(
        "inputs", type=Path, nargs="*", metavar="INPUT", help="DICOM folder, file or zip"
    )
    parser.set_defaults(run=commands.predict)


def _add_pacs(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "pacs",
        help="fetch studies from a PACS, predict them, store the results back",
        description=PACS_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", required=True, help="base URL of the PACS's DICOMweb service")
    _add_model(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument(
        "--dicom",
        type=Path,
        metavar="DIR",
        help="keep the DICOM SEG and SR (with identity) here as well",
    )
    parser.add_argument(
        "--settle",
        type=float,
        default=5,
        metavar="SECONDS",
        help="how long the number of a series' instances must stay the same before the series "
        "is fetched (default: 5)",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        default=1800,
        metavar="SECONDS",
        help="limit for fetching a study, and again for storing its results, including retries "
        "(default: 1800)",
    )
    parser.add_argument(
        "--poll", type=float, metavar="SECONDS", help="ask for new studies so often, without end"
    )
    parser.add_argument(
        "--days",
        type=int,
        default=1,
        metavar="N",
        help="with --poll: days before today from which studies are taken (default: 1)",
    )
    _add_access(parser)
    parser.add_argument(
        "studies", nargs="*", metavar="STUDY", help="StudyInstanceUID of each study"
    )
    parser.set_defaults(run=commands.pacs)


def _add_serve(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "serve",
        help="a DICOM node that receives, predicts and sends on, without end",
        description=SERVE_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--state", type=Path, required=True, metavar="DIR", help="folder of all that is kept")
    _add_model(parser)
    add("--ae-title", default="ICHNET", metavar="AE", help="of this node (default: ICHNET)")
    add(
        "--bind",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen; others can send when it is 0.0.0.0 (default: 127.0.0.1)",
    )
    add("--port", type=int, default=11112, help="for DICOM (default: 11112)")
    add(
        "--caller",
        action="append",
        default=[],
        metavar="AE",
        help="AE title that may send; may be repeated (default: any)",
    )
    add(
        "--send",
        action="append",
        default=[],
        metavar="AE@HOST:PORT",
        help="send results to this node by C-STORE; may be repeated",
    )
    add(
        "--stow",
        action="append",
        default=[],
        metavar="URL",
        help="store results in this DICOMweb service; may be repeated",
    )
    _add_access(parser)
    add(
        "--capture",
        action="store_true",
        help="also send a secondary capture: the slices with the outline, marked for research",
    )
    add("--quiet-seconds", type=float, default=30, metavar="SECONDS", help="(default: 30)")
    add("--tries", type=int, default=8, metavar="N", help="of what fails (default: 8)")
    add(
        "--retry-seconds",
        type=float,
        default=5,
        metavar="SECONDS",
        help="first pause between tries, doubled after each (default: 5)",
    )
    add("--keep-hours", type=float, default=24, metavar="HOURS", help="(default: 24)")
    add(
        "--http-port",
        type=int,
        default=8080,
        metavar="PORT",
        help="of health, metrics and page, on this machine alone (default: 8080)",
    )
    add("--page", action="store_true", help="with a page to look at")
    parser.set_defaults(run=commands.serve)


def _add_status(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "status",
        help="what `ichnet serve` is doing",
        description=STATUS_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="of the service")
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    parser.add_argument(
        "--retry", action="store_true", help="let the service try again what was set aside"
    )
    parser.set_defaults(run=commands.status)


def _add_access(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--token-file", type=Path, metavar="FILE", help="holds a bearer token for the PACS")
    add("--client-cert", type=Path, metavar="PEM", help="certificate to show to the PACS")
    add("--client-key", type=Path, metavar="PEM", help="its key, where it is another file")
    add("--ca", type=Path, metavar="PEM", help="whoever signed the PACS's certificate")
    add(
        "--timeout",
        type=float,
        default=60,
        metavar="SECONDS",
        help="for connecting to the PACS, and for each pause in an answer (default: 60)",
    )


def _add_export(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "export",
        help="copy the model in the package out of it, as a SavedModel for TF Serving",
        description=EXPORT_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets <model>/<version>"
    )
    parser.set_defaults(run=commands.export)


def _add_phantom(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "phantom",
        help="make synthetic head CT in the file formats of the four cohorts",
        description="Make the synthetic cohorts of a configuration, as DICOM with labels.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        metavar="YAML",
        help="says how many scans of which size",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets a folder for each cohort"
    )
    parser.set_defaults(run=commands.phantom)


def _add_info(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "info", help="versions, devices and DICOM decoders of this machine"
    )
    parser.set_defaults(run=commands.info)


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
    parser.add_argument(
        "--runtime",
        choices=("tensorflow", "openvino", "onnxruntime"),
        help="what computes the model (default: the fastest that is installed and reads it)",
    )

"""The installed command ``ichnet``.

Parsing arguments, ``--help`` and ``--version`` import nothing but the standard library; what a
command does, and needs, is in :mod:`ichnet.commands`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from ichnet import __version__, commands
from ichnet.cli_texts import (
    EXPORT_DESCRIPTION,
    PACS_DESCRIPTION,
    PREDICT_DESCRIPTION,
    PREDICT_EPILOG,
    SERVE_DESCRIPTION,
    STATUS_DESCRIPTION,
)
from ichnet.commands import CRASHED, EXCLUDED, FAILED, SUCCESS

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["CRASHED", "EXCLUDED", "FAILED", "SUCCESS", "build_parser", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = build_parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # folders may have names that are not UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
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
        "--link",
        type=Path,
        metavar="FILE",
        help="write a confidential CSV that maps pseudonyms to scans",
    )
    parser.add_argument(
        "--dicom", type=Path, metavar="DIR", help="write DICOM SEG and SR (with identity) here"
    )
    parser.add_argument("--nifti", type=Path, metavar="DIR", help="write each mask as NIfTI here")
    parser.add_argument(
        "--watch",
        type=Path,
        metavar="DIR",
        help="then predict whatever arrives in this folder, until SIGINT or SIGTERM",
    )
    _add_settle(parser)
    parser.add_argument(
        "inputs", type=Path, nargs="*", metavar="INPUT", help="DICOM folder, file or zip"
    )
    parser.set_defaults(run=commands.predict)


def _add_settle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settle",
        type=float,
        default=10,
        metavar="SECONDS",
        help="time without change before an arrival is read (default: 10)",
    )


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
        "--poll",
        type=float,
        metavar="SECONDS",
        help="ask for new studies every SECONDS, until SIGINT or SIGTERM",
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
        help="run a DICOM node that receives scans, predicts them and sends results on",
        description=SERVE_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--state", type=Path, required=True, metavar="DIR", help="folder of the service's state")
    _add_model(parser)
    add(
        "--ae-title", default="ICHNET", metavar="AE", help="AE title of this node (default: ICHNET)"
    )
    add(
        "--bind",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; 0.0.0.0 to accept other machines (default: 127.0.0.1)",
    )
    add("--port", type=int, default=11112, help="DICOM port (default: 11112)")
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
    add(
        "--watch",
        type=Path,
        metavar="DIR",
        help="also take what arrives in this folder, archives too; nothing is removed from it",
    )
    _add_settle(parser)
    _add_access(parser)
    _add_service(parser)
    parser.set_defaults(run=commands.serve)


def _add_service(parser: argparse.ArgumentParser) -> None:
    """Add the options of the queue and of the HTTP endpoints."""
    add = parser.add_argument
    add(
        "--capture",
        action="store_true",
        help="also send a secondary capture: the slices with the outline, marked for research",
    )
    add(
        "--quiet-seconds",
        type=float,
        default=30,
        metavar="SECONDS",
        help="a series without new slices for so long is complete (default: 30)",
    )
    add(
        "--tries",
        type=int,
        default=8,
        metavar="N",
        help="attempts before a failed step is set aside (default: 8)",
    )
    add(
        "--retry-seconds",
        type=float,
        default=5,
        metavar="SECONDS",
        help="first pause between tries, doubled after each (default: 5)",
    )
    add(
        "--keep-hours",
        type=float,
        default=24,
        metavar="HOURS",
        help="age at which received files and DICOM results are removed (default: 24)",
    )
    add(
        "--http-port",
        type=int,
        default=8080,
        metavar="PORT",
        help="port of health, metrics and page, for this machine only (default: 8080)",
    )
    add("--page", action="store_true", help="also serve a web page of queue and results")


def _add_status(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "status",
        help="print the state of `ichnet serve`",
        description=STATUS_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="folder of the service's state"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--retry", action="store_true", help="let the service repeat what was set aside"
    )
    parser.set_defaults(run=commands.status)


def _add_access(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--token-file", type=Path, metavar="FILE", help="file with a bearer token for the PACS")
    add("--client-cert", type=Path, metavar="PEM", help="client certificate for the PACS")
    add("--client-key", type=Path, metavar="PEM", help="its private key, if in another file")
    add(
        "--ca", type=Path, metavar="PEM", help="certificate of the authority that signed the PACS's"
    )
    add(
        "--timeout",
        type=float,
        default=60,
        metavar="SECONDS",
        help="time limit for connecting, and for each pause in a response (default: 60)",
    )


def _add_export(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "export",
        help="write the model in the package as a SavedModel for TF Serving",
        description=EXPORT_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write <model>/<version> to",
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
        help="configuration with number and size of the scans",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write a folder for each cohort to",
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
        help="refuse a model with another SHA-256 (every result contains that of its model)",
    )
    parser.add_argument(
        "--runtime",
        choices=("tensorflow", "openvino", "onnxruntime"),
        help="inference runtime (default: the fastest that is installed and reads the model)",
    )

"""The installed command ``ichnet``.

Parsing arguments, ``--help`` and ``--version`` import nothing but the standard library; what a
command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ichnet import __version__

SUCCESS, EXCLUDED, FAILED = 0, 1, 2

PREDICT_DESCRIPTION = """\
Look for intracranial hemorrhage in head CT. For research only, not for diagnosis.

Takes DICOM folders (searched to the bottom), DICOM files and zip archives, in any number and
order; slices are sorted into series by their headers. Writes into --out:

  predictions.csv   one row a scan: probability, decision at the model's threshold, volume in mL
  <scan_id>.json    everything about a scan: each slice's probability, position and volume
  <scan_id>.png     the scan with the predicted outline
  excluded.csv      every file that could not be used, and why

With --dicom, each result also as DICOM Segmentation and structured report (TID 1500). These carry
the patient's identity, as a PACS needs: treat them as the scans themselves.

With --watch, whatever arrives in a folder is predicted: each file, archive or folder directly
below it, once nothing of it has changed for --settle seconds.

A scan that is already in --out, made by the same model, is not computed again. predictions.csv
lists the scans of this call's inputs."""

PREDICT_EPILOG = """\
Pseudonyms: results carry no name, number or date of a patient. scan_id and patient_id are made
from the DICOM identifiers with a secret key (file named by ICHNET_PSEUDONYM_KEY_FILE, otherwise
~/.config/ichnet/pseudonym.key, made at first use); the same key gives the same pseudonyms. Only
--link tells which scan is which: it writes the table of scan_id and SeriesInstanceUID, readable
by you alone. Keep it as confidential as the scans.

Exit code: 0 when everything was used, 1 when something was excluded (see excluded.csv), 2 when
nothing could be read or the command was wrong."""


PACS_DESCRIPTION = """\
Fetch the CT of studies from a PACS by DICOMweb (QIDO-RS, WADO-RS), look for intracranial
hemorrhage, and add a DICOM Segmentation and a structured report to each study (STOW-RS). For
research only, not for diagnosis.

--out gets what `ichnet predict` writes, pseudonymous. User and password are taken from ~/.netrc.

Exit code: 0 when every study got results, 1 when one did not (see excluded.csv), 2 on failure."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = build_parser().parse_args(arguments)
    result: int = args.run(args)
    return result


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
    predict.add_argument(
        "--model",
        type=Path,
        required=True,
        metavar="DIR",
        help="exported model: export/<model>/<version>",
    )
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
    pacs.add_argument(
        "--model",
        type=Path,
        required=True,
        metavar="DIR",
        help="exported model: export/<model>/<version>",
    )
    pacs.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    pacs.add_argument(
        "--dicom",
        type=Path,
        metavar="DIR",
        help="keep the DICOM SEG and SR (with identity) here as well",
    )
    pacs.add_argument("studies", nargs="+", metavar="STUDY", help="StudyInstanceUID of each study")
    pacs.set_defaults(run=_pacs)

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


def _predict(args: argparse.Namespace) -> int:
    from ichnet.ct.pseudonym import load_key
    from ichnet.deployment.metadata import ModelError
    from ichnet.deployment.predict import Predictor
    from ichnet.deployment.watch import stopped_by_signals, watch

    if not args.inputs and not args.watch:
        return _fail("nothing to predict: name DICOM folders, files or archives, or --watch DIR")
    if args.dicom and not find_spec("highdicom"):
        return _fail("--dicom needs highdicom: pip install 'ichnet[dicom-out]'")
    try:
        key = load_key()
    except (OSError, ValueError) as error:
        return _fail(str(error))
    try:
        predictor = Predictor(args.model, args.out, key, args.link, args.dicom, args.nifti)
        if args.inputs:
            predictor.take(args.inputs)
        if args.watch:
            with stopped_by_signals() as stop:
                watch(args.watch, args.settle, lambda entry: predictor.take([entry]), stop)
    except (ModelError, OSError) as error:
        return _fail(str(error))
    summary = predictor.summary
    if args.watch and not summary.scans:
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
    from dicomweb_client import DICOMwebClient

    from ichnet.ct.pseudonym import load_key
    from ichnet.deployment.metadata import ModelError
    from ichnet.deployment.pacs import predict_studies
    from ichnet.deployment.predict import Predictor

    without = 0
    try:
        with tempfile.TemporaryDirectory(prefix="ichnet-") as scratch:
            dicom_dir = args.dicom or Path(scratch)
            predictor = Predictor(args.model, args.out, load_key(), dicom_dir=dicom_dir)
            client = DICOMwebClient(args.url, permissive_uid=True)
            for study, stored in predict_studies(client, args.studies, predictor):
                print(f"{study}: {stored} objects stored")
                without += not stored
    except (ModelError, OSError, ValueError) as error:
        return _fail(str(error))
    return EXCLUDED if without else SUCCESS


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

"""One scan handed over in folders by an orchestrator: mercure, or MONAI Deploy.

    python -m ichnet.orchestrated

Such a program starts a container for each study or series and tells it by environment variables
where the files lie and where results are expected: mercure by ``MERCURE_IN_DIR`` and
``MERCURE_OUT_DIR``, hosts of MONAI Application Packages by ``HOLOSCAN_INPUT_PATH`` and
``HOLOSCAN_OUTPUT_PATH``. Written are a DICOM Segmentation and a structured report of each scan,
which carry the patient's identity, and ``result.json``, which does not. mercure keeps that file
with the task; what it holds under ``__mercure_notification`` goes into its notifications.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ichnet import __version__
from ichnet.commands import CRASHED, FAILED, SUCCESS, in_silence
from ichnet.ct.errors import described
from ichnet.ct.overlay import RESEARCH_USE
from ichnet.ct.pseudonym import KEY_BYTES, KEY_FILE_VARIABLE, load_key
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.predict import Predictor
from ichnet.deployment.scan_result import ScanResult
from ichnet.deployment.scratch import ended_by_signals, scratch_folder
from ichnet.files import private_files, write_whole

FOLDERS = (
    ("MERCURE_IN_DIR", "MERCURE_OUT_DIR"),
    ("HOLOSCAN_INPUT_PATH", "HOLOSCAN_OUTPUT_PATH"),
)
"""Environment variables of input and output folder, by orchestrator."""

MODEL, MODEL_SHA256, RUNTIME = "ICHNET_MODEL", "ICHNET_MODEL_SHA256", "ICHNET_RUNTIME"
"""Environment variables for what the command takes as options."""

RESULT_FILE = "result.json"


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Predict what was handed over.

    Returns:
        0 when a scan has a result; 2 when none has, or the environment is wrong, so that the
        orchestrator reports the task as failed; 3 when the program itself failed.
    """
    folders = _folders(environment)
    if folders is None:
        names = " or ".join(" and ".join(pair) for pair in FOLDERS)
        print(f"ichnet: error: set {names}, the folders of scan and results", file=sys.stderr)
        return FAILED
    try:
        with in_silence(), ended_by_signals():
            return predict_folder(*folders, environment)
    except ModelError as error:
        print(f"ichnet: error: {error}", file=sys.stderr)
        return FAILED
    except Exception as error:
        # a traceback could quote a header or a path
        print(f"ichnet: internal error {described(error)}", file=sys.stderr)
        return CRASHED


def predict_folder(source: Path, target: Path, environment: Mapping[str, str]) -> int:
    """Predict every head CT of a folder; write DICOM results and, last, ``result.json``.

    Raises:
        ModelError: when the model cannot be used.
        OSError: when the target cannot be written.
    """
    model = environment.get(MODEL)
    with scratch_folder() as scratch:
        predictor = Predictor(
            Path(model) if model else None,
            scratch,
            _key(environment),
            dicom_dir=target,
            model_sha256=environment.get(MODEL_SHA256, ""),
            runtime=environment.get(RUNTIME) or None,
        )
        predictor.take([source])
    reasons = Counter(one.reason for one in predictor.exclusions)
    with private_files(), write_whole(target / RESULT_FILE) as handle:
        json.dump(summary(predictor.results, reasons), handle, indent=2)
    return SUCCESS if predictor.results else FAILED


def summary(results: Sequence[ScanResult], excluded: Mapping[str, int]) -> dict[str, Any]:
    """Return what ``result.json`` says; nothing in it identifies anyone.

    A notification is asked for where a person should look: at hemorrhages, uncertain scans, and
    when nothing could be predicted.
    """
    texts = [
        f"{one.decision}, probability {one.probability:.2f}" + ", uncertain" * one.uncertain
        for one in results
    ]
    notable = [one.uncertain or one.decision == "hemorrhage" for one in results]
    said = "; ".join(texts) or "no head CT that can be predicted"
    return {
        "ichnet": __version__,
        "scans": [
            {
                "scan_id": one.scan_id,
                "decision": one.decision,
                "probability": round(one.probability, 6),
                "threshold": one.threshold,
                "uncertain": one.uncertain,
                "volume_ml": one.volume_ml,
                "slices": len(one.slices),
                "model": one.model,
                "model_sha256": one.provenance.model_sha256,
                "runtime": one.provenance.runtime,
                "notes": list(one.notes),
            }
            for one in results
        ],
        "excluded": dict(sorted(excluded.items())),
        "research_use": RESEARCH_USE,
        "__mercure_notification": {
            "text": f"{said}. {RESEARCH_USE}",
            "requested": any(notable) or not results,
        },
    }


def _folders(environment: Mapping[str, str]) -> tuple[Path, Path] | None:
    for source, target in FOLDERS:
        if source in environment and target in environment:
            return Path(environment[source]), Path(environment[target])
    return None


def _key(environment: Mapping[str, str]) -> bytes:
    """Return the key that is named; without, one for this time: a container has no home to keep it.

    Files are then named otherwise each time, and nothing else depends on it.
    """
    return load_key() if environment.get(KEY_FILE_VARIABLE) else secrets.token_bytes(KEY_BYTES)


if __name__ == "__main__":
    sys.exit(main())

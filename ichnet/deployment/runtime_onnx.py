"""A SavedModel computed by ONNX Runtime, converted for it once.

The conversion needs TensorFlow and tf2onnx and takes a minute or so, in a process of its own, whose
memory goes with it. What it makes is kept in the user's cache folder.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.deployment.environment import package_version
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.model_cache import kept_conversion
from ichnet.deployment.signature import SIGNATURE, Network

OPSET = "18"


def load_onnx(folder: Path, fingerprint: str) -> Network:
    """Load the converted signature for consecutive slices; convert it when it is not there.

    Args:
        folder: of the exported model.
        fingerprint: SHA-256 of the model.

    Raises:
        ModelError: when it cannot be converted or loaded.
    """
    import onnxruntime

    key = f"{fingerprint}-tf2onnx-{package_version('tf2onnx')}-opset-{OPSET}"
    try:
        model = kept_conversion(key, ".onnx", lambda path: _convert(folder, path))
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    except (OSError, RuntimeError) as error:
        raise ModelError(f"{folder}: cannot be loaded by ONNX Runtime ({error})") from error
    names = [output.name for output in session.get_outputs()]

    def answer(hu: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        return dict(zip(names, session.run(None, {"hu": hu}), strict=True))

    return answer


def _convert(folder: Path, path: Path) -> None:
    """Write the model as ONNX.

    Raises:
        ModelError: when that fails, or tf2onnx is not installed.
    """
    if find_spec("tf2onnx") is None:
        raise ModelError(
            f"{folder}: ONNX Runtime needs tf2onnx to convert it: pip install 'ichnet[runtimes]'"
        )
    command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(folder)]
    command += ["--tag", "serve", "--signature_def", SIGNATURE, "--opset", OPSET]
    run = subprocess.run([*command, "--output", str(path)], capture_output=True, text=True)
    if run.returncode or not path.is_file():
        said = run.stderr.strip().splitlines()[-1:]
        raise ModelError(f"{folder}: cannot be converted to ONNX ({' '.join(said)})")

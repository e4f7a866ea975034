"""The program that computes an exported model: TensorFlow, or one that starts faster.

All of them answer the signature ``consecutive`` alike, within 1e-4
(``tests/deployment/test_runtime.py``); ``benchmarks/runtimes.py`` measures what each takes.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ichnet.deployment.environment import package_version, quiet_tensorflow
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.signature import SIGNATURE, Network

TENSORFLOW, OPENVINO, ONNXRUNTIME = RUNTIMES = ("tensorflow", "openvino", "onnxruntime")
"""Names of runtimes, which are also those of the packages to import."""

TITLES = {TENSORFLOW: "TensorFlow", OPENVINO: "OpenVINO", ONNXRUNTIME: "ONNX Runtime"}


def described_runtime(runtime: str) -> str:
    """Return a runtime's name and installed version, e.g. ``OpenVINO 2026.4.1``."""
    return f"{TITLES[runtime]} {package_version(runtime)}"


def candidates(runtime: str | None) -> tuple[str, ...]:
    """Return the runtimes to try, in that order.

    Args:
        runtime: the one to use; ``None`` for the fastest that is installed. OpenVINO reads a
            SavedModel as it is and comes before TensorFlow; ONNX Runtime is used on request
            alone, as each model must be converted for it once.

    Raises:
        ModelError: when the runtime is none of them, or is not installed.
    """
    if runtime is None:
        return (OPENVINO, TENSORFLOW) if find_spec(OPENVINO) else (TENSORFLOW,)
    if runtime not in RUNTIMES:
        raise ModelError(f"{runtime}: no such runtime; there are {', '.join(RUNTIMES)}")
    if find_spec(runtime) is None:
        raise ModelError(f"{TITLES[runtime]} is not installed: pip install 'ichnet[runtimes]'")
    return (runtime,)


def load_network(runtime: str, folder: Path, fingerprint: str) -> Network:
    """Load an exported model into a runtime.

    Args:
        runtime: one of :data:`RUNTIMES`.
        folder: ``export/<model>/<version>``.
        fingerprint: SHA-256 of the model, by which its conversions are kept.

    Raises:
        ModelError: when it cannot be loaded.
    """
    # each is imported only where it is used: TensorFlow alone takes seconds
    if runtime == OPENVINO:
        from ichnet.deployment.runtime_openvino import load_openvino

        return load_openvino(folder)
    if runtime == ONNXRUNTIME:
        from ichnet.deployment.runtime_onnx import load_onnx

        return load_onnx(folder, fingerprint)
    return _load_tensorflow(folder)


def _load_tensorflow(folder: Path) -> Network:
    with quiet_tensorflow():
        import tensorflow as tf

        try:
            loaded = tf.saved_model.load(str(folder))
            signature = loaded.signatures[SIGNATURE]
        except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
            raise ModelError(f"{folder}: cannot be loaded ({error})") from error

    def answer(hu: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        return {name: value.numpy() for name, value in signature(hu=hu).items()}

    answer.loaded = loaded  # type: ignore[attr-defined]  # a signature lives as long as it does
    return answer

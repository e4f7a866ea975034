"""A SavedModel computed by OpenVINO, which reads it without TensorFlow."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from ichnet.deployment.checkpoint import DamagedError, require_undamaged
from ichnet.deployment.metadata import ModelError
from ichnet.deployment.scratch import scratch_folder
from ichnet.deployment.signature import SIGNATURE, Network, with_default_signature

SETTINGS = {
    # on processors that know bfloat16 it would calculate in that
    "INFERENCE_PRECISION_HINT": "f32",
    # a machine that runs other programs as well: threads may move to the core that is free
    "ENABLE_CPU_PINNING": False,
}


def load_openvino(folder: Path) -> Network:
    """Read and compile the model's signature for consecutive slices.

    Raises:
        ModelError: when it cannot be read.
    """
    core = _core()
    try:
        require_undamaged(folder / "variables")  # OpenVINO would calculate with what is there
        with scratch_folder() as scratch:
            copied = scratch / "model"
            copied.mkdir()
            (copied / "variables").symlink_to(folder.resolve() / "variables")
            graph = (folder / "saved_model.pb").read_bytes()
            # OpenVINO knows the default signature alone
            changed = with_default_signature(graph, SIGNATURE)
            (copied / "saved_model.pb").write_bytes(changed)
            compiled = core.compile_model(core.read_model(copied), "CPU", SETTINGS)
    except (OSError, LookupError, DecodeError, DamagedError, RuntimeError) as error:
        raise ModelError(f"{folder}: cannot be loaded by OpenVINO ({error})") from error

    def answer(hu: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        outputs = compiled({"hu": hu})
        return {port.any_name: np.array(value) for port, value in outputs.items()}

    return answer


@cache
def _core() -> Any:
    """Return OpenVINO's core, one for the whole process, which lives as long as that.

    A core's plugin for processors gives the thread that loads it another stack for signals, and
    sets back the one before when it goes. Of two that go in the order in which they came, the
    second would set back the first one's, which is freed: the next signal would end the process.
    """
    import openvino

    return openvino.Core()

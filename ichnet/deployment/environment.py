"""Describes the software stack, and silences TensorFlow's start-up messages."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from ichnet import __version__

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
LOG_LEVEL, SILENT = "TF_CPP_MIN_LOG_LEVEL", "3"


def package_version(package: str) -> str:
    """Return the installed version of a package, or ``not installed``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def describe_environment() -> dict[str, str]:
    """Return versions, devices, oneDNN, XLA and the DICOM decoders, a line for each."""
    with quiet_tensorflow():
        import tensorflow as tf

        devices = [device.name for device in tf.config.list_physical_devices()]
    return {
        "ichnet": __version__,
        "Python": platform.python_version(),
        "TensorFlow": tf.__version__,
        "Keras": package_version("keras"),
        "tensorflow-addons": package_version("tensorflow-addons"),
        "NumPy": package_version("numpy"),
        "pydicom": package_version("pydicom"),
        "devices": ", ".join(name.removeprefix("/physical_device:") for name in devices),
        "oneDNN": "off" if os.environ.get(ONEDNN) == "0" else f"on (turn off with {ONEDNN}=0)",
        "XLA": "off for training",
        **{f"decodes {name}": able for name, able in _decoders().items()},
    }


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Silence the messages of TensorFlow's C++ side while it is imported and finds its devices.

    Also turns on oneDNN's kernels, unless the user has chosen: TensorFlow leaves them off on some
    processors, and the networks here train faster with them (benchmarks/onednn.py).

    Nothing is silenced when the user has asked for more by setting a lower log level. Some of
    the messages come before TensorFlow reads that level, so the process's standard error is set
    aside meanwhile.
    """
    os.environ.setdefault(ONEDNN, "1")
    if os.environ.setdefault(LOG_LEVEL, SILENT) != SILENT:
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)


def _decoders() -> dict[str, str]:
    """Return which installed packages decode the compressed syntaxes that CT comes in."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

    syntaxes = {
        "JPEG Lossless": JPEGLosslessSV1,
        "JPEG-LS": JPEGLSLossless,
        "JPEG 2000": JPEG2000Lossless,
        "RLE": RLELossless,
    }
    return {
        name: ", ".join(get_decoder(uid).available_plugins)
        or "no (pip install ichnet[dicom-codecs])"
        for name, uid in syntaxes.items()
    }

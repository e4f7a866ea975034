"""Models converted for other runtimes, kept in the user's cache folder.

A model is code and its weights decide about patients: what is kept is for its owner alone, appears
whole or not at all, and bears the SHA-256 of its content in its name. What does not match is made
again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from ichnet.deployment.scratch import scratch_folder
from ichnet.files import write_whole

CACHE_VARIABLE = "XDG_CACHE_HOME"


def cache_folder() -> Path:
    """Return the folder for converted models, ``~/.cache/ichnet`` unless set."""
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named) if named else Path.home() / ".cache") / "ichnet"


def kept_conversion(key: str, suffix: str, convert: Callable[[Path], None]) -> bytes:
    """Return a converted model; convert it when it is not kept.

    Args:
        key: of what the conversion depends on: the model's SHA-256 and the converter's version.
        suffix: of the file.
        convert: writes the converted model to a path.

    Raises:
        OSError: when others may write into the cache folder, or it cannot be written.
    """
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_private(folder)
    for path in sorted(folder.glob(f"{key}.*{suffix}")):
        content = path.read_bytes()
        if path.name == _name(key, content, suffix):
            return content
        path.unlink()
    with scratch_folder() as scratch:
        made = scratch / f"converted{suffix}"
        convert(made)
        content = made.read_bytes()
    with write_whole(folder / _name(key, content, suffix), "wb") as handle:
        os.fchmod(handle.fileno(), 0o600)
        handle.write(content)
    return content


def _name(key: str, content: bytes, suffix: str) -> str:
    return f"{key}.{hashlib.sha256(content).hexdigest()}{suffix}"


def _require_private(folder: Path) -> None:
    status = folder.stat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise PermissionError(f"{folder}: others may write there, so no model is loaded from it")

"""The model that a build of ichnet may hold, in ``ichnet/weights``."""

from __future__ import annotations

from pathlib import Path

from ichnet.deployment.metadata import ModelError

WEIGHTS_DIR = Path(__file__).parents[1] / "weights"


def embedded_model_dir(weights_dir: Path = WEIGHTS_DIR) -> Path:
    """Return the folder of the exported model below ``weights_dir``.

    Raises:
        ModelError: when there is none, or more than one.
    """
    found = sorted(path.parent for path in weights_dir.rglob("saved_model.pb"))
    if not found:
        raise ModelError(
            "no model is embedded in this build of ichnet: name the folder of an exported one, "
            "e.g. model='runs/phantom/export/ensemble-all/1' (made by models/export.py)"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(weights_dir)) for path in found)
        raise ModelError(f"{weights_dir}: holds several models ({names}); name one of them")
    return found[0]

"""The model that the package may contain, in ``ichnet/weights``."""

from __future__ import annotations

import shutil
from pathlib import Path

from ichnet.deployment.metadata import ModelError, read_metadata
from ichnet.files import whole_path

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


def copy_embedded_model(folder: Path, weights_dir: Path = WEIGHTS_DIR) -> Path:
    """Copy the embedded model to ``folder/<model>/<version>`` and return that path.

    Args:
        folder: TF Serving's folder of models.
        weights_dir: where the model is looked for.

    Raises:
        ModelError: when there is none.
        FileExistsError: when that version exists; it may be in service.
    """
    source = embedded_model_dir(weights_dir)
    target = folder / read_metadata(source).model / source.name
    if target.exists():
        raise FileExistsError(f"{target}: this version exists")
    with whole_path(target) as temporary:
        shutil.copytree(source, temporary)
    return target

"""ichnet: intracranial hemorrhage detection with weak and strong annotation and ensembles.

The package follows one direction of flow, a room for each step::

    ct -> cohorts, phantom -> records -> networks, training -> evaluation -> statistics -> reporting
    ct -> deployment: a trained model, exported, on the scans of a hospital

Importing :mod:`ichnet` loads nothing but the standard library, in particular not TensorFlow.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ichnet.deployment.scan_result import ScanResult

__all__ = ["__version__", "predict"]

__version__ = "0.1.0"


def predict(
    path: str | os.PathLike[str], model: str | os.PathLike[str] | None = None
) -> list[ScanResult]:
    """Look for intracranial hemorrhage in head CT. For research only, not for diagnosis.

    The results are those that the command ``ichnet predict`` writes; nothing is written here.
    Scans are named by pseudonyms, made with the same key as the command's.

    Args:
        path: a DICOM file, a zip archive, or a folder of both that is searched to the bottom.
        model: folder of an exported model, ``export/<model>/<version>``; ``None`` for the model
            that is embedded in this build of ichnet.

    Returns:
        one result a scan: ``score`` and calibrated ``probability``, ``decision`` at the model's
        ``threshold``, ``uncertain``, ``volume_ml`` and ``slices``; see
        :class:`ichnet.deployment.scan_result.ScanResult`.

    Raises:
        ReadError: when ``path`` holds no head CT that can be predicted; it counts the reasons.
        ModelError: when ``model`` is not an exported model, or none is embedded.

    Warns:
        UserWarning: when something could not be used, with the count of each reason. The command
            lists every file, in ``excluded.csv``. Also when the model may only guess: it was not
            calibrated, and every scan is uncertain.

    Examples:
        >>> import ichnet
        >>> for scan in ichnet.predict("scans", model="export/bright/1"):
        ...     print(f"{scan.decision}: {scan.probability:.2f}, {scan.volume_ml:.1f} mL")
        no hemorrhage: 0.00, 0.0 mL
        hemorrhage: 1.00, 8.2 mL
    """
    from ichnet.deployment.predict import predict_path

    return predict_path(Path(path), None if model is None else Path(model))

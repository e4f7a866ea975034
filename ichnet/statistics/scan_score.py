"""From slice scores to the probability of a scan, as a model's ``calibration.json`` keeps it.

Which pooling makes the scan's score, and the curve that makes it a probability: both are fitted on
validation scans (paper silent; there a scan is as suspicious as its most suspicious slice).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ichnet.files import write_whole
from ichnet.statistics.calibration import PlattCalibration
from ichnet.statistics.checks import FloatArray
from ichnet.statistics.isotonic import IsotonicCalibration
from ichnet.statistics.pooling import POOLINGS, scan_score
from ichnet.statistics.pooling_choice import PoolingAuc
from ichnet.statistics.subtype_calibration import SubtypeCalibration

Calibration = PlattCalibration | IsotonicCalibration
"""Scan score -> probability."""

CALIBRATIONS: dict[str, type[PlattCalibration] | type[IsotonicCalibration]] = {
    "platt": PlattCalibration,
    "isotonic": IsotonicCalibration,
}
"""By their names in a configuration."""


@dataclass(frozen=True)
class ScanCalibration:
    """How the slice scores of a model become a probability of the scan.

    Attributes:
        pooling: one of :data:`~ichnet.statistics.pooling.POOLINGS`.
        curve: scan score -> probability.
        calibrated: false when the validation scans do not show that the model is better than
            guessing; its curve is then flat.
        with_ich, without_ich: how many validation scans it was fitted on.
        validation: AUC of each pooling on them; empty when nothing was fitted.
        subtypes: of the subtype scores; ``None`` for models that give none.

    Raises:
        ValueError: for an unknown pooling.
    """

    pooling: str
    curve: Calibration
    calibrated: bool = True
    with_ich: int = 0
    without_ich: int = 0
    validation: tuple[PoolingAuc, ...] = ()
    subtypes: SubtypeCalibration | None = None

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ValueError(f"no pooling {self.pooling!r}; known: {', '.join(POOLINGS)}")

    def score(self, slice_scores: ArrayLike, spacing_mm: ArrayLike) -> float:
        """Return the scan's score (see :func:`~ichnet.statistics.pooling.scan_score`)."""
        return scan_score(slice_scores, spacing_mm, self.pooling)

    def subtype_scores(self, slice_scores: FloatArray, spacing_mm: ArrayLike) -> FloatArray:
        """Return the scan's score of each subtype, [5], from the slices', [slices, 5]."""
        return np.array([self.score(column, spacing_mm) for column in slice_scores.T])

    @overload
    def apply(self, score: float) -> float: ...

    @overload
    def apply(self, score: FloatArray) -> FloatArray: ...

    def apply(self, score: float | FloatArray) -> float | FloatArray:
        """Return the probability of a scan score, or of an array of them, of the same shape."""
        return self.curve.apply(score)

    @property
    def refusal(self) -> str:
        """Why the model is not calibrated, worded to follow its name; empty if it is calibrated."""
        if self.calibrated:
            return ""
        found = next(one for one in self.validation if one.pooling == self.pooling)
        return (
            f"cannot be told from a model that guesses, on {self.with_ich} validation scans with "
            f"and {self.without_ich} without hemorrhage: AUC {found.auc:.3f} "
            f"({found.low:.3f}–{found.high:.3f}). It is not calibrated; its probabilities are no "
            "more than the share of hemorrhages among those scans"
        )

    def to_json(self) -> str:
        """Return the content of ``calibration.json``."""
        return json.dumps(asdict(self), indent=1)


UNCHANGED = ScanCalibration("maximum", PlattCalibration(a=1.0, b=0.0))
"""Takes the largest slice score for the probability: for untrained networks, in tests."""


def write_calibration(calibration: ScanCalibration, path: Path) -> None:
    """Write ``calibration.json``."""
    with write_whole(path) as handle:
        handle.write(calibration.to_json())


def read_calibration(path: Path) -> ScanCalibration:
    """Read ``calibration.json``.

    Raises:
        ValueError: when the file is not a calibration; the message names it.
        FileNotFoundError: when the model has not been calibrated yet.
    """
    try:
        return calibration_from(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def calibration_from(mapping: Any) -> ScanCalibration:
    """Return the calibration that a JSON object describes.

    Raises:
        ValueError: when the object is not a calibration.
    """
    try:
        of_subtypes = mapping["subtypes"]
        return ScanCalibration(
            pooling=mapping["pooling"],
            curve=_curve_from(mapping["curve"]),
            calibrated=bool(mapping["calibrated"]),
            with_ich=int(mapping["with_ich"]),
            without_ich=int(mapping["without_ich"]),
            validation=tuple(PoolingAuc(**one) for one in mapping["validation"]),
            subtypes=None if of_subtypes is None else SubtypeCalibration.from_mapping(of_subtypes),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a calibration: {str(mapping)[:80]!r}") from error


def _curve_from(mapping: Any) -> Calibration:
    if "scores" in mapping:
        knots, levels = (tuple(map(float, mapping[n])) for n in ("scores", "probabilities"))
        return IsotonicCalibration(knots, levels)
    return PlattCalibration(a=float(mapping["a"]), b=float(mapping["b"]))

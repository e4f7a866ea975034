"""A number with its interval, as tables show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ichnet.statistics.interval import Interval


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: the estimate.
        low, high: ends of its 95 % interval.
        signed: whether it is a difference, which is written with its sign.
    """

    value: float
    low: float
    high: float
    signed: bool = False

    @classmethod
    def of(cls, interval: Interval) -> Estimate:
        """Return an interval from :mod:`ichnet.statistics` as an estimate."""
        return cls(interval.value, interval.low, interval.high)

    def __str__(self) -> str:
        if self.signed:
            return f"{signed(self.value)} ({signed(self.low)} to {signed(self.high)})"
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


def signed(value: float, digits: int = 3) -> str:
    """Return a difference as text with a typographic sign: ``+0.013``, ``−0.013``."""
    rounded = round(value, digits) + 0.0  # a difference that rounds to zero is not negative
    return f"{rounded:+.{digits}f}".replace("-", "−")

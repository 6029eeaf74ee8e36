"""Limits, inclusive: a value that equals its limit as far as float32 can tell lies inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Meters write float32 as text: 61.2 Hz reads 61.200001.
RELATIVE = 1e-7
_DECIMALS = 9


@dataclass(frozen=True)
class Band:
    """A range with its ends.

    Attributes
    ----------
    low, high
        In the unit of what is compared.
    """

    low: float
    high: float

    @classmethod
    def of(cls, nominal: float, per_unit: tuple[float, float]) -> Band:
        """Limits per unit of a nominal value."""
        low, high = (round(nominal * limit, _DECIMALS) for limit in per_unit)
        return cls(low, high)

    def below(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Values under the lower limit; NaN isn't."""
        return values < self.low - RELATIVE * abs(self.low)

    def above(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Values over the upper limit; NaN isn't."""
        return values > self.high + RELATIVE * abs(self.high)

    def outside(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Values under or over the limits; NaN isn't."""
        return self.below(values) | self.above(values)

    def narrowed(self, by: float) -> Band:
        """Both limits moved inwards."""
        return Band(self.low + by, self.high - by)

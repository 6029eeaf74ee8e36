"""The rules of power quality that are judged, per unit of nominal; limits are inclusive.

EN 50160-style: 10-minute root mean square of a voltage, 10-second mean of a frequency. ANSI C84.1
service ranges, judged on the same 10-minute values. IEEE 1547-2018 default trips, category III.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from microgrid_lib.site.profile import Profile

State = Literal["grid", "island", "any"]
Period = Literal["week", "year", "none"]
PerUnit = tuple[float, float]


@dataclass(frozen=True)
class QualityRule:
    """One rule.

    Attributes
    ----------
    name, standard
        Its name, and what it follows.
    unit
        `V` or `Hz`: what it applies to.
    state
        Slots it applies to: on the grid, islanded, or any.
    statistic
        What is compared with the limits.
    period
        What it is judged over: each ISO week, a year, or whatever was asked.
    limits
        Inner range, and the outer one where there is one, per unit.
    required
        Share of intervals that must lie inside each.
    """

    name: str
    standard: str
    unit: Literal["V", "Hz"]
    state: State
    statistic: str
    period: Period
    limits: tuple[PerUnit, PerUnit | None]
    required: tuple[float, float | None]


RMS = "10-minute root mean square"
MEAN = "10-second mean"


def quality_rules(profile: Profile) -> tuple[QualityRule, ...]:
    """Return the rules; the ANSI ranges are those of the site file."""
    limits = profile.site.limits
    en = "EN 50160-style"
    return (
        QualityRule(
            name="en50160_voltage",
            standard=en,
            unit="V",
            state="grid",
            statistic=RMS,
            period="week",
            limits=((0.90, 1.10), (0.85, 1.10)),
            required=(0.95, 1.0),
        ),
        QualityRule(
            name="en50160_frequency_grid",
            standard=en,
            unit="Hz",
            state="grid",
            statistic=MEAN,
            period="year",
            limits=((0.99, 1.01), (0.94, 1.04)),
            required=(0.995, 1.0),
        ),
        QualityRule(
            name="en50160_frequency_island",
            standard=en,
            unit="Hz",
            state="island",
            statistic=MEAN,
            period="week",
            limits=((0.98, 1.02), (0.85, 1.15)),
            required=(0.95, 1.0),
        ),
        QualityRule(
            name="ansi_c84_1_a",
            standard="ANSI C84.1 Range A, service",
            unit="V",
            state="any",
            statistic=RMS,
            period="none",
            limits=(limits.voltage_a, None),
            required=(1.0, None),
        ),
        QualityRule(
            name="ansi_c84_1_b",
            standard="ANSI C84.1 Range B, service",
            unit="V",
            state="any",
            statistic=RMS,
            period="none",
            limits=(limits.voltage_b, None),
            required=(1.0, None),
        ),
    )


@dataclass(frozen=True)
class Trip:
    """A default trip of IEEE 1547-2018, category III.

    Attributes
    ----------
    function
        OV, UV, OF or UF with its number.
    unit
        `V` or `Hz`.
    threshold
        Per unit of nominal; beyond it, not at it.
    clearing_s
        Time after which it trips [s].
    """

    function: str
    unit: Literal["V", "Hz"]
    threshold: float
    clearing_s: float

    @property
    def over(self) -> bool:
        """Whether it trips above its threshold."""
        return self.threshold > 1


TRIPS = (
    Trip("OV1", "V", 1.10, 13.0),
    Trip("OV2", "V", 1.20, 0.16),
    Trip("UV1", "V", 0.88, 21.0),
    Trip("UV2", "V", 0.50, 2.0),
    Trip("OF1", "Hz", 61.2 / 60, 300.0),
    Trip("OF2", "Hz", 62.0 / 60, 0.16),
    Trip("UF1", "Hz", 58.5 / 60, 300.0),
    Trip("UF2", "Hz", 56.5 / 60, 0.16),
)

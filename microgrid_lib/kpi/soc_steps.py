"""What moves the state of charge: steps of energy, their uncertainty, and detected full charges.

One step, a minute or the interval where that is longer, changes s to clip(s + a, 0, 1), a being the
sum over its slots: each valid power counts for its slot, a missing one for nothing. Steps after one
another are s -> min(high, max(low, s + a)), which summaries keep for five minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Columns
from microgrid_lib.store.slots import anchor_s
from microgrid_lib.store.summaries import soc_change, soc_step_s

GAIN_ERROR = 0.01
EFFICIENCY_ERROR = 0.02
FULL_CHARGE_S = 600
"""How long charging must be commanded with the power in the dead band [s]."""
TAPERED_SHARE = 0.5
"""Share of the charge's highest mean power that its last two buckets stay below."""

Floats = npt.NDArray[np.float64]
Micros = npt.NDArray[np.int64]

SLOT_COLUMNS = ("battery", "battery_charge", "battery_discharge")
_SUMMARY_COLUMNS = (
    *("battery__n", "battery_charge__sum", "battery_discharge__sum"),
    *("soc__lo", "soc__hi"),
)
_CHARGE_COLUMNS = ("battery_tracking__charging", "battery_tracking__charging_idle")


@dataclass(frozen=True)
class Steps:
    """Steps in order of time, arrays of shape (n,).

    Attributes
    ----------
    start_us
        Start of each [µs].
    change, low, high
        s -> min(high, max(low, s + change)) [1].
    growth
        Of the band's half-width [1].
    valid
        Slots with a valid power.
    """

    start_us: Micros
    change: Floats
    low: Floats
    high: Floats
    growth: Floats
    valid: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Charge:
    """A commanded charge that may be tapering off, in whole buckets.

    Attributes
    ----------
    means
        Mean charging power of the last two buckets before it idled [kW], the later last.
    peak
        Highest mean of a bucket [kW].
    idle
        Buckets in the dead band since.
    """

    means: tuple[float, ...] = ()
    peak: float = 0.0
    idle: int = 0

    def after(self, mean_kw: float, idle: bool) -> Charge:
        """Add a bucket in which charging was commanded throughout."""
        if idle:
            return replace(self, idle=self.idle + 1)
        if self.idle:
            return Charge((mean_kw,), mean_kw)
        return Charge((*self.means, mean_kw)[-2:], max(self.peak, mean_kw))

    def full(self, buckets: int) -> bool:
        """Whether it has just become full: tapered, then idle for so many buckets."""
        if self.idle != buckets or len(self.means) < 2:
            return False
        earlier, last = self.means
        return 0 < last <= earlier <= TAPERED_SHARE * self.peak


def summary_columns(profile: Profile) -> tuple[str, ...]:
    """Columns of the summaries that `steps_of_buckets` and `charging` read."""
    return _SUMMARY_COLUMNS + (_CHARGE_COLUMNS if profile.has("battery_setpoint") else ())


def steps_of_buckets(profile: Profile, columns: Columns) -> Steps:
    """Steps of summaries, one per row."""
    charge, discharge = columns["battery_charge__sum"], columns["battery_discharge__sum"]
    return Steps(
        start_us=columns["bucket"],
        change=soc_change(profile, charge, discharge),
        low=columns["soc__lo"],
        high=columns["soc__hi"],
        growth=growth(profile, charge, discharge),
        valid=columns["battery__n"].astype(np.int64),
    )


def steps_of_slots(profile: Profile, columns: Columns) -> Steps:
    """Steps of slots: `slot` [µs] and `SLOT_COLUMNS`; they start anew with every bucket."""
    shift_us = anchor_s(profile.site) * 1_000_000
    bucket_us = profile.site.summary_s * 1_000_000
    step_us = soc_step_s(profile) * 1_000_000
    since = columns["slot"].astype(np.int64) - shift_us
    starts, index = np.unique(
        since // bucket_us * bucket_us + since % bucket_us // step_us * step_us + shift_us,
        return_inverse=True,
    )

    def added(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> Floats:
        return np.bincount(index, np.nan_to_num(values), len(starts)).astype(np.float64)

    charge, discharge = added(columns["battery_charge"]), added(columns["battery_discharge"])
    return Steps(
        start_us=starts,
        change=soc_change(profile, charge, discharge),
        low=np.zeros(len(starts)),
        high=np.ones(len(starts)),
        growth=growth(profile, charge, discharge),
        valid=added(~np.isnan(columns["battery"])).astype(np.int64),
    )


def growth(profile: Profile, charge: Floats, discharge: Floats) -> Floats:
    """Growth of the band's half-width [1] by sums of slots' powers [kW·slots].

    `GAIN_ERROR` of what is stored and taken, and `EFFICIENCY_ERROR` in each efficiency; added up
    as if every error always had the same sign, so it is a bound.
    """
    battery = profile.site.battery
    if battery.capacity_kwh is None:
        raise ValueError(f"the battery of {profile.site.name} has no capacity")
    stored = GAIN_ERROR * battery.eta_charge + EFFICIENCY_ERROR
    taken = GAIN_ERROR / battery.eta_discharge + EFFICIENCY_ERROR / battery.eta_discharge**2
    hours = profile.site.interval_s / 3600
    return (charge * stored + discharge * taken) * (hours / battery.capacity_kwh)


def charging(profile: Profile, columns: Columns) -> tuple[list[float | None], list[bool]]:
    """By bucket: mean charging power [kW], None unless commanded in every slot; whether idle."""
    size = len(columns["bucket"])
    if not profile.has("battery_setpoint"):
        return [None] * size, [False] * size
    slots = profile.site.summary_s // profile.site.interval_s
    commanded, idle = (columns[name] for name in _CHARGE_COLUMNS)
    means = (columns["battery_charge__sum"] / slots).tolist()
    whole = (commanded == slots).tolist()
    return (
        [mean if yes else None for mean, yes in zip(means, whole, strict=True)],
        (idle == slots).tolist(),
    )

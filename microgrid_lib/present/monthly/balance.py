"""The energy balance of a period: what came from where, where it went, and what is left over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.registry import LEAST_COVERAGE
from microgrid_lib.kpi.soc import no_soc
from microgrid_lib.present.bars import BarChart, energy_bars, energy_step
from microgrid_lib.present.bars import Flow as Bar
from microgrid_lib.present.storage import StorageData
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import pandas as pd

SOURCES = (
    ("pv", "pv", "pv"),
    ("fuel_cell", "fuel_cell", "fuel-cell"),
    ("genset", "genset", "genset"),
    ("battery_discharge", "battery", "battery"),
    ("grid_import", "grid", "grid"),
)
SINKS = (
    ("load", "load", "load"),
    ("battery_charge", "battery", "battery"),
    ("grid_export", "grid", "grid"),
)
"""Flow, role it is from, colour."""


@dataclass(frozen=True)
class Flow:
    """An energy of the balance.

    Attributes
    ----------
    kwh
        None where less than half of its samples are valid.
    coverage
        Share of its samples that are valid (0-1).
    """

    name: str
    source: str
    kwh: float | None
    coverage: float


@dataclass(frozen=True)
class Stored:
    """What the battery kept and lost.

    Attributes
    ----------
    change_kwh, spread_kwh
        Energy in the battery at the end less that at the start, by our own state of charge, and
        the half-width of what it may be.
    lost_kwh
        Charged - discharged - change.
    """

    change_kwh: float
    spread_kwh: float
    lost_kwh: float


@dataclass(frozen=True)
class Balance:
    """Energies of a period.

    Attributes
    ----------
    gap_kwh
        Sources less sinks; None where a flow isn't known. Where no load is measured it is what the
        site itself used.
    spread_kwh
        How much of the gap may come from samples that one flow has and another lacks: each flow's
        mean power times the time in which it is valid and not all are, hour by hour.
    closed_by
        The role that is computed from the others, so that the gap says nothing; empty: none.
    frame
        Energies by day (or hour, or month), see `kpi.energies.energies`.
    """

    window: Window
    sources: tuple[Flow, ...]
    sinks: tuple[Flow, ...]
    gap_kwh: float | None
    spread_kwh: float | None
    closed_by: Literal["", "grid", "load"]
    stored: Stored | None
    frame: pd.DataFrame

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Sources, then sinks."""
        return (*self.sources, *self.sinks)

    def hours(self, flow: Flow) -> float:
        """Hours that a flow's energy is of [h]."""
        start, end = self.frame["start"].iloc[0], self.frame["end"].iloc[-1]
        return float(flow.coverage * (end - start).total_seconds() / 3600)


def make_balance(data: StorageData, window: Window, kpis: Mapping[str, Kpi]) -> Balance:
    """Add up the energies of a period.

    Raises
    ------
    NoDataError
        There is no data in the window.
    """
    profile = data.profile
    names = [name for name, role, _ in (*SOURCES, *SINKS) if profile.has(role)]
    frame = data.energies(names, window, energy_step(window))
    sources = tuple(_flow(n, s, frame) for n, role, s in SOURCES if profile.has(role))
    sinks = tuple(_flow(n, s, frame) for n, role, s in SINKS if profile.has(role))
    gap = spread = None
    if all(flow.kwh is not None for flow in (*sources, *sinks)) and profile.has("grid"):
        gap = sum(f.kwh or 0.0 for f in sources) - sum(f.kwh or 0.0 for f in sinks)
        # Flows of like coverage may lack different hours.
        spread = _spread(names, data.energies(names, window, "hour"))
    found = Balance(window, sources, sinks, gap, spread, closed_by(profile), None, frame)
    return Balance(**{**vars(found), "stored": _stored(data, found, kpis)})


def _spread(names: Sequence[str], hours: pd.DataFrame) -> float:
    energy, share = (
        np.array([hours[f"{name}{end}"] for name in names], dtype=np.float64)
        for end in ("", "_coverage")
    )
    beyond = (share - share.min(axis=0)) / np.where(share > 0, share, 1.0)
    return float(np.nansum(np.abs(energy) * beyond))


def closed_by(profile: Profile) -> Literal["", "grid", "load"]:
    """Which role is computed from the balance itself."""
    if profile.grid_is_derived:
        return "grid"
    expressions = profile.expressions
    if "load" in expressions and "grid" in expressions:
        shared = expressions["load"].names & expressions["grid"].names
        return "load" if shared else ""
    return ""


def _flow(name: str, source: str, frame: pd.DataFrame) -> Flow:
    energy = frame[name].to_numpy(dtype=np.float64)
    lengths = (frame["end"] - frame["start"]).dt.total_seconds().to_numpy(dtype=np.float64)
    share = frame[f"{name}_coverage"].to_numpy(dtype=np.float64)
    coverage = float((share * lengths).sum() / lengths.sum())
    known = coverage >= LEAST_COVERAGE
    return Flow(name, source, float(np.nansum(energy)) if known else None, coverage)


def _stored(data: StorageData, balance: Balance, kpis: Mapping[str, Kpi]) -> Stored | None:
    capacity = data.site.battery.capacity_kwh
    charge, discharge = (kpis.get(f"battery_{way}_energy") for way in ("charge", "discharge"))
    if capacity is None or no_soc(data.profile) is not None or charge is None or discharge is None:
        return None
    if charge.value is None or discharge.value is None:
        return None
    soc = data.soc(balance.window, 2).frame
    first, last = soc.iloc[0], soc.iloc[-1]
    change = capacity * float(last["soc"] - first["soc"])
    # Either end may be anywhere in its band.
    spread = capacity * sum(float(row["high"] - row["low"]) / 2 for row in (first, last))
    return Stored(change, spread, charge.value - discharge.value - change)


def balance_chart(balance: Balance, texts: Texts) -> BarChart:
    """The energies piece by piece: sources stand up, sinks hang down."""
    bars = [Bar(f.name, flow_name(f.name, texts), f.source) for f in balance.sources]
    bars += [Bar(f.name, flow_name(f.name, texts), f.source, taken=True) for f in balance.sinks]
    step = energy_step(balance.window)
    return energy_bars("balance", texts("balance.chart"), balance.frame, bars, step, texts)


def flow_name(name: str, texts: Texts) -> str:
    """Name of a flow."""
    key = f"flow.{name}"
    return texts(key if texts.has(key) else f"role.{name}")

"""Energy per hour, day or month: sums over valid slots, with how many of them are valid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from microgrid_lib.errors import UnknownNameError
from microgrid_lib.kpi.access import Access
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.slots import epoch_us, slots_between
from microgrid_lib.store.summaries import FLOWS
from microgrid_lib.window import Window

Step = Literal["hour", "day", "month"]
STEPS: tuple[Step, ...] = ("hour", "day", "month")
_POWER = ("pv", "battery", "fuel_cell", "genset", "load", "critical_load", "grid")


def energies(access: Access, window: Window, flows: Sequence[str], step: Step) -> pd.DataFrame:
    """Add up energies by local hour, day or month.

    Parameters
    ----------
    access
        Stored data.
    window
        The window, cut where data end; its first and last piece may be part of a step.
    flows
        Roles with a power, or flows derived from one: `store.summaries.FLOWS`.
    step
        Length of a piece.

    Returns
    -------
    pandas.DataFrame
        A row per piece: `start`, `end` (display zone); per flow its energy [kWh], NaN where no
        slot is valid, and `<flow>_coverage`, the share of its slots that are valid [1].

    Raises
    ------
    UnknownNameError
        No such step, or a flow the profile doesn't have.
    """
    profile = access.profile
    if step not in STEPS:
        raise UnknownNameError("step", step, list(STEPS))
    known = _known(profile)
    for flow in flows:
        if flow not in known:
            raise UnknownNameError("flow", flow, known)
    pieces = _pieces(window, step)
    starts_us = np.array([epoch_us(piece.start) for piece in pieces], dtype=np.int64)
    names = sorted({name for flow in flows for name in (f"{flow}__sum", _count(flow))})
    sums = {name: np.zeros(len(pieces)) for name in names}
    for part in access.months(window.start, window.end):
        columns = access.buckets(part, names)
        at = np.searchsorted(starts_us, columns["bucket"], side="right") - 1
        for name in names:
            values = np.nan_to_num(columns[name].astype(np.float64))
            sums[name] += np.bincount(np.maximum(at, 0), values, len(pieces))
    return _frame(profile, pieces, flows, sums)


def _known(profile: Profile) -> list[str]:
    roles = [role for role in _POWER if profile.has(role)]
    return [*roles, *(flow for flow, role in FLOWS.items() if profile.has(role))]


def _count(flow: str) -> str:
    return f"{FLOWS.get(flow, flow)}__n"


def _frame(
    profile: Profile,
    pieces: Sequence[Window],
    flows: Sequence[str],
    sums: dict[str, npt.NDArray[np.float64]],
) -> pd.DataFrame:
    site = profile.site
    expected = np.array([slots_between(site, piece.start, piece.end) for piece in pieces])
    columns: dict[str, object] = {
        "start": [piece.start for piece in pieces],
        "end": [piece.end for piece in pieces],
    }
    for flow in flows:
        valid = sums[_count(flow)]
        energy = sums[f"{flow}__sum"] * (site.interval_s / 3600)
        columns[flow] = np.where(valid > 0, energy, np.nan)
        columns[f"{flow}_coverage"] = valid / np.maximum(expected, 1)
    return pd.DataFrame(columns)


def _pieces(window: Window, step: Step) -> list[Window]:
    """Cut a window at local hours, days or months."""
    zone = window.start.tzinfo
    cuts = [window.start]
    while (after := _next(cuts[-1], step)).astimezone(UTC) < window.end_utc:
        cuts.append(after.astimezone(zone))
    cuts.append(window.end)
    return [Window(start, end) for start, end in pairwise(cuts)]


def _next(at: datetime, step: Step) -> datetime:
    if step == "hour":
        past = timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
        return at.astimezone(UTC) - past + timedelta(hours=1)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step == "day":
        return midnight + timedelta(days=1)
    month = midnight.replace(day=1)
    return (month + timedelta(days=32)).replace(day=1)

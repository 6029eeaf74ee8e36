"""Where every kind of alert stands at the end of the data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.alert_kinds import SOC_KINDS, AlertKind, kinds_of, stale_after_s
from microgrid_lib.kpi.alerts import Alert
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.soc import SocCourse, SocState
from microgrid_lib.store.slots import slot_end
from microgrid_lib.store.summaries import counts_charge


class AlertState(BaseModel):
    """Where one kind of alert stands.

    Attributes
    ----------
    name
        Its kind.
    state
        The severity of the alert that lasts, or `ok`; null where the kind can't be judged, or
        the band of the state of charge has the limit within it.
    reason
        Why it can't be judged, or why an alert that lasts isn't sure.
    alert
        The alert that lasts.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    state: Literal["ok", "info", "warning", "critical"] | None
    reason: Note | None = None
    alert: Alert | None = None


class AlertStates(BaseModel):
    """Where every kind of alert stands, at one time.

    Attributes
    ----------
    at
        The end of what can be expected, in the display zone.
    states
        By kind, in the order of `kpi.alert_kinds.kinds_of`.
    """

    at: datetime
    states: list[AlertState]


def states_of(access: Access, lasting: list[Alert], until: datetime) -> AlertStates:
    """Judge every kind at the end of what can be expected.

    Parameters
    ----------
    access
        Stored data.
    lasting
        The alerts that are active.
    until
        End of what can be expected; see `store.extent.as_of`.
    """
    kinds = kinds_of(access.profile)
    late_s = stale_after_s(access.profile)
    valid = _lately_valid(access, kinds, until - timedelta(seconds=late_s), until)
    active = {alert.name: alert for alert in lasting}
    charge = _charge(access)
    states = []
    for kind in kinds:
        alert = active.get(kind.name)
        if kind.lacks is not None:
            states.append(AlertState(name=kind.name, state=None, reason=kind.lacks))
            continue
        lost = None if kind.roles in valid else notes.no_recent_data(late_s / 60)
        doubt = lost or _within_band(kind, charge)
        state = alert.severity if alert else (None if doubt else "ok")
        states.append(AlertState(name=kind.name, state=state, reason=doubt, alert=alert))
    return AlertStates(at=until, states=states)


def _charge(access: Access) -> SocState | None:
    """State of charge at the end of the newest slot; None where it isn't counted."""
    newest = access.snapshot.newest
    if newest is None or not counts_charge(access.profile):
        return None
    return SocCourse(access).at(slot_end(access.profile.site, newest))


def _within_band(kind: AlertKind, charge: SocState | None) -> Note | None:
    """Why a limit of the state of charge can't be judged; None where its band lies on one side."""
    if charge is None or kind.name not in SOC_KINDS:
        return None
    for limit in kind.limits:
        if limit.low is not None and charge.low < limit.low <= charge.high:
            return notes.soc_band(charge.low, charge.high, limit.low)
    return None


def _lately_valid(
    access: Access, kinds: tuple[AlertKind, ...], start: datetime, end: datetime
) -> set[tuple[str, ...]]:
    """Sets of roles that are all valid in some slot of [start, end)."""
    watched = {kind.roles for kind in kinds if kind.lacks is None}
    roles = sorted({role for roles in watched for role in roles})
    found: set[tuple[str, ...]] = {()}
    scans = access.scans(start, end)
    if not scans or not roles:
        return found
    slots = access.slots(scans, roles)
    for needed in watched - found:
        if np.logical_and.reduce([~np.isnan(slots[role]) for role in needed]).any():
            found.add(needed)
    return found

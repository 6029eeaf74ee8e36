"""Where every kind of alert stands at the end of the data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.alert_kinds import AlertKind, kinds_of, stale_after_s
from microgrid_lib.kpi.alerts import Alert
from microgrid_lib.kpi.model import Note


class AlertState(BaseModel):
    """Where one kind of alert stands.

    Attributes
    ----------
    name
        Its kind.
    state
        The severity of the alert that lasts, or `ok`; null where the kind can't be judged.
    reason
        Why it can't be judged, or why an alert that lasts is only the last that is known.
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
    states = []
    for kind in kinds:
        alert = active.get(kind.name)
        if kind.lacks is not None:
            states.append(AlertState(name=kind.name, state=None, reason=kind.lacks))
            continue
        lost = None if kind.roles in valid else notes.no_recent_data(late_s / 60)
        state = alert.severity if alert else (None if lost else "ok")
        states.append(AlertState(name=kind.name, state=state, reason=lost, alert=alert))
    return AlertStates(at=until, states=states)


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

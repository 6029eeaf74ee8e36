"""Alerts as pages and reports show them: states, history, the short list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from microgrid_lib.kpi.alert_kinds import AlertKind, kinds_of
from microgrid_lib.kpi.alert_states import AlertState, AlertStates
from microgrid_lib.kpi.alerts import Alert, AlertReport
from microgrid_lib.present.alert_texts import (
    StateText,
    kind_title,
    lasting_text,
    limits_text,
    state_text,
    watch_title,
    worst_text,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window

Filter = Literal["all", "active", "open"]
FILTERS: tuple[Filter, ...] = ("all", "active", "open")
"""All alerts, those that last, those that nobody has acknowledged."""
MOST_ROWS = 200
_LEAST_ROOM = timedelta(minutes=15)
_MOST_ROOM = timedelta(days=1)


class AlertData(Protocol):
    """What alerts are asked of; `microgrid_lib.api.SiteData` is one."""

    @property
    def profile(self) -> Profile:
        """How the site's channels are read."""

    def as_of(self) -> datetime | None:
        """End of what can be expected."""

    def alerts(self, window: Window) -> AlertReport:
        """Alerts that last for some of a window."""

    def alert_states(self) -> AlertStates:
        """Where every kind stands at the end of the data."""


@dataclass(frozen=True)
class AlertRow:
    """One alert of a list.

    Attributes
    ----------
    id, name
        As the library names it, and its kind.
    severity, state
        The worst it reached; the same while it lasts, then `ended`.
    since, until, lasted
        Local times and length; `until` says so where it lasts.
    worst
        The worst value and the limit it passed.
    seen
        Who acknowledged it and when; empty where nobody has.
    note
        What they noted.
    around
        The alert with some room on both sides, to look at.
    start, end
        When it began, and ended or was last known to last.
    """

    id: str
    name: str
    title: str
    severity: StateText
    state: StateText
    active: bool
    since: str
    until: str
    lasted: str
    worst: str
    seen: str
    note: str
    around: Window
    start: datetime
    end: datetime

    @property
    def label(self) -> str:
        """The alert in one line, for a list to choose from."""
        return f"{self.since} · {self.title} · {self.severity.word}"


@dataclass(frozen=True)
class StateRow:
    """Where one kind of alert stands.

    Attributes
    ----------
    detail
        Since when and how far, or why it can't be judged; empty where all is well.
    limits
        What is allowed.
    """

    name: str
    title: str
    state: StateText
    detail: str
    limits: str


@dataclass(frozen=True)
class ShortAlerts:
    """The most urgent alerts: those that last first, then the latest.

    Attributes
    ----------
    summary
        How many last, and how many there were in the period.
    """

    rows: tuple[AlertRow, ...]
    summary: str


def alert_rows(data: AlertData, window: Window, texts: Texts) -> tuple[AlertRow, ...]:
    """List the alerts of a window, the latest first.

    Raises
    ------
    NoDataError
        The window lies wholly outside the data.
    """
    until = data.as_of() or window.end
    kinds = _kinds(data.profile)
    alerts = data.alerts(window).alerts
    return tuple(_row(a, kinds.get(a.name), until, texts) for a in reversed(alerts))


def state_rows(data: AlertData, texts: Texts) -> tuple[StateRow, ...]:
    """Say where every kind of alert stands at the end of the data.

    Raises
    ------
    NoDataError
        Nothing is ingested.
    """
    kinds = _kinds(data.profile)
    now = data.alert_states()
    return tuple(_state_row(state, kinds[state.name], now.at, texts) for state in now.states)


def short_alerts(data: AlertData, window: Window, texts: Texts, most: int = 5) -> ShortAlerts:
    """Choose the most urgent alerts of a window.

    Raises
    ------
    NoDataError
        The window lies wholly outside the data.
    """
    rows = alert_rows(data, window, texts)
    urgent = sorted(rows, key=lambda row: not row.active)
    return ShortAlerts(tuple(urgent[:most]), summary_text(rows, texts))


def summary_text(rows: Sequence[AlertRow], texts: Texts) -> str:
    """Say how many alerts last, and how many there were."""
    if not rows:
        return texts("alerts.none")
    return texts("alerts.summary", active=sum(row.active for row in rows), count=len(rows))


def chosen_rows(rows: Sequence[AlertRow], which: Filter) -> tuple[AlertRow, ...]:
    """Keep the alerts that a filter asks for."""
    if which == "active":
        return tuple(row for row in rows if row.active)
    if which == "open":
        return tuple(row for row in rows if not row.seen)
    return tuple(rows)


def _kinds(profile: Profile) -> Mapping[str, AlertKind]:
    return {kind.name: kind for kind in kinds_of(profile)}


def _row(alert: Alert, kind: AlertKind | None, until: datetime, texts: Texts) -> AlertRow:
    end = alert.end or max(until, alert.start)
    severity = state_text(alert.severity, texts)
    seen = alert.acknowledged
    return AlertRow(
        id=alert.id,
        name=alert.name,
        title=kind_title(alert.name, texts),
        severity=severity,
        state=severity if alert.active else state_text("ended", texts),
        active=alert.active,
        since=texts.moment(alert.start),
        until=texts("alert.active") if alert.active else texts.moment(end),
        lasted=lasting_text(end.astimezone(UTC) - alert.start.astimezone(UTC), texts),
        worst=worst_text(alert, kind, texts),
        seen=texts("alert.seen", by=seen.by, at=texts.moment(seen.at)) if seen else "",
        note=seen.note if seen else "",
        around=_around(alert.start, end),
        start=alert.start,
        end=end,
    )


def _around(start: datetime, end: datetime) -> Window:
    zone = start.tzinfo
    first, last = (m.astimezone(UTC).replace(second=0, microsecond=0) for m in (start, end))
    room = min(max((last - first) / 2, _LEAST_ROOM), _MOST_ROOM)
    whole = timedelta(minutes=room // timedelta(minutes=1))
    low, high = first - whole, last + whole + timedelta(minutes=1)
    return Window(low.astimezone(zone), high.astimezone(zone))


def _state_row(state: AlertState, kind: AlertKind, now: datetime, texts: Texts) -> StateRow:
    said = []
    if state.alert is not None:
        said.append(texts("alert.since", moment=texts.moment(state.alert.start)))
        said.append(worst_text(state.alert, kind, texts))
    if state.reason is not None:
        said.append(texts.note(state.reason))
    unsaid = None if kind.lacks is not None else "unknown"
    return StateRow(
        name=kind.name,
        title=watch_title(kind.name, texts),
        state=state_text(state.state or unsaid, texts),
        detail=texts.clauses(said),
        limits="" if kind.lacks is not None else limits_text(kind, texts),
    )

"""Alerts that somebody is to be told of: each when it begins and when it ends, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import sqlalchemy as sa

from microgrid_lib.database.connections import Database
from microgrid_lib.kpi.alert_rules import SEVERITIES, Severity
from microgrid_lib.kpi.alerts import Alert, AlertReport
from microgrid_lib.schedule.config import AlertRule
from microgrid_lib.schedule.quiet import is_quiet
from microgrid_lib.schedule.tables import told, watches
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window

Phase = Literal["began", "worse", "ended", "passed", "withdrawn"]
Key = tuple[str, datetime]
"""Kind and start: an alert that becomes worse stays the same event."""


class AlertSource(Protocol):
    """What alerts are asked of; `microgrid_lib.api.SiteData` is one."""

    @property
    def profile(self) -> Profile:
        """How the site's channels are read."""

    @property
    def synthetic(self) -> bool:
        """Whether the data are made up."""

    def as_of(self) -> datetime | None:
        """End of what can be expected."""

    def alerts(self, window: Window) -> AlertReport:
        """Alerts that last for some of a window."""


@dataclass(frozen=True)
class Told:
    """An event somebody was told of."""

    name: str
    start: datetime
    severity: Severity
    ended: bool


@dataclass(frozen=True)
class News:
    """Something to tell of an alert.

    Attributes
    ----------
    profile
        Of which site, and how it is read.
    phase
        It `began`, became `worse`, `ended`; `passed`: began and ended since the last look;
        `withdrawn`: corrected data no longer give it.
    alert
        As it is now; None where it was withdrawn.
    told
        As it is told of from now on.
    synthetic
        Whether the data are made up.
    """

    profile: Profile
    phase: Phase
    alert: Alert | None
    told: Told
    synthetic: bool = False


class WatchStore:
    """What was told, in a database.

    Parameters
    ----------
    database
        Opened with `schedule.tables.SCHEMA`.
    rule
        Name of the rule.
    """

    def __init__(self, database: Database, rule: str) -> None:
        self._database = database
        self._rule = rule

    def since(self, profile: Profile, as_of: datetime) -> datetime:
        """When the rule first looked at a site, in the time of its data; now, for a new one."""
        where = (watches.c.rule == self._rule, *_of(watches, profile))
        with self._database.writing() as connection:
            found: datetime | None = connection.scalar(sa.select(watches.c.since).where(*where))
            if found is None:
                connection.execute(
                    sa.insert(watches).values(
                        rule=self._rule,
                        site=profile.site.name,
                        profile=profile.name,
                        since=as_of,
                    )
                )
        return found or as_of

    def told(self, profile: Profile) -> dict[Key, Told]:
        """Events of a site that were told of."""
        where = (told.c.rule == self._rule, *_of(told, profile))
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(told).where(*where)).all()
        return {
            (row.alert, row.start): Told(row.alert, row.start, row.severity, row.ended)
            for row in rows
        }

    def write(self, connection: sa.Connection, news: Sequence[News]) -> None:
        """Write down what is told, in the transaction that queues the message."""
        for one in news:
            profile, event = one.profile, one.told
            where = (
                told.c.rule == self._rule,
                *_of(told, profile),
                told.c.alert == event.name,
                told.c.start == event.start,
            )
            connection.execute(sa.delete(told).where(*where))
            connection.execute(
                sa.insert(told).values(
                    rule=self._rule,
                    site=profile.site.name,
                    profile=profile.name,
                    alert=event.name,
                    start=event.start,
                    severity=event.severity,
                    ended=event.ended,
                )
            )


def news_of(rule: AlertRule, store: WatchStore, source: AlertSource, now: datetime) -> list[News]:
    """Find what is to be told of a site's alerts now; it stays to be told until it is written.

    At the first look that is what lasts; what ended before isn't told.

    Parameters
    ----------
    now
        The present, for quiet hours.
    """
    profile, until = source.profile, source.as_of()
    if until is None:
        return []
    since, known = store.since(profile, until), store.told(profile)
    lasting = [event.start for event in known.values() if not event.ended]
    start = min([since, *lasting, until - timedelta(seconds=1)])
    alerts = source.alerts(Window(start, until)).alerts
    quiet = is_quiet(rule.quiet, now.astimezone(profile.site.display_zone))
    found = {_key(alert): alert for alert in alerts}
    news = [_news(rule, source, alert, known.get(key)) for key, alert in found.items()]
    news += [
        News(
            profile,
            "withdrawn",
            None,
            Told(event.name, event.start, event.severity, True),
            source.synthetic,
        )
        for key, event in known.items()
        if not event.ended and key not in found
    ]
    return [
        one
        for one in news
        if one is not None and (not quiet or one.told.severity in rule.even_in_quiet)
    ]


def _news(rule: AlertRule, source: AlertSource, alert: Alert, known: Told | None) -> News | None:
    over = alert.end is not None
    phase: Phase | None = None
    if known is None:
        if alert.severity in rule.severities:
            phase = "passed" if over else "began"
    elif not known.ended:
        if over:
            phase = "ended"
        elif SEVERITIES.index(alert.severity) > SEVERITIES.index(known.severity):
            phase = "worse"
    if phase is None:
        return None
    event = Told(alert.name, _key(alert)[1], alert.severity, over)
    return News(source.profile, phase, alert, event, source.synthetic)


def _key(alert: Alert) -> Key:
    return alert.name, alert.start.astimezone(UTC)


def _of(table: sa.Table, profile: Profile) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.site == profile.site.name, table.c.profile == profile.name

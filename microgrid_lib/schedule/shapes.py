"""What `microgrid schedule ... --json` prints."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A part of what is printed."""

    model_config = ConfigDict(frozen=True)


class ScheduledReport(Shape):
    """What became of one report of a run.

    Attributes
    ----------
    site, kind, section, period, language
        What was wanted; section and period are empty where there is none.
    file
        Path of the PDF; null where it failed.
    pages, seconds
        Of the PDF; how long it took [s].
    status
        `made`, `unchanged` (it was there already), `empty` (a page that says there are no data) or
        `failed`.
    reason
        One line where it is `empty` or `failed`.
    """

    site: str
    kind: str
    section: str
    period: str
    language: str
    file: str | None
    pages: int
    seconds: float
    status: Literal["made", "unchanged", "empty", "failed"]
    reason: str


class RunEntry(Shape):
    """A run of a job.

    Attributes
    ----------
    job, due
        The job, and the time it was due at (the newest, where several were missed).
    missed
        How many times it was due before that and didn't run.
    state
        `done`, `empty` (a report says that there are no data), `failed`, `waiting` (for the next
        attempt) or `running`.
    attempt
        The last one, from 1.
    next_at
        When the next attempt is due; null without one.
    started_at, ended_at
        First attempt; null while it hasn't ended.
    reason
        Why it failed or has no data; null where it went well.
    reports
        What became of each report.
    log
        What happened, a line each; only of `history --job NAME`.
    """

    job: str
    due: datetime
    missed: int
    state: Literal["running", "waiting", "done", "empty", "failed"]
    attempt: int
    next_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    reports: list[ScheduledReport]
    log: list[str] | None = None


class AlertsEntry(Shape):
    """What a look for alerts found.

    Attributes
    ----------
    rule
        The rule.
    told
        How many alerts, and ends of alerts, a message was queued for.
    error
        What kept us from looking; null where nothing did.
    """

    rule: str
    told: int
    error: str | None


class DeliveryEntry(Shape):
    """What became of a delivery.

    Attributes
    ----------
    id
        Also its Message-ID or Idempotency-Key.
    origin
        What it tells of: `job:NAME` or `alerts:NAME`.
    recipient, channel, address
        Who, how, where; the address of a webhook isn't told.
    subject
        Of the message.
    state
        `sent`, `pending`, `sending`, `undelivered` (tried again), `refused` or `given_up`.
    attempts
        So far.
    error
        Why it wasn't sent; null where it was.
    created_at, ended_at
        When it was queued; sent, refused or given up.
    """

    id: str
    origin: str
    recipient: str
    channel: str
    address: str
    subject: str
    state: Literal["pending", "sending", "sent", "undelivered", "refused", "given_up"]
    attempts: int
    error: str | None
    created_at: datetime
    ended_at: datetime | None


class OnceReport(Shape):
    """What `microgrid schedule --once --json` prints.

    Attributes
    ----------
    runs
        Runs that were due, missed, or tried again.
    alerts
        Looks for alerts.
    deliveries
        What was tried.
    """

    runs: list[RunEntry]
    alerts: list[AlertsEntry]
    deliveries: list[DeliveryEntry]


class Planned(Shape):
    """A job or rule of the schedule.

    Attributes
    ----------
    name, kind
        Its name; `job` or `alerts`.
    cron, words, timezone
        When; the same in words; of these times.
    next
        The next times, in that zone.
    missed
        How many times are to be caught up.
    sites
        Whom it is about.
    to, failure_to
        Recipients of what it makes, and of its failures.
    problem
        What will keep it from working; null where nothing is known.
    """

    name: str
    kind: Literal["job", "alerts"]
    cron: str
    words: str
    timezone: str
    next: list[datetime]
    missed: int
    sites: list[str]
    to: list[str]
    failure_to: list[str]
    problem: str | None


class CheckReport(Shape):
    """What `microgrid schedule --check --json` prints.

    Attributes
    ----------
    file
        The schedule.
    planned
        Its jobs, then its alerts.
    """

    file: str
    planned: list[Planned]


class HistoryReport(Shape):
    """What `microgrid schedule history --json` prints.

    Attributes
    ----------
    runs, deliveries
        The latest first.
    """

    runs: list[RunEntry]
    deliveries: list[DeliveryEntry]

"""What became of jobs: since when they are known, what runs, what ran."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from microgrid_lib.database.connections import Database
from microgrid_lib.schedule.shapes import ScheduledReport
from microgrid_lib.schedule.tables import jobs, runs

RunState = Literal["running", "waiting", "done", "empty", "failed"]
OPEN: tuple[RunState, ...] = ("running", "waiting")
KEPT = timedelta(days=800)
"""How long a run stays on record."""


@dataclass(frozen=True)
class Run:
    """One run of a job.

    Attributes
    ----------
    job, due
        The job, and the time it was due at: the newest one, where it was due several times.
    dues
        The times whose periods it makes reports of, the oldest first.
    missed
        How many times it was due before `due` and didn't run.
    state
        `running` outside of a running scheduler: that one died, and the run is taken up again.
        `waiting`: for the next attempt.
    attempt
        Which one it is, or was.
    next_at
        When the next attempt is due [UTC].
    reason
        Why it failed, or has no data.
    reports
        What became of each report.
    log
        What happened, a line each.
    """

    job: str
    due: datetime
    dues: tuple[datetime, ...]
    missed: int
    state: RunState
    attempt: int
    next_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    reports: tuple[ScheduledReport, ...]
    log: str


class ScheduleStore:
    """Jobs and runs in a database.

    Parameters
    ----------
    database
        Opened with `schedule.tables.SCHEMA`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, name: str, now: datetime) -> datetime:
        """Tell up to when a job's times are dealt with; a new job is known from now on."""
        found = self.known_since(name)
        if found is not None:
            return found
        with self._database.writing() as connection:
            connection.execute(sa.insert(jobs).values(name=name, since=now, failing=False))
        return now

    def known_since(self, name: str) -> datetime | None:
        """The same without making it known."""
        with self._database.reading() as connection:
            found: datetime | None = connection.scalar(
                sa.select(jobs.c.since).where(jobs.c.name == name)
            )
        return found

    def open_run(self, job: str) -> Run | None:
        """The run of a job that hasn't ended."""
        statement = sa.select(runs).where(runs.c.job == job, runs.c.state.in_(OPEN))
        with self._database.reading() as connection:
            row = connection.execute(statement.order_by(runs.c.due)).mappings().first()
        return None if row is None else _run(row)

    def claim(self, job: str, dues: Sequence[datetime], missed: int, now: datetime) -> Run:
        """Begin a run, and deal with its times, in one step.

        Raises
        ------
        ConflictError
            Another process did.
        """
        values = {
            "job": job,
            "due": dues[-1],
            "dues": json.dumps([time.isoformat() for time in dues]),
            "missed": missed,
            "state": "running",
            "attempt": 1,
            "next_at": None,
            "started_at": now,
            "ended_at": None,
            "reason": None,
            "reports": "[]",
            "log": "",
        }
        with self._database.writing() as connection:
            connection.execute(sa.insert(runs).values(values))
            connection.execute(sa.update(jobs).where(jobs.c.name == job).values(since=dues[-1]))
        return _run(values)

    def deal_with(self, job: str, until: datetime) -> None:
        """Leave a job's times up to a moment behind."""
        with self._database.writing() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.name == job).values(since=until))

    def take_up(self, run: Run, attempt: int) -> Run:
        """Run again: the next attempt, or what a process that died had begun."""
        self._update(run, {"state": "running", "attempt": attempt, "next_at": None})
        return self._again(run)

    def wait(
        self,
        run: Run,
        next_at: datetime,
        reason: str,
        reports: Sequence[ScheduledReport],
        log: str,
        attempt: int | None = None,
    ) -> Run:
        """Leave a run for later."""
        values = {
            "state": "waiting",
            "next_at": next_at,
            "reason": reason,
            "reports": _dumped(reports),
            "log": log,
            "attempt": run.attempt if attempt is None else attempt,
        }
        self._update(run, values)
        return self._again(run)

    def end(
        self,
        connection: sa.Connection,
        run: Run,
        state: RunState,
        at: datetime,
        reason: str | None,
        reports: Sequence[ScheduledReport],
        log: str,
    ) -> None:
        """End a run, in the transaction that queues its messages."""
        values = {
            "state": state,
            "ended_at": at,
            "reason": reason,
            "reports": _dumped(reports),
            "log": log,
        }
        connection.execute(sa.update(runs).where(*_is(run)).values(values))

    def history(self, job: str | None, limit: int) -> list[Run]:
        """List runs, the latest first."""
        statement = sa.select(runs).order_by(runs.c.due.desc(), runs.c.job).limit(limit)
        if job is not None:
            statement = statement.where(runs.c.job == job)
        with self._database.reading() as connection:
            return [_run(row) for row in connection.execute(statement).mappings()]

    def find(self, job: str, due: datetime) -> Run:
        """The run of a job that was due at a time."""
        statement = sa.select(runs).where(runs.c.job == job, runs.c.due == due)
        with self._database.reading() as connection:
            return _run(connection.execute(statement).mappings().one())

    def set_failing(self, connection: sa.Connection, name: str, failing: bool) -> bool:
        """Write down whether looking for alerts fails; returns whether that is news."""
        was = connection.scalar(sa.select(jobs.c.failing).where(jobs.c.name == name))
        connection.execute(sa.update(jobs).where(jobs.c.name == name).values(failing=failing))
        return bool(was) != failing

    def prune(self, now: datetime) -> None:
        """Forget what ended long ago."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(runs).where(runs.c.ended_at < now - KEPT))

    def _again(self, run: Run) -> Run:
        return self.find(run.job, run.due)

    def _update(self, run: Run, values: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            connection.execute(sa.update(runs).where(*_is(run)).values(values))


def _is(run: Run) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return runs.c.job == run.job, runs.c.due == run.due


def _dumped(reports: Sequence[ScheduledReport]) -> str:
    return json.dumps([one.model_dump(mode="json") for one in reports])


def _run(row: Any) -> Run:
    return Run(
        job=row["job"],
        due=row["due"],
        dues=tuple(datetime.fromisoformat(text) for text in json.loads(row["dues"])),
        missed=row["missed"],
        state=row["state"],
        attempt=row["attempt"],
        next_at=row["next_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        reports=tuple(ScheduledReport.model_validate(one) for one in json.loads(row["reports"])),
        log=row["log"],
    )

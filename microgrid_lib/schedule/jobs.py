"""Runs of jobs: begun when due, caught up, tried again, ended with their messages queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from microgrid_lib.delivery.message import Target
from microgrid_lib.delivery.outbox import queue
from microgrid_lib.errors import MicrogridError
from microgrid_lib.report.orders import ReportOrder, ReportResult, Status
from microgrid_lib.schedule.config import Job
from microgrid_lib.schedule.context import Context, said_of
from microgrid_lib.schedule.cron import due_times
from microgrid_lib.schedule.journal import one_line
from microgrid_lib.schedule.messages import failure_message, report_message
from microgrid_lib.schedule.orders import orders_of
from microgrid_lib.schedule.shapes import ScheduledReport
from microgrid_lib.schedule.store import Run, RunState

LATE = timedelta(minutes=15)
"""A run that begins longer than this after its time is said to catch up."""
AT_ONCE = 8
"""Reports made before it is asked whether to stop."""
_WRONG_INPUT = 2
_LONGEST_WAIT = timedelta(days=1)


class JobRunner:
    """Runs jobs.

    Parameters
    ----------
    context
        Plan, state, log, surroundings.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store, self._log = context.store, context.journal
        self._around, self._schedule = context.around, context.plan.schedule

    def run(self, name: str) -> Run | None:
        """Run a job that is due, was missed, or is to be tried again; returns how it stands."""
        if self._around.stopping():
            return None
        job, now = self._schedule.jobs[name], self._around.clock()
        since = self._store.since(name, now)
        run = self._store.open_run(name)
        if run is None:
            return self._begin(name, job, since, now)
        if run.state == "waiting" and run.next_at is not None and run.next_at > now:
            return None
        self._log.begin(run.log)
        if run.state == "running":
            self._log("run.taken_up", "warning", job=name, due=run.due, attempt=run.attempt)
            if run.attempt >= job.attempts:
                return self._abandon(job, run)
        return self._attempt(job, self._store.take_up(run, run.attempt + 1))

    def _begin(self, name: str, job: Job, since: datetime, now: datetime) -> Run | None:
        zone = self._schedule.zone(job)
        dues, count = due_times(job.cron, zone, since, now, job.catch_up)
        if not dues:
            return None
        self._log.begin()
        run = self._store.claim(name, dues, count - 1, now)
        if now - run.due > LATE or run.missed:
            late = round((now - run.due) / timedelta(minutes=1))
            self._log(
                "run.catching_up", "warning", job=name, late_min=late, times=count, taken=len(dues)
            )
        return self._attempt(job, run)

    def _attempt(self, job: Job, run: Run) -> Run:
        zone = self._schedule.zone(job)
        self._log("run.started", job=run.job, due=run.due.astimezone(zone), attempt=run.attempt)
        try:
            reports, code = self._reports(job, run)
        except Exception as error:
            reason = said_of(error)
            self._log("run.fault", "error", job=run.job, reason=reason)
            if run.attempt < job.attempts:
                return self._again(job, run, [], reason)
            return self._close(job, run, "failed", reason, [])
        if reports is None:
            left = self._store.wait(
                run, self._around.clock(), "stopped", [], self._log.kept, run.attempt - 1
            )
            self._log("run.stopped", "warning", job=run.job, due=run.due.astimezone(zone))
            return left
        wrong = [one for one in reports if one.status == "failed"]
        if wrong and code != _WRONG_INPUT and run.attempt < job.attempts:
            return self._again(job, run, reports, _reason(wrong))
        return self._end(job, run, reports, wrong)

    def _again(self, job: Job, run: Run, reports: list[ScheduledReport], reason: str) -> Run:
        wait = timedelta(minutes=job.retry_minutes) * 2 ** (run.attempt - 1)
        next_at = self._around.clock() + min(wait, _LONGEST_WAIT)
        self._log(
            "run.retry", "warning", job=run.job, attempt=run.attempt, next=next_at, reason=reason
        )
        return self._store.wait(run, next_at, reason, reports, self._log.kept)

    def _end(
        self, job: Job, run: Run, reports: list[ScheduledReport], wrong: list[ScheduledReport]
    ) -> Run:
        empty = [one for one in reports if one.status == "empty"]
        state: RunState = "failed" if wrong or not reports else "empty" if empty else "done"
        reason = None
        if state != "done":
            reason = _reason([*wrong, *empty]) if reports else "no site has data"
        return self._close(job, run, state, reason, reports)

    def _abandon(self, job: Job, run: Run) -> Run:
        """End a run during which the scheduler itself ended, every time."""
        reason = f"the scheduler ended {run.attempt} times while it was running"
        return self._close(job, run, "failed", reason, [])

    def _close(
        self,
        job: Job,
        run: Run,
        state: RunState,
        reason: str | None,
        reports: list[ScheduledReport],
    ) -> Run:
        texts, now = self._context.texts(job), self._around.clock()
        self._log(
            f"run.{state}",
            "error" if state == "failed" else "warning" if state == "empty" else "info",
            job=run.job,
            attempt=run.attempt,
            reports=len(reports),
            reason=reason,
        )
        local = self._local(job, run)
        with self._context.database.writing() as connection:
            self._store.end(connection, run, state, now, reason, reports, self._log.kept)
            origin = f"job:{run.job}"
            good = report_message(local, reports, texts, now)
            if good is not None:
                queue(connection, good, self._takers(run.job, job), origin)
            if reason is not None:
                bad = failure_message(local, reports, reason, self._log.kept, texts, now)
                queue(connection, bad, self._context.plan.targets(job.failure_to), origin)
        return self._store.find(run.job, run.due)

    def _local(self, job: Job, run: Run) -> Run:
        """The run with its time in the job's zone, as people are told."""
        return replace(run, due=run.due.astimezone(self._schedule.zone(job)))

    def _takers(self, name: str, job: Job) -> list[Target]:
        targets = self._context.plan.targets(job.to)
        return [*targets, self._context.plan.folder(name, job.folder)] if job.folder else targets

    def _reports(self, job: Job, run: Run) -> tuple[list[ScheduledReport] | None, int]:
        """Make the reports; None where it was stopped. The code is 2 where trying again is vain."""
        found: list[ScheduledReport] = []
        codes = set()
        zone = self._schedule.zone(job)
        dues = [due.astimezone(zone) for due in run.dues]
        orders = orders_of(job, dues, self._context.language(job), self._context.settings)
        for first in range(0, len(orders), AT_ONCE):
            if self._around.stopping():
                return None, 0
            chosen = orders[first : first + AT_ONCE]
            results = self._made(chosen)
            # Ctrl-C ends the processes that make reports, too.
            if self._around.stopping() and any(one.status == "failed" for one in results):
                return None, 0
            for order, result in zip(chosen, results, strict=True):
                entry = _entry(order, result)
                found.append(entry)
                if entry.status == "failed":
                    codes.add(result.exit_code)
                self._log(
                    f"report.{entry.status}",
                    "error" if entry.status == "failed" else "info",
                    job=run.job,
                    site=entry.site,
                    kind=entry.kind,
                    section=entry.section or None,
                    period=entry.period or None,
                    seconds=entry.seconds,
                    pages=entry.pages,
                    file=entry.file,
                    reason=entry.reason or None,
                )
        return found, _WRONG_INPUT if codes == {_WRONG_INPUT} else 0

    def _made(self, orders: Sequence[ReportOrder]) -> Sequence[ReportResult]:
        try:
            return self._around.make(orders)
        except Exception as error:
            reason = said_of(error)
            code = error.exit_code if isinstance(error, MicrogridError) else 1
            return [ReportResult(None, 0, 0.0, Status.failed, reason, code, one) for one in orders]


def _reason(entries: Sequence[ScheduledReport]) -> str:
    """Say why, of the first, and count the others."""
    first = entries[0]
    more = f" (and {len(entries) - 1} more)" if len(entries) > 1 else ""
    return one_line(f"{first.site}: {first.reason}{more}")


def _entry(order: ReportOrder, result: ReportResult) -> ScheduledReport:
    done = result.order or order
    return ScheduledReport(
        site=done.site,
        kind=str(done.kind),
        section=done.section,
        period=done.period,
        language=done.language,
        file=None if result.file is None else str(result.file),
        pages=result.pages,
        seconds=round(result.seconds, 3),
        status=result.status.value,
        reason=result.reason,
    )

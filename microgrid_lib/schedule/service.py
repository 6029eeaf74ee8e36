"""The scheduler as a process: at the right times, until it is stopped."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from microgrid_lib.errors import MicrogridError
from microgrid_lib.schedule.config import AlertRule, Job
from microgrid_lib.schedule.context import said_of
from microgrid_lib.schedule.cron import next_time
from microgrid_lib.schedule.journal import LibraryHandler
from microgrid_lib.schedule.runner import Runner

POLL_S = 30
"""How often retries and deliveries are looked for, and times that passed while asleep [s]."""
PRUNE_H = 24


class Stop:
    """Whether to stop; set by a signal, the second of which ends the process at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.number = 0

    def __call__(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()

    def set(self) -> None:
        """Stop at the next opportunity."""
        self._event.set()

    def wait(self) -> None:
        """Wait until it is set."""
        self._event.wait()


@contextmanager
def signals(stop: Stop) -> Iterator[None]:
    """Stop on Ctrl-C and TERM instead of dying in the middle of something."""
    before: dict[signal.Signals, Any] = {}

    def handle(number: int, _frame: FrameType | None) -> None:
        stop.number = number
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for wanted in (signal.SIGINT, signal.SIGTERM):
        before[wanted] = signal.signal(wanted, handle)
    try:
        yield
    finally:
        for wanted, handler in before.items():
            signal.signal(wanted, handler)


class CronTimes(BaseTrigger):  # type: ignore[misc]
    """Times of a cron expression for the library, by the rules of `schedule.cron`.

    Parameters
    ----------
    expression, zone
        See `cron.next_time`.
    """

    __slots__ = ("expression", "zone")

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        self.expression = expression
        self.zone = zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Give the next time after now."""
        return next_time(self.expression, self.zone, now)


class Service:
    """Runs what is due, whenever something is, one at a time.

    Parameters
    ----------
    runner
        What it runs.
    stop
        Ends it.
    still_alone
        Raises where another scheduler may run.
    """

    def __init__(self, runner: Runner, stop: Stop, still_alone: Any) -> None:
        self._runner, self._stop, self._still_alone = runner, stop, still_alone
        self._fault: MicrogridError | None = None
        self._engine = BlockingScheduler(
            timezone=ZoneInfo("UTC"),
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def serve(self) -> None:
        """Serve until stopped.

        Raises
        ------
        StoreError
            The lock was lost.
        """
        schedule = self._runner.plan.schedule
        poll = IntervalTrigger(seconds=POLL_S, timezone=ZoneInfo("UTC"))
        daily = IntervalTrigger(hours=PRUNE_H, timezone=ZoneInfo("UTC"))
        self._engine.add_job(self._poll, poll, next_run_time=self._runner.around.clock())
        self._engine.add_job(self._runner.prune, daily)
        both: list[Job | AlertRule] = [*schedule.jobs.values(), *schedule.alerts.values()]
        for planned in both:
            times = CronTimes(planned.cron, schedule.zone(planned))
            self._engine.add_job(self._poll, times)
        log = logging.getLogger("apscheduler")
        handler = LibraryHandler(self._runner.journal)
        log.addHandler(handler)
        # Not from the signal's handler: it may interrupt the library while that holds its locks.
        ending = threading.Thread(target=self._end, name="ending")
        ending.start()
        try:
            self._runner.journal("scheduler.started", file=self._runner.plan.path)
            self._engine.start()
        finally:
            self._stop.set()
            ending.join()
            log.removeHandler(handler)
            self._runner.journal("scheduler.stopped")
        if self._fault is not None:
            raise self._fault

    def _end(self) -> None:
        self._stop.wait()
        # What runs ends, or is left to be taken up again; see `Surroundings.stopping`.
        if self._engine.running:
            self._engine.shutdown(wait=True)

    def _poll(self) -> None:
        if self._stop():
            return
        try:
            self._still_alone()
        except MicrogridError as error:
            self._fault = error
            self._stop.set()
            return
        try:
            self._runner.run_due()
        except Exception as error:
            self._runner.journal("scheduler.fault", "error", reason=said_of(error))

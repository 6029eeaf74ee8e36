"""What is due, done: reports made, failures told, alerts looked for, messages delivered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from microgrid_lib.database.connections import Database
from microgrid_lib.delivery.outbox import Outbox
from microgrid_lib.delivery.postman import Outcome
from microgrid_lib.schedule.alerting import look_for_alerts
from microgrid_lib.schedule.context import Context, Surroundings, said_of
from microgrid_lib.schedule.jobs import JobRunner
from microgrid_lib.schedule.journal import Journal
from microgrid_lib.schedule.load import Plan
from microgrid_lib.schedule.posting import Posting
from microgrid_lib.schedule.shapes import AlertsEntry
from microgrid_lib.schedule.store import Run, ScheduleStore
from microgrid_lib.settings import Settings


@dataclass
class Done:
    """What was done in one go, and how many jobs and rules met a fault that nobody thought of."""

    runs: list[Run] = field(default_factory=list)
    alerts: list[AlertsEntry] = field(default_factory=list)
    deliveries: list[Outcome] = field(default_factory=list)
    faults: int = 0


class Runner:
    """Runs a plan; there must be one runner at a time, see `lock.only_scheduler`.

    Parameters
    ----------
    plan
        What is to be done when, and who is told.
    settings, database
        Where data and state are.
    journal
        The log.
    around
        Reports, sites, time.
    """

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        database: Database,
        journal: Journal,
        around: Surroundings,
    ) -> None:
        store = ScheduleStore(database)
        self._context = Context(plan, settings, database, store, journal, around)
        self._jobs, self._posting = JobRunner(self._context), Posting(self._context)
        self.plan, self.journal, self.around = plan, journal, around

    def run_due(self, *, everything: bool = False) -> Done:
        """Do all that is due by now, and deliver what is queued.

        Parameters
        ----------
        everything
            Also deliver what was left undelivered and isn't to be tried again yet.
        """
        done = Done()
        for name in self.plan.schedule.jobs:
            with self._apart(name, done):
                if run := self._jobs.run(name):
                    done.runs.append(run)
        for name in self.plan.schedule.alerts:
            with self._apart(name, done):
                if looked := look_for_alerts(self._context, name):
                    done.alerts.append(looked)
        done.deliveries = self._posting.deliver(everything=everything)
        return done

    @contextmanager
    def _apart(self, name: str, done: Done) -> Iterator[None]:
        """Keep a fault of one job or rule from the others."""
        try:
            yield
        except Exception as error:
            done.faults += 1
            self.journal("scheduler.fault", "error", name=name, reason=said_of(error))

    def prune(self) -> None:
        """Forget what ended long ago."""
        now = self.around.clock()
        self._context.store.prune(now)
        Outbox(self._context.database).prune(now)

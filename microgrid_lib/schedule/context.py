"""What all parts of a scheduler work with: plan, state, log, and their surroundings."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from microgrid_lib.database.connections import Database
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.texts import Texts, texts_for
from microgrid_lib.report.orders import ReportOrder, ReportResult
from microgrid_lib.schedule.config import AlertRule, Job
from microgrid_lib.schedule.journal import Journal, one_line
from microgrid_lib.schedule.load import Plan
from microgrid_lib.schedule.store import ScheduleStore
from microgrid_lib.schedule.watch import AlertSource
from microgrid_lib.settings import Settings

Make = Callable[[Sequence[ReportOrder]], Sequence[ReportResult]]
Open = Callable[[str, str | None], AlertSource]


def now_utc() -> datetime:
    """The present."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Surroundings:
    """What a runner is given by its surroundings; tests give their own.

    Attributes
    ----------
    make
        Makes reports; an error is a result that failed.
    open_site
        Opens a site and profile to look for alerts.
    clock
        Gives the time [UTC].
    sleep
        Waits between tries of a delivery [s].
    stopping
        Whether to stop at the next opportunity; what is left is taken up again.
    """

    make: Make
    open_site: Open
    clock: Callable[[], datetime] = now_utc
    sleep: Callable[[float], None] = time.sleep
    stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Context:
    """What every part of a scheduler is given.

    Attributes
    ----------
    plan
        What is to be done when, and who is told.
    settings, database, store
        Where data and state are.
    journal
        The log.
    around
        Reports, sites, time.
    """

    plan: Plan
    settings: Settings
    database: Database
    store: ScheduleStore
    journal: Journal
    around: Surroundings

    def language(self, planned: Job | AlertRule) -> str:
        """Language of a job's or rule's messages."""
        return planned.language or self.plan.schedule.language or self.settings.language

    def texts(self, planned: Job | AlertRule) -> Texts:
        """Texts of that language."""
        return texts_for(self.language(planned))


def said_of(error: Exception) -> str:
    """One line on an error; of an unexpected one with the place it is from."""
    if isinstance(error, MicrogridError):
        return one_line(str(error))
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{where.name}:{where.lineno}"
    return one_line(f"unexpected fault: {type(error).__name__}: {error} ({place})")

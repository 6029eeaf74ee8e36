"""A scheduler's surroundings that a test decides on: time, reports, alerts."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from microgrid_lib.api.provenance import Provenance
from microgrid_lib.database.connections import Database
from microgrid_lib.delivery.outbox import Delivery, Outbox
from microgrid_lib.report.manifest import Manifest, Software
from microgrid_lib.report.orders import ReportOrder, ReportResult, Status
from microgrid_lib.schedule.context import Surroundings
from microgrid_lib.schedule.journal import Journal
from microgrid_lib.schedule.load import load_plan
from microgrid_lib.schedule.opening import open_state
from microgrid_lib.schedule.runner import Done, Runner
from microgrid_lib.schedule.store import Run, ScheduleStore
from microgrid_lib.schedule.watch import AlertSource
from microgrid_lib.settings import Settings

START = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)

Outcome = tuple[Status, str, int]
MADE: Outcome = (Status.made, "", 0)
BROKEN: Outcome = (Status.failed, "the disk is full", 1)
WRONG: Outcome = (Status.failed, "unknown site 'nowhere'", 2)
EMPTY: Outcome = (Status.empty, "no data in 2026-01", 3)


def manifest(file: Path, attention: tuple[str, ...] = (), label: str = "") -> Manifest:
    """As a report leaves it beside its PDF."""
    inputs = Provenance(
        state="",
        version=1,
        files={},
        site="",
        profile="",
        models="",
        acknowledgements="",
        consumers=0,
    )
    return Manifest(
        file=file.name,
        sha256="",
        pages=2,
        kind="monthly",
        site="mesa_del_sol",
        status="made",
        label=label,
        attention=attention,
        parameters={},
        window=None,
        inputs=inputs,
        software=Software(microgrid="0", python="3", code=None, template="", packages={}),
        seed=1,
        made=START,
        seconds=1.0,
    )


@dataclass
class World:
    """What a scheduler lives in; `again` is what starts anew on the same state."""

    settings: Settings
    database: Database
    folder: Path
    now: datetime = START
    orders: list[ReportOrder] = field(default_factory=list)
    outcome: Callable[[ReportOrder], Outcome] = lambda _order: MADE
    sources: dict[str, AlertSource] = field(default_factory=dict)
    log: io.StringIO = field(default_factory=io.StringIO)
    stop_after: int | None = None
    stopped: bool = False

    @classmethod
    def at(cls, settings: Settings, folder: Path) -> World:
        return cls(settings, open_state(settings), folder)

    def make(self, orders: Sequence[ReportOrder]) -> list[ReportResult]:
        results = []
        for order in orders:
            self.orders.append(order)
            status, reason, code = self.outcome(order)
            path = None
            if status is not Status.failed:
                path = self.folder / f"{order.stem(order.site, order.profile or '')}.pdf"
                path.write_bytes(f"%PDF {order.period}".encode())
            results.append(ReportResult(path, 2, 0.5, status, reason, code, order))
        if self.stop_after is not None and len(self.orders) >= self.stop_after:
            self.stopped = True
        return results

    def runner(self, text: str) -> Runner:
        path = self.folder / "schedule.toml"
        path.write_text(text, encoding="utf-8")
        around = Surroundings(
            make=self.make,
            open_site=lambda name, _profile: self.sources[name],
            clock=lambda: self.now,
            sleep=self.sleep,
            stopping=lambda: self.stopped,
        )
        journal = Journal(self.log, False, lambda: self.now)
        return Runner(
            load_plan(path, self.settings.home), self.settings, self.database, journal, around
        )

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def run(self, text: str, at: datetime | None = None, *, everything: bool = False) -> Done:
        """A scheduler that starts, does what is due and ends."""
        self.now = at or self.now
        self.stopped = False
        return self.runner(text).run_due(everything=everything)

    def periods(self) -> list[str]:
        """Periods of the reports made since the last time this was asked."""
        found = [order.period for order in self.orders]
        self.orders.clear()
        return found

    def runs(self) -> list[Run]:
        return ScheduleStore(self.database).history(None, 1000)

    def deliveries(self) -> list[Delivery]:
        return Outbox(self.database).latest(None, 1000)

    def events(self) -> list[str]:
        """Names of the events logged so far."""
        return [line.split()[2] for line in self.log.getvalue().splitlines()]

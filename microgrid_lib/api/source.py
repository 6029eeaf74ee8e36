"""The store as one site under one profile, and one version of it, which an answer is from."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid_lib.errors import NoDataError, StoreError
from microgrid_lib.ingest.identity import is_outdated
from microgrid_lib.ingest.records import Records, read_records
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.model import Note, WindowModel
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.duck import connect
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.lake import Lake
from microgrid_lib.store.refresh import refresh_summaries
from microgrid_lib.store.slots import slot_end, slots_between
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window, parse_time

if TYPE_CHECKING:
    import duckdb

    from microgrid_lib.forecast.history import HourlyHistory

_SYNTHETIC = Note(code="synthetic_data", text="The data are synthetic demo data.")


@lru_cache(maxsize=8)
def _engine(home: Path, memory_limit_mb: int, threads: int | None) -> DuckDBEngine:
    return DuckDBEngine(Settings(home=home, memory_limit_mb=memory_limit_mb, threads=threads))


class Source:
    """Where a site's data are, and how they are read.

    Parameters
    ----------
    site, profile
        What to read, and how.
    settings
        Where the store is.
    """

    def __init__(self, site: Site, profile: Profile, settings: Settings) -> None:
        self.site = site
        self.profile = profile
        self.settings = settings
        self.lake = Lake(settings.lake)
        self.engine = _engine(settings.home, settings.memory_limit_mb, settings.threads)
        self._lock = threading.Lock()
        self._records: tuple[str, Records] | None = None
        # The last of each role: a page or a report asks for it several times in a row.
        self.histories: dict[str, tuple[tuple[str, bool], HourlyHistory]] = {}

    def newest(self) -> View:
        """The newest version, whether or not its summaries are built."""
        with self._lock:
            return View(self, self.lake.snapshot(self.site))

    def current(self) -> View:
        """The newest version with its summaries, where the home can be written."""
        view = self.newest()
        if self.lake.missing_summaries(self.profile, view.snapshot):
            try:
                with self._lock:
                    refresh_summaries(self.lake, self.engine, self.site, [self.profile.name])
            except StoreError:
                # A home that can only be read: numbers come from the measurements, slower.
                return view
            view = self.newest()
        return view

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open DuckDB for reading what isn't a number: records, quarantine."""
        con = connect(self.settings)
        try:
            yield con
        finally:
            con.close()

    def records(self, snapshot: Snapshot) -> Records:
        """The files behind a version."""
        state = snapshot.state()
        known = self._records
        if known is None or known[0] != state:
            with self._lock, self.connection() as con:
                known = state, read_records(self.lake, con, snapshot)
            self._records = known
        return known[1]


@dataclass(frozen=True)
class View:
    """One version of a source.

    Attributes
    ----------
    source, snapshot
        What is read, and which version.
    """

    source: Source
    snapshot: Snapshot

    @property
    def access(self) -> Access:
        """What KPIs, alerts and compliance read from."""
        return Access(self.source.engine, self.snapshot, self.source.profile)

    @property
    def synthetic(self) -> bool:
        """Whether the data are made-up demo data."""
        return self.source.records(self.snapshot).synthetic

    def outdated_files(self, window: Window) -> list[str]:
        """Files in a window that were read under other rules than the site file has today."""
        return [
            record.file
            for _, record in sorted(self.source.records(self.snapshot).by_file.items())
            if record.start is not None
            and record.end is not None
            and record.start < window.end_utc
            and record.end >= window.start_utc
            and is_outdated(self.source.site, record)
        ]

    def span(self) -> tuple[datetime, datetime] | None:
        """Start of the oldest sample's slot and end of the newest's, in the display zone."""
        site, snapshot = self.source.site, self.snapshot
        if snapshot.oldest is None or snapshot.newest is None:
            return None
        start = slot_end(site, snapshot.oldest) - timedelta(seconds=site.interval_s)
        end = slot_end(site, snapshot.newest)
        return start.astimezone(site.display_zone), end.astimezone(site.display_zone)

    def as_of(self) -> datetime | None:
        """The end of what can be expected: now for a live site, else the end of the data."""
        site = self.source.site
        if site.live:
            return datetime.now(UTC).astimezone(site.display_zone)
        span = self.span()
        return None if span is None else span[1]

    def window(
        self, start: Window | str | datetime | None = None, end: str | datetime | None = None
    ) -> Window:
        """A window as given, or of times; see `SiteData.window`."""
        if isinstance(start, Window):
            return start
        zone = self.source.site.display_zone

        def instant(given: str | datetime) -> datetime:
            if isinstance(given, str):
                return parse_time(given, zone)
            return given.astimezone(zone) if given.tzinfo else given.replace(tzinfo=zone)

        last = instant(end) if end is not None else self.as_of()
        if last is None:
            raise self.nothing()
        first = instant(start) if start is not None else last - timedelta(days=1)
        return Window(first, last)

    def inside(self, window: Window) -> Window:
        """The part of a window in which data can be expected.

        Raises
        ------
        NoDataError
            There is none, or less than a slot.
        """
        site = self.source.site
        part = clipped(self.snapshot, self.source.profile, window)
        if slots_between(site, part.start, part.end) == 0:
            raise NoDataError(f"the window is shorter than a slot, {site.interval_s} s")
        return part

    def shown(self, window: Window) -> WindowModel:
        """Return a window as answers carry it."""
        return WindowModel(
            start=window.start, end=window.end, timezone=self.source.site.display_timezone
        )

    def nothing(self) -> NoDataError:
        """What to say where nothing is ingested."""
        site = self.source.site.name
        refused = len(self.source.records(self.snapshot).by_file)
        if refused:
            return NoDataError(
                f"no data of site {site}: no row was accepted of {refused} ingested file"
                f"{'s' if refused > 1 else ''}; `microgrid data --site {site}` says why"
            )
        demo = "`microgrid demo` or " if site == "mesa_del_sol" else ""
        return NoDataError(
            f"no data of site {site} in {self.source.settings.home}; "
            f"run {demo}`microgrid ingest --site {site} FILES`"
        )


def labelled(notes: Sequence[Note], synthetic: bool) -> list[Note]:
    """Add to an answer's notes that the data are made up, where they are."""
    return [*notes, _SYNTHETIC] if synthetic else list(notes)

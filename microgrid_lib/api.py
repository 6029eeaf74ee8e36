"""What notebooks, pages and the command line call: a site's data, and its numbers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from microgrid_lib.errors import (
    NoDataError,
    SiteError,
    StoreError,
    UnknownNameError,
    WindowError,
)
from microgrid_lib.ingest import inventory
from microgrid_lib.ingest.inventory import ChannelCoverage, FileEntry, QuarantineCount
from microgrid_lib.ingest.records import read_records
from microgrid_lib.ingest.result import IngestResult
from microgrid_lib.ingest.run import ingest_and_summarise
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.alerts import Alert, AlertReport, alerts_of
from microgrid_lib.kpi.compare import Change, changes
from microgrid_lib.kpi.compliance import Compliance, ComplianceReport
from microgrid_lib.kpi.evidence import EvidenceResult, evidence
from microgrid_lib.kpi.excursions import Excursion, excursions
from microgrid_lib.kpi.islands import Islands, islands
from microgrid_lib.kpi.model import Kpi, KpiReport, Note, Section, WindowModel
from microgrid_lib.kpi.registry import Definition
from microgrid_lib.kpi.report import Computing, kpi_report
from microgrid_lib.kpi.soc import SocSeries, no_soc, soc_series
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import Settings, load_settings
from microgrid_lib.site.load import list_sites, load_site
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.duck import connect
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.lake import Lake
from microgrid_lib.store.refresh import Progress, refresh_summaries
from microgrid_lib.store.series import Series, series
from microgrid_lib.store.slots import slot_end, slots_between
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window, day_window, parse_time

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from microgrid_lib.consumers.access import Actor
    from microgrid_lib.forecast.entry import Entry
    from microgrid_lib.forecast.history import HourlyHistory
    from microgrid_lib.forecast.shapes import BacktestReport, ForecastReport
    from microgrid_lib.forecast.weather import WeatherProvider
    from microgrid_lib.simulation.contingency import Contingency
    from microgrid_lib.simulation.day import DayFrame
    from microgrid_lib.simulation.plant import Plant
    from microgrid_lib.simulation.scenario import Scenario
    from microgrid_lib.simulation.simulate import SimulationResult

_SYNTHETIC = Note(code="synthetic_data", text="The data are synthetic demo data.")
_ALERTS_NAMED = 5


class DataReport(BaseModel):
    """What is stored for a window: coverage, files, refusals, evidence on channel roles."""

    site: str
    profile: str
    window: WindowModel
    coverage: list[ChannelCoverage]
    files: list[FileEntry]
    quarantine: list[QuarantineCount]
    evidence: list[EvidenceResult]


@lru_cache(maxsize=8)
def _engine(home: Path, memory_limit_mb: int, threads: int | None) -> DuckDBEngine:
    return DuckDBEngine(Settings(home=home, memory_limit_mb=memory_limit_mb, threads=threads))


def sites() -> dict[str, str]:
    """Names of the known sites with their titles; a broken site file is left out."""
    found = {}
    for name in list_sites():
        try:
            found[name] = load_site(name).title
        except SiteError:
            continue
    return found


def open_site(
    name: str | Path | None = None,
    profile: str | None = None,
    settings: Settings | None = None,
) -> SiteData:
    """Open a site's data for reading.

    Parameters
    ----------
    name
        Name or path of a site file; default: the setting `site`.
    profile
        Default: the site's own default.
    settings
        Default: read afresh.

    Raises
    ------
    UnknownNameError, SiteError
        No such site or profile, or a broken site file.
    """
    chosen = settings or load_settings()
    site = load_site(name or chosen.site, chosen.home)
    return SiteData(site, site.profile(profile), chosen)


class SiteData:
    """One site's data under one profile; every answer is from one version of the store.

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
        self._synthetic: tuple[str, bool] | None = None

    def snapshot(self) -> Snapshot:
        """The newest version of the site's measurements."""
        with self._lock:
            return self.lake.snapshot(self.site)

    def state(self) -> str:
        """Changes whenever the site's data change."""
        return self.snapshot().state()

    def span(self) -> tuple[datetime, datetime] | None:
        """Start of the oldest sample's slot and end of the newest's, in the display zone."""
        return self._span(self.snapshot())

    def _span(self, snapshot: Snapshot) -> tuple[datetime, datetime] | None:
        if snapshot.oldest is None or snapshot.newest is None:
            return None
        zone = self.site.display_zone
        start = slot_end(self.site, snapshot.oldest) - timedelta(seconds=self.site.interval_s)
        end = slot_end(self.site, snapshot.newest)
        return start.astimezone(zone), end.astimezone(zone)

    def as_of(self) -> datetime | None:
        """The end of what can be expected: now for a live site, else the end of the data."""
        if self.site.live:
            return datetime.now(UTC).astimezone(self.site.display_zone)
        span = self.span()
        return None if span is None else span[1]

    @property
    def synthetic(self) -> bool:
        """Whether the stored data are made-up demo data."""
        snapshot = self.snapshot()
        state = snapshot.state()
        if self._synthetic is None or self._synthetic[0] != state:
            with self._lock:
                con = connect(self.settings)
                try:
                    found = read_records(self.lake, con, snapshot).synthetic
                finally:
                    con.close()
            self._synthetic = (state, found)
        return self._synthetic[1]

    def window(
        self, start: str | datetime | None = None, end: str | datetime | None = None
    ) -> Window:
        """A window in the display zone; what is left out is the last 24 hours of data.

        Raises
        ------
        WindowError
            Not a time, or an empty window.
        NoDataError
            Nothing is ingested and no times were given.
        """
        zone = self.site.display_zone

        def instant(given: str | datetime) -> datetime:
            if isinstance(given, str):
                return parse_time(given, zone)
            return given.astimezone(zone) if given.tzinfo else given.replace(tzinfo=zone)

        if end is not None:
            last = instant(end)
        else:
            newest = self.as_of()
            if newest is None:
                raise self._nothing()
            last = newest
        first = instant(start) if start is not None else last - timedelta(days=1)
        return Window(first, last)

    def day(self, day: str) -> Window:
        """One local day `YYYY-MM-DD`."""
        return day_window(parse_time(day, self.site.display_zone).date(), self.site.display_zone)

    def _nothing(self) -> NoDataError:
        demo = "`microgrid demo` or " if self.site.name == "mesa_del_sol" else ""
        return NoDataError(
            f"no data of site {self.site.name} in {self.settings.home}; "
            f"run {demo}`microgrid ingest --site {self.site.name} FILES`"
        )

    def _window(self, window: Window | str | datetime, end: str | datetime | None) -> Window:
        return window if isinstance(window, Window) else self.window(window, end)

    def kpis(
        self,
        window: Window | str | datetime,
        end: str | datetime | None = None,
        sections: Sequence[Section] | None = None,
    ) -> KpiReport:
        """The KPIs of a window.

        Parameters
        ----------
        window, end
            A window, or its start and end.
        sections
            Default: all.

        Raises
        ------
        NoDataError
            The window lies wholly outside the data.
        """
        report = kpi_report(
            self.engine, self._current(), self.profile, self._window(window, end), sections
        )
        return report.model_copy(update={"synthetic": self.synthetic})

    def kpis_frame(
        self,
        window: Window | str | datetime,
        end: str | datetime | None = None,
        sections: Sequence[Section] | None = None,
    ) -> pd.DataFrame:
        """Return the KPIs of a window as a table: a row per KPI, reasons and warnings as text.

        Parameters
        ----------
        window, end, sections
            See `kpis`.
        """
        import pandas as pd

        report = self.kpis(window, end, sections)
        texts = [
            {
                **dict(kpi),
                "reason": kpi.reason.text if kpi.reason else None,
                "warning": kpi.warning.text if kpi.warning else None,
            }
            for kpi in report.kpis.values()
        ]
        columns = ["value", "unit", "uncertainty", "coverage", "reason", "warning", "time"]
        return pd.DataFrame(texts, index=pd.Index(report.kpis, name="kpi"))[columns]

    def compute(
        self,
        definition: Definition,
        window: Window | str | datetime,
        end: str | datetime | None = None,
    ) -> Kpi:
        """Compute one KPI, one of your own for instance, by the rules of all others.

        Parameters
        ----------
        definition
            See `kpi.registry.Definition`.
        window, end
            A window, or its start and end.

        Raises
        ------
        NoDataError
            The window lies wholly outside the data, or is shorter than a slot.
        """
        snapshot = self.snapshot()
        part = clipped(snapshot, self.profile, self._window(window, end))
        expected = slots_between(self.site, part.start, part.end)
        if expected == 0:
            raise NoDataError(f"the window is shorter than a slot, {self.site.interval_s} s")
        return Computing(Access(self.engine, snapshot, self.profile), part)(definition)

    @property
    def model_folders(self) -> list[Path]:
        """Folders of trained models: the home's for this site and profile, then the shipped one."""
        own = self.settings.models / self.site.name / self.profile.name
        return [own, resource_path("ml")]

    def history(self, role: str) -> HourlyHistory:
        """Return the hourly means of a role; see `forecast.source.read_history`.

        Raises
        ------
        UnknownNameError
            The profile has no such role.
        NoDataError
            Nothing is stored, or not one whole hour.
        """
        from microgrid_lib.forecast.source import read_history

        snapshot = self._current()
        if snapshot.newest is None:
            raise self._nothing()
        return read_history(self.engine, snapshot, self.profile, role, synthetic=self.synthetic)

    def forecast(
        self,
        role: str,
        days: int = 5,
        origin: datetime | None = None,
        weather: WeatherProvider | None = None,
    ) -> ForecastReport:
        """Forecast a role's hourly means; see `forecast.forecast.forecast`.

        Parameters
        ----------
        role
            Role of the profile, the derived grid included.
        days
            Horizon [days], 1-14.
        origin
            Aware start of an hour; default: the newest local midnight that the data reach.
        weather
            Where weather forecasts come from, for models that were trained with them.

        Raises
        ------
        UnknownNameError, NoDataError, ForecastRequestError
            No such role; too little data; a horizon or origin that can't be used.
        """
        from microgrid_lib.forecast.forecast import forecast

        report = forecast(self.history(role), self.model_folders, days, origin, weather)
        return report.model_copy(update={"notes": self._labelled(report.notes)})

    def backtest(
        self,
        role: str,
        first: datetime | None = None,
        last: datetime | None = None,
        every_days: int = 5,
        days: int = 5,
        weather: WeatherProvider | None = None,
    ) -> BacktestReport:
        """Forecast a role's past and score it; see `forecast.backtest.backtest`.

        Parameters
        ----------
        role
            Role of the profile, the derived grid included.
        first, last
            First and last origin (aware); default: the newest 24 whose horizons have ended.
        every_days
            Days from one origin to the next.
        days, weather
            See `forecast`.

        Raises
        ------
        UnknownNameError, NoDataError, ForecastRequestError
            As in `forecast`.
        """
        from microgrid_lib.forecast.backtest import backtest
        from microgrid_lib.forecast.origins import newest_origins

        history = self.history(role)
        default_first, default_last = newest_origins(history, every_days, days, last)
        report = backtest(
            history,
            first or default_first,
            last or default_last,
            every_days,
            days,
            weather=weather,
            jobs=self.settings.jobs,
            backend=self.settings.parallel_backend,
        ).report
        return report.model_copy(update={"notes": self._labelled(report.notes)})

    def train(self, role: str, days: int = 5, weather: WeatherProvider | None = None) -> Entry:
        """Train the models of a role and keep them in the home; see `forecast.train.train`.

        Parameters
        ----------
        role, days, weather
            See `forecast`.

        Raises
        ------
        UnknownNameError, NoDataError, ForecastRequestError
            As in `forecast`.
        StoreError
            The home can't be written.
        """
        from microgrid_lib.forecast.train import train_and_write

        return train_and_write(
            self.history(role),
            self.model_folders[0],
            days,
            weather=weather,
            jobs=self.settings.jobs,
            backend=self.settings.parallel_backend,
        )

    def plant(self) -> Plant:
        """What the simulation knows about the site; see `simulation.plant.build_plant`.

        Raises
        ------
        PlantError
            A rating that the site file's `[plant]` needs is missing, or the plant can't exist.
        """
        from microgrid_lib.simulation.plant import build_plant

        return build_plant(self.profile)

    def simulation_day(self, day: str | date) -> DayFrame:
        """Read one local day as the simulation takes it; see `simulation.source.read_day`.

        Parameters
        ----------
        day
            `YYYY-MM-DD`, or the date.

        Raises
        ------
        NoDataError
            There are no data on that day, or for less than half of it.
        WindowError
            It isn't a day.
        """
        from microgrid_lib.simulation.source import read_day

        chosen = self._date(day)
        snapshot = self._current()
        if snapshot.newest is None:
            raise self._nothing()
        access = Access(self.engine, snapshot, self.profile)
        return read_day(access, chosen, self._labelled([]))

    def simulate(self, day: str | date, scenario: Scenario | None = None) -> SimulationResult:
        """Simulate a day under a scenario; see `simulation.simulate.simulate`.

        For many scenarios of one day give `plant()` and `simulation_day(...)` to
        `simulation.simulate.Simulator` or `simulation.batch.run_batch`, which read the day once.

        Parameters
        ----------
        day
            See `simulation_day`.
        scenario
            What is changed; default: nothing.

        Raises
        ------
        NoDataError, WindowError, PlantError
            As in `simulation_day` and `plant`.
        ScenarioError
            The scenario asks for something that this site doesn't have.
        """
        from microgrid_lib.simulation.simulate import simulate

        return simulate(self.plant(), self.simulation_day(day), scenario)

    def n_minus_1(
        self, day: str | date, scenario: Scenario | None = None
    ) -> tuple[Contingency, ...]:
        """Lose each source in turn, all day; see `simulation.contingency.n_minus_1`.

        Parameters
        ----------
        day, scenario
            See `simulate`.

        Raises
        ------
        NoDataError, WindowError, PlantError, ScenarioError
            As in `simulate`.
        """
        from microgrid_lib.simulation.contingency import n_minus_1

        return n_minus_1(self.plant(), self.simulation_day(day), scenario)

    def _date(self, day: str | date) -> date:
        if not isinstance(day, str):
            return day
        # A month or an hour is a time too, but not a day.
        if len(day.strip()) != len("YYYY-MM-DD"):
            raise WindowError(f"{day!r} isn't a day; use YYYY-MM-DD")
        return parse_time(day, self.site.display_zone).date()

    def _labelled(self, notes: Sequence[Note]) -> list[Note]:
        """Add to notes that the data are made up, where they are."""
        return [*notes, _SYNTHETIC] if self.synthetic else list(notes)

    def measurements(self) -> ibis.Table:
        """Return all measurements as an Ibis table on DuckDB, for exploring.

        Returns
        -------
        ibis.Table
            `time` (UTC), a float64 column per channel that the files bring, null where missing or
            refused; where a row is from: `source`, `file`, `row`.

        Raises
        ------
        NoDataError
            Nothing is ingested.
        """
        import ibis

        paths = [part.path for part in self.snapshot().parts]
        if not paths:
            raise self._nothing()
        engine = ibis.duckdb.from_connection(connect(self.settings))
        table = engine.read_parquet(paths, hive_partitioning=True, union_by_name=True)
        channels = [name for name in self.site.channels if name in table.columns]
        return table.select("time", *channels, "source", "file", "row")

    def changes(
        self, window: Window, sections: Sequence[Section] | None = None
    ) -> dict[str, Change]:
        """Change of each KPI against the window of the same length before."""
        return changes(self.engine, self._current(), self.profile, window, sections)

    def series(self, roles: Sequence[str], window: Window, points: int = 1000) -> dict[str, Series]:
        """Mean, minimum and maximum of roles over time; see `store.series.series`."""
        return series(self.engine, self._current(), self.profile, roles, window, points)

    def soc(self, window: Window, points: int = 1000) -> SocSeries:
        """State of charge over time, with its band; see `kpi.soc.soc_series`.

        Raises
        ------
        NoDataError
            The window lies wholly outside the data, or the site has no battery of known capacity.
        """
        missing = no_soc(self.profile)
        if missing is not None:
            raise NoDataError(missing.text)
        access = Access(self.engine, self._current(), self.profile)
        return soc_series(access, clipped(access.snapshot, self.profile, window), points)

    def alerts(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> AlertReport:
        """Alerts that last for some of a window, with who has acknowledged them.

        Parameters
        ----------
        window, end
            A window, or its start and end.

        Raises
        ------
        NoDataError
            The window lies wholly outside the data.
        """
        from microgrid_lib.kpi.alert_log import AlertLog

        asked = self._window(window, end)
        found = self._alerts(asked)
        known = AlertLog(self.settings, self.profile).known()
        return AlertReport(
            site=self.site.name,
            profile=self.profile.name,
            window=WindowModel(
                start=asked.start, end=asked.end, timezone=self.site.display_timezone
            ),
            alerts=[a.model_copy(update={"acknowledged": known.get(a.id)}) for a in found],
        )

    def acknowledge(
        self, alert_id: str, actor: Actor, note: str = "", window: Window | None = None
    ) -> Window:
        """Write down that someone has seen an alert.

        Parameters
        ----------
        alert_id
            See `kpi.alerts.Alert`.
        actor
            Who; a viewer may not.
        note
            What they note.
        window
            Where to look; default: all data.

        Returns
        -------
        Window
            From the alert's start to its end, or to the end of what can be expected.

        Raises
        ------
        UnknownNameError
            There is no such alert in the window.
        MicrogridError, ConflictError
            The actor may not, or someone has already.
        """
        from microgrid_lib.kpi.alert_log import AlertLog

        span = self.span()
        if span is None:
            raise self._nothing()
        where = window or Window(span[0], max(span[1], self.as_of() or span[1]))
        found = {alert.id: alert for alert in self._alerts(where)}
        if alert_id not in found:
            raise UnknownNameError("alert", alert_id, list(found)[-_ALERTS_NAMED:])
        alert = found[alert_id]
        AlertLog(self.settings, self.profile).acknowledge(alert, actor, note)
        return Window(alert.start, alert.end or max(where.end, span[1]))

    def compliance(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> ComplianceReport:
        """Grid quality of a window against EN 50160, ANSI C84.1 and IEEE 1547.

        Parameters
        ----------
        window, end
            A window, or its start and end.

        Raises
        ------
        NoDataError
            The window lies wholly outside the data.
        """
        asked = self._window(window, end)
        return Compliance(*self._inside(asked)).report(asked)

    def excursions(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> list[Excursion]:
        """Runs of samples outside the site's limits; see `kpi.excursions.excursions`."""
        return excursions(*self._inside(self._window(window, end)))

    def islands(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> Islands:
        """Periods in which the site ran on its own: an inference; see `kpi.islands.islands`."""
        return islands(*self._inside(self._window(window, end)))

    def _inside(self, window: Window) -> tuple[Access, Window]:
        """The data, and the part of a window in which they can be expected."""
        access = Access(self.engine, self._current(), self.profile)
        part = clipped(access.snapshot, self.profile, window)
        if slots_between(self.site, part.start, part.end) == 0:
            raise NoDataError(f"the window is shorter than a slot, {self.site.interval_s} s")
        return access, part

    def _alerts(self, window: Window) -> list[Alert]:
        access = Access(self.engine, self._current(), self.profile)
        clipped(access.snapshot, self.profile, window)
        until = self.as_of()
        return [] if until is None else alerts_of(access, window, until)

    def evidence(self, window: Window) -> list[EvidenceResult]:
        """What the data say about doubtful channels; see `kpi.evidence.evidence`."""
        return evidence(self.engine, self.snapshot(), self.profile, window)

    def ingest(self, paths: Sequence[str | Path], progress: Progress | None = None) -> IngestResult:
        """Bring data files into the store, and summaries of the default profile up to date.

        Other profiles follow when they are first read.
        """
        return ingest_and_summarise(paths, self.site, self.settings, progress, self.engine)

    def refresh(
        self, profiles: Sequence[str] | None = None, progress: Progress | None = None
    ) -> int:
        """Build the summaries that lag behind the measurements; returns how many."""
        return refresh_summaries(self.lake, self.engine, self.site, profiles, progress)

    def _current(self) -> Snapshot:
        """A snapshot whose summaries are built, where the home can be written."""
        snapshot = self.snapshot()
        if self.lake.missing_summaries(self.profile, snapshot):
            try:
                with self._lock:
                    self.refresh([self.profile.name])
            except StoreError:
                # A home that can only be read: numbers come from the measurements, slower.
                return snapshot
            snapshot = self.snapshot()
        return snapshot

    def files(self) -> list[FileEntry]:
        """The ingested files with their counts."""
        con = connect(self.settings)
        try:
            return inventory.files_of(con, self.lake, self.site, self.snapshot())
        finally:
            con.close()

    def data_report(self, window: Window) -> DataReport:
        """Coverage by channel and month, quarantine by reason, evidence on roles.

        Raises
        ------
        NoDataError
            The window lies wholly outside the data.
        """
        snapshot = self.snapshot()
        span = self._span(snapshot)
        if span is None:
            raise self._nothing()
        inside = window.clip(span[0], span[1])
        if inside is None:
            raise NoDataError(
                f"site {self.site.name} has data from {span[0].isoformat()} to "
                f"{span[1].isoformat()}, none in the window asked for"
            )
        con = connect(self.settings)
        try:
            return DataReport(
                site=self.site.name,
                profile=self.profile.name,
                window=WindowModel(
                    start=window.start, end=window.end, timezone=self.site.display_timezone
                ),
                coverage=inventory.coverage_by_month(con, self.site, snapshot, inside),
                files=inventory.files_of(con, self.lake, self.site, snapshot),
                quarantine=inventory.quarantine_of(con, self.lake, self.site, snapshot),
                evidence=evidence(self.engine, snapshot, self.profile, inside),
            )
        finally:
            con.close()

"""A site's data as notebooks, pages and the command line ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid_lib.api import alerting, data_days, data_report, forecasting, numbers, simulating
from microgrid_lib.api.data_report import DataReport
from microgrid_lib.api.source import Source
from microgrid_lib.ingest.inventory import FileEntry
from microgrid_lib.ingest.result import IngestResult
from microgrid_lib.ingest.run import ingest_and_summarise
from microgrid_lib.kpi.alert_states import AlertStates
from microgrid_lib.kpi.alerts import Acknowledgement, AlertReport
from microgrid_lib.kpi.compare import Change, changes
from microgrid_lib.kpi.compliance import Compliance, ComplianceReport
from microgrid_lib.kpi.data_days import DataDays
from microgrid_lib.kpi.energies import Step
from microgrid_lib.kpi.evidence import EvidenceResult, evidence
from microgrid_lib.kpi.excursions import Excursion, excursions
from microgrid_lib.kpi.islands import Islands, islands
from microgrid_lib.kpi.load_shape import DurationCurve, WeekProfile
from microgrid_lib.kpi.model import Kpi, KpiReport, Section
from microgrid_lib.kpi.newest import Newest
from microgrid_lib.kpi.registry import Definition
from microgrid_lib.kpi.soc import SocSeries
from microgrid_lib.kpi.usual import DAYS, Usual
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.refresh import Progress, refresh_summaries
from microgrid_lib.store.series import Series, series
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window, day_window, parse_time

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from microgrid_lib.access import Actor
    from microgrid_lib.api.provenance import Provenance
    from microgrid_lib.consumers.share import RatedShare
    from microgrid_lib.forecast.entry import Entry
    from microgrid_lib.forecast.history import HourlyHistory
    from microgrid_lib.forecast.review import ForecastReview
    from microgrid_lib.forecast.shapes import BacktestReport, ForecastReport
    from microgrid_lib.forecast.weather import WeatherProvider
    from microgrid_lib.simulation.calibration_report import CalibrationReport
    from microgrid_lib.simulation.contingency import Contingency
    from microgrid_lib.simulation.day import DayFrame
    from microgrid_lib.simulation.plant import Plant
    from microgrid_lib.simulation.scenario import Scenario
    from microgrid_lib.simulation.simulate import SimulationResult


class SiteData:
    """One site's data under one profile; every answer is from one version of the store.

    Where a method takes `window` and `end`, give a window, or its start and end: texts as
    `window.parse_time` reads them, or times (naive ones are in the display zone). Whatever reads
    data raises `NoDataError` where the window lies wholly outside them.

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
        self._source = Source(site, profile, settings)
        self.lake = self._source.lake
        self.engine = self._source.engine

    def snapshot(self) -> Snapshot:
        """The newest version of the site's measurements."""
        return self._source.newest().snapshot

    def state(self) -> str:
        """Changes whenever the site's data change."""
        return self.snapshot().state()

    def span(self) -> tuple[datetime, datetime] | None:
        """Start of the oldest sample's slot and end of the newest's, in the display zone."""
        return self._source.newest().span()

    def as_of(self) -> datetime | None:
        """The end of what can be expected: now for a live site, else the end of the data."""
        return self._source.newest().as_of()

    @property
    def synthetic(self) -> bool:
        """Whether the stored data are made-up demo data."""
        return self._source.newest().synthetic

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
        return self._source.newest().window(start, end)

    def day(self, day: str) -> Window:
        """One local day `YYYY-MM-DD`."""
        return day_window(parse_time(day, self.site.display_zone).date(), self.site.display_zone)

    def kpis(
        self,
        window: Window | str | datetime,
        end: str | datetime | None = None,
        sections: Sequence[Section] | None = None,
    ) -> KpiReport:
        """The KPIs of a window, of all sections or of some."""
        view = self._source.current()
        return numbers.kpis(view, view.window(window, end), sections)

    def kpis_frame(
        self,
        window: Window | str | datetime,
        end: str | datetime | None = None,
        sections: Sequence[Section] | None = None,
    ) -> pd.DataFrame:
        """Return `kpis` as a table: a row per KPI, reasons and warnings as text."""
        return numbers.as_frame(self.kpis(window, end, sections))

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
            At least a slot long.
        """
        view = self._source.newest()
        return numbers.compute(view, definition, view.window(window, end))

    def changes(
        self, window: Window, sections: Sequence[Section] | None = None
    ) -> dict[str, Change]:
        """Change of each KPI against the window of the same length before."""
        view = self._source.current()
        return changes(self.engine, view.snapshot, self.profile, window, sections)

    def series(self, roles: Sequence[str], window: Window, points: int = 1000) -> dict[str, Series]:
        """Mean, minimum and maximum of roles over time; see `store.series.series`."""
        view = self._source.current()
        return series(self.engine, view.snapshot, self.profile, roles, window, points)

    def soc(self, window: Window, points: int = 1000) -> SocSeries:
        """State of charge over time, with its band; see `kpi.soc.soc_series`.

        Raises
        ------
        NoDataError
            Also where the site has no battery of known capacity.
        """
        return numbers.soc(self._source.current(), window, points)

    def energies(self, flows: Sequence[str], window: Window, step: Step = "day") -> pd.DataFrame:
        """Energy of roles and flows per local hour, day or month; see `kpi.energies.energies`."""
        return numbers.energies(self._source.current(), window, flows, step)

    def newest(self) -> Newest:
        """The newest valid sample of each role, and the state of charge then."""
        return numbers.newest(self._source.current())

    def usual(self, role: str, window: Window, days: int = DAYS) -> Usual | None:
        """A role's mean over the same hours of the days before; see `kpi.usual.usual`."""
        return numbers.usual_mean(self._source.current(), role, window, days)

    def load_duration(
        self,
        window: Window | str | datetime,
        end: str | datetime | None = None,
        points: int = 201,
    ) -> DurationCurve:
        """The load ranked by height; see `kpi.load_shape.duration_curve`.

        Raises
        ------
        NoDataError
            Also where the load isn't known.
        """
        view = self._source.current()
        return numbers.load_duration(view, view.window(window, end), points)

    def load_week(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> WeekProfile:
        """The mean load by weekday and local hour; see `kpi.load_shape.week_profile`.

        Raises
        ------
        NoDataError
            Also where the load isn't known.
        """
        view = self._source.current()
        return numbers.load_week(view, view.window(window, end))

    def alerts(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> AlertReport:
        """Alerts that last for some of a window, with who has acknowledged them."""
        view = self._source.current()
        return alerting.alert_report(view, view.window(window, end))

    def alert_states(self) -> AlertStates:
        """Where every kind of alert stands at the end of what can be expected.

        Raises
        ------
        NoDataError
            Nothing is ingested.
        """
        return alerting.alert_states(self._source.current())

    def acknowledgements(self) -> dict[str, Acknowledgement]:
        """Who has seen which alert, by the alert's id; also of alerts that data no longer give.

        Raises
        ------
        StoreError
            The log can't be read.
        """
        return alerting.acknowledgements(self._source.newest())

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
        return alerting.acknowledge(self._source.current(), alert_id, actor, note, window)

    def compliance(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> ComplianceReport:
        """Grid quality of a window against EN 50160, ANSI C84.1 and IEEE 1547."""
        view = self._source.current()
        asked = view.window(window, end)
        return Compliance(view.access, view.inside(asked)).report(asked)

    def excursions(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> list[Excursion]:
        """Runs of samples outside the site's limits; see `kpi.excursions.excursions`."""
        view = self._source.current()
        return excursions(view.access, view.inside(view.window(window, end)))

    def islands(
        self, window: Window | str | datetime, end: str | datetime | None = None
    ) -> Islands:
        """Periods in which the site ran on its own: an inference; see `kpi.islands.islands`."""
        view = self._source.current()
        return islands(view.access, view.inside(view.window(window, end)))

    def evidence(self, window: Window) -> list[EvidenceResult]:
        """What the data say about doubtful channels; see `kpi.evidence.evidence`."""
        return evidence(self.engine, self.snapshot(), self.profile, window)

    def data_report(self, window: Window | None = None) -> DataReport:
        """Coverage by channel and month, quarantine by reason, evidence on roles.

        Parameters
        ----------
        window
            Default: all data, also where no row was accepted and there are only refusals.
        """
        return data_report.data_report(self._source.newest(), window)

    def provenance(self, window: Window | None = None) -> Provenance:
        """What answers are made of: equal provenances give equal answers.

        Parameters
        ----------
        window
            Which files are named: those that reach into it; default: all.
        """
        from microgrid_lib.api.provenance import provenance

        return provenance(self._source.newest(), window)

    def data_days(self, window: Window) -> DataDays:
        """Coverage by channel and local day, outages, files and refusals of a window."""
        return data_days.data_days(self._source.current(), window)

    def files(self) -> list[FileEntry]:
        """The ingested files with their counts."""
        return data_report.files(self._source.newest())

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
        return data_report.measurements(self._source.newest())

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

    @property
    def model_folders(self) -> list[Path]:
        """Folders of trained models: the home's for this site and profile, then the shipped one."""
        return forecasting.model_folders(self._source)

    def history(self, role: str) -> HourlyHistory:
        """Return the hourly means of a role; see `forecast.source.read_history`.

        Raises
        ------
        UnknownNameError
            The profile has no such role.
        NoDataError
            Nothing is stored, or not one whole hour.
        """
        return forecasting.history(self._source.current(), role)

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
        return forecasting.forecast(self._source.current(), role, days, origin, weather)

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
        first, last
            First and last origin (aware); default: the newest 24 whose horizons have ended.
        every_days
            Days from one origin to the next.
        role, days, weather
            See `forecast`, also for errors.
        """
        view = self._source.current()
        return forecasting.backtest(view, role, first, last, every_days, days, weather)

    def forecast_review(self, role: str, window: Window, days: int = 5) -> ForecastReview:
        """How the forecasts of a past period did; see `forecast.review.review`.

        Parameters
        ----------
        role, days
            See `forecast`, also for errors.
        window
            The period.
        """
        return forecasting.review(self._source.current(), role, window, days)

    def train(self, role: str, days: int = 5, weather: WeatherProvider | None = None) -> Entry:
        """Train the models of a role and keep them in the home; see `forecast.train.train`.

        Parameters
        ----------
        role, days, weather
            See `forecast`, also for errors.

        Raises
        ------
        StoreError
            The home can't be written.
        """
        return forecasting.train(self._source.current(), role, days, weather)

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
        return simulating.simulation_day(self._source.current(), day)

    def average_day(self, first: str | date, last: str | date) -> DayFrame:
        """Average the days of a period by local minute; see `simulation.day.average_day`.

        Parameters
        ----------
        first, last
            Local days, `YYYY-MM-DD` or dates, both included; at most 92 of them.

        Raises
        ------
        NoDataError, WindowError
            See `simulation_day`.
        ScenarioError
            The period is too long, or ends before it starts.
        """
        return simulating.average_day(self._source.current(), first, last)

    def simulation_days(self) -> list[date]:
        """Local days of which at least half has data, in order; what can be simulated."""
        return simulating.simulation_days(self._source.current())

    def calibration(
        self,
        window: Window | str | datetime,
        end: str | datetime | None = None,
        *,
        hours: bool = False,
    ) -> CalibrationReport:
        """Fit the feeder's impedance, and validate it on days held out.

        Parameters
        ----------
        window, end
            Up to 32 days are read as minutes, more as hours; at least six days with data.
        hours
            Whether to read hours anyway, which is faster.

        Raises
        ------
        CalibrationError
            The profile lacks a role, or the data contradict the model.
        NoDataError
            Also with fewer than six local days.
        """
        view = self._source.current()
        return simulating.calibration(view, view.window(window, end), hours)

    def held_out_voltages(
        self,
        window: Window | str | datetime,
        end: str | datetime | None = None,
        *,
        hours: bool = False,
    ) -> pd.DataFrame:
        """Measured and predicted bus voltage; see `simulation.calibrate.held_out_voltages`.

        Parameters
        ----------
        window, end, hours
            See `calibration`, also for errors.
        """
        from microgrid_lib.simulation.calibrate import held_out_voltages

        view = self._source.current()
        frame, _ = simulating.calibration_frame(view, view.window(window, end), hours)
        return held_out_voltages(frame, self.site.display_zone)

    def critical_share_of_consumers(self) -> RatedShare | None:
        """Share of critical consumers in the rated power of those that state one; None: no power.

        For `simulation.plant.with_critical_share`.
        """
        from microgrid_lib.consumers.share import rated_share
        from microgrid_lib.consumers.store import ConsumerStore

        with ConsumerStore.open(self.settings) as store:
            return rated_share(store, self.site.name)

    def simulate(self, day: str | date, scenario: Scenario | None = None) -> SimulationResult:
        """Simulate a day under a scenario; see `simulation.simulate.simulate`.

        For many scenarios of one day give `plant()` and `simulation_day(...)` to
        `simulation.simulate.Simulator` or `simulation.batch.run_batch`, which read the day once.

        Parameters
        ----------
        day
            See `simulation_day`, also for errors.
        scenario
            What is changed; default: nothing.

        Raises
        ------
        PlantError
            See `plant`.
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
            See `simulate`, also for errors.
        """
        from microgrid_lib.simulation.contingency import n_minus_1

        return n_minus_1(self.plant(), self.simulation_day(day), scenario)

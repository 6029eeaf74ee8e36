"""A library in memory with the interface the dashboard asks: real site files, made-up samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd

from microgrid_lib.access import Actor
from microgrid_lib.consumers.share import RatedShare
from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.alert_kinds import kinds_of
from microgrid_lib.kpi.alert_log import AlertLog
from microgrid_lib.kpi.alert_states import AlertState, AlertStates
from microgrid_lib.kpi.alerts import Acknowledgement, Alert, AlertReport
from microgrid_lib.kpi.compliance import ComplianceReport, RuleResult
from microgrid_lib.kpi.compliance_notes import half_invalid, not_observable
from microgrid_lib.kpi.energies import Step
from microgrid_lib.kpi.evidence import EvidenceResult, ReadingResult
from microgrid_lib.kpi.excursions import Excursion
from microgrid_lib.kpi.islands import Island, Islands
from microgrid_lib.kpi.model import Kpi, KpiReport, Note, Section, WindowModel
from microgrid_lib.kpi.newest import Newest, Sample
from microgrid_lib.kpi.soc import SocSeries, no_soc
from microgrid_lib.kpi.usual import Usual
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import load_settings
from microgrid_lib.simulation.day import DayFrame
from microgrid_lib.simulation.plant import Plant, build_plant
from microgrid_lib.site.load import read_site_file
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.summaries import charted_roles
from microgrid_lib.window import Window, parse_time
from tests.simulation.sites import measured_like_day


@lru_cache
def load_site(name: str) -> Site:
    return read_site_file(resource_path(f"data/sites/{name}.toml"))


END = datetime(2022, 8, 1, 7, tzinfo=UTC)
DAYS = 40


@dataclass(frozen=True)
class FakeSeries:
    role: str
    unit: str
    bucket_s: int
    frame: pd.DataFrame


@dataclass(frozen=True)
class FakeChange:
    value: float | None
    unit: str
    relative: float | None
    reason: Note | None = None


class FakeSiteData:
    """One site; samples are sines of the hour, with an hour missing from 02:00 each day."""

    synthetic = True

    def __init__(self, site: Site, profile: Profile, empty: bool = False) -> None:
        self.site = site
        self.profile = profile
        self.empty = empty
        self.version = "1"
        self.happened = made_up_alerts(site)
        self.queries = 0
        self.rated: RatedShare | None = None

    def span(self) -> tuple[datetime, datetime] | None:
        zone = self.site.display_zone
        start = END - timedelta(days=DAYS)
        return None if self.empty else (start.astimezone(zone), END.astimezone(zone))

    def as_of(self) -> datetime | None:
        if self.empty:
            return None
        return END.astimezone(self.site.display_zone)

    def state(self) -> str:
        return self.version

    def window(self, start: str | datetime, end: str | datetime) -> Window:
        zone = self.site.display_zone
        first, last = (
            parse_time(t, zone) if isinstance(t, str) else t.astimezone(zone) for t in (start, end)
        )
        return Window(first, last)

    def kpis(self, window: Window, sections: Sequence[Section] | None = None) -> KpiReport:
        self.queries += 1
        span = self.span()
        if span is None or window.start >= span[1] or window.end <= span[0]:
            raise NoDataError("no data in this period")
        low = Note(
            code="low_coverage", params={"coverage": 0.9}, text="only 90 % of the samples are there"
        )
        needs = Note(
            code="efficiency_uncertain",
            params={"needed": 3.0, "had": 0.8},
            text="needs 3 full charges in the period (had 0.8)",
        )
        hours = window.hours
        kpis = {
            "renewable_share": Kpi(value=0.18203040506, unit="1", coverage=0.996),
            "battery_round_trip_efficiency": Kpi(
                value=None, unit="1", coverage=0.996, reason=needs
            ),
            "fuel_cell_reliability": Kpi(value=0.96, unit="1", coverage=0.9, warning=low),
            "pv_energy": Kpi(value=13.02 * hours, unit="kWh", coverage=0.989),
            "fuel_cell_energy": Kpi(value=37.1 * hours, unit="kWh", coverage=0.996),
            "genset_energy": Kpi(value=100.5 * hours, unit="kWh", coverage=0.996),
            "battery_discharge_energy": Kpi(value=2.5 * hours, unit="kWh", coverage=0.996),
            "battery_charge_energy": Kpi(value=3.1 * hours, unit="kWh", coverage=0.996),
            "battery_tracking_rmse": Kpi(value=1.234, unit="kW", coverage=0.996),
            "fuel_cell_tracking_rmse": Kpi(value=2.9, unit="kW", coverage=0.996),
            "capacity_factor_pv": Kpi(value=0.26, unit="1", coverage=0.989),
            "voltage_compliance": Kpi(value=0.992, unit="1", coverage=0.996),
            "max_voltage_gap": Kpi(value=11.0, unit="V", coverage=0.996, time=window.start),
            "capacity_factor_fuel_cell": Kpi(value=0.46, unit="1", coverage=0.996),
            "soc": Kpi(value=0.5, unit="1", uncertainty=0.2, coverage=1.0),
            "battery_autonomy_h": Kpi(value=1.25, unit="h", uncertainty=0.4, coverage=1.0),
            "battery_autonomy_critical_h": Kpi(value=2.5, unit="h", uncertainty=0.8, coverage=1.0),
            "fuel_cell_contribution": Kpi(value=0.93, unit="1", coverage=0.996),
            "equivalent_cycles": Kpi(value=20.1, unit="1", coverage=0.996),
        }
        return KpiReport(
            site=self.site.name,
            profile=self.profile.name,
            window=WindowModel(
                start=window.start, end=window.end, timezone=self.site.display_timezone
            ),
            kpis=kpis,
        )

    def changes(
        self, window: Window, sections: Sequence[Section] | None = None
    ) -> Mapping[str, FakeChange]:
        return {
            "renewable_share": FakeChange(0.021, "1", 0.13),
            "fuel_cell_reliability": FakeChange(-0.012, "1", -0.0123),
            "pv_energy": FakeChange(1.07, "kW", 0.09),
        }

    def newest(self) -> Newest:
        """Every role's newest sample, 12 kW or so; the chilled water's is a day old."""
        span = self.span()
        if span is None:
            raise NoDataError("nothing is stored")
        values = {"bus_voltage": 480.0, "bus_frequency": 60.01, "battery": -25.0, "grid": -30.0}
        samples: dict[str, Sample | None] = {
            role: Sample(values.get(role, 12.0), span[1]) for role in charted_roles(self.profile)
        }
        for role in samples.keys() & {"temp_inlet"}:
            samples[role] = Sample(9.5, span[1] - timedelta(days=1))
        residual = None if self.profile.has("load") else Sample(24.5, span[1])
        return Newest(time=span[1], samples=samples, residual_kw=residual)

    def usual(self, role: str, window: Window) -> Usual | None:
        return Usual(10.0, 7) if window.hours <= 24 else None

    def islands(self, window: Window) -> Islands:
        at = window.start + timedelta(hours=20)
        island = Island(start=at, end=at + timedelta(hours=2), difference_hz=0.3)
        return Islands(interval_s=600, islanded=12, synchronous=132, islands=[island])

    def excursions(self, window: Window) -> list[Excursion]:
        """Ten of them, an hour apart, from 05:00 on."""
        first = window.start + timedelta(hours=5)
        return [
            Excursion(
                point="bus_voltage",
                limit="voltage_a",
                direction="below",
                threshold=456.0,
                start=first + timedelta(hours=n),
                end=first + timedelta(hours=n, seconds=40),
                extreme=450.5,
                unit="V",
            )
            for n in range(10)
        ]

    def compliance(self, window: Window) -> ComplianceReport:
        shown = WindowModel(start=window.start, end=window.end, timezone=self.site.display_timezone)
        return ComplianceReport(
            site=self.site.name,
            profile=self.profile.name,
            window=shown,
            island_method="inferred",
            rules=[rule_result("bus_voltage", "fail"), rule_result("mccb_voltage", "indicative")],
            trips=[],
            not_observable=[not_observable("flicker", 10)],
        )

    def plant(self) -> Plant:
        return build_plant(self.profile)

    def simulation_days(self) -> list[date]:
        return [] if self.empty else [date(2022, 7, 29), date(2022, 7, 31)]

    def simulation_day(self, day: str | date) -> DayFrame:
        if str(day) not in [known.isoformat() for known in self.simulation_days()]:
            raise NoDataError(f"{self.site.name} has no data on {day}")
        return made_up_day(str(day))

    def average_day(self, first: str | date, last: str | date) -> DayFrame:
        return made_up_day(f"{first}/{last}")

    def critical_share_of_consumers(self) -> RatedShare | None:
        return self.rated

    def evidence(self, window: Window) -> list[EvidenceResult]:
        if self.site.name != "mesa_del_sol":
            return []
        readings = [
            ReadingResult(name=name, residual=f"{name} residual", mean_abs_residual_kw=kw, n=1000)
            for name, kw in (("load", 187.04), ("source", 36.04))
        ]
        note = Note(code="evidence_readings", text="read as source it closes")
        return [
            EvidenceResult(
                channel="ge_power_total",
                setpoint="ge_body_set_response",
                setpoint_mean_abs_kw=2.6,
                setpoint_n=990,
                readings=readings,
                favoured="source",
                indicative=False,
                note=note,
                notes=[note],
            )
        ]

    def alerts(self, window: Window) -> AlertReport:
        known = AlertLog(load_settings(), self.profile).known()
        lasting = [
            alert.model_copy(update={"acknowledged": known.get(alert.id)})
            for alert in self.happened
            if alert.start < window.end and (alert.end is None or alert.end > window.start)
        ]
        return AlertReport(
            site=self.site.name,
            profile=self.profile.name,
            window=WindowModel(
                start=window.start, end=window.end, timezone=self.site.display_timezone
            ),
            alerts=lasting,
        )

    def alert_states(self) -> AlertStates:
        at = self.as_of()
        if at is None:
            raise NoDataError("no data in this period")
        active = {alert.name: alert for alert in self.happened if alert.active}
        states = []
        for kind in kinds_of(self.profile):
            alert = active.get(kind.name)
            state = None if kind.lacks else (alert.severity if alert else "ok")
            states.append(AlertState(name=kind.name, state=state, reason=kind.lacks, alert=alert))
        return AlertStates(at=at, states=states)

    def acknowledgements(self) -> dict[str, Acknowledgement]:
        return AlertLog(load_settings(), self.profile).known()

    def acknowledge(
        self, alert_id: str, actor: Actor, note: str = "", window: Window | None = None
    ) -> Window:
        alert = next(alert for alert in self.happened if alert.id == alert_id)
        AlertLog(load_settings(), self.profile).acknowledge(alert, actor, note)
        return Window(alert.start, alert.end or END)

    def soc(self, window: Window, points: int = 1000) -> SocSeries:
        """Half full all the time; an anchor at noon of the last day, a gap before it."""
        missing = no_soc(self.profile)
        if missing is not None:
            raise NoDataError(missing.text)
        times = pd.date_range(window.start_utc, window.end_utc, 97)
        noon = END - timedelta(hours=12)
        known = times >= noon
        width = np.where(known, 0.05, 0.3)
        since = [noon if k else END - timedelta(days=DAYS) for k in known]
        frame = pd.DataFrame(
            {
                "time": times.tz_convert(self.site.display_zone),
                "soc": np.full(97, 0.5),
                "low": 0.5 - width,
                "high": 0.5 + width,
                "anchored": known,
                "since": pd.to_datetime(since, utc=True).tz_convert(self.site.display_zone),
                "gap": (np.arange(97) >= 8) & (np.arange(97) < 12),
            }
        )
        return SocSeries(60, frame)

    def energies(self, flows: Sequence[str], window: Window, step: Step = "day") -> pd.DataFrame:
        """Of every flow 1, 2, 3, ... kWh; half of the second piece is missing."""
        pieces = {"hour": 1.0, "day": 24.0, "month": 720.0}[step]
        count = max(1, round(window.hours / pieces))
        starts = [window.start + timedelta(hours=pieces * n) for n in range(count)]
        columns: dict[str, object] = {"start": starts, "end": [*starts[1:], window.end]}
        for flow in flows:
            columns[flow] = np.arange(1.0, count + 1)
            columns[f"{flow}_coverage"] = np.where(np.arange(count) == 1, 0.5, 1.0)
        return pd.DataFrame(columns)

    def series(
        self, roles: Sequence[str], window: Window, points: int = 1000
    ) -> dict[str, FakeSeries]:
        steps = (10, 60, 300, 900, 1800, 3600, 7200, 86400)
        length = window.duration.total_seconds()
        bucket = next(s for s in steps if s >= self.site.interval_s and length / s <= points)
        count = int(length // bucket)
        span = self.span()
        if span is None:
            raise NoDataError("no data in this period")
        last = int((span[1] - window.start_utc).total_seconds() // bucket)
        times = pd.date_range(
            window.start_utc, periods=max(0, min(count, last)), freq=pd.Timedelta(seconds=bucket)
        )
        local = times.tz_convert(self.site.display_zone)
        hour = (local.hour + local.minute / 60).to_numpy(dtype=np.float64)
        found = {}
        for role in roles:
            mean = _shape(role, hour)
            spread = np.where(np.abs(mean) < 2, 0.0, 1.5)
            missing = (hour >= 2) & (hour < 3)
            frame = pd.DataFrame(
                {
                    "time": local,
                    "mean": np.where(missing, np.nan, mean),
                    "min": np.where(missing, np.nan, mean - spread),
                    "max": np.where(missing, np.nan, mean + spread),
                    "coverage": np.where(missing, 0.0, 1.0),
                }
            )
            found[role] = FakeSeries(role, "kW", bucket, frame)
        return found


def made_up_alerts(site: Site) -> list[Alert]:
    """A battery that is low now, a fuel cell that failed hours ago, a voltage days ago."""
    if site.name != "mesa_del_sol":
        return []
    zone = site.display_zone

    def alert(name: str, severity: str, hours: float, length: float | None, **of: object) -> Alert:
        start = (END - timedelta(hours=hours)).astimezone(zone)
        values = {
            "id": f"{name}-{start:%Y%m%dT%H%M%S}-{severity}",
            "name": name,
            "severity": severity,
            "start": start,
            "end": None if length is None else start + timedelta(hours=length),
            "active": length is None,
        }
        return Alert.model_validate(values | of)

    return [
        alert("bus_voltage", "critical", 80, 0.05, extreme=436.0, unit="V"),
        alert("fuel_cell_failed", "critical", 5, 0.5, extreme=1.5, unit="kW"),
        alert("battery_low", "warning", 2, None, extreme=0.33, unit="1"),
    ]


def made_up_day(label: str) -> DayFrame:
    """A day with engine, sun, battery, voltages and frequencies, under another label."""
    return replace(measured_like_day(), label=label)


def rule_result(point: str, verdict: Literal["pass", "fail", "indicative"]) -> RuleResult:
    """One rule's result: 8 of 1,000 intervals outside."""
    return RuleResult(
        rule="ansi_c84_1_a",
        standard="ANSI C84.1 Range A, service",
        point=point,
        unit="V",
        state="any",
        statistic="10-minute root mean square",
        interval_s=600,
        inner=(456.0, 504.0),
        outer=None,
        required_inner=1.0,
        required_outer=None,
        n=1000,
        n1=8,
        n2=None,
        n_invalid=3,
        share_inside=0.992,
        verdict=verdict,
        periods=[],
        reason=half_invalid() if verdict == "indicative" else None,
    )


def _shape(role: str, hour: np.ndarray) -> np.ndarray:
    if role.endswith("voltage"):
        return 482 + 3 * np.sin(hour / 4)
    if role.endswith("frequency"):
        return 60 + 0.02 * np.sin(hour)
    if role == "pv":
        return np.maximum(0.0, 43 * np.sin((hour - 6) / 13 * np.pi)) * (hour > 6) * (hour < 19)
    if role in {"battery", "battery_setpoint"}:
        power = np.where((hour > 1) & (hour < 4), -25.0, np.where((hour > 18) & (hour < 20), 25, 0))
        return power * (1.0 if role.endswith("setpoint") else 0.97)
    if role == "fuel_cell":
        return 37 + np.sin(hour * 3)
    if role == "fuel_cell_setpoint":
        return np.full_like(hour, 40.0)
    return 100 + 20 * np.sin(hour / 24 * 2 * np.pi)


class FakeLibrary:
    """The shipped sites with made-up data; `empty` names sites without any."""

    def __init__(self, empty: tuple[str, ...] = ()) -> None:
        self.empty = empty
        self.opened: list[tuple[str, str]] = []

    def sites(self) -> Mapping[str, str]:
        return {name: load_site(name).title for name in ("mesa_del_sol", "trade_street")}

    def profiles(self, site: str) -> Mapping[str, str]:
        loaded = load_site(site)
        return {name: spec.title for name, spec in loaded.profiles.items()}

    def open_site(self, name: str, profile: str) -> FakeSiteData:
        site = load_site(name)
        self.opened.append((name, profile))
        return FakeSiteData(site, site.profile(profile), empty=name in self.empty)

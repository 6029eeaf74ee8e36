"""Alerts: durations and hysteresis by hand, against loops over samples, and the demo's events."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_lib.api import open_site
from microgrid_lib.cli.main import run
from microgrid_lib.consumers.access import Actor, Role
from microgrid_lib.errors import ConflictError, MicrogridError, StoreError, UnknownNameError
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.alert_log import AlertLog
from microgrid_lib.kpi.alert_watch import Pending, Watched, lasting, watch
from microgrid_lib.kpi.alerts import Alert, alerts_of
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.extent import as_of
from microgrid_lib.window import Window, parse_window
from tests.kpi.lakes import BATTERY, Row, make_lake, make_site, naive_slots, rows_from, utc

START = utc("2023-03-01T00:00")
ROLES = (
    *("battery", "battery_setpoint", "fuel_cell", "fuel_cell_setpoint"),
    *("bus_voltage", "mccb_voltage", "bus_frequency", "mccb_frequency"),
)
RATINGS = {"pv_kw": 50.0, "fuel_cell_kw": 80.0, "battery_kw": 100.0}
FINE: dict[str, float] = {
    "battery": 0.0,
    "battery_setpoint": 0.0,
    "fuel_cell": 38.0,
    "fuel_cell_setpoint": 40.0,
    "bus_voltage": 480.0,
    "mccb_voltage": 480.0,
    "bus_frequency": 60.0,
    "mccb_frequency": 60.0,
}
Slots = Sequence[Mapping[str, float | None]]


def site_of(**options: Any) -> Site:
    return make_site(ROLES, **{"interval_s": 10, "ratings": RATINGS} | options)


def fine(count: int, **other: float | None) -> list[dict[str, float | None]]:
    return [FINE | other for _ in range(count)]


def found_in(
    engine: DuckDBEngine, folder: Path, site: Site, rows: Sequence[Row], **options: Any
) -> list[Alert]:
    """Alerts of all rows, the same with and without summaries."""
    profile = site.profile()
    lake = make_lake(folder, profile, rows, summarised=engine)
    window = Window(START - timedelta(days=1), START + timedelta(days=400))
    found = []
    for snapshot in (lake, replace(lake, summaries={})):
        until = as_of(snapshot, profile, options.get("now"))
        assert until is not None
        found.append(alerts_of(Access(engine, snapshot, profile), window, until))
    assert found[0] == found[1]
    return found[0]


def brief(alerts: Sequence[Alert]) -> list[tuple[str, str, float, float | None]]:
    """Name, severity, first slot, and slot that ended it."""

    def slot(at: datetime) -> float:
        return (at - START).total_seconds() / 10

    return [(a.name, a.severity, slot(a.start), a.end and slot(a.end)) for a in alerts]


def events(
    engine: DuckDBEngine, folder: Path, slots: Slots, **options: Any
) -> list[tuple[str, str, float, float | None]]:
    site = site_of(**options)
    return brief(found_in(engine, folder, site, rows_from(site, START, slots)))


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        pytest.param(5, [], id="ten seconds short of a minute"),
        pytest.param(6, [("bus_voltage", "warning", 50, 56)], id="a minute"),
    ],
)
def test_a_condition_must_hold_for_its_time(
    engine: DuckDBEngine, tmp_path: Path, slots: int, expected: list[Any]
) -> None:
    course = fine(50) + fine(slots, bus_voltage=450.0, mccb_voltage=450.0) + fine(60)
    assert events(engine, tmp_path, course) == expected


@pytest.mark.parametrize(
    ("volts", "expected"),
    [
        *((456.0, []), (455.9, ["warning"]), (440.0, ["warning"]), (439.9, ["critical"])),
        *((504.0, []), (504.1, ["warning"]), (508.0, ["warning"]), (508.1, ["critical"])),
    ],
)
def test_voltage_limits_are_inclusive_and_range_b_is_critical(
    engine: DuckDBEngine, tmp_path: Path, volts: float, expected: list[str]
) -> None:
    course = fine(50) + fine(10, bus_voltage=volts, mccb_voltage=volts) + fine(60)
    assert [severity for _, severity, _, _ in events(engine, tmp_path, course)] == expected


@pytest.mark.parametrize(
    ("hertz", "expected"),
    [
        *((59.4, []), (59.39, ["warning"]), (60.6, []), (60.61, ["warning"])),
        *((58.8, ["warning"]), (58.799999, ["warning"]), (58.79, ["critical"])),
        *((61.200001, ["warning"]), (61.21, ["critical"])),
    ],
)
def test_frequency_limits_are_inclusive(
    engine: DuckDBEngine, tmp_path: Path, hertz: float, expected: list[str]
) -> None:
    course = fine(50) + fine(10, bus_frequency=hertz, mccb_frequency=hertz) + fine(60)
    assert [severity for _, severity, _, _ in events(engine, tmp_path, course)] == expected


def test_between_its_thresholds_an_alert_lasts(engine: DuckDBEngine, tmp_path: Path) -> None:
    # On below 456 V, off from 458.4 V on.
    low, between, above = ({"bus_voltage": v, "mccb_voltage": v} for v in (450.0, 458.0, 458.4))
    course = fine(10) + fine(8, **low) + fine(50, **between) + fine(8, **low) + fine(9, **above)
    assert events(engine, tmp_path, course) == [("bus_voltage", "warning", 10, 76)]
    only_between = fine(10) + fine(50, **between)
    assert events(engine, tmp_path, only_between) == []


def test_an_alert_that_becomes_worse_is_one_with_its_worst_value(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of()
    course = fine(3) + fine(9, bus_voltage=450.0) + fine(7, bus_voltage=430.0)
    course += fine(2, bus_voltage=425.0) + fine(9, bus_voltage=450.0) + fine(9)
    (alert, gap) = found_in(engine, tmp_path, site, rows_from(site, START, course))
    assert brief([alert]) == [("bus_voltage", "critical", 3, 30)]
    assert (alert.extreme, alert.unit) == (425.0, "V")
    assert gap.name == "voltage_gap"
    assert gap.extreme == 55.0


def test_a_missing_sample_neither_ends_nor_proves(engine: DuckDBEngine, tmp_path: Path) -> None:
    low = {"bus_voltage": 450.0, "mccb_voltage": 450.0}
    nothing = {"bus_voltage": None, "mccb_voltage": None}
    course = fine(10) + fine(4, **low) + fine(3, **nothing) + fine(2, **low)
    course += fine(5, **nothing) + fine(9)
    assert events(engine, tmp_path, course) == [("bus_voltage", "warning", 10, 24)]
    apart = fine(10) + fine(4, **low) + fine(7, **nothing) + fine(4, **low) + fine(9)
    assert events(engine, tmp_path, apart) == []


def test_an_alert_at_the_end_of_the_data_is_active(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    rows = rows_from(site, START, fine(10) + fine(8, bus_voltage=450.0, mccb_voltage=450.0))
    (alert,) = found_in(engine, tmp_path, site, rows)
    assert alert.active
    assert alert.end is None
    assert alert.id == "bus_voltage-20230301T000140Z-warning"


def test_a_fuel_cell_has_failed_below_a_tenth_of_its_set_point(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    course = fine(20) + fine(30, fuel_cell=3.9) + fine(5, fuel_cell=20.0) + fine(9)
    assert events(engine, tmp_path, course) == [("fuel_cell_failed", "critical", 20, 55)]
    assert events(engine, tmp_path, fine(20) + fine(40, fuel_cell=4.0) + fine(5)) == []
    assert events(engine, tmp_path, fine(20) + fine(29, fuel_cell=0.0) + fine(5)) == []
    off = fine(20) + fine(40, fuel_cell=0.0, fuel_cell_setpoint=0.0) + fine(5)
    assert events(engine, tmp_path, off) == []


def test_a_battery_follows_within_a_tenth_of_its_rating(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    course = fine(5) + fine(31, battery_setpoint=10.1) + fine(4, battery_setpoint=5.0) + fine(5)
    assert events(engine, tmp_path, course) == [("battery_not_following", "warning", 5, 40)]
    assert events(engine, tmp_path, fine(5) + fine(40, battery_setpoint=10.0) + fine(5)) == []
    unrated = {"ratings": {"fuel_cell_kw": 80.0}}
    assert events(engine, tmp_path, course, **unrated) == []


def test_a_voltage_gap_counts_only_while_synchronous(engine: DuckDBEngine, tmp_path: Path) -> None:
    apart = {"bus_voltage": 475.0}
    gap = fine(60) + fine(20, **apart) + fine(40)
    assert events(engine, tmp_path, gap) == [("voltage_gap", "info", 60, 80)]
    island = fine(60) + fine(60, **apart, bus_frequency=59.9) + fine(60)
    assert events(engine, tmp_path, island) == []
    assert events(engine, tmp_path, fine(60) + fine(20, bus_voltage=475.2) + fine(40)) == []


def test_data_are_stale_after_five_minutes_without_any_valid_sample(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    nothing: list[dict[str, float | None]] = [{}]
    assert events(engine, tmp_path, fine(40) + nothing * 29 + fine(40)) == []
    expected = [("data_stale", "warning", 40, 70)]
    assert events(engine, tmp_path, fine(40) + nothing * 30 + fine(40)) == expected
    one = dict.fromkeys(FINE) | {"mccb_voltage": 480.0}
    assert events(engine, tmp_path, fine(40) + nothing * 20 + [one] + nothing * 20 + fine(9)) == []


def test_rows_that_are_absent_are_stale_as_well(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    rows = rows_from(site, START, fine(40))
    rows += rows_from(site, START + timedelta(hours=3), fine(40))
    (alert,) = found_in(engine, tmp_path, site, rows)
    assert brief([alert]) == [("data_stale", "warning", 40, 1080)]
    assert (alert.extreme, alert.unit) == (10400.0, "s")


def test_a_live_site_without_news_is_stale_now(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of(live=True)
    rows = rows_from(site, START, fine(40))
    at = START + timedelta(seconds=400)
    assert found_in(engine, tmp_path, site, rows, now=at + timedelta(seconds=299)) == []
    (alert,) = found_in(engine, tmp_path, site, rows, now=at + timedelta(seconds=300))
    assert alert.active
    assert brief([alert]) == [("data_stale", "warning", 40, None)]
    assert (alert.extreme, alert.unit) == (300.0, "s")


def test_a_low_battery_warns_and_an_empty_one_is_critical(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    anchor = {"time": START, "soc": 0.36, "uncertainty": 0.0}
    site = site_of(battery=BATTERY | {"soc_anchors": [anchor]}, interval_s=60)
    # A minute at 16 kW takes 0.00185, at -40 kW gives 0.00375.
    down = [FINE | {"battery": 16.0, "battery_setpoint": 16.0}] * 40
    up = [FINE | {"battery": -40.0, "battery_setpoint": -40.0}] * 40
    low, empty = found_in(engine, tmp_path, site, rows_from(site, START, down + up))
    taken, given_back = 16 / 60 / 0.9 / 160, 40 / 60 * 0.9 / 160

    def minutes(alert: Alert) -> tuple[float, float | None]:
        end = alert.end and (alert.end - START) / timedelta(minutes=1)
        return (alert.start - START) / timedelta(minutes=1), end

    bottom = 0.36 - 40 * taken
    assert (low.name, low.severity) == ("battery_low", "warning")
    assert (empty.name, empty.severity) == ("battery_empty", "critical")
    up_to = [40 + np.ceil((off - bottom) / given_back) for off in (0.40, 0.35)]
    assert minutes(low) == (np.ceil(0.01 / taken), up_to[0])
    assert minutes(empty) == (np.ceil(0.06 / taken), up_to[1])
    assert low.extreme == pytest.approx(bottom)


def test_three_intervals_at_least(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of(interval_s=900)
    for count, expected in ((2, 0), (3, 1)):
        slots = fine(4) + fine(count, bus_voltage=450.0, mccb_voltage=450.0) + fine(4)
        rows = rows_from(site, START, slots)
        assert len(found_in(engine, tmp_path, site, rows)) == expected


def test_thresholds_are_settings_of_the_profile(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    spec = site.profiles["plain"]
    alerts = spec.alerts.model_copy(update={"voltage_for_s": 120.0})
    strict = site.model_copy(
        update={"profiles": {"plain": spec.model_copy(update={"alerts": alerts})}}
    )
    rows = rows_from(
        site, START, fine(9) + fine(11, bus_voltage=450.0, mccb_voltage=450.0) + fine(9)
    )
    assert len(found_in(engine, tmp_path, site, rows)) == 1
    assert found_in(engine, tmp_path, strict, rows) == []


def test_an_alert_over_the_end_of_a_month_is_one(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    start = utc("2023-03-31T23:50")
    low = {"bus_voltage": 450.0, "mccb_voltage": 450.0}
    rows = rows_from(site, start, fine(56) + fine(40, **low) + fine(30))
    (alert,) = found_in(engine, tmp_path, site, rows)
    assert alert.start == start + timedelta(seconds=560)
    assert alert.end == start + timedelta(seconds=960)
    lost = rows_from(site, start, fine(40))
    lost += rows_from(site, start + timedelta(seconds=1000), fine(40))
    (alert,) = found_in(engine, tmp_path, site, lost)
    assert (alert.name, alert.extreme) == ("data_stale", 600.0)


def test_an_alert_between_its_thresholds_lasts_over_the_end_of_a_month(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of()
    start = utc("2023-03-31T23:50")
    low, between = ({"bus_voltage": v, "mccb_voltage": v} for v in (450.0, 457.0))
    course = fine(10) + fine(10, **low) + fine(70, **between) + fine(60)
    (alert,) = found_in(engine, tmp_path, site, rows_from(site, start, course))
    assert alert.end == start + timedelta(seconds=900)
    # The last but one minute before midnight begins the condition, the first after it proves it.
    late = fine(57) + fine(9, **low) + fine(60)
    (alert,) = found_in(engine, tmp_path, site, rows_from(site, start, late))
    assert alert.start == start + timedelta(seconds=570)


def watched(*volts: float | None) -> list[tuple[float, float | None, float]]:
    """Start, end and extreme of alerts below 10 that end at 20, three slots needed, a slot each."""
    slots = [(i, (v < 10,), v >= 20, v, -v) for i, v in enumerate(volts) if v is not None]
    options: Any = {"name": "x", "unit": "V", "severities": ("info",)}
    ended, after = watch(Watched((None,)), slots, needed=3, step_us=1, **options)
    found = [*ended, *lasting(after, **options)]
    return [(raised.start_us, raised.end_us, raised.extreme) for raised in found]


def test_the_extreme_is_the_worst_value_from_its_first_slot_to_its_last() -> None:
    assert watched(30, 3, 8, 9, 30) == [(1, 4, 3)]
    assert watched(30, 8, 3, 9, 30) == [(1, 4, 3)]
    assert watched(30, 9, 8, 3, 30) == [(1, 4, 3)]
    assert watched(30, 9, 9, 9, 2, 9, 30) == [(1, 6, 2)]
    assert watched(30, 9, 9, 9, 15, 19, 30) == [(1, 6, 9)]
    assert watched(5, 9, 9) == [(0, None, 5)]


def test_an_alert_keeps_its_start_and_its_worst_value_when_it_becomes_worse() -> None:
    # Below 10, and below 5: one slot of 1, then three of 4 or 3 that raise the severity.
    volts = (30, 1, 9, 9, 4, 3, 4, 30)
    slots = [(i, (v < 10, v < 5), v >= 20, float(v), float(-v)) for i, v in enumerate(volts)]
    ended, _ = watch(
        Watched((None, None)),
        slots,
        name="x",
        unit="V",
        severities=("warning", "critical"),
        needed=3,
        step_us=1,
    )
    assert [(r.severity, r.start_us, r.end_us, r.extreme) for r in ended] == [("critical", 1, 7, 1)]


def test_missing_slots_as_long_as_the_time_itself_keep_the_count() -> None:
    assert watched(9, 9, None, None, None, 9, 30) == [(0, 6, 9)]
    assert watched(9, 9, None, None, None, None, 9, 30) == []


def test_a_rule_is_quiet_without_alert_and_condition() -> None:
    pending = Pending(0, 0, 1, (1.0, 1.0))
    assert Watched((None, None)).quiet
    assert not Watched((None, pending)).quiet
    assert not Watched((None, None), level=0).quiet


def naive_alerts(profile: Profile, rows: Sequence[Row]) -> list[tuple[str, str, datetime, Any]]:
    """Alerts on voltage, frequency, fuel cell and battery by one loop over samples each."""
    site = profile.site
    v, f = site.nominal.voltage_v, site.nominal.frequency_hz
    kw = site.ratings.battery_kw or 0.0

    def outside(role: str, low: float, high: float) -> Any:
        return lambda s: not low <= s[role] <= high

    def inside(role: str, low: float, high: float) -> Any:
        return lambda s: low <= s[role] <= high

    rules: list[tuple[str, tuple[str, ...], int, list[tuple[str, Any]], Any]] = [
        (
            "bus_voltage",
            ("bus_voltage",),
            6,
            [
                ("warning", outside("bus_voltage", 0.95 * v, 1.05 * v)),
                ("critical", outside("bus_voltage", 110 / 120 * v, 127 / 120 * v)),
            ],
            inside("bus_voltage", 0.955 * v, 1.045 * v),
        ),
        (
            "bus_frequency",
            ("bus_frequency",),
            6,
            [
                ("warning", outside("bus_frequency", 0.99 * f, 1.01 * f)),
                ("critical", outside("bus_frequency", 0.98 * f, 1.02 * f)),
            ],
            inside("bus_frequency", 0.992 * f, 1.008 * f),
        ),
        (
            "fuel_cell_failed",
            ("fuel_cell", "fuel_cell_setpoint"),
            30,
            [
                (
                    "critical",
                    lambda s: s["fuel_cell_setpoint"] > 0 and s["fuel_cell"] < 4.0,
                )
            ],
            lambda s: s["fuel_cell_setpoint"] <= 0 or s["fuel_cell"] > 20.0,
        ),
        (
            "battery_not_following",
            ("battery", "battery_setpoint"),
            30,
            [("warning", lambda s: abs(s["battery"] - s["battery_setpoint"]) > 0.1 * kw)],
            lambda s: abs(s["battery"] - s["battery_setpoint"]) < 0.05 * kw,
        ),
    ]
    slots = naive_slots(profile, rows)
    found = []
    for name, roles, needed, levels, off in rules:
        since: list[list[datetime]] = [[] for _ in levels]
        start: datetime | None = None
        level = -1
        for time in sorted(slots):
            slot = slots[time]
            if any(slot[role] is None for role in roles):
                continue
            for number, (_, on) in enumerate(levels):
                if not on(slot):
                    since[number] = []
                    continue
                held = since[number]
                if held and time - held[-1] > (needed + 1) * timedelta(seconds=site.interval_s):
                    held.clear()
                held.append(time)
                if len(held) >= needed and number > level:
                    start = held[0] if start is None else start
                    level = number
            if start is not None and off(slot):
                found.append((name, levels[level][0], start, time))
                start, level = None, -1
        if start is not None:
            found.append((name, levels[level][0], start, None))
    return sorted(found, key=lambda a: (a[2], a[0]))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 100_000))
def test_alerts_equal_loops_over_samples(engine: DuckDBEngine, tmp_path: Path, seed: int) -> None:
    site = site_of()
    rng = np.random.default_rng(seed)
    slots: list[dict[str, float | None]] = []
    while len(slots) < 700:
        volts = float(rng.choice([480, 480, 450, 457, 435, 507]))
        state: dict[str, float | None] = {
            "bus_voltage": volts,
            "mccb_voltage": volts,
            "bus_frequency": float(rng.choice([60.0, 60.0, 59.35, 59.45, 61.3])),
            "fuel_cell": float(rng.choice([38.0, 38.0, 2.0, 10.0])),
            "battery_setpoint": float(rng.choice([0.0, 0.0, 7.0, 20.0])),
        }
        state["mccb_frequency"] = state["bus_frequency"]
        for _ in range(int(rng.integers(1, 60))):
            lost = {role: None for role in FINE if rng.random() < 0.03}
            slots.append(FINE | state | lost)
    start = utc("2023-03-31T23:00")
    rows = [row for row in rows_from(site, start, slots) if rng.random() < 0.97]
    expected = naive_alerts(site.profile(), rows)
    found = [a for a in found_in(engine, tmp_path, site, rows) if a.name != "data_stale"]
    assert [(a.name, a.severity, a.start, a.end) for a in found] == expected


@pytest.fixture(scope="module")
def two_months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home with two ingested demo months: one with the events of odd months, one without."""
    from microgrid_lib.ingest.demo import DemoPlan, write_demo

    home = tmp_path_factory.mktemp("alerts")
    write_demo(home / "demo", DemoPlan(start="2022-05", months=2))
    open_site("mesa_del_sol", settings=Settings(home=home)).ingest([home / "demo"])
    return home


def test_a_replay_gives_one_alert_per_event_of_the_truth(two_months: Path) -> None:
    site = open_site("mesa_del_sol", settings=Settings(home=two_months))
    truth = json.loads((two_months / "demo" / "truth.json").read_text(encoding="utf-8"))
    due = [event for event in truth["events"] if event["alert"]]
    assert {event["alert"] for event in due} == {
        *("bus_voltage", "bus_frequency", "voltage_gap", "fuel_cell_failed"),
        *("battery_not_following", "battery_low", "data_stale"),
    }
    found = site.alerts("2022-05", "2022-07").alerts
    assert len(found) == len(due)
    for event in due:
        start, end = (datetime.fromisoformat(event[key]) for key in ("start", "end"))
        (alert,) = (
            a
            for a in found
            if a.name == event["alert"] and abs(a.start - start) < timedelta(minutes=1)
        )
        assert alert.severity == event["severity"]
        assert alert.end is not None
        # The state of charge goes in steps of a minute; the file prints voltages in whole volts.
        assert abs(alert.end - end) < timedelta(minutes=1)
        assert alert.extreme == pytest.approx(event["extreme"], rel=0.02, abs=1e-3)


def test_a_window_has_what_lasts_for_some_of_it(two_months: Path) -> None:
    site = open_site("mesa_del_sol", settings=Settings(home=two_months))
    everything = site.alerts("2022-05", "2022-07").alerts
    one = next(a for a in everything if a.name == "fuel_cell_failed")
    assert one.end is not None
    inside = site.alerts(one.start + timedelta(minutes=5), one.start + timedelta(minutes=6)).alerts
    assert [a.id for a in inside] == [one.id]
    for start, end in (
        (one.end, one.end + timedelta(hours=1)),
        (one.start - timedelta(hours=1), one.start),
    ):
        assert one.id not in [a.id for a in site.alerts(start, end).alerts]


def test_the_same_data_give_the_same_alerts_in_any_order_of_files(
    two_months: Path, tmp_path: Path
) -> None:
    expected = open_site("mesa_del_sol", settings=Settings(home=two_months)).alerts(
        "2022-05", "2022-07"
    )
    files = sorted((two_months / "demo").glob("*.csv"))
    assert [file.name for file in files] == ["Jun_2022.csv", "May_2022.csv"]
    site = open_site("mesa_del_sol", settings=Settings(home=tmp_path))
    for file in files:
        site.ingest([file])
        early = site.alerts("2022-05", "2022-07")
    assert early.alerts
    assert site.alerts("2022-05", "2022-07") == expected


OPERATOR = Actor("Ann", Role.operator)


@pytest.fixture
def log(tmp_path: Path) -> AlertLog:
    clock = iter(datetime(2023, 5, 1, 12, n, tzinfo=UTC) for n in range(60))
    return AlertLog(Settings(home=tmp_path / "h"), site_of().profile(), lambda: next(clock))


@pytest.fixture
def alert() -> Alert:
    return Alert(
        id="bus_voltage-20230301T000140Z-warning",
        name="bus_voltage",
        severity="warning",
        start=START,
        end=None,
        extreme=450.0,
        unit="V",
        active=True,
    )


def test_an_acknowledgement_says_who_when_and_why(log: AlertLog, alert: Alert) -> None:
    assert log.known() == {}
    given_ = log.acknowledge(alert, OPERATOR, "tap changer")
    assert log.known() == {alert.id: given_}
    assert (given_.by, given_.note) == ("Ann", "tap changer")
    assert given_.at == datetime(2023, 5, 1, 12, 0, tzinfo=UTC)


def test_an_alert_is_acknowledged_once_and_not_by_viewers(log: AlertLog, alert: Alert) -> None:
    with pytest.raises(MicrogridError, match="'Eve' \\(viewer\\) may not acknowledge"):
        log.acknowledge(alert, Actor("Eve", Role.viewer), "")
    assert log.known() == {}
    log.acknowledge(alert, OPERATOR, "")
    with pytest.raises(ConflictError, match="acknowledged already"):
        log.acknowledge(alert, Actor("Bob", Role.admin), "")
    assert log.known()[alert.id].by == "Ann"
    worse = alert.model_copy(update={"id": "bus_voltage-20230301T000140Z-critical"})
    log.acknowledge(worse, OPERATOR, "")
    assert len(log.known()) == 2


def test_a_long_note_and_a_broken_file_are_one_clear_line(
    log: AlertLog, alert: Alert, tmp_path: Path
) -> None:
    with pytest.raises(MicrogridError, match="1001 characters; 1000 are allowed"):
        log.acknowledge(alert, OPERATOR, "x" * 1001)
    assert log.known() == {}
    log.acknowledge(alert, OPERATOR, "x" * 1000)
    assert log.known()[alert.id].note == "x" * 1000
    (tmp_path / "h" / "alerts.sqlite").write_text("no database" * 100)
    with pytest.raises(StoreError, match=r"alerts\.sqlite"):
        log.known()


def test_the_command_lists_acknowledges_and_filters(
    two_months: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MICROGRID_HOME", str(two_months))
    for name in ("MICROGRID_CONFIG", "MICROGRID_ROLE", "MICROGRID_USER"):
        monkeypatch.delenv(name, raising=False)
    assert "MICROGRID_ROLE" not in os.environ
    period = ["--start", "2022-05", "--end", "2022-06"]

    def printed(*more: str) -> Any:
        assert run(["alerts", *more, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    every = printed(*period)
    assert set(every) == {"site", "profile", "window", "alerts"}
    assert set(every["alerts"][0]) == {
        *("id", "name", "severity", "start", "end", "extreme", "unit", "active", "acknowledged"),
    }
    critical = printed(*period, "--severity", "critical")["alerts"]
    assert [a for a in every["alerts"] if a["severity"] == "critical"] == critical
    one = critical[0]["id"]
    assert run(["alerts", "--acknowledge", one, "--by", "Eve", "--role", "viewer"]) == 2
    assert "viewer" in capsys.readouterr().err
    seen = printed("--acknowledge", one, "--note", "valve", "--by", "Ann")
    assert [a["id"] for a in seen["alerts"]] == [one]
    assert seen["alerts"][0]["acknowledged"]["by"] == "Ann"
    again = {a["id"]: a["acknowledged"] for a in printed(*period)["alerts"]}
    assert again[one]["note"] == "valve"
    assert sum(a is not None for a in again.values()) == 1
    assert run(["alerts", *period]) == 0
    assert "seen by Ann: valve" in capsys.readouterr().out
    for wrong, says in (
        (["--acknowledge", "nothing"], "unknown alert 'nothing'"),
        (["--note", "x"], "--note goes with --acknowledge"),
        (["--acknowledge", one, "--by", "Bob"], "acknowledged already"),
    ):
        assert run(["alerts", *wrong]) == 2
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1
    assert run(["alerts", "--start", "2031-01", "--end", "2031-02"]) == 3


def test_an_unknown_alert_is_named(two_months: Path) -> None:
    site = open_site("mesa_del_sol", settings=Settings(home=two_months))
    found = [alert.id for alert in site.alerts("2022-05", "2022-07").alerts]
    with pytest.raises(UnknownNameError) as caught:
        site.acknowledge("x", OPERATOR)
    assert str(caught.value) == f"unknown alert 'x'; the latest are: {', '.join(found[-5:])}"
    few = parse_window("2022-05-01", "2022-05-02", site.site.display_zone)
    with pytest.raises(UnknownNameError, match="unknown alert 'x'; known: "):
        site.acknowledge("x", OPERATOR, window=few)


@pytest.mark.parametrize("seed", range(4))
def test_a_window_has_of_all_alerts_those_that_last_for_some_of_it(
    engine: DuckDBEngine, tmp_path: Path, seed: int
) -> None:
    random = np.random.default_rng(seed)
    site = make_site(ROLES, interval_s=900, ratings=RATINGS)
    profile, hours = site.profile(), 24 * 120
    rows = fine(4 * hours)
    for start in random.integers(0, 4 * hours - 60, 40).tolist():
        kind, length = random.integers(4), int(random.integers(1, 60))
        bad = (
            {"bus_voltage": 430.0},
            {"fuel_cell": 0.0},
            {"battery": 30.0, "battery_setpoint": 0.0},
            dict.fromkeys(FINE, None),
        )[kind]
        for at in range(start, start + length):
            rows[at] = rows[at] | bad
    snapshot = make_lake(tmp_path, profile, rows_from(site, START, rows), summarised=engine)
    access, until = Access(engine, snapshot, profile), as_of(snapshot, profile)
    assert until is not None
    everything = alerts_of(access, Window(START - timedelta(days=1), until), until)
    assert len(everything) > 20
    for first in range(-2, 122, 9):
        begin = START + timedelta(days=first)
        window = Window(begin, begin + timedelta(days=int(random.integers(1, 40))))
        expected = [
            a
            for a in everything
            if a.start < window.end and (a.end is None or a.end > window.start)
        ]
        assert alerts_of(access, window, until) == expected

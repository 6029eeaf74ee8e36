"""Limits, intervals and runs by hand: at their edges, and where a window cuts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.excursions import Outside, limits_of, outside
from microgrid_lib.kpi.intervals import Intervals, interval_s, intervals, synchronism
from microgrid_lib.kpi.islands import islands
from microgrid_lib.kpi.limits import Band
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import make_lake, make_site, rows_from

START = datetime(2023, 3, 1, tzinfo=UTC)
SECOND_US = 1_000_000
FIRST_US = int(START.timestamp()) * SECOND_US
TEN_MINUTES_US = 600 * SECOND_US


def test_a_value_is_outside_a_limit_from_a_ten_millionth_of_it_on() -> None:
    band = Band(100.0, 200.0)
    low, high = 100.0 - 1e-7 * 100.0, 200.0 + 1e-7 * 200.0
    values = np.array([low - 1e-6, low, 99.999995, 150.0, 200.00001, high, high + 1e-6, np.nan])
    assert band.below(values).tolist() == [True] + [False] * 7
    assert band.above(values).tolist() == [False] * 6 + [True, False]
    assert band.outside(values).tolist() == [True] + [False] * 5 + [True, False]


def test_limits_below_nothing_have_their_room_on_the_outside_too() -> None:
    band = Band(-200.0, -100.0)
    assert band.below(np.array([-200.00001, -200.00003])).tolist() == [False, True]
    assert band.above(np.array([-99.999995, -99.99998])).tolist() == [False, True]


def test_limits_are_per_unit_of_the_nominal_value_and_narrow_on_both_sides() -> None:
    assert Band.of(480.0, (0.95, 1.05)) == Band(456.0, 504.0)
    assert Band.of(60.0, (0.99, 1.01)).narrowed(0.5) == Band(59.9, 60.1)


def test_an_interval_is_valid_with_half_of_its_slots_and_one_at_least() -> None:
    sums = {"n": np.array([30.0, 29.0, 1.0, 0.0, 1.0])}
    grid = Intervals(np.arange(5), 1, np.array([60, 60, 2, 0, 1]), sums)
    assert grid.valid("n").tolist() == [True, False, True, False, True]


def test_an_instant_lies_in_the_interval_that_has_begun() -> None:
    starts = FIRST_US + TEN_MINUTES_US * np.arange(3)
    grid = Intervals(starts, TEN_MINUTES_US, np.full(3, 60), {})
    instants = FIRST_US + SECOND_US * np.array([0, 599, 600, 1799])
    assert grid.index(instants).tolist() == [0, 0, 1, 2]


def test_intervals_are_ten_minutes_or_a_summary_long() -> None:
    lengths = {s: interval_s(make_site(["pv"], interval_s=s).profile()) for s in (10, 300, 900)}
    assert lengths == {10: 600, 300: 600, 900: 900}


def test_intervals_at_the_ends_of_a_window_have_only_its_slots(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["pv"], interval_s=60)
    rows = rows_from(site, START, [{"pv": float(n)} for n in range(40)])
    access = Access(engine, make_lake(tmp_path, site.profile(), rows), site.profile())
    window = (START + timedelta(minutes=7), START + timedelta(minutes=32))
    found = intervals(access, *window, ("pv__n", "pv__sum"))
    assert ((found.start_us - FIRST_US) // (60 * SECOND_US)).tolist() == [0, 10, 20, 30]
    assert found.step_us == TEN_MINUTES_US
    assert found.expected.tolist() == [3, 10, 10, 2]
    assert found.sums["pv__n"].tolist() == [3, 10, 10, 2]
    sums = [7 + 8 + 9, sum(range(10, 20)), sum(range(20, 30)), 30 + 31]
    assert found.sums["pv__sum"].tolist() == sums


def test_hours_of_a_half_hour_zone_begin_half_past_those_of_utc(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    zone = "Asia/Kolkata"
    site = make_site(["pv"], interval_s=3600, display_timezone=zone, source_timezone=zone)
    midnight = datetime(2023, 3, 1, tzinfo=ZoneInfo(zone))
    rows = rows_from(site, midnight.astimezone(UTC), [{"pv": float(n)} for n in range(3)])
    access = Access(engine, make_lake(tmp_path, site.profile(), rows), site.profile())
    found = intervals(access, midnight, midnight + timedelta(hours=3), ("pv__sum",))
    first_us = int(midnight.timestamp()) * SECOND_US
    assert ((found.start_us - first_us) // (3600 * SECOND_US)).tolist() == [0, 1, 2]
    assert ((found.start_us - first_us) % (3600 * SECOND_US)).tolist() == [0, 0, 0]
    assert found.expected.tolist() == [1, 1, 1]
    assert found.sums["pv__sum"].tolist() == [0, 1, 2]


def test_a_run_ends_where_a_slot_is_missing() -> None:
    slots, values = np.array([0, 10, 20, 40, 60, 70]), np.arange(6.0)
    found = [(run.slot_us.tolist(), run.value.tolist()) for run in Outside(slots, values).runs(10)]
    assert found == [([0, 10, 20], [0, 1, 2]), ([40], [3]), ([60, 70], [4, 5])]
    assert list(Outside(slots[:0], values[:0]).runs(10)) == []


@pytest.mark.parametrize("summarised", [True, False])
def test_samples_outside_are_found_in_the_first_and_the_last_slot(
    engine: DuckDBEngine, tmp_path: Path, summarised: bool
) -> None:
    site = make_site(["bus_voltage"], interval_s=60)
    volts = [430.0, *[480.0] * 28, 530.0, *[480.0] * 29, 531.0, 480.0]
    rows = rows_from(site, START, [{"bus_voltage": v} for v in volts])
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine if summarised else None)
    access = Access(engine, lake, site.profile())
    band = Band(432.0, 528.0)
    end = START + timedelta(minutes=60)
    found = outside(access, "bus_voltage", band, START, end)
    assert ((found.slot_us - FIRST_US) // (60 * SECOND_US)).tolist() == [0, 29, 59]
    assert found.value.tolist() == [430.0, 530.0, 531.0]
    none = outside(
        access, "bus_voltage", band, START + timedelta(minutes=1), START + timedelta(minutes=29)
    )
    assert none.value.tolist() == []


@pytest.mark.parametrize("summarised", [True, False])
def test_samples_outside_beyond_the_ends_of_a_window_are_not_its_own(
    engine: DuckDBEngine, tmp_path: Path, summarised: bool
) -> None:
    # The ends cut ten minutes in which samples on either side are outside.
    site = make_site(["bus_voltage"], interval_s=60)
    volts = [530.0 + n if n in (6, 8, 25, 51, 53) else 480.0 for n in range(60)]
    rows = rows_from(site, START, [{"bus_voltage": v} for v in volts])
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine if summarised else None)
    access = Access(engine, lake, site.profile())
    start, end = (START + timedelta(minutes=n) for n in (7, 52))
    found = outside(access, "bus_voltage", Band(432.0, 528.0), start, end)
    assert found.value.tolist() == [538.0, 555.0, 581.0]


def test_islands_are_told_from_more_than_two_millihertz_in_either_direction(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    # Two slots of five minutes an interval; what counts is their mean.
    site = make_site(["bus_frequency", "mccb_frequency"], interval_s=300)
    differences = [0.001, 0.003, 0.002, 0.0024, -0.001, -0.003, -0.002, -0.0024, 0.0, 0.0]
    slots = [{"bus_frequency": 60.0, "mccb_frequency": 60.0 + d} for d in differences]
    slots[-1] = {"bus_frequency": 60.0}
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, slots))
    access = Access(engine, lake, site.profile())
    found = synchronism(access, START, START + timedelta(minutes=50))
    assert found.difference_hz.tolist() == pytest.approx([0.002, 0.0022, -0.002, -0.0022, 0.0])
    assert found.known.tolist() == [True] * 5
    assert found.islanded.tolist() == [False, True, False, True, False]


def test_where_islands_cannot_be_told_no_interval_is_counted(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["pv"])
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, [{"pv": 1.0}] * 8))
    window = Window(START, START + timedelta(hours=2))
    found = islands(Access(engine, lake, site.profile()), window)
    assert (found.islanded, found.synchronous, found.unknown) == (0, 0, 0)
    assert found.reason is not None
    assert found.reason.params["role"] == "bus_frequency"


def test_limits_of_voltages_and_frequencies_are_those_of_the_site() -> None:
    profile = make_site(["bus_voltage", "bus_frequency"]).profile()
    assert limits_of(profile, "bus_voltage") == {
        "voltage_a": Band(456.0, 504.0),
        "voltage_b": Band(440.0, 508.0),
    }
    assert limits_of(profile, "bus_frequency") == {
        "frequency_warning": Band(59.4, 60.6),
        "frequency_critical": Band(58.8, 61.2),
    }

"""State of charge: by hand, against a plain loop over samples, and against the demo's truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_lib.api import SiteData, open_site
from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.kpi.soc import SocCourse, soc_series
from microgrid_lib.kpi.soc_steps import Charge
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import BATTERY, Row, make_lake, make_site, naive_slots, rows_from, utc

START = utc("2023-03-01T00:00")
ROLES = ("battery", "battery_setpoint", "load", "critical_load")
LOOSE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def powers(*values: float | None) -> list[dict[str, float | None]]:
    return [{"battery": value} for value in values]


def states(
    engine: DuckDBEngine, folder: Path, site: Site, slots: Sequence[Any], **more: Any
) -> Callable[[float], Any]:
    """State at so many seconds after the start, the same with and without summaries."""
    profile = site.profile()
    rows = rows_from(site, START, slots)
    summed = make_lake(folder, profile, rows, summarised=engine, **more)
    courses = [
        SocCourse(Access(engine, lake, profile)) for lake in (summed, replace(summed, summaries={}))
    ]

    def at(seconds: float) -> Any:
        found, other = (course.at(START + timedelta(seconds=seconds)) for course in courses)
        assert (found.soc, found.half_width) == pytest.approx((other.soc, other.half_width))
        assert found.valid == other.valid
        return found

    return at


def test_charging_stores_and_discharging_takes_with_losses(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    at = states(engine, tmp_path, make_site(ROLES), powers(-16.0, 16.0, 0.0))
    assert at(0).soc == 0.5
    # 16 kW for a quarter hour are 4 kWh: 0.9 of it stored, 1 / 0.9 of it taken, of 160 kWh.
    assert at(900).soc == pytest.approx(0.5 + 4 * 0.9 / 160)
    assert at(1800).soc == pytest.approx(0.5 + 4 * (0.9 - 1 / 0.9) / 160)


def test_the_band_grows_by_gain_and_efficiency_errors(engine: DuckDBEngine, tmp_path: Path) -> None:
    anchor = {"time": START, "soc": 0.5, "uncertainty": 0.01}
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": [anchor]})
    at = states(engine, tmp_path, site, powers(-16.0, 16.0, 0.0))
    charged = 4 * (0.01 * 0.9 + 0.02) / 160
    taken = 4 * (0.01 / 0.9 + 0.02 / 0.9**2) / 160
    assert at(0).half_width == 0.01
    assert at(900).half_width == pytest.approx(0.01 + charged)
    assert at(1800).half_width == pytest.approx(0.01 + charged + taken)
    assert at(2700).half_width == at(1800).half_width


def test_without_an_anchor_the_band_is_everything(engine: DuckDBEngine, tmp_path: Path) -> None:
    state = states(engine, tmp_path, make_site(ROLES), powers(-16.0, 0.0))(1800)
    assert not state.anchored
    assert (state.low, state.high) == (pytest.approx(state.soc - state.half_width, abs=0.03), 1.0)
    assert state.half_width > 0.5


def test_full_and_empty_clip_step_by_step(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(ROLES, battery=BATTERY | {"capacity_kwh": 10.0})
    # 40 kW for a quarter hour are 9 kWh stored: full; then 9 kWh / 0.9 taken: 10 kWh, empty.
    at = states(engine, tmp_path, site, powers(-40.0, 36.0, -4.0, 0.0))
    assert [at(900 * n).soc for n in range(4)] == pytest.approx([0.5, 1.0, 0.0, 0.09])


def test_clipping_inside_five_minutes_keeps_the_order_of_minutes(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(ROLES, interval_s=60, battery=BATTERY | {"capacity_kwh": 1.0})
    minute = 1 / 60
    # +0.9 (clipped at full), -0.3333, then +0.03.
    at = states(engine, tmp_path, site, powers(-60.0, 18.0, -2.0, 0.0, 0.0, 0.0))
    expected = 1.0 - 18 * minute / 0.9 + 2 * minute * 0.9
    assert at(300).soc == pytest.approx(expected)
    assert at(120).soc == pytest.approx(1.0 - 18 * minute / 0.9)


@pytest.mark.parametrize(("kw", "soc"), [(-60.0, 0.0), (60.0, 1.0)])
def test_five_minutes_that_cancel_out_clip_all_the_same(
    engine: DuckDBEngine, tmp_path: Path, kw: float, soc: float
) -> None:
    lossless = BATTERY | {"capacity_kwh": 1.0, "eta_charge": 1.0, "eta_discharge": 1.0}
    site = make_site(ROLES, interval_s=60, battery=lossless)
    # A kilowatt-hour in and out, or out and in, of a battery that has room for half of one.
    at = states(engine, tmp_path, site, powers(kw, -kw, 0.0, 0.0, 0.0, 0.0))
    assert at(300).soc == pytest.approx(soc)


def test_clipping_never_narrows_the_band(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(ROLES, battery=BATTERY | {"capacity_kwh": 10.0})
    at = states(engine, tmp_path, site, powers(*[-40.0] * 8, 0.0))
    widths = [at(900 * n).half_width for n in range(9)]
    assert widths == sorted(widths)
    assert widths[0] == 0.5
    assert at(7200).low < 0.5


def test_a_gap_holds_the_value_and_is_counted(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(ROLES)
    slots = [*powers(-16.0), *({} for _ in range(4)), *powers(-16.0, 0.0)]
    at = states(engine, tmp_path, site, slots)
    assert at(900).soc == at(4500).soc == pytest.approx(0.5 + 3.6 / 160)
    assert at(4500).missing_h(site.profile()) == 1.0
    assert at(900).missing_h(site.profile()) == 0.0
    assert at(5400).soc == pytest.approx(0.5 + 7.2 / 160)


@pytest.mark.parametrize("seconds", [600, 610, 750, 1150])
def test_in_five_minutes_without_a_sample_the_value_is_held(
    engine: DuckDBEngine, tmp_path: Path, seconds: int
) -> None:
    site = make_site(ROLES, interval_s=10, live=True)
    slots = powers(*[16.0] * 60)
    at = states(engine, tmp_path, site, slots)
    assert at(seconds).soc == at(600).soc
    assert at(seconds).missing_h(site.profile()) == pytest.approx((seconds - 600) // 10 / 360)
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, slots), summarised=engine)
    day, now = Window(START, START + timedelta(days=1)), START + timedelta(seconds=seconds)
    soc = kpi_report(engine, lake, site.profile(), day, now=now).kpis["soc"]
    assert soc.value == at(600).soc


def test_in_a_month_without_a_sample_the_value_is_held(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(ROLES, interval_s=60)
    rows = rows_from(site, START, powers(*[16.0] * 10))
    rows += rows_from(site, START + timedelta(days=70), powers(*[16.0] * 10))
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine)
    course = SocCourse(Access(engine, lake, site.profile()))
    first = course.at(START + timedelta(minutes=10)).soc
    assert course.at(START + timedelta(days=40, minutes=2)).soc == first < 0.5


def test_of_two_anchors_in_one_step_the_later_counts(engine: DuckDBEngine, tmp_path: Path) -> None:
    anchors = [
        {"time": START + timedelta(seconds=second), "soc": soc, "uncertainty": 0.01}
        for second, soc in ((70, 0.9), (65, 0.3), (110, 0.4))
    ]
    for known in (anchors, anchors[::-1]):
        site = make_site(ROLES, interval_s=60, battery=BATTERY | {"soc_anchors": known})
        assert states(engine, tmp_path, site, powers(*[0.0] * 12))(600).soc == 0.4


def test_part_of_a_minute_counts_for_what_it_covers(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(ROLES, interval_s=10)
    slots = powers(-36.0, None, -36.0, None, None, None, *[0.0] * 60)
    # Two slots of ten seconds at 36 kW are 0.2 kWh.
    assert states(engine, tmp_path, site, slots)(60).soc == pytest.approx(0.5 + 0.2 * 0.9 / 160)


@pytest.mark.parametrize("offset_s", [0, 450, 900])
def test_a_set_anchor_holds_from_the_next_step_on(
    engine: DuckDBEngine, tmp_path: Path, offset_s: int
) -> None:
    anchor = {"time": START + timedelta(seconds=offset_s), "soc": 0.7, "uncertainty": 0.03}
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": [anchor]})
    at = states(engine, tmp_path, site, powers(-16.0, -16.0, 0.0))
    step = 4 * 0.9 / 160
    after = 0 if offset_s == 0 else 1
    assert at(900 * after).soc == 0.7
    assert at(900 * after).half_width == 0.03
    assert at(1800).soc == pytest.approx(0.7 + (2 - after) * step)
    assert at(1800).anchored


def test_a_set_anchor_inside_five_minutes_splits_them(engine: DuckDBEngine, tmp_path: Path) -> None:
    anchor = {"time": START + timedelta(seconds=110), "soc": 0.9, "uncertainty": 0.0}
    site = make_site(ROLES, interval_s=60, battery=BATTERY | {"soc_anchors": [anchor]})
    at = states(engine, tmp_path, site, powers(*[16.0] * 12))
    step = 16 / 60 / 0.9 / 160
    assert at(60).soc == pytest.approx(0.5 - step)
    assert at(120).soc == 0.9
    assert at(300).soc == pytest.approx(0.9 - 3 * step)
    assert at(600).soc == pytest.approx(0.9 - 8 * step)
    assert at(600).valid == 10


def test_a_set_anchor_in_a_gap_holds_through_it(engine: DuckDBEngine, tmp_path: Path) -> None:
    anchor = {"time": START + timedelta(hours=2), "soc": 0.8, "uncertainty": 0.05}
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": [anchor]})
    rows = rows_from(site, START, powers(0.0))
    rows += rows_from(site, START + timedelta(hours=4), powers(0.0, 0.0))
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine)
    course = SocCourse(Access(engine, lake, site.profile()))
    assert course.at(START + timedelta(hours=1)).soc == 0.5
    assert course.at(START + timedelta(hours=3)).soc == 0.8
    missing = [course.at(START + timedelta(hours=n)).missing_h(site.profile()) for n in (1, 3)]
    # Since a quarter past midnight, and since the anchor.
    assert missing == [0.75, 1.0]
    assert course.at(START + timedelta(hours=4, minutes=15)).soc == 0.8


def charge_slots(course: Sequence[float], setpoint: float = -10.0) -> list[dict[str, float]]:
    """A minute each, charging commanded throughout, then nothing."""
    told = [{"battery": -kw, "battery_setpoint": setpoint} for kw in course]
    return [*told, *({"battery": 0.0, "battery_setpoint": 0.0} for _ in range(10))]


TAPER = [10.0] * 10 + [4.0] * 5 + [1.0] * 5 + [0.0] * 15


def test_a_charge_that_tapers_into_the_dead_band_is_an_anchor(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    at = states(engine, tmp_path, make_site(ROLES, interval_s=60), charge_slots(TAPER))
    # Tapered off after twenty minutes; known ten minutes later.
    assert not at(29 * 60).anchored
    assert at(30 * 60).anchored
    assert (at(30 * 60).soc, at(30 * 60).half_width) == (0.95, 0.02)


@pytest.mark.parametrize(
    "slots",
    [
        pytest.param(charge_slots([10.0] * 20 + [0.0] * 15), id="it tripped"),
        pytest.param(charge_slots([10.0] * 15 + [1.0] * 5 + [0.0] * 15), id="it fell at once"),
        pytest.param(charge_slots([0.0] * 35), id="it never charged"),
        pytest.param(charge_slots([*TAPER[:28], 1.0, *TAPER[29:]]), id="it took up again"),
        pytest.param(charge_slots(TAPER, setpoint=0.0), id="nobody commanded it"),
        pytest.param(charge_slots(TAPER[:29]), id="too short to tell"),
        pytest.param(
            [{} if 22 <= i < 24 else slot for i, slot in enumerate(charge_slots(TAPER))],
            id="not all of it is known",
        ),
    ],
)
def test_other_charges_are_no_anchor(
    engine: DuckDBEngine, tmp_path: Path, slots: list[dict[str, float]]
) -> None:
    at = states(engine, tmp_path, make_site(ROLES, interval_s=60), slots)
    assert not at(len(slots) * 60).anchored


def test_a_charge_is_full_once() -> None:
    charge = Charge()
    for mean in (10.0, 4.0, 1.0):
        charge = charge.after(mean, idle=False)
    found = []
    for _ in range(4):
        charge = charge.after(0.0, idle=True)
        found.append(charge.full(2))
    assert found == [False, True, False, False]


@pytest.mark.parametrize(
    ("means", "full"),
    [
        ((10.0, 5.0, 1.0), True),
        ((10.0, 5.1, 1.0), False),
        ((10.0, 2.0, 2.0), True),
        ((10.0, 1.0, 2.0), False),
        ((10.0, 1.0, 0.0), False),
        ((0.8, 0.4, 0.1), True),
        ((0.8, 0.45, 0.1), False),
        ((4.0,), False),
    ],
)
def test_a_taper_ends_at_half_of_the_peak_or_less_and_never_rises(
    means: tuple[float, ...], full: bool
) -> None:
    charge = Charge()
    for mean in means:
        charge = charge.after(mean, idle=False)
    assert charge.after(0.0, idle=True).full(1) is full


def naive_soc(
    profile: Profile, rows: Sequence[Row], end: datetime, anchors: Sequence[tuple[datetime, float]]
) -> float:
    """State of charge by a plain loop over samples and minutes."""
    site = profile.site
    battery = site.battery
    slots = naive_slots(profile, rows)
    dt = timedelta(seconds=site.interval_s)
    step = max(timedelta(minutes=1), dt)
    time = min(slots)
    bucket = timedelta(seconds=site.summary_s)
    s = 0.5
    while time < end:
        since = (time - START) % bucket
        close = min(since // step * step + step, bucket) - since + time
        for at, value in anchors:
            if time - dt < at <= time and (time - START) % step == timedelta(0):
                s = value
        change = 0.0
        while time < min(close, end):
            power = slots.get(time, {}).get("battery")
            hours = dt / timedelta(hours=1)
            if power is not None and power < 0:
                change += -power * battery.eta_charge * hours / (battery.capacity_kwh or 0)
            if power is not None and power > 0:
                change -= power / battery.eta_discharge * hours / (battery.capacity_kwh or 0)
            time += dt
        s = min(1.0, max(0.0, s + change))
    return s


TWINS = {
    "ten seconds": make_site(ROLES, interval_s=10, battery=BATTERY | {"capacity_kwh": 3.0}),
    "twenty-five seconds": make_site(ROLES, interval_s=25, battery=BATTERY | {"capacity_kwh": 3.0}),
    "quarter hours": make_site(ROLES, battery=BATTERY | {"capacity_kwh": 20.0}),
}


@pytest.mark.parametrize("name", TWINS)
@settings(max_examples=10, **LOOSE)
@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 1))
def test_it_equals_a_plain_loop_over_samples(
    engine: DuckDBEngine, tmp_path: Path, name: str, seed: int, share: float
) -> None:
    site = TWINS[name]
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for i in range(400):
        if rng.random() < 0.9 or i == 0:
            at = START + timedelta(seconds=i * site.interval_s + int(rng.integers(0, 8)))
            power = float(np.round(rng.normal(-5, 40), 1)) if rng.random() < 0.95 else None
            rows.append({"time": at, "source": "plant", "battery": power})
    end = START + timedelta(seconds=round(400 * share) * site.interval_s)
    profile = site.profile()
    lake = make_lake(tmp_path, profile, rows, summarised=engine)
    for snapshot in (lake, replace(lake, summaries={})):
        found = SocCourse(Access(engine, snapshot, profile)).at(end)
        assert found.soc == pytest.approx(naive_soc(profile, rows, end, ()), abs=1e-9)
        assert 0 <= found.low <= found.soc <= found.high <= 1


def test_it_is_the_same_whatever_the_months_are_cut_into(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    start = utc("2023-03-31T20:00")
    zoned = make_site(ROLES, interval_s=60, display_timezone="UTC-05:00")
    rng = np.random.default_rng(3)
    values = powers(*np.round(rng.normal(-5, 40, 600), 1))
    found = []
    for site in (zoned, make_site(ROLES, interval_s=60)):
        lake = make_lake(
            tmp_path, site.profile(), rows_from(site, start, values), summarised=engine
        )
        course = SocCourse(Access(engine, lake, site.profile()))
        found.append([course.at(start + timedelta(minutes=n)).soc for n in (1, 243, 250, 599)])
    assert found[0] == pytest.approx(found[1], abs=1e-12)


def test_the_series_has_the_window_s_ends_and_marks_gaps(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(ROLES, interval_s=60)
    slots = [{} if 12 <= i < 14 else {"battery": -16.0} for i in range(61)]
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, slots), summarised=engine)
    access = Access(engine, lake, site.profile())
    window = Window(START + timedelta(minutes=2), START + timedelta(minutes=58))
    step = 16 / 60 * 0.9 / 160
    for points, length in ((1000, 57), (20, 13), (12, 7)):
        series = soc_series(access, window, points)
        frame = series.frame
        assert len(frame) == length
        assert frame["time"].iloc[[0, -1]].tolist() == [window.start, window.end]
        minutes = (frame["time"] - START).dt.total_seconds() / 60
        valid = minutes - (minutes - 12).clip(0, 2)
        assert frame["soc"].to_numpy() == pytest.approx(0.5 + step * valid.to_numpy())
        gaps = (minutes.shift(fill_value=0) < 14) & (minutes > 12)
        assert frame["gap"].tolist() == gaps.tolist()


@pytest.mark.parametrize("points", [2, 3, 1000])
def test_the_series_begins_and_ends_inside_a_minute_with_what_is_known_there(
    engine: DuckDBEngine, tmp_path: Path, points: int
) -> None:
    site = make_site(ROLES, interval_s=10)
    lake = make_lake(
        tmp_path,
        site.profile(),
        rows_from(site, START, powers(*[-36.0] * 360)),
        summarised=engine,
    )
    access = Access(engine, lake, site.profile())
    for first_s, last_s in ((140, 1510), (310, 1790), (130, 170)):
        window = Window(START + timedelta(seconds=first_s), START + timedelta(seconds=last_s))
        frame = soc_series(access, window, points).frame
        seconds = (frame["time"] - START).dt.total_seconds()
        assert seconds.iloc[[0, -1]].tolist() == [first_s, last_s]
        # 36 kW for ten seconds are 0.1 kWh.
        expected = 0.5 + seconds / 10 * 0.1 * 0.9 / 160
        assert frame["soc"].to_numpy() == pytest.approx(expected.to_numpy())
        assert not frame["gap"].any()


def test_what_the_charge_cannot_have_been_below_follows_from_the_band(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    anchor = {"time": START + timedelta(minutes=45), "soc": 0.7, "uncertainty": 0.01}
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": [anchor]})
    rows = rows_from(site, START, powers(-16.0, 16.0, 0.0, 0.0, -16.0))
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine)
    ends_us, lowest = SocCourse(Access(engine, lake, site.profile())).lowest(0.02)
    quarters = [(START + n * timedelta(minutes=15)).timestamp() for n in range(1, 6)]
    assert (ends_us / 1e6).tolist() == quarters
    # 4 kWh of 160 widen the band by 0.000725 when stored and by 0.000895 when taken: no more
    # than 50 times that has flowed. Of the anchor's quarter hour nothing is known.
    charged, taken = 4 * (0.01 * 0.9 + 0.02) / 160, 4 * (0.01 / 0.9 + 0.02 / 0.9**2) / 160
    low = 0.5 + 4 * (0.9 - 1 / 0.9) / 160
    assert lowest.tolist() == pytest.approx(
        [0.5 - charged * 50, low - taken * 50, low, 0.0, 0.7 - charged * 50]
    )


def test_buckets_end_with_their_last_step(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(ROLES, interval_s=10)
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, powers(*[0.0] * 60)))
    course = SocCourse(Access(engine, lake, site.profile()))
    minutes = [int((START + timedelta(minutes=n)).timestamp()) * 1_000_000 for n in range(21)]
    assert course.step_ends(np.array([minutes[5], minutes[20]])) == [*minutes[1:6], *minutes[16:21]]
    assert course.on_step(minutes[3])
    assert not course.on_step(minutes[3] + 10_000_000)


@pytest.mark.parametrize(("points", "step_s"), [(1000, 60), (31, 60), (3, 900)])
def test_the_series_is_no_finer_than_a_step(
    engine: DuckDBEngine, tmp_path: Path, points: int, step_s: int
) -> None:
    site = make_site(ROLES, interval_s=10)
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, powers(*[0.0] * 180)))
    window = Window(START, START + timedelta(minutes=30))
    series = soc_series(Access(engine, lake, site.profile()), window, points)
    assert series.step_s == step_s
    assert len(series.frame) == 1800 // step_s + 1


@pytest.mark.parametrize(("minutes", "step_s"), [(999, 60), (1000, 120)])
def test_a_series_has_a_thousand_points_unless_asked(
    engine: DuckDBEngine, tmp_path: Path, minutes: int, step_s: int
) -> None:
    site = make_site(ROLES, interval_s=60)
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, powers(0.0, 0.0)))
    window = Window(START, START + timedelta(minutes=minutes))
    assert soc_series(Access(engine, lake, site.profile()), window).step_s == step_s


def test_three_months_follow_each_other(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(ROLES)
    rows = [
        row
        for at in (utc("2023-01-31T23:30"), utc("2023-02-10T00:00"), utc("2023-03-01T00:00"))
        for row in rows_from(site, at, powers(-16.0, -16.0))
    ]
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine)
    course = SocCourse(Access(engine, lake, site.profile()))
    step = 4 * 0.9 / 160
    for at, steps in (
        *(("2023-01-31T23:45", 1), ("2023-02-01T00:00", 2), ("2023-02-10T00:15", 3)),
        *(("2023-02-20T00:00", 4), ("2023-03-01T00:15", 5), ("2023-03-01T00:30", 6)),
    ):
        assert course.at(utc(at)).soc == pytest.approx(0.5 + steps * step)


def test_a_series_may_begin_in_the_last_minute_of_a_bucket(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(ROLES, interval_s=60)
    rows = rows_from(site, START, powers(*[-16.0] * 21))
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine)
    window = Window(START + timedelta(minutes=4), START + timedelta(minutes=19))
    frame = soc_series(Access(engine, lake, site.profile()), window).frame
    step = 16 / 60 * 0.9 / 160
    assert frame["soc"].tolist() == pytest.approx([0.5 + step * n for n in range(4, 20)])


def test_of_anchors_before_the_first_sample_the_last_one_is_the_start(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    days = [(9, 0.2, 0.01), (2, 0.6, 0.04), (5, 0.9, 0.02)]
    anchors = [
        {"time": START - timedelta(days=back), "soc": soc, "uncertainty": width}
        for back, soc, width in days
    ]
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": anchors})
    at = states(engine, tmp_path, site, powers(0.0, None, 0.0))
    assert (at(0).soc, at(0).half_width, at(0).anchored) == (0.6, 0.04, True)
    assert [at(900 * n).missing_h(site.profile()) for n in range(4)] == [0.0, 0.0, 0.25, 0.25]


@pytest.mark.parametrize(("zone", "minutes"), [("Asia/Kathmandu", 15), ("Asia/Kolkata", 30)])
def test_hours_that_begin_within_one_of_utc_count_like_others(
    engine: DuckDBEngine, tmp_path: Path, zone: str, minutes: int
) -> None:
    # 5 h 45 min and 5 h 30 min ahead of UTC.
    first = START + timedelta(minutes=minutes)
    anchor = {"time": first + timedelta(hours=1, minutes=50), "soc": 0.8, "uncertainty": 0.03}
    battery = BATTERY | {"soc_anchors": [anchor]}
    site = make_site(ROLES, interval_s=3600, display_timezone=zone, battery=battery)
    rows = rows_from(site, first, powers(-16.0, -16.0, -16.0, 0.0))
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine)
    course = SocCourse(Access(engine, lake, site.profile()))
    # 16 kWh of 160 an hour, 0.9 of it stored; the anchor counts from the third hour on.
    found = [course.at(first + timedelta(hours=n)).soc for n in range(5)]
    assert found == pytest.approx([0.5, 0.59, 0.8, 0.89, 0.89])
    assert course.on_step(int(first.timestamp()) * 1_000_000)


def kpis_of(engine: DuckDBEngine, folder: Path, site: Site, slots: Sequence[Any]) -> dict[str, Kpi]:
    rows = rows_from(site, START, slots)
    lake = make_lake(folder, site.profile(), rows, summarised=engine)
    end = START + timedelta(seconds=len(slots) * site.interval_s)
    return kpi_report(engine, lake, site.profile(), Window(START, end)).kpis


def test_autonomy_is_what_is_left_above_the_least_over_the_last_hour_s_load(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    anchor = {"time": START, "soc": 0.5, "uncertainty": 0.1}
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": [anchor]})
    early = [{"battery": 0.0, "load": 500.0, "critical_load": 500.0}] * 4
    late = [{"battery": 0.0, "load": 40.0, "critical_load": 10.0}] * 4
    found = kpis_of(engine, tmp_path, site, early + late)
    # (0.5 - 0.3) · 160 kWh · 0.9 = 28.8 kWh; 0.1 of the battery is 14.4 kWh.
    assert found["battery_autonomy_h"].value == pytest.approx(28.8 / 40)
    assert found["battery_autonomy_h"].uncertainty == pytest.approx(14.4 / 40)
    assert found["battery_autonomy_critical_h"].value == pytest.approx(2.88)
    assert found["soc"].value == 0.5
    assert found["soc"].uncertainty == pytest.approx(0.1)
    assert found["soc"].warning is None


def test_autonomy_below_the_least_is_zero_and_uncertain_upwards(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    anchor = {"time": START, "soc": 0.25, "uncertainty": 0.1}
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": [anchor]})
    found = kpis_of(engine, tmp_path, site, [{"battery": 0.0, "load": 40.0}] * 4)
    assert found["battery_autonomy_h"].value == 0.0
    assert found["battery_autonomy_h"].uncertainty == pytest.approx(0.05 * 160 * 0.9 / 40)


def test_the_uncertainty_is_the_larger_side_of_the_band(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    anchor = {"time": START, "soc": 0.95, "uncertainty": 0.1}
    site = make_site(ROLES, battery=BATTERY | {"soc_anchors": [anchor]})
    found = kpis_of(engine, tmp_path, site, [{"battery": 0.0, "load": 0.5}] * 4)
    assert found["soc"].uncertainty == pytest.approx(0.1)
    assert found["battery_autonomy_h"].value == pytest.approx(0.65 * 160 * 0.9 / 0.5)
    assert found["battery_autonomy_h"].uncertainty == pytest.approx(0.1 * 160 * 0.9 / 0.5)


def test_autonomy_without_a_load_is_undefined(engine: DuckDBEngine, tmp_path: Path) -> None:
    found = kpis_of(
        engine, tmp_path, make_site(ROLES), [{"battery": 0.0, "load": 0.0, "critical_load": -1.0}]
    )
    for name in ("battery_autonomy_h", "battery_autonomy_critical_h"):
        assert found[name].value is None
        reason = found[name].reason
        assert reason is not None
        assert (reason.code, reason.params) == ("no_energy", {"what": "last_hour"})


@pytest.mark.parametrize("missing", ["load", "battery"])
def test_only_the_last_hour_decides_on_the_coverage_of_autonomy(
    engine: DuckDBEngine, tmp_path: Path, missing: str
) -> None:
    whole = {"battery": 0.0, "load": 40.0, "critical_load": 20.0}
    partly = whole | {"load": 400.0, "critical_load": 200.0}
    early: list[dict[str, float]] = [{"battery": 0.0}] * 20
    found = kpis_of(
        engine,
        tmp_path,
        make_site(ROLES),
        [*early, *[whole] * 3, {k: v for k, v in partly.items() if k != missing}],
    )
    assert found["battery_autonomy_h"].coverage == 0.75
    assert found["battery_autonomy_h"].value == pytest.approx(0.2 * 160 * 0.9 / 40)
    critical = found["battery_autonomy_critical_h"]
    assert critical.coverage == (0.75 if missing == "battery" else 1.0)
    assert critical.value == pytest.approx(0.2 * 160 * 0.9 / (20 if missing == "battery" else 65))


def test_autonomy_is_withheld_where_the_battery_is_missing_for_most_of_the_last_hour(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    slots = [{"battery": 0.0, "load": 40.0}] * 5 + [{"load": 40.0}] * 3
    autonomy = kpis_of(engine, tmp_path, make_site(ROLES), slots)["battery_autonomy_h"]
    assert autonomy.coverage == 0.25
    assert autonomy.reason is not None
    assert autonomy.reason.code == "coverage_below_half"


def test_what_the_state_of_charge_rests_on_is_said(engine: DuckDBEngine, tmp_path: Path) -> None:
    slots: list[dict[str, float]] = [{"battery": 0.0}] * 60 + [{}] * 2 + [{"battery": 0.0}] * 2
    warning = kpis_of(engine, tmp_path, make_site(ROLES), slots)["soc"].warning
    assert warning is not None
    assert (warning.code, warning.params["also"]) == ("soc_not_anchored", "soc_gaps")
    assert warning.params["hours"] == 0.5


def test_a_site_without_battery_or_capacity_has_none(engine: DuckDBEngine, tmp_path: Path) -> None:
    bare = make_site(["load"])
    reason = kpis_of(engine, tmp_path, bare, [{"load": 1.0}])["soc"].reason
    assert reason is not None
    assert reason.text == "this site has no battery"
    unknown = make_site(["battery", "load"], battery={})
    found = kpis_of(engine, tmp_path, unknown, [{"battery": 1.0, "load": 1.0}])
    for name in ("soc", "battery_autonomy_h"):
        reason = found[name].reason
        assert reason is not None
        assert reason.code == "battery_capacity_unknown"


def check_against_truth(site: SiteData, folder: Path) -> None:
    """The truth is in the band at every full hour, and near the value once there is an anchor."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    span = site.span()
    assert span is not None
    frame = site.soc(Window(*span), 50_000).frame.set_index("time")
    true = pd.Series(truth["soc"]["soc"], pd.to_datetime(truth["soc"]["time"], utc=True))
    at = frame.loc[true.index.tz_convert(site.site.display_zone)]
    assert (at["low"].to_numpy() <= true.to_numpy()).all()
    assert (true.to_numpy() <= at["high"].to_numpy()).all()
    # What flows in a gap is known to the truth alone, so it moves away a little with each.
    error = np.abs(at["soc"].to_numpy() - true.to_numpy())[at["anchored"].to_numpy()]
    assert len(error) > 24
    assert error.max() < 0.1


def test_on_demo_data_the_truth_is_in_the_band_at_all_times(
    demo_month: Path, tmp_path: Path
) -> None:
    site = open_site("mesa_del_sol", settings=Settings(home=tmp_path))
    site.ingest([demo_month])
    check_against_truth(site, demo_month)
    truth = json.loads((demo_month / "truth.json").read_text(encoding="utf-8"))
    frame = site.soc(site.window("2022-06", "2022-07"), 10_000).frame.set_index("time")
    (event,) = (e for e in truth["events"] if e["kind"] == "battery_full_charge")
    anchored = frame.index[frame["anchored"]][0]
    assert pd.Timestamp(event["start"]) < anchored <= pd.Timestamp(event["end"])
    hours = pd.to_datetime(truth["soc"]["time"])
    true = np.array(truth["soc"]["soc"])
    known = frame.loc[hours[hours >= anchored].tz_convert(site.site.display_zone)]
    assert np.abs(known["soc"] - true[hours >= anchored]).max() < 0.001
    assert site.site.battery.soc_max == 0.95


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_on_fifteen_months_of_demo_data_the_truth_is_in_the_band_at_all_times(
    tmp_path: Path,
) -> None:
    from microgrid_lib.ingest.demo import DemoPlan, write_demo

    folder = tmp_path / "demo"
    write_demo(folder, DemoPlan(months=15))
    site = open_site("mesa_del_sol", settings=Settings(home=tmp_path / "home"))
    site.ingest([folder])
    check_against_truth(site, folder)


def test_asking_for_a_series_without_a_battery_is_one_clear_line(tmp_path: Path) -> None:
    site = open_site("trade_street", settings=Settings(home=tmp_path))
    with pytest.raises(NoDataError, match="capacity of the battery isn't known"):
        site.soc(site.window("2022-06", "2022-07"))

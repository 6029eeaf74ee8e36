"""Alerts around the end of a month and the ends of a window, by hand.

Months that ended quietly aren't replayed, and only those summaries are opened in which something
may have happened: here is what that must not lose. Minutes count from 20:00 UTC on 31 March.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.alerts import Alert, alerts_of
from microgrid_lib.site.profile import Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.extent import as_of
from microgrid_lib.window import Window
from tests.kpi.lakes import BATTERY, make_lake, make_site, rows_from, utc

START = utc("2023-03-31T20:00")
MONTH_END, LENGTH = 240, 480
SECONDS_OF_SUMMARY = 300
FINE = {
    "battery": 0.0,
    "bus_voltage": 480.0,
    "mccb_voltage": 480.0,
    "bus_frequency": 60.0,
    "mccb_frequency": 60.0,
}
LOW, BETWEEN = ({"bus_voltage": v, "mccb_voltage": v} for v in (450.0, 457.0))
LOST = {"bus_voltage": None, "mccb_voltage": None}
NOTHING = dict.fromkeys(FINE)
Values = Mapping[str, float | None]
Brief = tuple[str, float, float | None]


def site_of(roles: Sequence[str] = tuple(FINE), **options: Any) -> Site:
    site = make_site(roles, **{"interval_s": 60} | options)
    assert site.summary_s == SECONDS_OF_SUMMARY
    return site


def course(*changes: tuple[int, int, Values]) -> list[Values]:
    """Eight hours in which all is well but from one minute to another."""
    slots: list[Values] = [FINE] * LENGTH
    for first, last, values in changes:
        slots[first:last] = [FINE | dict(values)] * (last - first)
    return slots


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def alerts(
    engine: DuckDBEngine,
    folder: Path,
    slots: Sequence[Values],
    window: tuple[float, float] = (-60, 10_000),
    site: Site | None = None,
) -> list[Alert]:
    """Alerts of a window, the same with and without summaries."""
    profile = (site or site_of()).profile()
    lake = make_lake(folder, profile, rows_from(profile.site, START, slots), summarised=engine)
    asked = Window(at(window[0]), at(window[1]))
    found = []
    for snapshot in (lake, replace(lake, summaries={})):
        until = as_of(snapshot, profile)
        assert until is not None
        found.append(alerts_of(Access(engine, snapshot, profile), asked, until))
    assert found[0] == found[1]
    return found[0]


def brief(found: Sequence[Alert]) -> list[Brief]:
    def minute(moment: datetime) -> float:
        return (moment - START) / timedelta(minutes=1)

    return [(a.name, minute(a.start), a.end and minute(a.end)) for a in found]


NEXT_MONTH = (270, 280)
ITS_BEGINNING = (MONTH_END - 0.5, 280)


@pytest.mark.parametrize(
    ("slots", "window", "expected"),
    [
        pytest.param(
            course((100, 300, LOW)), NEXT_MONTH, [("bus_voltage", 100, 300)], id="it lasts"
        ),
        pytest.param(
            course((237, 300, LOW)),
            NEXT_MONTH,
            [("bus_voltage", 237, 300)],
            id="it begins in the last summary",
        ),
        pytest.param(
            course((100, 110, LOW), (110, 300, BETWEEN)),
            NEXT_MONTH,
            [("bus_voltage", 100, 300)],
            id="it is between its thresholds",
        ),
        pytest.param(
            course((100, 110, LOW), (110, 300, LOST)),
            NEXT_MONTH,
            [("bus_voltage", 100, 300)],
            id="what it watches is missing",
        ),
        pytest.param(
            course((225, 300, LOST), *((n, n + 1, LOW) for n in (228, 231, 235))),
            NEXT_MONTH,
            [("bus_voltage", 228, 300)],
            id="single samples raise it",
        ),
        pytest.param(
            course((200, MONTH_END, LOW)),
            (0, LENGTH),
            [("bus_voltage", 200, MONTH_END)],
            id="it ends with the first sample",
        ),
        pytest.param(
            course((0, 300, LOST)), ITS_BEGINNING, [], id="what is watched was never there"
        ),
        pytest.param(
            course((200, MONTH_END, NOTHING)),
            ITS_BEGINNING,
            [("data_stale", 200, MONTH_END)],
            id="rows without values",
        ),
        pytest.param(
            course((200, 212, NOTHING), (213, MONTH_END, NOTHING)),
            ITS_BEGINNING,
            [("data_stale", 213, MONTH_END)],
            id="a single sample among rows without values",
        ),
        pytest.param(
            course((0, MONTH_END, NOTHING)),
            ITS_BEGINNING,
            [("data_stale", 0, MONTH_END)],
            id="a month of rows without values",
        ),
        pytest.param(
            course((238, 242, NOTHING)), ITS_BEGINNING, [], id="four minutes without values"
        ),
        pytest.param(
            course((237, 242, NOTHING)),
            ITS_BEGINNING,
            [("data_stale", 237, 242)],
            id="five minutes without values",
        ),
    ],
)
def test_the_end_of_a_month_changes_nothing(
    engine: DuckDBEngine,
    tmp_path: Path,
    slots: list[Values],
    window: tuple[float, float],
    expected: list[Brief],
) -> None:
    assert brief(alerts(engine, tmp_path, slots, window)) == expected
    every = [one for one in brief(alerts(engine, tmp_path, slots)) if one in expected]
    assert every == expected


def test_what_is_remembered_of_a_month_is_taken_for_no_other(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = site_of().profile()
    ends = [utc(f"2023-{month}T20:00") for month in ("03-31", "04-30", "05-31", "06-30")]
    rows = [rows_from(profile.site, end, [FINE] * MONTH_END) for end in ends]
    three = make_lake(tmp_path, profile, [row for month in rows[:3] for row in month])
    four = replace(three, parts=(*three.parts, *make_lake(tmp_path, profile, rows[3]).parts))
    for snapshot, day, expected in (
        (three, utc("2023-04-10T00:00"), ["data_stale"]),
        (four, utc("2023-07-05T00:00"), []),
    ):
        until = as_of(snapshot, profile)
        assert until is not None
        window = Window(day, day + timedelta(days=1))
        found = alerts_of(Access(engine, snapshot, profile), window, until)
        assert [alert.name for alert in found] == expected


def test_a_month_may_have_five_minutes(engine: DuckDBEngine, tmp_path: Path) -> None:
    profile = site_of().profile()
    rows = rows_from(
        profile.site, at(MONTH_END - 5), course((MONTH_END, 250, LOW))[MONTH_END - 5 :]
    )
    access = Access(engine, make_lake(tmp_path, profile, rows), profile)
    found = alerts_of(access, Window(at(245), at(260)), at(LENGTH))
    assert brief(found) == [("bus_voltage", MONTH_END, 250)]


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        pytest.param(
            course((100, 105, LOW), (105, 115, LOST)),
            [("bus_voltage", 100, 115)],
            id="summaries without what is watched come after it",
        ),
        pytest.param(
            course((100, 105, LOW), (105, 115, BETWEEN)),
            [("bus_voltage", 100, 115)],
            id="summaries between the thresholds come after it",
        ),
        pytest.param(
            course((99, 104, NOTHING)), [("data_stale", 99, 104)], id="a minute here, four there"
        ),
        pytest.param(course((99, 103, NOTHING)), [], id="a minute here, three there"),
    ],
)
def test_the_bounds_of_summaries_change_nothing(
    engine: DuckDBEngine, tmp_path: Path, slots: list[Values], expected: list[Brief]
) -> None:
    assert brief(alerts(engine, tmp_path, slots)) == expected


GAP, CLOSED = {"mccb_voltage": 490.0}, {"mccb_voltage": 483.0}


def in_turn(first: int, last: int) -> list[tuple[int, int, Values]]:
    """Minutes in which either of two voltages is there, never both."""
    names = ("bus_voltage", "mccb_voltage")
    return [(n, n + 1, {names[n % 2]: None}) for n in range(first, last)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            [(100, 105, GAP), *in_turn(105, 115)],
            ("voltage_gap", 100, 115),
            id="then both are back and equal",
        ),
        pytest.param(
            [(100, 105, GAP), *in_turn(105, 115), (115, 130, CLOSED)],
            ("voltage_gap", 100, 130),
            id="then the gap is between its thresholds",
        ),
        pytest.param(
            [(100, 230, GAP), *in_turn(230, 250), (250, 290, CLOSED)],
            ("voltage_gap", 100, 290),
            id="over the end of a month",
        ),
    ],
)
@pytest.mark.parametrize("window", [(-60, 10_000), (ITS_BEGINNING[1] - 0.5, 281)])
def test_summaries_in_which_the_two_never_meet_end_nothing(
    engine: DuckDBEngine,
    tmp_path: Path,
    changes: list[tuple[int, int, Values]],
    expected: Brief,
    window: tuple[float, float],
) -> None:
    found = brief(alerts(engine, tmp_path, course(*changes), window))
    begun, ended = expected[1], expected[2]
    assert ended is not None
    assert found == ([expected] if begun < window[1] and ended > window[0] else [])


@pytest.mark.parametrize(
    ("hertz_first", "hertz_second", "alerted"),
    [
        pytest.param(0.0, 0.003, True, id="1.5 mHz on the mean: synchronous"),
        pytest.param(0.006, 0.0, False, id="3 mHz on the mean: an island"),
    ],
)
def test_islands_are_told_from_whole_ten_minutes_not_from_what_is_read_of_them(
    engine: DuckDBEngine, tmp_path: Path, hertz_first: float, hertz_second: float, alerted: bool
) -> None:
    # Only the second five minutes have a gap.
    slots = course(
        (100, 105, {"mccb_frequency": 60.0 + hertz_first}),
        (105, 110, GAP | {"mccb_frequency": 60.0 + hertz_second}),
    )
    found = brief(alerts(engine, tmp_path, slots))
    assert found == ([("voltage_gap", 105, 110)] if alerted else [])


@pytest.mark.parametrize(
    ("window", "inside"),
    [((50, 100), 0), ((50, 101), 1), ((109, 120), 1), ((110, 120), 0), ((102, 104), 1)],
)
def test_a_window_has_what_lasts_for_some_of_it_and_not_what_touches_its_ends(
    engine: DuckDBEngine, tmp_path: Path, window: tuple[float, float], inside: int
) -> None:
    found = alerts(engine, tmp_path, course((100, 110, LOW)), window)
    assert brief(found) == [("bus_voltage", 100, 110)] * inside


def test_the_newest_sample_can_raise_an_alert(engine: DuckDBEngine, tmp_path: Path) -> None:
    # In a summary of its own.
    slots = course((13, 16, LOW))[:16]
    assert brief(alerts(engine, tmp_path, slots)) == [("bus_voltage", 13, None)]


def test_where_islands_cannot_be_told_every_voltage_gap_counts(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of(("bus_voltage", "mccb_voltage"))
    slots = course((100, 120, {"bus_voltage": 474.0}))
    assert brief(alerts(engine, tmp_path, slots, site=site)) == [("voltage_gap", 100, 120)]


DOWN, UP = {"battery": 16.0}, {"battery": -16.0}


def battery_site(soc: float, *anchors: tuple[int, float], **settings: float) -> Site:
    """A battery with a known state of charge, at the start and later."""
    known = [
        {"time": at(minute), "soc": of, "uncertainty": 0.0} for minute, of in ((0, soc), *anchors)
    ]
    site = site_of(battery=BATTERY | {"soc_anchors": known})
    spec = site.profiles["plain"]
    alert_settings = spec.alerts.model_copy(update=settings)
    profiles = {"plain": spec.model_copy(update={"alerts": alert_settings})}
    return site.model_copy(update={"profiles": profiles})


def test_a_battery_at_its_limit_is_not_below_it(engine: DuckDBEngine, tmp_path: Path) -> None:
    at_limit = battery_site(0.35)
    assert alerts(engine, tmp_path, course(), site=at_limit) == []
    falling = course((60, 70, DOWN))
    assert brief(alerts(engine, tmp_path, falling, site=at_limit)) == [("battery_low", 61, None)]


def test_a_battery_at_the_other_threshold_is_low_no_longer(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    settings = {"battery_low_soc": 0.375, "battery_soc_hysteresis": 0.125}
    site = battery_site(0.36, (62, 0.5), **settings)
    assert brief(alerts(engine, tmp_path, course(), site=site)) == [("battery_low", 1, 62)]


def test_a_battery_that_is_low_within_a_summary_is_seen(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    # 160 kW take .0185 in a minute and give .0150.
    site = battery_site(0.36, battery_soc_for_s=180.0)
    slots = course((105, 106, {"battery": 160.0}), (108, 109, {"battery": -160.0}))
    (found,) = alerts(engine, tmp_path, slots, site=site)
    assert brief([found]) == [("battery_low", 106, None)]
    assert found.extreme == pytest.approx(0.36 - 160 / 60 / 0.9 / 160)


@pytest.mark.parametrize(
    ("soc", "changes", "expected"),
    [
        pytest.param(0.36, ((5, 20, DOWN), (200, 320, UP)), ["battery_low"], id="low soon"),
        pytest.param(
            0.55,
            ((30, 150, DOWN), (200, 320, UP), (350, 470, DOWN)),
            ["battery_low", "battery_low", "battery_empty"],
            id="charged at first",
        ),
        pytest.param(0.36, ((0, 20, DOWN), (200, 320, UP)), ["battery_low"], id="low at first"),
    ],
)
@pytest.mark.parametrize("hysteresis", [0.0, 0.05])
def test_a_window_has_the_low_battery_of_all_time_that_lasts_for_some_of_it(
    engine: DuckDBEngine,
    tmp_path: Path,
    hysteresis: float,
    soc: float,
    changes: tuple[tuple[int, int, Values], ...],
    expected: list[str],
) -> None:
    slots = course(*changes)
    site = battery_site(soc, battery_soc_hysteresis=hysteresis)
    every = alerts(engine, tmp_path, slots, site=site)
    assert [alert.name for alert in every] == expected
    profile = site.profile()
    lake = make_lake(tmp_path, profile, rows_from(site, START, slots), summarised=engine)
    access, until = Access(engine, lake, profile), as_of(lake, profile)
    assert until is not None
    for first in range(0, LENGTH - 10, 3):
        window = Window(at(first), at(first + 10))
        expected = [
            alert
            for alert in every
            if alert.start < window.end and (alert.end is None or alert.end > window.start)
        ]
        assert alerts_of(access, window, until) == expected

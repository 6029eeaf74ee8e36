"""Verdicts of periods from counts by hand: shares exactly at what is required, whole periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid_lib.kpi import compliance
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.compliance import Compliance, Counted, PeriodResult, not_observable
from microgrid_lib.kpi.compliance_rules import QualityRule, quality_rules
from microgrid_lib.kpi.excursions import Outside
from microgrid_lib.kpi.intervals import Intervals
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window
from tests.kpi.lakes import make_lake, make_site, rows_from, utc

MONDAY = utc("2023-03-06T00:00")
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
SECOND_US = 1_000_000


def rule_of(name: str) -> QualityRule:
    rules = quality_rules(make_site(["bus_voltage"]).profile())
    (found,) = (rule for rule in rules if rule.name == name)
    return found


def of_window(engine: DuckDBEngine, start: datetime, end: datetime) -> Compliance:
    profile = make_site(["bus_voltage", "bus_frequency"], interval_s=10).profile()
    return Compliance(Access(engine, Snapshot("small", 0, 0, (), {}), profile), Window(start, end))


def counted(starts: list[datetime], *columns: list[int]) -> Counted:
    """Starts, n, n1, n2, n_invalid."""
    times = np.array([int(at.timestamp()) * SECOND_US for at in starts])
    n, n1, n2, n_invalid = (np.array(column) for column in columns)
    return Counted(times, n, n1, n2, n_invalid)


def period(
    engine: DuckDBEngine, counts: tuple[int, int, int, int], rule: str, *, complete: bool = True
) -> PeriodResult:
    """One interval's counts, judged as a period."""
    end = MONDAY + WEEK
    rows = counted([MONDAY], *([count] for count in counts))
    judging = of_window(engine, MONDAY, end)
    return judging._period(rule_of(rule), rows, MONDAY, end, complete)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((20, 1, 0, 0), "pass"),
        ((20, 2, 0, 0), "fail"),
        ((2000, 101, 0, 0), "fail"),
        ((20, 1, 1, 0), "fail"),
        ((20, 0, 1, 0), "fail"),
        ((20, 0, 0, 20), "pass"),
        ((20, 0, 0, 21), "indicative"),
        ((1, 0, 0, 0), "pass"),
        ((1, 0, 0, 1), "pass"),
        ((0, 0, 0, 9), None),
    ],
)
def test_a_period_needs_exactly_its_shares_and_half_of_its_intervals(
    engine: DuckDBEngine, counts: tuple[int, int, int, int], verdict: str | None
) -> None:
    found = period(engine, counts, "en50160_voltage")
    assert (found.n, found.n1, found.n2, found.n_invalid) == counts
    assert found.verdict == verdict
    assert found.share_inside == (1 - counts[1] / counts[0] if counts[0] else None)
    parts = period(engine, counts, "en50160_voltage", complete=False)
    assert parts.verdict == ("indicative" if counts[0] else None)


def test_a_rule_without_an_outer_range_asks_only_for_the_inner_one(engine: DuckDBEngine) -> None:
    found = period(engine, (20, 0, 3, 0), "ansi_c84_1_a")
    assert (found.verdict, found.n2) == ("pass", None)
    assert period(engine, (20, 1, 0, 0), "ansi_c84_1_a").verdict == "fail"


def test_a_period_has_the_intervals_that_start_in_it(engine: DuckDBEngine) -> None:
    # The first interval begins before the window, as intervals of its first period may.
    start = MONDAY + timedelta(minutes=5)
    starts = [MONDAY, *(MONDAY + WEEK + k * timedelta(minutes=10) for k in (-1, 0, 1))]
    rows = counted(starts, [1, 2, 4, 8], [1, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 2])
    judging, rule = of_window(engine, start, MONDAY + 2 * WEEK), rule_of("en50160_voltage")
    first = judging._period(rule, rows, start, MONDAY + WEEK, False)
    second = judging._period(rule, rows, MONDAY + WEEK, MONDAY + 2 * WEEK, True)
    assert (first.n, first.n1, first.n2, first.n_invalid) == (3, 1, 0, 1)
    assert (second.n, second.n1, second.n2, second.n_invalid) == (12, 1, 2, 2)


def test_weeks_are_whole_from_monday_to_monday(engine: DuckDBEngine) -> None:
    start, end = MONDAY - DAY, MONDAY + WEEK + timedelta(hours=1)
    found = of_window(engine, start, end)._periods(rule_of("en50160_voltage"))
    assert found == [
        (start, MONDAY, False),
        (MONDAY, MONDAY + WEEK, True),
        (MONDAY + WEEK, end, False),
    ]


@pytest.mark.parametrize(("days", "whole"), [(364, False), (365, True)])
def test_a_year_has_365_days(engine: DuckDBEngine, days: int, whole: bool) -> None:
    end = MONDAY + days * DAY
    found = of_window(engine, MONDAY, end)._periods(rule_of("en50160_frequency_grid"))
    assert found == [(MONDAY, end, whole)]


def test_years_follow_each_other_from_the_window_s_start(engine: DuckDBEngine) -> None:
    year, end = 365 * DAY, MONDAY + 800 * DAY
    found = of_window(engine, MONDAY, end)._periods(rule_of("en50160_frequency_grid"))
    assert found == [
        (MONDAY, MONDAY + year, True),
        (MONDAY + year, MONDAY + 2 * year, True),
        (MONDAY + 2 * year, end, False),
    ]


def test_a_week_is_whole_where_its_monday_has_no_midnight(engine: DuckDBEngine) -> None:
    profile = make_site(["bus_voltage"], display_timezone="Asia/Tehran").profile()
    # Clocks went forward at midnight: 20:30 UTC is 01:00.
    start, end = utc("2021-03-21T20:30"), utc("2021-03-28T19:30")
    access = Access(engine, Snapshot("small", 0, 0, (), {}), profile)
    zone = profile.site.display_zone
    window = Window(start.astimezone(zone), end.astimezone(zone))
    found = Compliance(access, window)._periods(rule_of("en50160_voltage"))
    assert [(a.astimezone(UTC), b.astimezone(UTC), whole) for a, b, whole in found] == [
        (start, end, True)
    ]


def islanded_in(engine: DuckDBEngine, roles: list[str], islanded: list[bool]) -> Compliance:
    """A window whose islanded intervals are known."""
    profile = make_site(roles, interval_s=10).profile()
    access = Access(engine, Snapshot("small", 0, 0, (), {}), profile)
    judging = Compliance(access, Window(MONDAY, MONDAY + DAY))
    judging._islanded = np.array(islanded)
    return judging


BOTH = ["bus_voltage", "mccb_voltage", "bus_frequency", "mccb_frequency"]
TWO = Intervals(np.arange(2), 1, np.array([60, 60]), {})


@pytest.mark.parametrize(
    ("roles", "islanded", "rule", "why"),
    [
        (BOTH, [True, False], "en50160_frequency_grid", "islanded"),
        (BOTH, [False, False], "en50160_frequency_grid", None),
        (BOTH, [True, False], "en50160_frequency_island", None),
        # Without both frequencies nobody knows of an island.
        (BOTH[:3], [True, False], "en50160_frequency_grid", None),
    ],
)
def test_a_rule_for_the_grid_says_that_there_was_an_island_instead(
    engine: DuckDBEngine, roles: list[str], islanded: list[bool], rule: str, why: str | None
) -> None:
    judging = islanded_in(engine, roles, islanded)
    assert judging.no_intervals(rule_of(rule)).params.get("why") == why


@pytest.mark.parametrize(
    ("rule", "point", "roles", "expected"),
    [
        ("en50160_voltage", "bus_voltage", BOTH, [False, True]),
        ("en50160_voltage", "mccb_voltage", BOTH, [True, True]),
        ("ansi_c84_1_a", "bus_voltage", BOTH, [True, True]),
        ("en50160_frequency_island", "bus_frequency", BOTH, [True, False]),
        ("en50160_frequency_grid", "bus_frequency", BOTH, [False, True]),
        ("en50160_frequency_grid", "mccb_frequency", BOTH, [True, True]),
        ("en50160_frequency_island", "bus_frequency", BOTH[:3], [False, False]),
        ("en50160_frequency_grid", "bus_frequency", BOTH[:3], [True, True]),
    ],
)
def test_a_rule_counts_the_intervals_of_its_state_at_points_inside(
    engine: DuckDBEngine, rule: str, point: str, roles: list[str], expected: list[bool]
) -> None:
    judging = islanded_in(engine, roles, [True, False])
    assert judging._counts(rule_of(rule), point, TWO).tolist() == expected


def test_rules_and_trips_judge_the_points_of_their_unit_and_islands_only_inside(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging = islanded_in(engine, BOTH, [])
    monkeypatch.setattr(judging, "_result", lambda rule, point: (rule.name, point))
    monkeypatch.setattr(judging, "_trip", lambda trip, point: (trip.function, point))
    judged: set[Any] = set(judging.rules())
    for rule in quality_rules(make_site(["bus_voltage"]).profile()):
        points = ["bus_voltage", "mccb_voltage"] if rule.unit == "V" else BOTH[2:]
        expected = points[:1] if rule.state == "island" else points
        assert [point for name, point in sorted(judged) if name == rule.name] == expected
    tripped: set[Any] = set(judging.trips())
    assert {point for name, point in tripped if name == "OV1"} == {"bus_voltage", "mccb_voltage"}
    assert {point for name, point in tripped if name == "UF1"} == set(BOTH[2:])


def test_voltages_are_judged_by_valid_intervals_on_the_grid(engine: DuckDBEngine) -> None:
    judging = islanded_in(engine, BOTH, [False, True, False, False, False])
    n = np.array([60.0, 60.0, 29.0, 60.0, 60.0])
    volts = np.array([480.0, 300.0, 300.0, 431.0, 407.0])
    names = ("bus_voltage__n", "bus_voltage__sumsq")
    sums = dict(zip(names, (n, n * volts**2), strict=True))
    judging._known[names] = Intervals(np.arange(5), 1, np.full(5, 60), sums)
    found = judging.counted(rule_of("en50160_voltage"), "bus_voltage")
    assert found.n.tolist() == [1, 0, 0, 1, 1]
    assert found.n1.tolist() == [0, 0, 0, 1, 1]
    assert found.n2.tolist() == [0, 0, 0, 0, 1]
    assert found.n_invalid.tolist() == [0, 0, 1, 0, 0]
    anywhere = judging.counted(rule_of("ansi_c84_1_a"), "bus_voltage")
    assert anywhere.n.tolist() == [1, 1, 0, 1, 1]
    assert anywhere.n1.tolist() == [0, 1, 0, 1, 1]
    assert anywhere.n2.tolist() == [0] * 5


def test_frequencies_are_judged_by_samples_of_intervals_on_the_grid(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging = islanded_in(engine, BOTH, [False, True, False, False, False])
    sums = {"bus_frequency__n": np.array([60.0, 60.0, 50.0, 30.0, 60.0])}
    judging._known[("bus_frequency__n",)] = Intervals(np.arange(5), 1, np.full(5, 60), sums)
    # Beyond 60.6 Hz once in each of the first three intervals and twice in the fourth, there once
    # below 56.4 Hz; the second is islanded.
    samples = Outside(np.array([0, 1, 2, 3, 3]), np.array([61.0, 61.0, 61.0, 55.0, 61.0]))
    monkeypatch.setattr(compliance, "outside", lambda *_: samples)
    found = judging.counted(rule_of("en50160_frequency_grid"), "bus_frequency")
    assert found.n.tolist() == [60, 0, 50, 30, 60]
    assert found.n1.tolist() == [1, 0, 1, 2, 0]
    assert found.n2.tolist() == [0, 0, 0, 1, 0]
    assert found.n_invalid.tolist() == [0, 0, 10, 30, 0]
    island = judging.counted(rule_of("en50160_frequency_island"), "bus_frequency")
    assert (island.n.tolist(), island.n_invalid.tolist()) == ([0, 60, 0, 0, 0], [0] * 5)


def test_shares_inside_are_of_all_valid_intervals() -> None:
    rows = counted([MONDAY, MONDAY + DAY], [5, 3], [1, 1], [0, 0], [9, 9])
    assert rows.inside() == 0.75
    assert counted([MONDAY], [0], [0], [0], [1]).inside() is None
    assert counted([MONDAY], [1], [1], [0], [0]).inside() == 0.0


@pytest.mark.parametrize(
    ("interval_s", "trips", "means"),
    [
        (1, "OV2, OF2, UF2", True),
        (10, "OV2, UV2, OF2, UF2", False),
        (300, "OV1, OV2, UV1, UV2, OF2, UF2", False),
    ],
)
def test_trips_shorter_than_an_interval_are_named(interval_s: int, trips: str, means: bool) -> None:
    found = list(not_observable(make_site(["bus_voltage"], interval_s=interval_s).profile()))
    assert any(trips in note.text for note in found)
    assert any("stricter" in note.text for note in found) == means


@pytest.mark.parametrize(("hertz", "trips", "verdict"), [(61.3, 1, "fail"), (61.2, 0, "pass")])
def test_a_slot_as_long_as_the_clearing_time_is_a_trip(
    engine: DuckDBEngine, tmp_path: Path, hertz: float, trips: int, verdict: str
) -> None:
    site = make_site(["bus_frequency"], interval_s=300)
    values = [60.0, hertz, 60.0, 60.0]
    rows = rows_from(site, MONDAY, [{"bus_frequency": v} for v in values])
    lake = make_lake(tmp_path, site.profile(), rows)
    window = Window(MONDAY, MONDAY + timedelta(minutes=20))
    found = {
        t.function: t for t in Compliance(Access(engine, lake, site.profile()), window).trips()
    }
    assert (found["OF1"].trips, found["OF1"].verdict) == (trips, verdict)
    assert (found["OF2"].trips, found["OF2"].verdict) == (None, "not observable")


def test_without_valid_intervals_the_reason_is_the_missing_role_or_their_state(
    engine: DuckDBEngine,
) -> None:
    island, grid = rule_of("en50160_frequency_island"), rule_of("en50160_frequency_grid")
    untold = islanded_in(engine, BOTH[:3], [])
    told = islanded_in(engine, BOTH, [])

    def code(judging: Compliance, rule: QualityRule, n: int) -> tuple[str | None, str | None]:
        verdict, reason = judging._verdict(rule, [], n)
        return verdict, reason.code if reason else None

    assert code(untold, island, 0) == (None, "no_role")
    assert code(untold, grid, 0) == (None, "no_intervals")
    assert code(told, island, 0) == (None, "no_intervals")
    whole = islanded_in(engine, BOTH, [True])
    for judging, words in ((untold, "no valid"), (told, "no valid"), (whole, "was islanded")):
        reason = judging._verdict(grid, [], 0)[1]
        assert reason is not None
        assert words in reason.text
    assert code(told, grid, 1) == ("indicative", "period_incomplete")
    assert code(untold, island, 1) == ("indicative", "period_incomplete")

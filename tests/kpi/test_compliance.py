"""Grid quality: every limit's edge, counts by hand and by loops, islands, excursions, trips."""

from __future__ import annotations

import json
import math
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
from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.compliance import Compliance, ComplianceReport, RuleResult, TripResult
from microgrid_lib.kpi.compliance_rules import quality_rules
from microgrid_lib.kpi.excursions import Excursion, excursions
from microgrid_lib.kpi.islands import Islands, islands
from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window
from tests.kpi.lakes import Row, make_lake, make_site, naive_slots, rows_from, utc

MONDAY = utc("2023-03-06T00:00")
ROLES = ("bus_voltage", "receiving_voltage", "mccb_voltage", "bus_frequency", "mccb_frequency")
US = {"voltage_v": 480.0, "frequency_hz": 60.0}
EU = {"voltage_v": 400.0, "frequency_hz": 50.0}
Slots = Sequence[Mapping[str, float | None]]


def site_of(roles: Sequence[str] = ROLES, **options: Any) -> Site:
    return make_site(roles, **{"interval_s": 10} | options)


def even(site: Site, **other: float | None) -> dict[str, float | None]:
    volts, hertz = site.nominal.voltage_v, site.nominal.frequency_hz
    return {role: volts if "voltage" in role else hertz for role in ROLES} | other


class Judged:
    """What the library says of some rows, the same with and without summaries."""

    def __init__(
        self, engine: DuckDBEngine, folder: Path, site: Site, rows: Sequence[Row], window: Window
    ) -> None:
        lake = make_lake(folder, site.profile(), rows, summarised=engine)
        found = [self._judge(engine, s, site, window) for s in (lake, replace(lake, summaries={}))]
        assert found[0] == found[1]
        self.report, self.excursions, self.islands, self.kpis = found[0]

    @staticmethod
    def _judge(
        engine: DuckDBEngine, snapshot: Snapshot, site: Site, window: Window
    ) -> tuple[ComplianceReport, list[Excursion], Islands, Any]:
        access = Access(engine, snapshot, site.profile())
        part = clipped(snapshot, site.profile(), window)
        kpis = kpi_report(engine, snapshot, site.profile(), window, ["quality"]).kpis
        return (
            Compliance(access, part).report(window),
            excursions(access, part),
            islands(access, part),
            {name: kpi for name, kpi in kpis.items() if name.endswith("compliance")},
        )

    def rule(self, name: str, point: str) -> RuleResult:
        (found,) = (r for r in self.report.rules if (r.rule, r.point) == (name, point))
        return found

    def trip(self, function: str, point: str) -> TripResult:
        (found,) = (t for t in self.report.trips if (t.function, t.point) == (function, point))
        return found


def judge(
    engine: DuckDBEngine, folder: Path, site: Site, slots: Slots, start: datetime = MONDAY
) -> Judged:
    end = start + timedelta(seconds=len(slots) * site.interval_s)
    return Judged(engine, folder, site, rows_from(site, start, slots), Window(start, end))


VOLTS = [
    # per unit, outside EN 50160's inner and outer range, outside ANSI ranges A and B
    (1.0, 0, 0, 0, 0),
    (0.95, 0, 0, 0, 0),
    (0.9499, 0, 0, 1, 0),
    (1.05, 0, 0, 0, 0),
    (1.0501, 0, 0, 1, 0),
    (110 / 120, 0, 0, 1, 0),
    (0.9166, 0, 0, 1, 1),
    (127 / 120, 0, 0, 1, 0),
    (1.0584, 0, 0, 1, 1),
    (0.90, 0, 0, 1, 1),
    (0.8999, 1, 0, 1, 1),
    (1.10, 0, 0, 1, 1),
    (1.1001, 1, 1, 1, 1),
    (0.85, 1, 0, 1, 1),
    (0.8499, 1, 1, 1, 1),
]
HERTZ = [
    # per unit, outside the inner and outer range on the grid, and islanded
    (1.0, 0, 0, 0, 0),
    (0.99, 0, 0, 0, 0),
    (0.9899, 1, 0, 0, 0),
    (1.01, 0, 0, 0, 0),
    (1.0101, 1, 0, 0, 0),
    (0.98, 1, 0, 0, 0),
    (0.9799, 1, 0, 1, 0),
    (1.02, 1, 0, 0, 0),
    (1.0201, 1, 0, 1, 0),
    (1.04, 1, 0, 1, 0),
    (1.0401, 1, 1, 1, 0),
    (0.94, 1, 0, 1, 0),
    (0.9399, 1, 1, 1, 0),
    (0.85, 1, 1, 1, 0),
    (0.8499, 1, 1, 1, 1),
    (1.15, 1, 1, 1, 0),
    (1.1501, 1, 1, 1, 1),
]


def counted(
    engine: DuckDBEngine, folder: Path, site: Site, slots: Slots, names: Sequence[str]
) -> list[tuple[list[int], list[int], list[int]]]:
    """N, N1, N2 of rules at the bus by interval of ten minutes."""
    profile = site.profile()
    lake = make_lake(folder, profile, rows_from(site, MONDAY, slots), summarised=engine)
    end = MONDAY + timedelta(seconds=len(slots) * site.interval_s)
    compliance = Compliance(Access(engine, lake, profile), Window(MONDAY, end))
    rules = {rule.name: rule for rule in quality_rules(profile)}
    found = []
    for name in names:
        point = "bus_voltage" if rules[name].unit == "V" else "bus_frequency"
        counts = compliance.counted(rules[name], point)
        found.append((counts.n.tolist(), counts.n1.tolist(), counts.n2.tolist()))
    return found


@pytest.mark.parametrize("nominal", [US, EU], ids=["480 V 60 Hz", "400 V 50 Hz"])
def test_every_voltage_limit_is_inclusive(
    engine: DuckDBEngine, tmp_path: Path, nominal: dict[str, float]
) -> None:
    site = site_of(nominal=nominal)
    slots = [
        even(site, bus_voltage=case[0] * nominal["voltage_v"]) for case in VOLTS for _ in range(60)
    ]
    names = ["en50160_voltage", "ansi_c84_1_a", "ansi_c84_1_b"]
    en, a, b = counted(engine, tmp_path, site, slots, names)
    assert en == ([1] * len(VOLTS), [c[1] for c in VOLTS], [c[2] for c in VOLTS])
    assert a[1] == [c[3] for c in VOLTS]
    assert b[1] == [c[4] for c in VOLTS]


@pytest.mark.parametrize("nominal", [US, EU], ids=["480 V 60 Hz", "400 V 50 Hz"])
def test_every_frequency_limit_is_inclusive(
    engine: DuckDBEngine, tmp_path: Path, nominal: dict[str, float]
) -> None:
    site = site_of(nominal=nominal)
    apart = even(site, bus_frequency=site.nominal.frequency_hz - 0.1)
    slots = []
    # As meters print it: float32 as text.
    hertz = [float(np.float32(case[0] * nominal["frequency_hz"])) for case in HERTZ]
    for value in hertz:
        slots += [*[even(site)] * 59, even(site, bus_frequency=value, mccb_frequency=value)]
    for value in hertz:
        slots += [*[apart] * 59, apart | {"bus_frequency": value}]
    none = [0] * len(HERTZ)
    full = [60] * len(HERTZ)
    names = ["en50160_frequency_grid", "en50160_frequency_island"]
    grid, island = counted(engine, tmp_path, site, slots, names)
    assert grid == (full + none, [c[1] for c in HERTZ] + none, [c[2] for c in HERTZ] + none)
    assert island == (none + full, none + [c[3] for c in HERTZ], none + [c[4] for c in HERTZ])


def test_the_kpis_are_shares_of_the_governing_rules(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    low = even(site, bus_voltage=455.0, bus_frequency=59.3, mccb_frequency=59.3)
    apart = even(site, bus_frequency=58.0)
    found = judge(engine, tmp_path, site, [*[even(site)] * 180, *[low] * 60, *[apart] * 60])
    assert found.kpis["voltage_compliance"].value == 0.8
    assert found.kpis["frequency_compliance"].value == 0.75
    assert found.rule("ansi_c84_1_a", "mccb_voltage").n1 == 0
    # The MCCB stays on the grid.
    assert found.rule("en50160_frequency_grid", "mccb_frequency").n == 300


def test_the_limits_are_those_of_the_table(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    found = judge(engine, tmp_path, site, [even(site)] * 60)
    ranges = {r.rule: (r.inner, r.outer) for r in found.report.rules if r.point.startswith("bus")}
    assert ranges == {
        "en50160_voltage": ((432.0, 528.0), (408.0, 528.0)),
        "en50160_frequency_grid": ((59.4, 60.6), (56.4, 62.4)),
        "en50160_frequency_island": ((58.8, 61.2), (51.0, 69.0)),
        "ansi_c84_1_a": ((456.0, 504.0), None),
        "ansi_c84_1_b": ((440.0, 508.0), None),
    }
    trips = {t.function: (t.threshold, t.clearing_s) for t in found.report.trips}
    assert trips == {
        "OV1": (528.0, 13.0),
        "OV2": (576.0, 0.16),
        "UV1": (422.4, 21.0),
        "UV2": (240.0, 2.0),
        "OF1": (61.2, 300.0),
        "OF2": (62.0, 0.16),
        "UF1": (58.5, 300.0),
        "UF2": (56.5, 0.16),
    }


def test_ten_minutes_are_a_root_mean_square(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    # RMS 504.0063 V: above Range A, though the mean is 504 V.
    slots = [even(site, bus_voltage=501.48)] * 30 + [even(site, bus_voltage=506.52)] * 30
    found = judge(engine, tmp_path, site, slots)
    assert found.rule("ansi_c84_1_a", "bus_voltage").n1 == 1


def test_an_interval_needs_half_of_its_slots(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    none = even(site, bus_voltage=None)
    half = [even(site)] * 30 + [none] * 30
    less = [even(site)] * 29 + [none] * 31
    rule = judge(engine, tmp_path, site, half + less).rule("ansi_c84_1_a", "bus_voltage")
    assert (rule.n, rule.n_invalid) == (1, 1)


def test_a_window_s_ends_count_for_the_slots_inside(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    rows = rows_from(site, MONDAY, [even(site)] * 300)
    window = Window(MONDAY + timedelta(seconds=570), MONDAY + timedelta(seconds=1210))
    rule = Judged(engine, tmp_path, site, rows, window).rule("ansi_c84_1_a", "bus_voltage")
    assert (rule.n, rule.n_invalid) == (3, 0)
    found = Judged(engine, tmp_path, site, rows, window)
    assert found.rule("en50160_frequency_grid", "bus_frequency").n == 64


def week(site: Site, outside: int, volts: float, invalid: int = 0) -> list[Any]:
    """A week of ten-minute values, so many of them at other volts, so many invalid."""
    bad = [even(site, bus_voltage=volts)] * outside
    lost = [even(site, bus_voltage=None)] * invalid
    # Intervals are twice as long as summaries, and as samples.
    one = [*bad, *lost, *[even(site)] * (1008 - outside - invalid)]
    return [slot for slot in one for _ in range(2)]


@pytest.mark.parametrize(
    ("outside", "volts", "verdict"),
    [
        (0, 0.0, "pass"),
        (50, 420.0, "pass"),
        (51, 420.0, "fail"),
        (1, 407.0, "fail"),
        (1, 408.0, "pass"),
    ],
)
def test_a_week_needs_95_per_cent_inside_and_all_inside_the_outer_range(
    engine: DuckDBEngine, tmp_path: Path, outside: int, volts: float, verdict: str
) -> None:
    site = site_of(interval_s=300)
    found = judge(engine, tmp_path, site, week(site, outside, volts))
    rule = found.rule("en50160_voltage", "bus_voltage")
    assert rule.n == 1008
    assert rule.verdict == verdict
    assert rule.share_inside == pytest.approx(1 - outside / 1008)


def test_it_is_judged_over_the_valid_ones(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of(interval_s=300)
    found = judge(engine, tmp_path, site, week(site, 26, 420.0, invalid=504))
    rule = found.rule("en50160_voltage", "bus_voltage")
    assert (rule.n, rule.n1, rule.n_invalid, rule.verdict) == (504, 26, 504, "fail")
    passing = judge(engine, tmp_path, site, week(site, 25, 420.0, invalid=504))
    assert passing.rule("en50160_voltage", "bus_voltage").verdict == "pass"
    half = judge(engine, tmp_path, site, week(site, 0, 0.0, invalid=505))
    rule = half.rule("en50160_voltage", "bus_voltage")
    assert rule.verdict == "indicative"
    assert rule.reason is not None
    assert rule.reason.code == "half_invalid"


def test_one_bad_week_of_two_fails_and_parts_of_weeks_do_not_decide(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of(interval_s=300)
    good, bad = week(site, 0, 0.0), week(site, 100, 420.0)
    part = [even(site, bus_voltage=420.0)] * 144
    start = MONDAY - timedelta(hours=12)
    found = judge(engine, tmp_path, site, [*part, *good, *part], start)
    rule = found.rule("en50160_voltage", "bus_voltage")
    assert rule.verdict == "pass"
    assert [(p.complete, p.verdict, p.n) for p in rule.periods] == [
        (False, "indicative", 72),
        (True, "pass", 1008),
        (False, "indicative", 72),
    ]
    assert rule.n1 == 144
    worse = judge(engine, tmp_path, site, [*good, *bad])
    rule = worse.rule("en50160_voltage", "bus_voltage")
    assert [p.verdict for p in rule.periods] == ["pass", "fail"]
    assert rule.verdict == "fail"


def test_weeks_begin_on_local_mondays(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of(interval_s=300, display_timezone="America/New_York")
    zone = site.display_zone
    start = datetime(2023, 3, 6, tzinfo=zone)
    # Clocks go forward on the 12th: this week has 167 hours.
    slots = [even(site)] * (167 * 12)
    rows = rows_from(site, start.astimezone(UTC), slots)
    window = Window(start, datetime(2023, 3, 13, tzinfo=zone))
    found = Judged(engine, tmp_path, site, rows, window)
    rule = found.rule("en50160_voltage", "bus_voltage")
    assert [(p.complete, p.n, p.verdict) for p in rule.periods] == [(True, 1002, "pass")]


def test_less_than_a_year_of_frequency_is_indicative(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    rule = judge(engine, tmp_path, site, [even(site)] * 60).rule(
        "en50160_frequency_grid", "bus_frequency"
    )
    assert rule.verdict == "indicative"
    assert rule.reason is not None
    assert (rule.reason.code, rule.reason.params) == ("period_incomplete", {"period": "year"})


def test_a_year_of_frequency_is_judged_where_samples_are_close_enough(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    # Hours stand in for ten seconds: only the verdict for being too coarse differs.
    site = site_of(interval_s=3600)
    slots = [even(site)] * (365 * 24)
    rule = judge(engine, tmp_path, site, slots).rule("en50160_frequency_grid", "bus_frequency")
    assert rule.n == 8760
    (period,) = rule.periods
    assert (period.complete, period.verdict) == (True, "pass")
    assert rule.verdict == "indicative"
    assert rule.reason is not None
    assert rule.reason.code == "intervals_too_long"
    short = judge(engine, tmp_path, site, slots[:-1])
    assert not short.rule("en50160_frequency_grid", "bus_frequency").periods[0].complete


def test_without_valid_intervals_there_is_no_verdict(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    slots = [even(site, bus_voltage=None, bus_frequency=None)] * 60
    found = judge(engine, tmp_path, site, slots)
    rule = found.rule("ansi_c84_1_a", "bus_voltage")
    assert (rule.n, rule.share_inside, rule.verdict) == (0, None, None)
    assert rule.reason is not None
    assert rule.reason.code == "no_intervals"
    assert found.trip("UV1", "bus_voltage").verdict is None


@pytest.mark.parametrize(
    ("function", "point", "value", "slots", "verdict"),
    [
        ("OV1", "bus_voltage", 529.0, 1, "pass"),
        ("OV1", "bus_voltage", 529.0, 2, "fail"),
        ("OV1", "bus_voltage", 528.0, 9, "pass"),
        ("UV1", "receiving_voltage", 422.0, 2, "pass"),
        ("UV1", "receiving_voltage", 422.0, 3, "fail"),
        ("UV1", "receiving_voltage", 422.4, 9, "pass"),
        ("OF1", "bus_frequency", 61.3, 29, "pass"),
        ("OF1", "bus_frequency", 61.3, 30, "fail"),
        ("OF1", "bus_frequency", 61.2, 40, "pass"),
        ("UF1", "mccb_frequency", 58.4, 29, "pass"),
        ("UF1", "mccb_frequency", 58.4, 30, "fail"),
        ("OV2", "bus_voltage", 580.0, 9, "not observable"),
        ("UV2", "bus_voltage", 200.0, 9, "not observable"),
    ],
)
def test_a_trip_takes_a_run_as_long_as_its_clearing_time(
    engine: DuckDBEngine,
    tmp_path: Path,
    function: str,
    point: str,
    value: float,
    slots: int,
    verdict: str,
) -> None:
    site = site_of()
    course = [even(site)] * 5 + [even(site, **{point: value})] * slots + [even(site)] * 60
    trip = judge(engine, tmp_path, site, course).trip(function, point)
    assert trip.verdict == verdict
    at_limit = value == trip.threshold
    assert trip.beyond == (0 if at_limit else slots)
    assert trip.longest_s == (0 if at_limit else 10 * slots)


@pytest.mark.parametrize("nominal", [US, EU], ids=["480 V 60 Hz", "400 V 50 Hz"])
@pytest.mark.parametrize(
    ("function", "point", "limit", "beyond"),
    [
        ("OV1", "bus_voltage", 1.10, 0.01),
        ("OV2", "mccb_voltage", 1.20, 0.01),
        ("UV1", "receiving_voltage", 0.88, -0.01),
        ("UV2", "bus_voltage", 0.50, -0.01),
        ("OF1", "bus_frequency", 61.2 / 60, 0.001),
        ("OF2", "mccb_frequency", 62.0 / 60, 0.001),
        ("UF1", "mccb_frequency", 58.5 / 60, -0.001),
        ("UF2", "bus_frequency", 56.5 / 60, -0.001),
    ],
)
def test_a_sample_at_a_trip_s_threshold_is_not_beyond_it(
    engine: DuckDBEngine,
    tmp_path: Path,
    function: str,
    point: str,
    limit: float,
    beyond: float,
    nominal: dict[str, float],
) -> None:
    site = site_of(nominal=nominal)
    of = nominal["voltage_v" if "voltage" in point else "frequency_hz"]
    # As meters print it: float32 as text.
    at, past = (float(np.float32(share * of)) for share in (limit, limit + beyond))
    course = [even(site, **{point: v}) for v in (at, past, at, past, past)]
    trip = judge(engine, tmp_path, site, [*course, *[even(site)] * 60]).trip(function, point)
    assert (trip.beyond, trip.longest_s) == (3, 20)
    assert trip.threshold == pytest.approx(limit * of)


def test_a_missing_sample_cuts_a_run(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    low, none = even(site, bus_voltage=420.0), even(site, bus_voltage=None)
    found = judge(engine, tmp_path, site, [low, low, none, low, low, *[even(site)] * 60])
    trip = found.trip("UV1", "bus_voltage")
    assert (trip.beyond, trip.longest_s, trip.trips, trip.verdict) == (4, 20, 0, "pass")


def test_excursions_have_start_end_and_extreme(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    course = [even(site)] * 40
    course[7:10] = [even(site, bus_voltage=v) for v in (450.0, 439.0, 455.0)]
    course[12] = even(site, bus_voltage=505.0)
    course[20:22] = [even(site, mccb_frequency=v) for v in (60.7, 61.5)]
    found = judge(engine, tmp_path, site, course).excursions

    def second(at: datetime) -> float:
        return (at - MONDAY).total_seconds()

    listed = [
        (e.point, e.limit, e.direction, second(e.start), second(e.end), e.extreme) for e in found
    ]
    assert listed == [
        ("bus_voltage", "voltage_a", "below", 70, 100, 439.0),
        ("bus_voltage", "voltage_b", "below", 80, 90, 439.0),
        ("bus_voltage", "voltage_a", "above", 120, 130, 505.0),
        ("mccb_frequency", "frequency_warning", "above", 200, 220, 61.5),
        ("mccb_frequency", "frequency_critical", "above", 210, 220, 61.5),
    ]
    assert [e.threshold for e in found] == [456.0, 440.0, 504.0, 60.6, 61.2]


@pytest.mark.parametrize(("difference", "islanded"), [(0.002, 0), (0.0021, 1), (-0.0021, 1)])
def test_islands_differ_by_more_than_two_millihertz_on_the_mean(
    engine: DuckDBEngine, tmp_path: Path, difference: float, islanded: int
) -> None:
    site = site_of()
    # Meters that sample at different times differ by slots, not in the mean.
    slots = [
        even(site, mccb_frequency=60.0 + difference + (0.02 if i % 2 else -0.02)) for i in range(60)
    ]
    found = judge(engine, tmp_path, site, slots).islands
    assert (found.islanded, found.synchronous, found.unknown) == (islanded, 1 - islanded, 0)
    assert "inferred" in found.method


def test_islands_are_told_from_jointly_valid_slots(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = site_of()
    # Each mean by itself differs, both together don't.
    early = [even(site, bus_frequency=60.1, mccb_frequency=60.1)] * 30
    late = [even(site, mccb_frequency=None)] * 30
    found = judge(engine, tmp_path, site, early + late).islands
    assert (found.islanded, found.synchronous) == (0, 1)
    too_few = judge(engine, tmp_path, site, early[1:] + late + late[:1]).islands
    assert (too_few.islanded, too_few.synchronous, too_few.unknown) == (0, 0, 1)


def test_islands_next_to_each_other_are_one_and_unknown_ends_one(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of()
    alone = [even(site, bus_frequency=59.9)] * 60
    more = [even(site, bus_frequency=59.8)] * 60
    nothing = [even(site, bus_frequency=None)] * 60
    together = [even(site)] * 60
    slots = [*together, *alone, *more, *nothing, *alone, *together]
    found = judge(engine, tmp_path, site, slots).islands

    def minute(at: datetime) -> float:
        return (at - MONDAY).total_seconds() / 60

    assert [(minute(i.start), minute(i.end)) for i in found.islands] == [(10, 30), (40, 50)]
    assert found.islands[0].difference_hz == pytest.approx(0.2)


def test_without_both_frequencies_islands_cannot_be_told(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of(["bus_voltage", "bus_frequency"])
    found = judge(engine, tmp_path, site, [{"bus_voltage": 480.0, "bus_frequency": 60.0}] * 60)
    assert found.islands.reason is not None
    assert found.islands.reason.params["role"] == "mccb_frequency"
    assert found.report.island_method is None
    rule = found.rule("en50160_frequency_island", "bus_frequency")
    assert rule.reason is not None
    assert rule.reason.code == "no_role"
    assert found.rule("en50160_frequency_grid", "bus_frequency").n == 60


def test_a_site_without_voltages_and_frequencies_has_no_rules(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = site_of(["load"])
    report = judge(engine, tmp_path, site, [{"load": 1.0}] * 60).report
    assert report.rules == []
    assert report.trips == []


def test_what_ten_seconds_cannot_show_is_said(engine: DuckDBEngine, tmp_path: Path) -> None:
    def said(interval_s: int) -> list[str]:
        site = site_of(interval_s=interval_s)
        report = judge(engine, tmp_path, site, [even(site)] * 60).report
        return [note.text for note in report.not_observable]

    listed = said(10)
    for word in ("dips", "flicker", "harmonics", "OV2, UV2, OF2, UF2"):
        assert any(word in text for text in listed), word
    assert any("OV1" in text for text in said(900))
    assert any("stricter than 10-second means" in text for text in said(1))


def naive_counts(
    slots: Mapping[datetime, Mapping[str, float | None]], start: datetime, end: datetime
) -> dict[str, tuple[int, int, int, int]]:
    """N, N1, N2, Ninvalid of the bus at 480 V and 60 Hz by loops over ten minutes and slots."""
    found = {name: [0, 0, 0, 0] for name in ("en", "a", "b", "grid", "island")}

    def count(name: str, value: float | None, inner: Any, outer: Any) -> None:
        if value is None:
            found[name][3] += 1
            return
        found[name][0] += 1
        found[name][1] += not inner[0] <= value <= inner[1]
        found[name][2] += not outer[0] <= value <= outer[1]

    ten = timedelta(minutes=10)
    first = start - (start - MONDAY) % ten
    while first < end:
        times = []
        time = max(first, start)
        while time < min(first + ten, end):
            times.append(time)
            time += timedelta(seconds=10)
        here = [slots.get(t, {}) for t in times]
        volts = [v for s in here if (v := s.get("bus_voltage")) is not None]
        rms = None
        if len(volts) * 2 >= len(here):
            rms = math.sqrt(math.fsum(v * v for v in volts) / len(volts))
        both = [
            m - b
            for s in here
            if (b := s.get("bus_frequency")) is not None
            and (m := s.get("mccb_frequency")) is not None
        ]
        islanded = len(both) * 2 >= len(here) and abs(math.fsum(both) / len(both)) > 0.002
        if not islanded:
            count("en", rms, (432, 528), (408, 528))
        count("a", rms, (456, 504), (0, 1e9))
        count("b", rms, (440, 508), (0, 1e9))
        for slot in here:
            hertz = slot.get("bus_frequency")
            if islanded:
                count("island", hertz, (58.8, 61.2), (51, 69))
            else:
                count("grid", hertz, (59.4, 60.6), (56.4, 62.4))
        first += ten
    return {name: (n[0], n[1], n[2], n[3]) for name, n in found.items()}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 100_000), low=st.integers(0, 300), length=st.integers(1, 600))
def test_counts_equal_loops_over_samples(
    engine: DuckDBEngine, tmp_path: Path, seed: int, low: int, length: int
) -> None:
    site = site_of()
    rng = np.random.default_rng(seed)
    slots: list[dict[str, float | None]] = []
    while len(slots) < 800:
        volts = float(rng.choice([480, 445, 430, 405, 506, 530]))
        hertz = float(rng.choice([60.0, 59.3, 58.7, 62.5, 60.5]))
        shift = float(rng.choice([0.0, 0.0, 0.05]))
        loss = float(rng.choice([0.02, 0.5]))
        for _ in range(int(rng.integers(20, 120))):
            slot = even(site, bus_voltage=volts, bus_frequency=hertz, mccb_frequency=hertz + shift)
            slots.append({k: None if rng.random() < loss else v for k, v in slot.items()})
    rows = [row for row in rows_from(site, MONDAY, slots) if rng.random() < 0.95]
    start = MONDAY + timedelta(seconds=10 * low)
    window = Window(start, start + timedelta(seconds=10 * length))
    until = max(row["time"] for row in rows) + timedelta(seconds=10)
    expected = naive_counts(naive_slots(site.profile(), rows), start, min(window.end, until))
    found = Judged(engine, tmp_path, site, rows, window)
    for name, rule, point in (
        ("en", "en50160_voltage", "bus_voltage"),
        ("a", "ansi_c84_1_a", "bus_voltage"),
        ("b", "ansi_c84_1_b", "bus_voltage"),
        ("grid", "en50160_frequency_grid", "bus_frequency"),
        ("island", "en50160_frequency_island", "bus_frequency"),
    ):
        result = found.rule(rule, point)
        counted = (result.n, result.n1, result.n2 or 0, result.n_invalid)
        assert counted == expected[name], rule
        assert result.share_inside is None or 0 <= result.share_inside <= 1
    for kpi, name in (("voltage_compliance", "a"), ("frequency_compliance", "grid")):
        value = found.kpis[kpi].value
        n, n1, _, _ = expected[name]
        assert value is None or value == pytest.approx(1 - n1 / n)


@pytest.fixture(scope="module")
def may(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home with one ingested demo month that has an island."""
    from microgrid_lib.ingest.demo import DemoPlan, write_demo

    home = tmp_path_factory.mktemp("compliance")
    write_demo(home / "demo", DemoPlan(start="2022-05", months=1))
    open_site("mesa_del_sol", settings=Settings(home=home)).ingest([home / "demo"])
    return home


def test_the_island_of_the_demo_is_found_and_no_other(may: Path) -> None:
    site = open_site("mesa_del_sol", settings=Settings(home=may))
    truth = json.loads((may / "demo" / "truth.json").read_text(encoding="utf-8"))
    (event,) = (e for e in truth["events"] if e["kind"] == "islanding")
    found = site.islands("2022-05", "2022-06")
    assert [(i.start, i.end) for i in found.islands] == [
        (datetime.fromisoformat(event["start"]), datetime.fromisoformat(event["end"]))
    ]
    assert all(r.verdict == "pass" for r in site.compliance("2022-05", "2022-06").rules[:3])


def test_excursions_of_the_demo_are_its_sags_and_its_island(may: Path) -> None:
    site = open_site("mesa_del_sol", settings=Settings(home=may))
    truth = json.loads((may / "demo" / "truth.json").read_text(encoding="utf-8"))
    sags = [e for e in truth["events"] if e["kind"] in {"voltage_sag_a", "voltage_sag_b"}]
    found = [
        e
        for e in site.excursions("2022-05", "2022-06")
        if (e.point, e.limit) == ("bus_voltage", "voltage_a")
    ]
    assert [(e.start, e.end, e.extreme) for e in found] == [
        (datetime.fromisoformat(e["start"]), datetime.fromisoformat(e["end"]), e["extreme"])
        for e in sags
    ]


def test_the_command_prints_the_report(
    may: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MICROGRID_HOME", str(may))
    monkeypatch.delenv("MICROGRID_CONFIG", raising=False)
    period = ["compliance", "--start", "2022-05", "--end", "2022-06"]
    assert run([*period, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) == set(ComplianceReport.model_fields)
    assert run(period) == 0
    printed = capsys.readouterr().out
    assert "EN 50160" not in report["site"]
    assert "en50160_voltage" in printed
    assert "flicker: not observable" in printed
    assert run(["compliance", "--start", "2031-01", "--end", "2031-02"]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_a_window_outside_all_data_is_one_clear_line(may: Path) -> None:
    site = open_site("mesa_del_sol", settings=Settings(home=may))
    for ask in (site.compliance, site.excursions, site.islands):
        with pytest.raises(NoDataError):
            ask("2031-01", "2031-02")
        with pytest.raises(NoDataError, match="shorter than a slot"):
            ask("2022-05-03T10:00:01", "2022-05-03T10:00:09")

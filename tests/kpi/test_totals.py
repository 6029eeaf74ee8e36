"""Totals by hand: how extremes and quarter hours merge, and when a quarter hour counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.kpi.totals import Extreme, Quarters, Totals, slots_per_quarter
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import make_lake, make_site, rows_from

START = datetime(2023, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def at(quarter: int) -> datetime:
    return START + quarter * QUARTER


def test_of_two_extremes_the_larger_wins_and_of_equals_the_earlier() -> None:
    small, early, late = Extreme(3.0, at(0)), Extreme(4.0, at(1)), Extreme(4.0, at(2))
    assert small.better(None) is small
    assert small.better(late) is late.better(small) is late
    assert early.better(late) is late.better(early) is early


@pytest.mark.parametrize(
    ("slots", "n", "enough"),
    [(90.0, 44, False), (90.0, 45, True), (3.0, 1, False), (3.0, 2, True), (1.0, 0, False)],
)
def test_a_quarter_hour_shared_by_windows_needs_half_of_its_slots(
    slots: float, n: int, enough: bool
) -> None:
    found = Quarters(None, {at(0): (12.0 * n, n)}).highest(slots)
    assert found == (Extreme(12.0, at(0)) if enough else None)


def test_parts_of_one_quarter_hour_are_one_with_the_sums_and_slots_of_both() -> None:
    first = Quarters(Extreme(5.0, at(0)), {at(3): (30.0, 2)})
    second = Quarters(Extreme(6.0, at(9)), {at(3): (60.0, 4), at(9): (1.0, 1)})
    both = first + second
    assert both == Quarters(Extreme(6.0, at(9)), {at(3): (90.0, 6), at(9): (1.0, 1)})
    assert both.highest(10.0) == Extreme(15.0, at(3))
    # Neither has half of its slots by itself.
    assert first.highest(10.0) == Extreme(5.0, at(0))
    assert second.highest(10.0) == Extreme(6.0, at(9))
    assert Quarters() + first == first + Quarters() == first


def test_totals_add_up_by_name() -> None:
    a = Totals({"x__n": 2, "x__sum": 8.0}, {"m": Extreme(1.0, at(0))}, {"p": Quarters()})
    b = Totals({"x__n": 3, "y__n": 1}, {"m": Extreme(2.0, at(5))})
    both = a + b
    assert both.sums == {"x__n": 5, "x__sum": 8.0, "y__n": 1}
    assert both.maxima == {"m": Extreme(2.0, at(5))}
    assert both.peaks == {"p": Quarters()}
    assert (both.n("x"), both.n("y"), both.n("z")) == (5, 1, 0)


@pytest.mark.parametrize(("interval_s", "slots"), [(10, 90.0), (900, 1.0), (3600, 1.0)])
def test_a_quarter_hour_has_at_least_one_slot(interval_s: int, slots: float) -> None:
    assert slots_per_quarter(make_site(["load"], interval_s=interval_s).profile()) == slots


@pytest.mark.parametrize("summarised", [True, False])
@pytest.mark.parametrize("valid", [2, 1])
def test_a_peak_inside_the_window_needs_half_of_its_slots(
    engine: DuckDBEngine, tmp_path: Path, valid: int, summarised: bool
) -> None:
    # Slots of five minutes; the second quarter hour has the higher load and lacks samples.
    site = make_site(["load"], interval_s=300)
    second = [{"load": 9.0}] * valid + [{"load": None}] * (3 - valid)
    slots = [*[{"load": 2.0}] * 3, *second, {"load": 3.0}, {"load": 4.0}, {"load": 5.0}]
    rows = rows_from(site, START, [*slots, *[{"load": 1.0}] * 3])
    lake = make_lake(tmp_path, site.profile(), rows, summarised=engine if summarised else None)
    window = Window(START, START + 4 * QUARTER)
    peak = kpi_report(engine, lake, site.profile(), window).kpis["peak_load"]
    expected = (9.0, at(1)) if valid == 2 else (4.0, at(2))
    assert (peak.value, peak.time) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(7.0, 3.0, (7.0, at(0))), (3.0, 7.0, (7.0, at(3))), (7.0, 7.0, (7.0, at(0)))],
)
def test_a_quarter_hour_read_from_a_summary_and_from_samples_is_one(
    engine: DuckDBEngine, tmp_path: Path, first: float, last: float, expected: tuple[float, object]
) -> None:
    # Slots of a minute, summaries of five. From 0:07 to 0:53 the first and the last quarter hour
    # have 8 of 15 slots: 3 from samples, 5 from a summary; their powers differ.
    def edge(mean: float) -> tuple[dict[str, float], dict[str, float]]:
        return {"load": mean + 5.0}, {"load": mean - 3.0}

    (odd, even), (odd_end, even_end) = edge(first), edge(last)
    minutes = [*[odd] * 10, *[even] * 5, *[{"load": 5.0}] * 30, *[even_end] * 5, *[odd_end] * 15]
    site = make_site(["load"], interval_s=60)
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, minutes), summarised=engine)
    window = Window(START + timedelta(minutes=7), START + timedelta(minutes=53))
    peak = kpi_report(engine, lake, site.profile(), window).kpis["peak_load"]
    assert (peak.value, peak.time) == expected


def test_a_quarter_hour_at_the_edge_counts_with_all_of_its_slots(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    # From 0:01 on: 4 slots from samples, 10 from summaries that would be enough by themselves.
    minutes = [{"load": 2.0}] * 5 + [{"load": 9.0}] * 10 + [{"load": 5.0}] * 46
    site = make_site(["load"], interval_s=60)
    lake = make_lake(tmp_path, site.profile(), rows_from(site, START, minutes), summarised=engine)
    window = Window(START + timedelta(minutes=1), START + timedelta(hours=1))
    peak = kpi_report(engine, lake, site.profile(), window).kpis["peak_load"]
    assert (peak.value, peak.time) == ((4 * 2.0 + 10 * 9.0) / 14, at(0))


def test_three_of_six_slots_are_half_of_a_quarter_hour(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["load"], interval_s=150)
    powers = [*[2.0] * 6, 9.0, 9.0, 9.0, None, None, None, *[3.0] * 6, *[2.0] * 7]
    rows = rows_from(site, START, [{"load": power} for power in powers])
    lake = make_lake(tmp_path, site.profile(), rows)
    peak = kpi_report(engine, lake, site.profile(), Window(START, at(4))).kpis["peak_load"]
    assert (peak.value, peak.time) == (9.0, at(1))


@pytest.mark.parametrize("summarised", [True, False])
def test_the_largest_of_several_summaries_is_given_with_its_first_time(
    engine: DuckDBEngine, tmp_path: Path, summarised: bool
) -> None:
    site = make_site(["bus_voltage", "mccb_voltage"], interval_s=60)
    gaps = [*[1.0] * 6, 4.0, *[2.0] * 5, 4.0, *[3.0] * 9]
    slots = [{"bus_voltage": 480.0, "mccb_voltage": 480.0 + gap} for gap in gaps]
    lake = make_lake(
        tmp_path,
        site.profile(),
        rows_from(site, START, slots),
        summarised=engine if summarised else None,
    )
    window = Window(START, START + timedelta(minutes=20))
    gap = kpi_report(engine, lake, site.profile(), window).kpis["max_voltage_gap"]
    assert (gap.value, gap.time) == (4.0, START + timedelta(minutes=6))


def test_a_slot_of_a_quarter_hour_is_all_of_it(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(["load"])
    rows = rows_from(site, START, [{"load": power} for power in (2.0, 9.0, 3.0, 4.0, 1.0)])
    lake = make_lake(tmp_path, site.profile(), rows)
    peak = kpi_report(engine, lake, site.profile(), Window(START, at(4))).kpis["peak_load"]
    assert (peak.value, peak.time) == (9.0, at(1))

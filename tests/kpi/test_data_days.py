"""Coverage by channel and local day, and outages, by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from microgrid_lib.ingest.day_coverage import DayCoverage, coverage_by_day
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.data_days import Outage, outages
from microgrid_lib.site.profile import Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window, day_window
from tests.kpi.lakes import Row, make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")
HOUR = timedelta(hours=1)


def access_to(engine: DuckDBEngine, folder: Path, rows: list[Row], site: Site) -> Access:
    profile = site.profile()
    return Access(engine, make_lake(folder, profile, rows, summarised=engine), profile)


def counted(
    engine: DuckDBEngine, folder: Path, site: Site, rows: list[Row], window: Window
) -> DayCoverage:
    snapshot = make_lake(folder, site.profile(), rows)
    with duckdb.connect() as con:
        return coverage_by_day(con, engine, site, snapshot, window)


def test_a_day_counts_the_slots_of_each_channel(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(("pv", "battery"))
    slots: list[dict[str, float | None]] = [{"pv": 1.0, "battery": 1.0} for _ in range(192)]
    for number in range(10):
        slots[number]["pv"] = None
    rows = [row for n, row in enumerate(rows_from(site, START, slots)) if not 100 <= n < 120]
    window = Window(START, START + timedelta(days=2))
    found = counted(engine, tmp_path, site, rows, window)
    assert found.days == [date(2023, 3, 1), date(2023, 3, 2)]
    assert found.expected == [96, 96]
    assert found.valid == {"pv": [86, 76], "battery": [96, 76]}
    assert found.share("pv") == pytest.approx(162 / 192)


def test_of_two_rows_in_a_slot_the_first_counts(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(("pv",))
    rows = rows_from(site, START, [{"pv": 1.0}] * 4)
    rows += rows_from(site, START + timedelta(minutes=1), [{"pv": 2.0}] * 4)
    found = counted(engine, tmp_path, site, rows, Window(START, START + HOUR))
    assert (found.valid, found.expected) == ({"pv": [4]}, [4])


def test_days_are_local_and_of_23_or_25_hours(engine: DuckDBEngine, tmp_path: Path) -> None:
    zone = "America/Los_Angeles"
    site = make_site(("pv",), source_timezone=zone, display_timezone=zone)
    rows = rows_from(site, utc("2023-03-11T08:00"), [{"pv": 1.0}] * 4 * 24 * 3)
    first = day_window(date(2023, 3, 11), site.display_zone)
    window = Window(first.start, day_window(date(2023, 3, 13), site.display_zone).end)
    found = counted(engine, tmp_path, site, rows, window)
    assert found.expected == [96, 92, 96]
    assert found.valid["pv"] == [96, 92, 96]


def test_a_channel_that_no_file_brings_has_no_valid_slot(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(("pv", "battery"))
    profile = site.profile()
    rows = rows_from(site, START, [{"pv": 1.0}] * 4)
    snapshot = make_lake(tmp_path, profile, rows, leave_out=["battery"])
    with duckdb.connect() as con:
        found = coverage_by_day(con, engine, site, snapshot, Window(START, START + HOUR))
    assert found.valid == {"pv": [4], "battery": [0]}


def test_silence_is_an_outage_from_more_than_an_hour_on(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(("pv", "battery"))
    rows = rows_from(site, START, [{"pv": 1.0, "battery": None} for _ in range(96)])
    # Four quarter hours are an hour; five are more. One channel alone keeps silence away.
    lost = {*range(10, 14), *range(40, 45)}
    rows = [row for number, row in enumerate(rows) if number not in lost]
    rows[60] = rows[60] | {"pv": None, "battery": 2.0}
    access = access_to(engine, tmp_path, rows, site)
    (found,) = outages(access, Window(START, START + timedelta(days=1)))
    assert (found.start, found.end) == (START + 10 * HOUR, START + 11.25 * HOUR)
    assert (found.from_start, found.to_end, found.hours) == (False, False, 1.25)


def test_silence_at_the_edges_of_a_period_may_be_longer(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(("pv",))
    rows = rows_from(site, START + 3 * HOUR, [{"pv": 1.0}] * 4)
    access = access_to(engine, tmp_path, rows, site)
    found = outages(access, Window(START, START + 12 * HOUR))
    assert [(o.start, o.end, o.from_start, o.to_end) for o in found] == [
        (START, START + 3 * HOUR, True, False),
        (START + 4 * HOUR, START + 12 * HOUR, False, True),
    ]


def test_a_period_without_any_row_is_one_outage(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(("pv",))
    access = access_to(engine, tmp_path, rows_from(site, START, [{"pv": 1.0}]), site)
    later = Window(START + timedelta(days=40), START + timedelta(days=41))
    (found,) = outages(access, later)
    assert (found.from_start, found.to_end, found.hours) == (True, True, 24.0)


@pytest.mark.parametrize(("day", "hours"), [("2023-03-12", 2.0), ("2023-11-05", 4.0)])
def test_an_outage_over_a_change_of_summer_time_has_its_true_length(day: str, hours: float) -> None:
    zone = make_site(("pv",), display_timezone="America/Los_Angeles").display_zone
    start, end = (
        datetime.fromisoformat(f"{day}T0{hour}:30").replace(tzinfo=zone) for hour in (0, 3)
    )
    assert Outage(start=start, end=end, from_start=False, to_end=False).hours == hours

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from microgrid_lib.errors import NoDataError, UnknownNameError
from microgrid_lib.kpi.compare import changes
from microgrid_lib.kpi.model import SECTIONS
from microgrid_lib.kpi.report import definitions, kpi_report
from microgrid_lib.site.load import load_site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.extent import clipped
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window, day_window, month_window
from tests.kpi.lakes import make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")
DAY = timedelta(days=1)
KPI_NAMES = {
    "production": {
        *("pv_energy", "fuel_cell_energy", "genset_energy", "battery_discharge_energy"),
        *("battery_charge_energy", "renewable_share", "battery_round_trip_efficiency"),
        *("battery_tracking_rmse", "fuel_cell_reliability", "fuel_cell_tracking_rmse"),
        *("capacity_factor_pv", "capacity_factor_fuel_cell"),
    },
    "storage": {
        *("soc", "battery_autonomy_h", "battery_autonomy_critical_h"),
        *("fuel_cell_contribution", "equivalent_cycles"),
    },
    "distribution": {
        *("self_sufficiency", "grid_dependency", "self_consumption", "critical_share"),
        *("peak_load", "peak_import", "load_factor", "grid_import_energy", "grid_export_energy"),
        *("critical_load_energy", "other_load_energy"),
    },
    "quality": {
        *("mean_bus_voltage", "mean_bus_frequency", "max_voltage_gap"),
        *("voltage_compliance", "frequency_compliance"),
    },
}


def test_every_section_has_the_agreed_kpis() -> None:
    profile = load_site("mesa_del_sol").profile("as_published")
    found = definitions(profile)
    for section, names in KPI_NAMES.items():
        assert {n for n, d in found.items() if d.section == section} == names
    gas = definitions(load_site("mesa_del_sol").profile("gas_engine"))
    assert set(gas) - set(found) == {"auxiliaries_mean"}


def test_definitions_come_in_the_order_of_pages() -> None:
    order = [SECTIONS.index(d.section) for d in definitions().values()]
    assert order == sorted(order)


def test_sections_can_be_chosen_and_unknown_ones_are_named(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}]))
    window = Window(START, START + DAY)
    found = kpi_report(engine, lake, profile, window, sections=["quality"])
    assert set(found.kpis) == KPI_NAMES["quality"]
    with pytest.raises(UnknownNameError, match="unknown section 'fuel'; known: production"):
        kpi_report(engine, lake, profile, window, sections=["fuel"])


@pytest.mark.parametrize("days", [-3, 3])
def test_a_window_outside_all_data_has_no_report(
    engine: DuckDBEngine, tmp_path: Path, days: int
) -> None:
    profile = make_site(["pv"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 8))
    start = START + days * DAY
    with pytest.raises(NoDataError, match="2023-03-01 00:00 to 2023-03-01 02:00") as caught:
        kpi_report(engine, lake, profile, Window(start, start + DAY))
    assert caught.value.exit_code == 3


def test_an_empty_store_has_no_report(engine: DuckDBEngine) -> None:
    profile = make_site(["pv"]).profile()
    with pytest.raises(NoDataError, match="no data are stored"):
        kpi_report(engine, Snapshot("small", -1, -1, (), {}), profile, Window(START, START + DAY))


def test_a_gap_inside_the_data_is_reported_with_its_reason(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"]).profile()
    rows = rows_from(profile.site, START, [{"pv": 1.0}])
    rows += rows_from(profile.site, START + 5 * DAY, [{"pv": 1.0}])
    lake = make_lake(tmp_path, profile, rows)
    pv = kpi_report(engine, lake, profile, Window(START + DAY, START + 2 * DAY)).kpis["pv_energy"]
    assert pv.reason is not None
    assert (pv.reason.code, pv.coverage) == ("no_data", 0.0)


def test_a_historical_site_is_judged_up_to_its_newest_sample(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 32))
    report = kpi_report(engine, lake, profile, Window(START, START + DAY))
    assert report.kpis["pv_energy"].coverage == 1.0
    assert report.window.end == START + DAY


def test_today_of_a_live_site_is_judged_on_the_hours_so_far(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"], live=True).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 24))
    now = START + timedelta(hours=8)
    found = kpi_report(engine, lake, profile, Window(START, START + DAY), now=now)
    assert found.kpis["pv_energy"].coverage == 24 / 32
    with pytest.raises(NoDataError):
        clipped(lake, profile, Window(now, now + DAY), now=now)


def test_coverage_before_the_first_sample_counts_as_missing(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 96))
    window = Window(START - DAY, START + DAY)
    assert kpi_report(engine, lake, profile, window).kpis["pv_energy"].coverage == 0.5


def test_a_window_shorter_than_a_slot_says_so(engine: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 8))
    window = Window(START + timedelta(minutes=1), START + timedelta(minutes=2))
    with pytest.raises(NoDataError, match="shorter than the interval"):
        kpi_report(engine, lake, profile, window)


def test_the_day_of_the_clock_change_expects_23_hours(engine: DuckDBEngine, tmp_path: Path) -> None:
    site = make_site(["load"], display_timezone="America/Los_Angeles")
    start = utc("2023-03-11T08:00")
    rows = rows_from(site, start, [{"load": float(i)} for i in range(3 * 96)])
    lake = make_lake(tmp_path, site.profile(), rows)
    window = day_window(utc("2023-03-12T00:00").date(), site.display_zone)
    found = kpi_report(engine, lake, site.profile(), window).kpis
    assert found["peak_load"].coverage == 1.0
    assert found["peak_load"].covered_h == 23.0
    assert found["peak_load"].time is not None
    assert found["peak_load"].time.isoformat() == "2023-03-12T23:45:00-07:00"


def test_a_report_is_plain_json(engine: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [{"pv": 1.0}] * 8))
    report = kpi_report(engine, lake, profile, Window(START, START + timedelta(hours=2)))
    shape = json.loads(report.model_dump_json())
    assert shape["window"]["timezone"] == "UTC"
    assert set(shape["kpis"]["pv_energy"]) == {
        *("value", "unit", "uncertainty", "coverage", "reason", "warning", "time"),
    }


TWO_DAYS: list[dict[str, float | None]] = [
    *({"pv": 4.0, "battery": -40.0, "battery_setpoint": 1.0} for _ in range(72)),
    *({} for _ in range(24)),
    *({"pv": 6.0, "battery": 40.0, "battery_setpoint": 1.0} for _ in range(96)),
]


def test_energies_are_compared_as_mean_power_over_covered_hours(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv", "battery", "battery_setpoint"]).profile()
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, TWO_DAYS))
    found = changes(engine, lake, profile, Window(START + DAY, START + 2 * DAY))
    assert found["pv_energy"].value == pytest.approx(2.0)
    assert found["pv_energy"].unit == "kW"
    assert found["pv_energy"].relative == pytest.approx(0.5)
    # 40 kW for 24 h of a 160 kWh battery: 6 cycles a day more than none.
    assert found["equivalent_cycles"].value == pytest.approx(6.0)
    assert found["equivalent_cycles"].unit == "1/d"
    assert found["equivalent_cycles"].relative is None
    assert found["battery_tracking_rmse"].value == pytest.approx(39.0 - 41.0)
    assert found["battery_tracking_rmse"].unit == "kW"


def test_an_unfinished_day_is_compared_with_as_much_of_the_day_before(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    profile = make_site(["pv"]).profile()
    day: list[dict[str, float | None]] = [{"pv": float(i)} for i in range(96)]
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, [*day, *day[:32]]))
    found = changes(engine, lake, profile, Window(START + DAY, START + 2 * DAY))
    assert found["pv_energy"].value == pytest.approx(0.0)


def test_a_day_of_25_hours_is_compared_with_the_24_before_it(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["load"], display_timezone="America/Los_Angeles")
    start = utc("2023-11-04T07:00")
    loads = [1.0] * 96 + [9.0] * 4 + [2.0] * 96
    lake = make_lake(
        tmp_path, site.profile(), rows_from(site, start, [{"load": kw} for kw in loads])
    )
    day = day_window(utc("2023-11-05T00:00").date(), site.display_zone)
    assert day.duration == timedelta(hours=25)
    found = changes(engine, lake, site.profile(), day)
    assert found["peak_load"].value == pytest.approx(8.0)


def test_a_whole_month_is_compared_with_the_whole_month_before(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["load"], interval_s=3600)
    january = [1.0] * 24 * 29 + [50.0] * 24 + [1.0] * 24
    loads = [*january, *[2.0] * 24 * 28, 2.0]
    rows = rows_from(site, utc("2023-01-01T00:00"), [{"load": kw} for kw in loads])
    lake = make_lake(tmp_path, site.profile(), rows)
    found = changes(engine, lake, site.profile(), month_window("2023-02", site.display_zone))
    assert found["peak_load"].value == pytest.approx(2.0 - 50.0)


def test_a_day_of_23_hours_is_compared_with_the_24_before_it(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["load"], display_timezone="America/Los_Angeles")
    loads = [1.0] * 92 + [9.0] * 4 + [2.0] * 92 + [2.0]
    rows = rows_from(site, utc("2023-03-11T08:00"), [{"load": kw} for kw in loads])
    lake = make_lake(tmp_path, site.profile(), rows)
    day = day_window(utc("2023-03-12T00:00").date(), site.display_zone)
    found = changes(engine, lake, site.profile(), day)
    assert found["peak_load"].value == pytest.approx(2.0 - 9.0)


def test_a_change_that_cannot_be_told_says_why(engine: DuckDBEngine, tmp_path: Path) -> None:
    profile = make_site(["pv", "battery"]).profile()
    slots: list[dict[str, float | None]] = [{"battery": 1.0}] * 60 + [{}] * 36
    slots += [{"pv": 1.0, "battery": 1.0}] * 96
    lake = make_lake(tmp_path, profile, rows_from(profile.site, START, slots))
    second = changes(engine, lake, profile, Window(START + DAY, START + 2 * DAY))
    assert second["pv_energy"].value is None
    assert second["pv_energy"].reason is not None
    assert second["pv_energy"].reason.code == "no_earlier_value"
    assert second["genset_energy"].reason is not None
    assert second["genset_energy"].reason.code == "no_role"
    first = changes(engine, lake, profile, Window(START, START + DAY))
    assert first["battery_discharge_energy"].reason is not None
    assert first["battery_discharge_energy"].reason.code == "no_earlier_data"

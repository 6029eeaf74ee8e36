"""Values exactly at a limit: what mutation testing found the other tests not to notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.gaps import _expected
from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.registry import Sums
from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.kpi.soc_steps import charging, steps_of_slots
from microgrid_lib.kpi.totals import Totals
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window
from tests.kpi.lakes import BATTERY, make_lake, make_site, rows_from

Kpis = Callable[..., dict[str, Kpi]]
EVEN = BATTERY | {"soc_min": 0.25, "soc_max": 0.75}
"""Usable energy exactly 80 kWh."""


def cycle(charged_kwh: float, discharged_kwh: float) -> list[dict[str, float]]:
    """Two quarter hours."""
    return [{"battery": -4 * charged_kwh}, {"battery": 4 * discharged_kwh}]


def test_an_efficiency_uncertain_by_exactly_a_tenth_is_given(kpis: Kpis) -> None:
    found = kpis(cycle(800.0, 700.0), roles=["battery"], battery=EVEN)
    assert found["battery_round_trip_efficiency"].value == 700 / 800
    assert found["battery_round_trip_efficiency"].uncertainty == 0.1


def test_an_efficiency_of_exactly_one_is_given(kpis: Kpis) -> None:
    found = kpis(cycle(800.0, 800.0), roles=["battery"], battery=EVEN)
    assert found["battery_round_trip_efficiency"].value == 1.0


def test_an_efficiency_asks_only_for_the_hours_of_its_window(kpis: Kpis) -> None:
    slots = [{"battery": power} for power in [-400.0] * 16 + [300.0] * 15]
    missing = {"battery": None}
    found = kpis([*slots, missing], roles=["battery"])["battery_round_trip_efficiency"]
    assert found.reason is not None
    assert found.reason.params == {"coverage": 31 / 32, "hour_coverage": 0.75}


def test_an_hour_of_one_slot_counts_as_well(kpis: Kpis) -> None:
    slots: list[dict[str, float | None]] = [{"battery": -400.0}] * 12 + [{"battery": 300.0}] * 11
    found = kpis([*slots, {"battery": None}], roles=["battery"], interval_s=3600)
    reason = found["battery_round_trip_efficiency"].reason
    assert reason is not None
    assert reason.params == {"coverage": 23 / 24, "hour_coverage": 0.0}


def test_an_efficiency_with_exactly_the_coverage_it_needs_is_given(kpis: Kpis) -> None:
    # Five hours of five minutes; three slots are missing, each in an hour of its own.
    slots: list[dict[str, float | None]] = [{"battery": -12_000.0}] * 30
    slots += [{"battery": 6_000.0}] * 30
    for missing in (5, 35, 50):
        slots[missing] = {"battery": None}
    found = kpis(slots, roles=["battery"], interval_s=300)["battery_round_trip_efficiency"]
    assert found.coverage == 57 / 60 == 0.95
    assert found.value == 28 * 6 / (29 * 12)


def test_an_efficiency_with_exactly_four_fifths_of_an_hour_is_given(kpis: Kpis) -> None:
    # Five days of quarter hours: 20 slots in each hour of the day, 4 of them missing at noon.
    day: list[dict[str, float | None]] = [{"battery": -400.0}] * 48 + [{"battery": 300.0}] * 48
    slots = day * 5
    for number in range(4):
        slots[96 * number + 48] = {"battery": None}
    found = kpis(slots, roles=["battery"])["battery_round_trip_efficiency"]
    assert found.value == (5 * 48 - 4) * 300 / (5 * 48 * 400)


def test_a_little_charging_is_too_little_and_not_none(kpis: Kpis) -> None:
    reason = kpis(cycle(0.5, 0.0), roles=["battery"])["battery_round_trip_efficiency"].reason
    assert reason is not None
    assert reason.code == "efficiency_uncertain"


def test_a_kpi_that_needs_the_data_asks_for_all_of_them(engine: DuckDBEngine) -> None:
    profile = make_site(["pv"]).profile()
    access = Access(engine, Snapshot("small", 0, 0, (), {}), profile)
    with pytest.raises(ValueError, match="needs the data themselves"):
        Sums(Totals(), profile, "pv", 1, access).data()


def test_of_a_slot_filled_twice_the_first_sample_counts_in_a_long_window_as_well(
    engine: DuckDBEngine, tmp_path: Path
) -> None:
    site = make_site(["pv"])
    start = datetime(2023, 3, 1, tzinfo=UTC)
    rows = rows_from(site, start, [{"pv": 4.0}] * 192)
    rows += rows_from(site, start + timedelta(hours=5, minutes=1), [{"pv": 400.0}])
    lake = make_lake(tmp_path, site.profile(), rows)
    window = Window(start, start + timedelta(days=2))
    assert kpi_report(engine, lake, site.profile(), window).kpis["pv_energy"].value == 2 * 24 * 4.0


def test_one_commanded_slot_is_enough(kpis: Kpis) -> None:
    told = {"battery": 8.0, "battery_setpoint": 10.0, "fuel_cell": 37.0, "fuel_cell_setpoint": 40.0}
    idle = dict.fromkeys(told, 0.0)
    found = kpis([told, idle], roles=list(told))
    assert found["battery_tracking_rmse"].value == 2.0
    assert found["fuel_cell_tracking_rmse"].value == 3.0
    assert found["fuel_cell_reliability"].value == 1.0


def test_tracking_is_a_mean_over_commanded_slots(kpis: Kpis) -> None:
    told = {"fuel_cell": 37.0, "fuel_cell_setpoint": 40.0}
    found = kpis([told, told, told | {"fuel_cell": 10.0}], roles=list(told))
    assert found["fuel_cell_tracking_rmse"].value == pytest.approx(((9 + 9 + 900) / 3) ** 0.5)
    assert found["fuel_cell_reliability"].value == pytest.approx(2 / 3)


def test_exactly_no_self_sufficiency_needs_no_warning(kpis: Kpis) -> None:
    found = kpis([{"load": 8.0, "grid": 8.0}], roles=["load", "grid"])["self_sufficiency"]
    assert found.value == 0.0
    assert found.warning is None


def test_one_slot_in_which_the_part_exceeds_the_whole_is_said(kpis: Kpis) -> None:
    found = kpis(
        [{"load": 8.0, "critical_load": 9.0}, {"load": 8.0, "critical_load": 8.0}],
        roles=["load", "critical_load"],
    )["critical_share"]
    assert found.warning is not None
    assert found.warning.params == {"slots": 1, "of": 2, "mean_excess_kw": 1.0}


def test_a_share_without_a_load_is_undefined_though_the_critical_load_exceeds_it(
    kpis: Kpis,
) -> None:
    found = kpis([{"load": 0.0, "critical_load": 2.0}], roles=["load", "critical_load"])
    reason = found["critical_share"].reason
    assert reason is not None
    assert reason.code == "no_energy"


def test_a_share_of_little_energy_is_given(kpis: Kpis) -> None:
    found = kpis([{"load": 0.5, "critical_load": 0.25}], roles=["load", "critical_load"])
    assert found["critical_share"].value == 0.5


def test_without_pv_a_fuel_cell_is_no_renewable_source_by_itself(kpis: Kpis) -> None:
    roles = ["fuel_cell", "load"]
    slots = [{"fuel_cell": 4.0, "load": 8.0}]
    reason = kpis(slots, roles=roles)["renewable_share"].reason
    assert reason is not None
    assert (reason.code, reason.params["role"]) == ("no_role", "pv")
    renewable = kpis(slots, roles=roles, fuel_cell_renewable=True)["renewable_share"]
    assert renewable.value == 0.5


def test_the_fuel_cells_capacity_factor_is_per_hour(kpis: Kpis) -> None:
    found = kpis([{"fuel_cell": 20.0}] * 8, roles=["fuel_cell"])
    assert found["capacity_factor_fuel_cell"].value == 0.25


def test_mean_frequency_is_over_all_valid_slots(kpis: Kpis) -> None:
    found = kpis([{"bus_frequency": f} for f in (59.0, 60.0, 61.0, 62.0)], roles=["bus_frequency"])
    assert found["mean_bus_frequency"].value == 60.5


HOURLY_HALF_PAST = {
    "interval_s": 3600,
    "display_timezone": "Asia/Kolkata",
    "source_timezone": "Asia/Kolkata",
}
"""Hours that begin half past those of UTC."""


def test_slots_of_a_half_hour_zone_are_expected_once_an_hour() -> None:
    site = make_site(["battery"], **HOURLY_HALF_PAST)
    midnight = datetime(2023, 3, 1, tzinfo=ZoneInfo("Asia/Kolkata"))
    found = _expected(site, midnight, midnight + timedelta(days=2))
    assert found.tolist() == [2] * 24


def test_steps_of_a_half_hour_zone_begin_with_their_slots() -> None:
    profile = make_site(["battery"], **HOURLY_HALF_PAST).profile()
    start = datetime(2023, 3, 1, tzinfo=ZoneInfo("Asia/Kolkata")).timestamp()
    slots = np.array([int(start + 3600 * n) * 1_000_000 for n in range(3)])
    powers = np.array([0.0, 8.0, 0.0])
    columns = {"slot": slots, "battery": -powers, "battery_charge": powers}
    steps = steps_of_slots(profile, columns | {"battery_discharge": np.zeros(3)})
    assert steps.start_us.tolist() == slots.tolist()
    assert steps.valid.tolist() == [1, 1, 1]


def test_a_battery_without_a_set_point_is_never_known_to_charge_on_command() -> None:
    columns = {"bucket": np.array([0, 300_000_000])}
    assert charging(make_site(["battery"]).profile(), columns) == ([None] * 2, [False] * 2)

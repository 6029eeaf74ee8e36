from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from microgrid_lib.kpi.model import Kpi
from tests.kpi.conftest import START

Kpis = Callable[..., dict[str, Kpi]]


def test_self_sufficiency_and_grid_dependency_add_up_to_one(kpis: Kpis) -> None:
    found = kpis(
        [{"load": 40.0, "grid": 10.0}, {"load": 20.0, "grid": -5.0}], roles=["load", "grid"]
    )
    assert found["grid_dependency"].value == pytest.approx(10 / 60)
    assert found["self_sufficiency"].value == pytest.approx(50 / 60)
    assert found["self_sufficiency"].warning is None


def test_self_sufficiency_may_be_negative_and_says_why(kpis: Kpis) -> None:
    found = kpis([{"load": 10.0, "grid": 15.0, "battery": -5.0}], roles=["load", "grid", "battery"])
    assert found["self_sufficiency"].value == pytest.approx(-0.5)
    warning = found["self_sufficiency"].warning
    assert warning is not None
    assert warning.code == "negative_self_sufficiency"


def test_ratios_of_a_load_without_energy_are_undefined(kpis: Kpis) -> None:
    slots = [{"load": 0.0, "grid": 1.0, "critical_load": 0.0, "pv": 0.0}]
    found = kpis(slots, roles=["load", "grid", "critical_load", "pv"])
    for name in (
        *("self_sufficiency", "grid_dependency", "critical_share", "load_factor"),
        "self_consumption",
    ):
        assert found[name].value is None, name
        reason = found[name].reason
        assert reason is not None
        assert reason.code == "no_energy"


def test_self_consumption_counts_pv_that_charges_the_battery(kpis: Kpis) -> None:
    slots = [
        {"pv": 40.0, "load": 30.0, "battery": -5.0, "grid": 0.0},  # 35 used
        {"pv": 40.0, "load": 60.0, "battery": 10.0, "grid": 0.0},  # 40 used
        {"pv": 20.0, "load": -3.0, "battery": 0.0, "grid": 0.0},  # none used
    ]
    found = kpis(slots, roles=["pv", "load", "battery", "grid"])
    assert found["self_consumption"].value == pytest.approx(75 / 100)


def test_self_consumption_of_a_site_without_battery_counts_the_load(kpis: Kpis) -> None:
    found = kpis([{"pv": 40.0, "load": 10.0}], roles=["pv", "load"])
    assert found["self_consumption"].value == pytest.approx(0.25)


def test_critical_share_never_counts_more_than_the_load_and_says_how_often(kpis: Kpis) -> None:
    slots = [
        {"critical_load": 10.0, "load": 20.0},
        {"critical_load": 23.0, "load": 20.0},
        {"critical_load": 21.0, "load": 20.0},
        {"critical_load": 20.0, "load": 20.0},
    ]
    share = kpis(slots, roles=["critical_load", "load"])["critical_share"]
    assert share.value == pytest.approx(70 / 80)
    assert share.warning is not None
    assert share.warning.code == "critical_exceeds_load"
    assert share.warning.params == {"slots": 2, "of": 4, "mean_excess_kw": pytest.approx(2.0)}


def test_peak_load_is_the_highest_quarter_hour_with_half_of_its_slots(kpis: Kpis) -> None:
    # 5-minute slots: three in a quarter hour, of which two must be valid.
    load = [10.0, 10.0, 10.0, 30.0, None, 20.0, None, 99.0, None, 5.0, 5.0, 5.0]
    found = kpis([{"load": p} for p in load], roles=["load"], interval_s=300)
    assert found["peak_load"].value == pytest.approx(25.0)
    assert found["peak_load"].time == START + timedelta(minutes=15)
    mean = (30 + 50 + 99 + 15) / 9
    assert found["load_factor"].value == pytest.approx(mean / 25.0)


def test_a_quarter_hour_with_exactly_half_of_its_slots_counts(kpis: Kpis) -> None:
    # 150-second slots: six in a quarter hour.
    load = [None, 8.0, None, 8.0, None, 8.0] + [3.0] * 6
    found = kpis([{"load": p} for p in load], roles=["load"], interval_s=150)
    assert found["peak_load"].value == pytest.approx(8.0)


def test_of_equal_peaks_the_first_is_named(kpis: Kpis) -> None:
    found = kpis([{"load": p} for p in (1.0, 7.0, 7.0, 7.0, 1.0)], roles=["load"])
    assert found["peak_load"].time == START + timedelta(minutes=15)


def test_peaks_of_slots_longer_than_a_quarter_hour_are_the_slots_own(kpis: Kpis) -> None:
    found = kpis([{"load": 3.0}, {"load": 9.0}], roles=["load"], interval_s=3600)
    assert found["peak_load"].value == 9.0
    assert found["peak_load"].time == START + timedelta(hours=1)


def test_peak_import_ignores_exports(kpis: Kpis) -> None:
    found = kpis([{"grid": g} for g in (-90.0, 4.0, 6.0)], roles=["grid"])
    assert found["peak_import"].value == 6.0


def test_a_window_with_less_than_half_a_quarter_hour_has_no_peak(kpis: Kpis) -> None:
    found = kpis([{"load": 1.0}], roles=["load"], interval_s=300)
    assert found["peak_load"].coverage == 1.0
    for name in ("peak_load", "load_factor"):
        reason = found[name].reason
        assert reason is not None
        assert reason.code == "no_peak"


def test_energy_over_the_tie_is_reported_where_no_load_is_measured(kpis: Kpis) -> None:
    slots = [
        {"pv": 20.0, "fuel_cell": 30.0, "genset": 100.0, "battery": -5.0, "grid": -120.0},
        {"pv": 0.0, "fuel_cell": 30.0, "genset": 0.0, "battery": 0.0, "grid": -5.0},
    ]
    found = kpis(slots, roles=["pv", "fuel_cell", "genset", "battery", "grid"])
    assert found["auxiliaries_mean"].value == pytest.approx(25.0)
    assert found["grid_export_energy"].value == pytest.approx(125 / 4)
    assert found["grid_import_energy"].value == 0.0


def test_auxiliaries_are_left_out_where_the_load_is_measured(kpis: Kpis) -> None:
    assert "auxiliaries_mean" not in kpis([{"grid": 1.0, "load": 2.0}], roles=["grid", "load"])


def test_fuel_cell_contribution_compares_it_with_the_batterys_discharge(kpis: Kpis) -> None:
    slots = [{"fuel_cell": 30.0, "battery": 10.0}, {"fuel_cell": 30.0, "battery": -50.0}]
    found = kpis(slots, roles=["fuel_cell", "battery"])
    assert found["fuel_cell_contribution"].value == pytest.approx(60 / 70)
    assert found["equivalent_cycles"].value == pytest.approx(10 / 4 / 160)


def test_fuel_cell_contribution_of_idle_machines_is_undefined(kpis: Kpis) -> None:
    found = kpis([{"fuel_cell": 0.0, "battery": -5.0}], roles=["fuel_cell", "battery"])
    reason = found["fuel_cell_contribution"].reason
    assert reason is not None
    assert reason.code == "no_energy"


def test_means_of_voltage_and_frequency_are_over_valid_slots(kpis: Kpis) -> None:
    slots = [
        {"bus_voltage": 480.0, "bus_frequency": 60.0},
        {"bus_voltage": 486.0, "bus_frequency": None},
    ]
    found = kpis(slots, roles=["bus_voltage", "bus_frequency"])
    assert found["mean_bus_voltage"].value == pytest.approx(483.0)
    assert found["mean_bus_frequency"].value == pytest.approx(60.0)
    assert found["mean_bus_frequency"].coverage == 0.5


def test_the_voltage_gap_is_the_largest_difference_and_its_first_time(kpis: Kpis) -> None:
    gaps = [1.0, -4.0, 4.0, 0.0]
    slots = [{"bus_voltage": 480.0, "mccb_voltage": 480.0 + g} for g in gaps]
    found = kpis(slots, roles=["bus_voltage", "mccb_voltage"], interval_s=10)
    assert found["max_voltage_gap"].value == 4.0
    assert found["max_voltage_gap"].time == START + timedelta(seconds=10)


def test_several_warnings_are_one_that_says_all(kpis: Kpis) -> None:
    slots = [{"load": 10.0, "battery": -5.0}] * 3 + [{"load": None, "battery": None}]
    warning = kpis(slots, roles=["load", "battery"])["self_sufficiency"].warning
    assert warning is not None
    assert warning.code == "low_coverage"
    assert warning.params["also"] == "negative_self_sufficiency,derived_grid"
    assert warning.params["coverage"] == 0.75
    assert warning.text.count(";") >= 2


def test_frequency_of_a_window_that_was_an_island_says_so(kpis: Kpis) -> None:
    roles = ["bus_frequency", "mccb_frequency"]
    apart, alike = ({"bus_frequency": 60.0, "mccb_frequency": 60.0 + d} for d in (0.05, 0.0))
    found = kpis([apart] * 60, roles=roles)["frequency_compliance"]
    assert found.value is None
    assert found.reason is not None
    assert found.reason.text.endswith("the site was islanded")
    assert kpis([alike] * 60, roles=roles)["frequency_compliance"].value == 1.0

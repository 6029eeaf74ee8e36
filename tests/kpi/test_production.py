from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from microgrid_lib.kpi.model import Kpi

Kpis = Callable[..., dict[str, Kpi]]


def test_energy_is_power_times_the_length_of_the_slot(kpis: Kpis) -> None:
    found = kpis([{"pv": 10.0}, {"pv": 20.0}, {"pv": 30.0}, {"pv": 0.0}], roles=["pv"])
    assert found["pv_energy"].value == pytest.approx(15.0)
    assert found["pv_energy"].unit == "kWh"
    assert found["pv_energy"].coverage == 1.0
    assert found["pv_energy"].covered_h == 1.0


def test_a_missing_sample_adds_nothing_and_lowers_coverage(kpis: Kpis) -> None:
    pv = kpis([{"pv": 10.0}, {"pv": 20.0}, {"pv": 30.0}, {"pv": None}], roles=["pv"])["pv_energy"]
    assert pv.value == pytest.approx(15.0)
    assert pv.coverage == 0.75
    assert pv.warning is not None
    assert pv.warning.code == "low_coverage"
    assert pv.warning.text == "only 75 % of the window has valid data"


@pytest.mark.parametrize(
    ("valid", "warned", "withheld"),
    [(20, False, False), (19, False, False), (18, True, False), (10, True, False), (9, True, True)],
)
def test_coverage_below_95_percent_warns_and_below_half_withholds(
    kpis: Kpis, valid: int, warned: bool, withheld: bool
) -> None:
    slots = [{"pv": 4.0}] * valid + [{"pv": None}] * (20 - valid)
    pv = kpis(slots, roles=["pv"])["pv_energy"]
    assert pv.coverage == valid / 20
    assert (pv.value is None) == withheld
    if withheld:
        assert pv.reason is not None
        assert pv.reason.code == "coverage_below_half"
        assert pv.reason.params == {"coverage": 0.45}
    else:
        assert pv.value == pytest.approx(valid)
        assert (pv.warning is not None) == warned


def test_a_window_without_valid_values_has_no_data(kpis: Kpis) -> None:
    pv = kpis([{"pv": None}] * 4, roles=["pv"])["pv_energy"]
    assert pv.value is None
    assert pv.coverage == 0.0
    assert pv.reason is not None
    assert pv.reason.code == "no_data"


def test_a_role_the_site_lacks_is_the_reason(kpis: Kpis) -> None:
    found = kpis([{"pv": 1.0}], roles=["pv"])
    reason = found["fuel_cell_energy"].reason
    assert reason is not None
    assert (reason.code, reason.params, reason.text) == (
        "no_role",
        {"role": "fuel_cell"},
        "this site has no fuel cell",
    )
    assert found["fuel_cell_energy"].coverage is None


def test_the_site_files_own_words_explain_a_missing_role(kpis: Kpis) -> None:
    why = "the building behind the tie isn't metered"
    found = kpis([{"grid": 1.0}], roles=["grid"], reasons={"load": why})
    reason = found["self_sufficiency"].reason
    assert reason is not None
    assert reason.text == why
    assert reason.params == {"role": "load", "why": why}


MIX = [
    # grid = load - pv - fuel_cell - battery: 100 - 40 - 30 - 10 = 20, then 50 - 40 - 30 - 0 = -20.
    {"pv": 40.0, "fuel_cell": 30.0, "battery": 10.0, "load": 100.0},
    {"pv": 40.0, "fuel_cell": 30.0, "battery": 0.0, "load": 50.0},
]
MIX_ROLES = ("pv", "fuel_cell", "battery", "load")


def test_renewable_share_counts_pv_against_all_supply(kpis: Kpis) -> None:
    share = kpis(MIX, roles=MIX_ROLES)["renewable_share"]
    assert share.value == pytest.approx(80 / (80 + 60 + 20))
    assert share.warning is not None
    assert share.warning.code == "derived_grid"


def test_the_fuel_cell_is_renewable_only_where_the_profile_says_so(kpis: Kpis) -> None:
    share = kpis(MIX, roles=MIX_ROLES, fuel_cell_renewable=True)["renewable_share"]
    assert share.value == pytest.approx((80 + 60) / (80 + 60 + 20))


def test_renewable_share_counts_only_slots_in_which_everything_is_valid(kpis: Kpis) -> None:
    partly = [*MIX, {"pv": 999.0, "fuel_cell": 1.0, "battery": None, "load": 1.0}]
    found = kpis(partly, roles=MIX_ROLES)
    assert found["renewable_share"].value == pytest.approx(0.5)
    assert found["renewable_share"].coverage == pytest.approx(2 / 3)
    assert found["pv_energy"].coverage == 1.0


def test_renewable_share_without_any_supply_is_undefined(kpis: Kpis) -> None:
    share = kpis([{"pv": 0.0, "grid": -1.0}], roles=["pv", "grid"])["renewable_share"]
    assert share.value is None
    assert share.reason is not None
    assert share.reason.code == "no_energy"


def test_renewable_share_of_a_site_without_pv_says_so(kpis: Kpis) -> None:
    share = kpis([{"grid": 1.0}], roles=["grid"])["renewable_share"]
    assert share.reason is not None
    assert share.reason.params == {"role": "pv"}


def test_the_dead_band_counts_as_zero_and_its_limit_does_not(kpis: Kpis) -> None:
    slots = [{"battery": b} for b in (0.4, -0.4, 0.5, -0.5, 4.0, -2.0)]
    found = kpis(slots, roles=["battery"])
    assert found["battery_discharge_energy"].value == pytest.approx((0.5 + 4.0) / 4)
    assert found["battery_charge_energy"].value == pytest.approx((0.5 + 2.0) / 4)


def test_the_dead_band_is_applied_before_the_grid_is_derived(kpis: Kpis) -> None:
    found = kpis([{"battery": -0.4, "load": 10.0}], roles=["battery", "load"])
    assert found["grid_import_energy"].value == pytest.approx(2.5)


def _cycle(charge_kw: float, discharge_kw: float) -> list[dict[str, float | None]]:
    return [{"battery": -charge_kw}] * 4 + [{"battery": discharge_kw}] * 4


def test_round_trip_efficiency_carries_the_uncertainty_of_the_state_of_charge(kpis: Kpis) -> None:
    # Usable energy 160 kWh x 0.65 = 104 kWh.
    found = kpis(_cycle(1040.0, 900.0), roles=["battery"])["battery_round_trip_efficiency"]
    assert found.value == pytest.approx(900 / 1040)
    assert found.uncertainty == pytest.approx(104 / 1040)


def test_round_trip_efficiency_says_how_many_full_charges_it_needs(kpis: Kpis) -> None:
    found = kpis(_cycle(83.2, 60.0), roles=["battery"])["battery_round_trip_efficiency"]
    assert found.value is None
    assert found.reason is not None
    assert found.reason.code == "efficiency_uncertain"
    assert found.reason.params["needed"] == 10
    assert found.reason.params["had"] == pytest.approx(0.8)
    assert found.reason.text == "needs 10 full charges in the period (had 0.8)"


def test_almost_enough_charges_are_not_rounded_up_to_enough(kpis: Kpis) -> None:
    found = kpis(_cycle(1039.9, 900.0), roles=["battery"])["battery_round_trip_efficiency"]
    assert found.reason is not None
    assert found.reason.text == "needs 10 full charges in the period (had 9.9)"


def test_round_trip_efficiency_above_one_is_withheld(kpis: Kpis) -> None:
    found = kpis(_cycle(2000.0, 2100.0), roles=["battery"])["battery_round_trip_efficiency"]
    assert found.value is None
    assert found.reason is not None
    assert found.reason.code == "efficiency_above_one"
    assert found.reason.params == {"value": pytest.approx(1.05)}


def _days_of_cycles(
    days: int, missing: Callable[[int, int], bool]
) -> list[dict[str, float | None]]:
    """Charged from 12:00 to 17:00, discharged from 19:00 to 21:30; `missing` by day and slot."""
    day = [0.0] * 48 + [-20.0] * 20 + [0.0] * 8 + [32.4] * 10 + [0.0] * 10
    return [
        {"battery": None if missing(d, i) else power}
        for d in range(days)
        for i, power in enumerate(day)
    ]


@pytest.mark.parametrize(
    ("missing", "given"),
    [
        pytest.param(lambda d, i: False, True, id="nothing is missing"),
        pytest.param(lambda d, i: d in (3, 9) and i < 48, True, id="two mornings"),
        pytest.param(lambda d, i: 76 <= i < 81, False, id="half of every discharge"),
        pytest.param(lambda d, i: 76 <= i < 80, False, id="an hour of every discharge"),
        pytest.param(lambda d, i: i == 76, False, id="a quarter of an hour every day"),
        pytest.param(lambda d, i: d % 5 == 0 and i == 76, True, id="the same on every fifth day"),
        pytest.param(lambda d, i: d in (3, 9), False, id="more than a twentieth of the time"),
    ],
)
def test_round_trip_efficiency_is_withheld_where_gaps_hide_what_flowed(
    kpis: Kpis, missing: Callable[[int, int], bool], *, given: bool
) -> None:
    found = kpis(_days_of_cycles(30, missing), roles=["battery"])["battery_round_trip_efficiency"]
    if given:
        assert found.value is not None
        assert found.uncertainty == pytest.approx(104 / 3000, rel=0.01)
        assert abs(found.value - 0.81) < found.uncertainty
    else:
        assert found.value is None
        assert found.reason is not None
        assert found.reason.code == "efficiency_gaps"


def test_what_is_too_little_for_an_efficiency_is_said(kpis: Kpis) -> None:
    slots = _days_of_cycles(30, lambda day, i: 76 <= i < 80)
    reason = kpis(slots, roles=["battery"])["battery_round_trip_efficiency"].reason
    assert reason is not None
    assert reason.params == {"coverage": pytest.approx(92 / 96), "hour_coverage": 0.0}
    assert reason.text == (
        "the battery's power is missing too often: 95.8 % of the window is valid (needs 95 %), "
        "and 0 % of the hour of the day that is missing most (needs 80 %)"
    )


def test_round_trip_efficiency_without_charging_is_undefined(kpis: Kpis) -> None:
    found = kpis([{"battery": 5.0}], roles=["battery"])["battery_round_trip_efficiency"]
    assert found.reason is not None
    assert found.reason.code == "no_energy"


def test_round_trip_efficiency_needs_a_known_capacity(kpis: Kpis) -> None:
    found = kpis(_cycle(2000.0, 1700.0), roles=["battery"], battery={"capacity_kwh": None})
    for name in ("battery_round_trip_efficiency", "equivalent_cycles"):
        reason = found[name].reason
        assert reason is not None
        assert reason.code == "battery_capacity_unknown"


def test_battery_tracking_counts_only_slots_with_a_set_point(kpis: Kpis) -> None:
    slots = [
        {"battery": 9.0, "battery_setpoint": 10.0},
        {"battery": -13.0, "battery_setpoint": -10.0},
        {"battery": 50.0, "battery_setpoint": 0.0},
    ]
    found = kpis(slots, roles=["battery", "battery_setpoint"])["battery_tracking_rmse"]
    assert found.value == pytest.approx(math.sqrt((1 + 9) / 2))
    assert found.coverage == 1.0


def test_tracking_without_any_command_is_undefined(kpis: Kpis) -> None:
    slots = [{"battery": 3.0, "battery_setpoint": 0.0, "fuel_cell": 3.0, "fuel_cell_setpoint": 0.0}]
    found = kpis(slots, roles=["battery", "battery_setpoint", "fuel_cell", "fuel_cell_setpoint"])
    for name in ("battery_tracking_rmse", "fuel_cell_tracking_rmse", "fuel_cell_reliability"):
        reason = found[name].reason
        assert reason is not None
        assert reason.code == "no_command"


FOLLOWING = [
    # Within 5 % of 80 kW, limit included: 4 kW.
    {"fuel_cell": 36.0, "fuel_cell_setpoint": 40.0},
    {"fuel_cell": 44.0, "fuel_cell_setpoint": 40.0},
    {"fuel_cell": 35.75, "fuel_cell_setpoint": 40.0},
    {"fuel_cell": 70.0, "fuel_cell_setpoint": 0.0},
]


def test_fuel_cell_reliability_counts_commanded_slots_within_5_percent_of_rating(
    kpis: Kpis,
) -> None:
    found = kpis(FOLLOWING, roles=["fuel_cell", "fuel_cell_setpoint"])
    assert found["fuel_cell_reliability"].value == pytest.approx(2 / 3)
    expected = math.sqrt((16 + 16 + 4.25**2) / 3)
    assert found["fuel_cell_tracking_rmse"].value == pytest.approx(expected)


def test_an_unknown_rating_withholds_what_needs_it_and_nothing_else(kpis: Kpis) -> None:
    found = kpis(FOLLOWING, roles=["fuel_cell", "fuel_cell_setpoint"], ratings={})
    for name in ("fuel_cell_reliability", "capacity_factor_fuel_cell"):
        reason = found[name].reason
        assert reason is not None
        assert (reason.code, reason.params) == ("rating_unknown", {"role": "fuel_cell"})
    assert found["fuel_cell_tracking_rmse"].value is not None


def test_capacity_factors_divide_by_covered_hours_only(kpis: Kpis) -> None:
    slots = [{"pv": 25.0, "fuel_cell": 40.0}] * 3 + [{"pv": None, "fuel_cell": 0.0}]
    found = kpis(slots, roles=["pv", "fuel_cell"])
    assert found["capacity_factor_pv"].value == pytest.approx(0.5)
    assert found["capacity_factor_fuel_cell"].value == pytest.approx(0.375)


def test_genset_energy_enters_the_supply(kpis: Kpis) -> None:
    slots = [{"pv": 10.0, "genset": 20.0, "grid": 10.0}]
    found = kpis(slots, roles=["pv", "genset", "grid"])
    assert found["genset_energy"].value == pytest.approx(5.0)
    assert found["renewable_share"].value == pytest.approx(0.25)
    assert found["renewable_share"].warning is None

"""Sentences from numbers, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from microgrid_lib.kpi.compare import Change
from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.usual import Usual
from microgrid_lib.present.texts import texts_for
from microgrid_lib.present.words import missing_sentence, pv_sentence, setpoint_sentence
from microgrid_lib.window import Window

EN, FR = texts_for("en"), texts_for("fr")
START = datetime(2022, 6, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
PV = {"pv_energy": Kpi(value=312.0, unit="kWh", coverage=1.0, covered_h=24.0)}


def test_pv_is_compared_with_the_same_hours_of_the_days_before() -> None:
    said = pv_sentence(PV, {}, Usual(312 / 24 / 1.09, 7), EN)
    assert said == (
        "PV gave 312 kWh, 9 % more than in the same hours of 7 days before, on average."
    )
    assert "20 % less" in pv_sentence(PV, {}, Usual(312 / 24 / 0.8, 7), EN)
    assert "as much as" in pv_sentence(PV, {}, Usual(13.0, 7), EN)


def test_without_usual_days_it_is_the_period_before() -> None:
    changes = {"pv_energy": Change(value=1.0, unit="kW", relative=0.25)}
    assert pv_sentence(PV, changes, None, EN) == (
        "PV gave 312 kWh, 25 % more than in the period before."
    )
    assert pv_sentence(PV, {}, None, EN) == "PV gave 312 kWh."


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert pv_sentence({"pv_energy": Kpi(value=None, unit="kWh")}, {}, None, EN) == ""
    assert pv_sentence({}, {}, None, EN) == ""
    assert setpoint_sentence({}, EN) == ""
    assert missing_sentence({}, DAY, None, EN) == ""


def test_the_set_point_is_the_fuel_cells_else_the_batterys() -> None:
    kpis = {
        "fuel_cell_tracking_rmse": Kpi(value=2.9, unit="kW"),
        "fuel_cell_reliability": Kpi(value=0.9599, unit="1"),
        "battery_tracking_rmse": Kpi(value=1.2, unit="kW"),
    }
    assert setpoint_sentence(kpis, EN) == (
        "The fuel cell was 2.90 kW off its set point (root mean square); for 95.9 % of the "
        "time it was commanded, the deviation was at most 5 % of its rated power."
    )
    del kpis["fuel_cell_tracking_rmse"]
    assert setpoint_sentence(kpis, EN).startswith("The battery was 1.20 kW off")


def test_what_is_missing_is_never_said_to_be_less() -> None:
    kpis = PV | {"peak_load": Kpi(value=1.0, unit="kW", coverage=0.9666)}
    said = missing_sentence(kpis, DAY, None, EN)
    assert said == "Missing: 3.4 % of the values of “load”, 0.8 h in all; nothing is filled in."
    half = missing_sentence(kpis, DAY, START + timedelta(hours=12), EN)
    assert "0.4 h" in half
    assert missing_sentence(PV, DAY, None, EN) == ("No value behind these numbers is missing.")
    assert "«\N{NO-BREAK SPACE}consommation" in missing_sentence(kpis, DAY, None, FR)


def test_a_few_values_missing_of_a_month_are_not_called_none() -> None:
    kpis = PV | {"mean_bus_voltage": Kpi(value=480.0, unit="V", coverage=0.9997)}
    month = Window(START, START + timedelta(days=30))
    said = missing_sentence(kpis, month, None, EN)
    assert said.startswith("Missing: 0.1 % of the values of “bus voltage”, 0.2 h in all")
    assert "0.1 h in all" in missing_sentence(kpis, DAY, None, EN)


def test_hours_missing_of_a_day_of_23_hours_are_of_23_hours() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    day = Window(datetime(2018, 3, 11, tzinfo=zone), datetime(2018, 3, 12, tzinfo=zone))
    kpis = {"peak_load": Kpi(value=1.0, unit="kW", coverage=0.5)}
    assert "11.5 h in all" in missing_sentence(kpis, day, None, EN)


def test_pv_with_hours_missing_is_not_compared() -> None:
    kpis = {"pv_energy": Kpi(value=312.0, unit="kWh", coverage=0.83, covered_h=20.0)}
    assert pv_sentence(kpis, {}, Usual(20.0, 7), EN) == "PV gave 312 kWh."


def test_french_compares_with_que() -> None:
    said = pv_sentence(PV, {}, Usual(312 / 24 / 1.09, 7), FR)
    assert "de plus que lors des mêmes heures" in said

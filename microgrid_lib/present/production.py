"""What the Production section shows."""

from __future__ import annotations

from microgrid_lib.present.charts import ChartSpec, LineSpec
from microgrid_lib.present.sections import CardSpec, SectionSpec

PRODUCTION = SectionSpec(
    kpis=("production",),
    cards=(
        CardSpec("renewable_share", role="pv", spark="pv", source="pv", lead=True),
        CardSpec(
            "battery_round_trip_efficiency",
            role="battery",
            spark="battery",
            source="battery",
            lead=True,
        ),
        CardSpec(
            "fuel_cell_reliability",
            role="fuel_cell_setpoint",
            spark="fuel_cell",
            source="fuel-cell",
            lead=True,
        ),
        CardSpec("pv_energy", role="pv", spark="pv", source="pv", lead=True),
        CardSpec("fuel_cell_energy", role="fuel_cell", spark="fuel_cell", source="fuel-cell"),
        CardSpec("genset_energy", role="genset", spark="genset", source="genset"),
        CardSpec("battery_discharge_energy", role="battery"),
        CardSpec("battery_charge_energy", role="battery"),
        CardSpec("battery_tracking_rmse", role="battery_setpoint"),
        CardSpec("fuel_cell_tracking_rmse", role="fuel_cell_setpoint"),
        CardSpec("capacity_factor_pv", role="pv"),
        CardSpec("capacity_factor_fuel_cell", role="fuel_cell"),
    ),
    charts=(
        ChartSpec(
            "battery",
            "kW",
            (
                LineSpec("battery", "battery", "line.power"),
                LineSpec("battery_setpoint", "battery", "line.set_response", setpoint=True),
            ),
            signed=True,
        ),
        ChartSpec("pv", "kW", (LineSpec("pv", "pv", "role.pv", fill=True),), from_zero=True),
        ChartSpec(
            "fuel_cell",
            "kW",
            (
                LineSpec("fuel_cell", "fuel-cell", "line.power"),
                LineSpec("fuel_cell_setpoint", "fuel-cell", "line.setpoint", setpoint=True),
            ),
        ),
        ChartSpec(
            "genset",
            "kW",
            (
                LineSpec("genset", "genset", "line.power"),
                LineSpec("genset_setpoint", "genset", "line.set_response", setpoint=True),
            ),
            from_zero=True,
        ),
        ChartSpec(
            "voltage",
            "V",
            (
                LineSpec("bus_voltage", "grid", "line.bus"),
                LineSpec("receiving_voltage", "genset", "line.receiving"),
            ),
            limits="voltage_a",
        ),
    ),
)

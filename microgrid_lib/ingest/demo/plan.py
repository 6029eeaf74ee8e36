"""What the demo covers, and the known parameters of its plant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from microgrid_lib.errors import MicrogridError, UnknownNameError, WindowError

# Part of every truth file: raise it with any change of the bytes, so that old demo data is renewed.
GENERATOR_VERSION = "1"
SLOT_S = 10
SLOTS_PER_HOUR = 360
SLOTS_PER_DAY = 8640
SENTINEL = -999999.0
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Channel (site/schema.py) and its column, spelled and ordered as in the published files.
COLUMNS: dict[str, str] = {
    "battery_power": "Battery_Active_Power",
    "battery_set_response": "Battery_Active_Power_Set_Response",
    "pv_power": "PVPCS_Active_Power",
    "ge_power_body": "GE_Body_Active_Power",
    "ge_power_total": "GE_Active_Power",
    "ge_body_set_response": "GE_Body_Active_Power_Set_Response",
    "fc_setpoint": "FC_Active_Power_FC_END_Set",
    "fc_power": "FC_Active_Power",
    "fc_set_response": "FC_Active_Power_FC_end_Set_Response",
    "mccb_power": "Island_mode_MCCB_Active_Power",
    "mg_lv_voltage": "MG-LV-MSB_AC_Voltage",
    "receiving_voltage": "Receiving_Point_AC_Voltage",
    "mccb_voltage": "Island_mode_MCCB_AC_Voltage",
    "mccb_frequency": "Island_mode_MCCB_Frequency",
    "mg_lv_frequency": "MG-LV-MSB_Frequency",
    "temp_inlet": "Inlet_Temperature_of_Chilled_Water",
    "temp_outlet": "Outlet_Temperature",
}


@dataclass(frozen=True)
class DemoPlan:
    """What to generate.

    Parameters
    ----------
    site : str
        Site whose files are imitated; only `mesa_del_sol`.
    start : str
        First month, `YYYY-MM`.
    months : int
        Number of months, at least 1; a month doesn't depend on how many follow.
    seed : int
        Seed of every random number, at least 0.

    Raises
    ------
    MicrogridError
        A field that can't be used; the text names it.
    """

    site: str = "mesa_del_sol"
    start: str = "2022-05"
    months: int = 15
    seed: int = 20220501

    def __post_init__(self) -> None:
        if self.site != "mesa_del_sol":
            raise UnknownNameError("demo site", self.site, ["mesa_del_sol"])
        if not re.fullmatch(r"(19|20)\d{2}-(0[1-9]|1[0-2])", self.start):
            raise WindowError(f"demo start {self.start!r} isn't a month written YYYY-MM")
        if self.months < 1:
            raise WindowError(f"demo months must be at least 1, not {self.months}")
        if self.seed < 0:
            raise MicrogridError(f"demo seed must be at least 0, not {self.seed}")

    def year_months(self) -> list[tuple[int, int]]:
        """Year and month (1-12) of every file, in order."""
        year, month = int(self.start[:4]), int(self.start[5:])
        first = year * 12 + month - 1
        return [(m // 12, m % 12 + 1) for m in range(first, first + self.months)]


def file_name(year: int, month: int) -> str:
    """Give the published name of a month's file, such as `May_2022.csv`."""
    return f"{MONTH_NAMES[month - 1]}_{year}.csv"


@dataclass(frozen=True)
class PlantParameters:
    """The demo plant as it really is; written into the truth file as it stands.

    Powers in kW, energies in kWh, impedances in ohm of the balanced three-phase equivalent at
    line-to-line voltage. Ratings, battery and R receiving point to bus are those of the reference
    site; the rest is chosen for the demo.
    """

    utc_offset_h: float = -7.0
    latitude_deg: float = 35.0
    longitude_deg: float = -106.6
    altitude_m: float = 1600.0
    pv_rated_kw: float = 50.0
    pv_tilt_deg: float = 20.0
    pv_azimuth_deg: float = 180.0
    pv_performance_ratio: float = 0.88
    fuel_cell_rated_kw: float = 80.0
    fuel_cell_setpoint_kw: int = 40
    fuel_cell_island_setpoint_kw: int = 22
    fuel_cell_yield: float = 0.95
    genset_rated_kw: float = 240.0
    genset_body_minus_net_kw: float = 2.0
    battery_rated_kw: float = 100.0
    battery_capacity_kwh: float = 160.0
    battery_eta_charge: float = 0.9
    battery_eta_discharge: float = 0.9
    battery_soc_min: float = 0.30
    battery_soc_max: float = 0.95
    battery_soc_start: float = 0.5
    battery_deadband_kw: float = 0.5
    auxiliaries_kw: float = 25.0
    r_receiving_to_bus_ohm: float = 0.0079
    x_receiving_to_bus_ohm: float = 0.0
    mccb_share_of_impedance: float = 0.5
    r_source_ohm: float = 0.004
    x_source_ohm: float = 0.012
    reactive_power_kvar: float = 0.0
    nominal_voltage_v: float = 480.0
    nominal_frequency_hz: float = 60.0
    island_voltage_v: float = 477.0
    island_no_load_frequency_hz: float = 59.95
    island_droop: float = 0.02


PLANT = PlantParameters()

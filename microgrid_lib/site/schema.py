"""The canonical channels and roles: one table of names, units and spellings."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Unit = Literal["kW", "V", "Hz", "degC", "1"]


@dataclass(frozen=True)
class CanonicalChannel:
    """A channel every site file may use without describing it.

    Attributes
    ----------
    unit : str
        Unit of the stored values.
    spellings : tuple of str
        Column names it is known by; case, `_`, `-`, brackets and spaces don't matter.
    low, high : float
        Plausible range in `unit`, limits included.
    """

    unit: Unit
    spellings: tuple[str, ...]
    low: float
    high: float


def _power(*spellings: str) -> CanonicalChannel:
    return CanonicalChannel("kW", spellings, -1000.0, 1000.0)


def _voltage(*spellings: str) -> CanonicalChannel:
    return CanonicalChannel("V", spellings, 0.0, 1000.0)


def _frequency(*spellings: str) -> CanonicalChannel:
    return CanonicalChannel("Hz", spellings, 0.0, 100.0)


def _temperature(*spellings: str) -> CanonicalChannel:
    return CanonicalChannel("degC", spellings, -50.0, 150.0)


CHANNELS: dict[str, CanonicalChannel] = {
    "battery_power": _power("Battery Active Power"),
    "battery_set_response": _power("Battery Active Power Set Response"),
    "pv_power": _power("PVPCS Active Power"),
    "ge_power_body": _power("GE Body Active Power"),
    "ge_power_total": _power("GE Active Power"),
    "ge_body_set_response": _power("GE Body Active Power Set Response"),
    "fc_setpoint": _power("FC Active Power (FC-end) Set"),
    "fc_power": _power("FC Active Power"),
    "fc_set_response": _power("FC Active Power (FC-end) Set Response"),
    "mccb_power": _power("Island mode MCCB Active Power"),
    "mg_lv_voltage": _voltage("MG-LV-MSB AC Voltage"),
    "receiving_voltage": _voltage("Receiving Point AC Voltage"),
    "mccb_voltage": _voltage("Island mode MCCB AC Voltage"),
    "mccb_frequency": _frequency("Island mode MCCB Frequency"),
    "mg_lv_frequency": _frequency("MG-LV-MSB Frequency"),
    "temp_inlet": _temperature("Inlet Temperature of Chilled Water"),
    "temp_outlet": _temperature("Outlet Temperature"),
}

ROLES: dict[str, Unit] = {
    "pv": "kW",
    "battery": "kW",
    "battery_setpoint": "kW",
    "fuel_cell": "kW",
    "fuel_cell_setpoint": "kW",
    "genset": "kW",
    "genset_setpoint": "kW",
    "load": "kW",
    "critical_load": "kW",
    "grid": "kW",
    "mccb_power": "kW",
    "bus_voltage": "V",
    "receiving_voltage": "V",
    "mccb_voltage": "V",
    "bus_frequency": "Hz",
    "mccb_frequency": "Hz",
    "temp_inlet": "degC",
    "temp_outlet": "degC",
}


def normal_spelling(name: str) -> str:
    """Fold a column name so that spellings of the same column compare equal.

    Case, a byte-order mark, composed or decomposed accents, and runs of anything but letters and
    digits don't count: `FC Active Power (FC-end) Set` and `FC_Active_Power_FC_END_Set` are the
    same. A plus sign does, for meters that have `P+` and `P-`.
    """
    folded = unicodedata.normalize("NFKC", name.lstrip("\ufeff").casefold())
    return re.sub(r"[\W_]+", " ", folded.replace("+", " plus ")).strip()

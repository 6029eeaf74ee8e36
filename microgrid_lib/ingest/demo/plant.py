"""The plant's physics: seventeen channels and the true events of one month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from microgrid_lib.ingest.demo.battery import BatteryMonth, IntArray, run_month
from microgrid_lib.ingest.demo.calendar import SLOTS_PER_MINUTE, MonthCalendar, Window
from microgrid_lib.ingest.demo.noise import FloatArray, day_rng, trailing_mean, wander
from microgrid_lib.ingest.demo.plan import PLANT, SLOTS_PER_DAY, SLOTS_PER_HOUR
from microgrid_lib.ingest.demo.schedule import fuel_cell_setpoint, genset_setpoint
from microgrid_lib.ingest.demo.solar import clear_sky_pv_kw

_Noise = Callable[[], FloatArray]
_CalendarNoise = Callable[[int, int], FloatArray]

# Hundredths of the channel's unit: exact for every printed resolution.
HUNDREDTHS = 100
_GENSET_RAMP_SLOTS, _FUEL_CELL_RAMP_SLOTS = 6, 24
_GENSET_CONNECTED_KW = 20.0
_SAG_VOLTAGE_V = {"voltage_sag_a": 448.0, "voltage_sag_b": 432.0}
_GAP_V = 9.0
_EXCURSION_HZ = 59.25


@dataclass
class PlantMonth:
    """One month as an undisturbed logger would have written it.

    Attributes
    ----------
    values : dict
        Channel -> values in hundredths of its unit, shape (n_slots,).
    battery : BatteryMonth
        Battery with its true state of charge.
    events : dict
        Kind -> window of every true event.
    """

    values: dict[str, npt.NDArray[np.int64]]
    battery: BatteryMonth
    events: dict[str, Window] = field(default_factory=dict)


def two_bus_voltage(
    source_v: FloatArray, load_kw: FloatArray, r_ohm: float, x_ohm: float
) -> FloatArray:
    """Line-to-line voltage [V] at a load behind R + jX, at unit power factor (SIMULATION.md)."""
    watts = load_kw * 1e3
    b = 2 * r_ohm * watts - source_v**2
    c = (r_ohm**2 + x_ohm**2) * watts**2
    return np.sqrt((-b + np.sqrt(b**2 - 4 * c)) / 2)


def _whole(values: FloatArray) -> IntArray:
    """Round to whole units, in hundredths."""
    return np.rint(values).astype(np.int64) * HUNDREDTHS


def _tenths(values: FloatArray) -> IntArray:
    """Round to tenths, in hundredths."""
    return np.rint(values * 10).astype(np.int64) * 10


def generate_month(seed: int, calendar: MonthCalendar, soc_start: float) -> PlantMonth:
    """Run the plant through a month.

    Powers are rounded to what the meters print before they enter the balance, so that
    genset + fuel cell + PV + battery - auxiliaries = -MCCB holds in the file up to the rounding of
    the MCCB's meter. When islanded the tie carries nothing: the gas engine is off and the battery,
    as grid former, makes up what the auxiliaries take beyond the fuel cell.

    Parameters
    ----------
    seed : int
        Seed of the plan.
    calendar : MonthCalendar
        Events and faults of the month.
    soc_start : float
        State of charge at the start of the month.
    """
    rng = np.random.default_rng([seed, calendar.year, calendar.month])
    n, first, days = calendar.n_slots, calendar.first, calendar.days

    def noise(stream: int, per_day: int) -> FloatArray:
        return wander(seed, stream, first, days, per_day)

    def white() -> FloatArray:
        return rng.standard_normal(n)

    ge_set_early = genset_setpoint(seed, calendar)
    ge_set = ge_set_early[SLOTS_PER_DAY:]
    ge_target = trailing_mean(ge_set_early, _GENSET_RAMP_SLOTS)[-n:]
    # On the bus only after its run-up, so that neither meter shows less than nothing.
    ge_on = ge_target > _GENSET_CONNECTED_KW
    body = ge_target + 1.2 * noise(31, 1440) + 2.0 * white()
    # Half a kW of rounding and 0.28 kW of noise make the 0.4 kW seen between the two meters.
    net = body - PLANT.genset_body_minus_net_kw + 0.28 * white()
    ge_body, ge_total = _whole(np.where(ge_on, body, 0.0)), _tenths(np.where(ge_on, net, 0.0))

    fc_set_early = fuel_cell_setpoint(seed, calendar)
    fc_set = fc_set_early[SLOTS_PER_DAY:]
    failed = calendar.events["fuel_cell_failed"]
    fed = fc_set_early.copy()
    fed[failed.start + SLOTS_PER_DAY : failed.stop + SLOTS_PER_DAY] = 0.0
    fc_target = trailing_mean(fed, _FUEL_CELL_RAMP_SLOTS)[-n:]
    fc_target[failed.slots] = 0.0
    fc_level = PLANT.fuel_cell_yield * fc_target
    fc_noise = (0.6 * noise(32, 24) + 0.5 * white()) * fc_target / PLANT.fuel_cell_setpoint_kw
    fc = _whole(fc_level + fc_noise)

    pv = _tenths(np.minimum(clear_sky_pv_kw(first, days) * _cloud_factor(seed, calendar), 50.0))
    auxiliaries = PLANT.auxiliaries_kw + 1.0 * noise(33, 24) + 1.5 * white()

    slack_tenths = np.rint(auxiliaries * 10).astype(np.int64) - (fc + pv + ge_total) // 10
    battery = run_month(seed, calendar, soc_start, slack_tenths, rng)
    generation_kw = (ge_total + fc + pv + battery.power_tenths * 10) / HUNDREDTHS
    tie_kw = auxiliaries - generation_kw
    events = calendar.events | battery.events
    island = np.zeros(n, dtype=np.bool_)
    if "islanding" in events:
        island[events["islanding"].slots] = True
    tie_kw[island] = 0.0

    voltages = _voltages(seed, calendar, tie_kw, island, white)
    tie_hz, bus_hz = _frequencies(calendar, noise, white, island, battery.power_tenths / 10, rng)
    inlet, outlet = _temperatures(calendar, noise)
    if "fuel_cell_failed" in events:
        recovered = int(np.argmax(fc[failed.stop :] > 0.5 * fc_set[failed.stop :] * HUNDREDTHS))
        events["fuel_cell_failed"] = Window(failed.start, failed.stop + recovered)
    values = {
        "battery_power": battery.power_tenths * 10,
        "battery_set_response": battery.setpoint_kw * HUNDREDTHS,
        "pv_power": pv,
        "ge_power_body": ge_body,
        "ge_power_total": ge_total,
        "ge_body_set_response": _whole(ge_set),
        "fc_setpoint": _whole(fc_set),
        "fc_power": fc,
        "fc_set_response": _whole(fc_set_early[SLOTS_PER_DAY - 1 : -1]),
        "mccb_power": _whole(tie_kw),
        **voltages,
        "mccb_frequency": tie_hz,
        "mg_lv_frequency": bus_hz,
        "temp_inlet": inlet,
        "temp_outlet": outlet,
    }
    return PlantMonth(values, battery, events)


def _cloud_factor(seed: int, calendar: MonthCalendar) -> FloatArray:
    """Share of the clear-sky output that clouds let through, shape (n_slots,)."""
    factors = []
    for d in range(calendar.days):
        rng = day_rng(seed, 41, calendar.first + timedelta(days=d))
        depth = rng.choice([0.03, 0.35, 0.85], p=[0.55, 0.3, 0.15])
        # Squared, so that passing clouds are short and clear spells long.
        knots = 1.0 - depth * rng.random(145) ** (1.0 if depth > 0.8 else 2.0)
        factors.append(np.interp(np.arange(SLOTS_PER_DAY), np.arange(145) * 60, knots))
    return np.concatenate(factors)


def _calendar_hours(calendar: MonthCalendar) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Hour of the day, 1 on weekdays, and season (+1 mid-July, -1 mid-January) by slot."""
    hour = np.tile(np.arange(SLOTS_PER_DAY) / SLOTS_PER_HOUR, calendar.days)
    dates = [calendar.first + timedelta(days=d) for d in range(calendar.days)]
    weekday = np.repeat([1.0 if day.weekday() < 5 else 0.0 for day in dates], SLOTS_PER_DAY)
    season = np.cos(2 * np.pi * (np.array([d.timetuple().tm_yday for d in dates]) - 196) / 365.25)
    return hour, weekday, np.repeat(season, SLOTS_PER_DAY)


def _building_kw(
    seed: int, calendar: MonthCalendar, hour: FloatArray, weekday: FloatArray, season: FloatArray
) -> FloatArray:
    """Unmetered load of the building behind the tie [kW]."""
    at_work = np.exp(-(((hour - 13.5) / 4.0) ** 2))
    cooling = np.exp(-(((hour - 16.0) / 3.5) ** 2)) * np.maximum(season, 0.0)
    return (
        130.0
        + 110.0 * at_work * (0.35 + 0.65 * weekday)
        + 110.0 * cooling * (0.5 + 0.5 * weekday)
        + 12.0 * wander(seed, 51, calendar.first, calendar.days, 96)
    )


def _voltages(
    seed: int,
    calendar: MonthCalendar,
    tie_kw: FloatArray,
    island: npt.NDArray[np.bool_],
    white: _Noise,
) -> dict[str, IntArray]:
    """Voltages of receiving point, MCCB and bus from the two-bus model with meter noise."""
    first, days, events = calendar.first, calendar.days, calendar.events
    hour, weekday, season = _calendar_hours(calendar)
    source = (
        485.3
        + 2.3 * np.cos(2 * np.pi * (hour - 2.5) / 24)
        + 0.6 * np.cos(4 * np.pi * (hour - 1.0) / 24)
        + 0.8 * (1.0 - weekday)
        + 1.0 * wander(seed, 52, first, days, 1)
        + 0.7 * wander(seed, 53, first, days, 24)
        + 0.3 * wander(seed, 54, first, days, 1440)
    )
    for kind, sag_v in _SAG_VOLTAGE_V.items():
        if kind in events:
            source[events[kind].slots] = sag_v
    behind_source_kw = tie_kw + _building_kw(seed, calendar, hour, weekday, season)
    receiving = two_bus_voltage(source, behind_source_kw, PLANT.r_source_ohm, PLANT.x_source_ohm)
    bus = two_bus_voltage(
        receiving, tie_kw, PLANT.r_receiving_to_bus_ohm, PLANT.x_receiving_to_bus_ohm
    )
    # At unit power factor over a resistance the voltage falls in step with it.
    mccb = receiving + PLANT.mccb_share_of_impedance * (bus - receiving)
    bus[island] = PLANT.island_voltage_v
    if "voltage_gap" in events:
        bus[events["voltage_gap"].slots] -= _GAP_V
    return {
        "mg_lv_voltage": _whole(bus + 0.25 * white()),
        "receiving_voltage": _whole(receiving + 0.25 * white()),
        "mccb_voltage": _whole(mccb + 0.25 * white()),
    }


def _frequencies(
    calendar: MonthCalendar,
    noise: _CalendarNoise,
    white: _Noise,
    island: npt.NDArray[np.bool_],
    battery_kw: FloatArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Frequency at the MCCB (grid side) and at the bus, in hundredths of a hertz."""
    nominal = PLANT.nominal_frequency_hz
    grid = np.rint(
        100 * (nominal + 0.014 * noise(61, 288) + 0.012 * noise(62, 24) + 0.003 * white())
    ).astype(np.int64)
    # The meters differ by when they sample: what one shows early the other shows late, so the
    # differences cancel in any mean over minutes.
    early = rng.choice([-1, 0, 1], p=[0.03, 0.94, 0.03], size=len(grid) + 1)
    # Nothing carries over the edge of a ten-minute mean or of an outage.
    early[:: 10 * SLOTS_PER_MINUTE] = 0
    early[1:-1][np.diff(calendar.lost)] = 0
    bus = grid + np.diff(early)
    droop_hz_per_kw = PLANT.island_droop * nominal / PLANT.battery_rated_kw
    own = PLANT.island_no_load_frequency_hz - droop_hz_per_kw * battery_kw + 0.02 * white()
    excursion = calendar.events.get("frequency_excursion")
    if excursion:
        length = excursion.stop - excursion.start
        own[excursion.slots] = _EXCURSION_HZ + 0.02 * rng.standard_normal(length)
    bus[island] = np.rint(100 * own[island]).astype(np.int64)
    return grid, bus


def _temperatures(calendar: MonthCalendar, noise: _CalendarNoise) -> tuple[IntArray, IntArray]:
    """Temperatures of the chilled water loop [degC]."""
    hour, _, season = _calendar_hours(calendar)
    daily = np.cos(2 * np.pi * (hour - 17.0) / 24)
    inlet = 20.0 + 6.0 * season + 2.0 * daily + 1.5 * noise(71, 1) + 0.4 * noise(72, 24)
    outlet = inlet - 2.2 + 1.3 * noise(73, 2) + 0.2 * noise(74, 144)
    return _tenths(inlet), _tenths(outlet)

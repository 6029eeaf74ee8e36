"""The kinds of alerts: their limits under a profile, and why a profile can't have some."""

from __future__ import annotations

from dataclasses import dataclass

from microgrid_lib.kpi import notes
from microgrid_lib.kpi.alert_rules import Severity, slots_needed
from microgrid_lib.kpi.limits import Band
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.soc import no_soc
from microgrid_lib.site.profile import Profile
from microgrid_lib.store.summaries import counts_charge, soc_step_s

SOC_KINDS = ("battery_low", "battery_empty")
"""Kinds whose limits are states of charge."""


@dataclass(frozen=True)
class AlertLimit:
    """What a value must not pass.

    Attributes
    ----------
    severity
        Of what passes it.
    low, high
        Ends of what is allowed, in `unit`; None where that side has none.
    unit
        Of both.
    of
        Role that the limit is a share of; empty where it is a value.
    """

    severity: Severity
    low: float | None
    high: float | None
    unit: str
    of: str = ""


@dataclass(frozen=True)
class AlertKind:
    """One kind of alert.

    Attributes
    ----------
    name
        As alerts carry it.
    roles
        What it watches; empty: whatever the profile has.
    for_s
        How long a limit must be passed [s].
    limits
        The mildest first.
    lacks
        Why the profile can't have it; None where it can.
    """

    name: str
    roles: tuple[str, ...]
    for_s: float
    limits: tuple[AlertLimit, ...]
    lacks: Note | None

    def limit(self, severity: Severity) -> AlertLimit | None:
        """Return the limit that an alert of a severity has passed."""
        return next((limit for limit in self.limits if limit.severity == severity), None)


def kinds_of(profile: Profile) -> tuple[AlertKind, ...]:
    """Every kind there is, with the limits of a profile; those it can't have say why."""
    return (*_battery_charge(profile), *_plant(profile), *_supply(profile), _stale(profile))


def _battery_charge(profile: Profile) -> tuple[AlertKind, ...]:
    settings, battery = profile.spec.alerts, profile.site.battery
    lacks = no_soc(profile)
    step_s = soc_step_s(profile) if counts_charge(profile) else profile.site.interval_s
    for_s = float(slots_needed(settings.battery_soc_for_s, step_s) * step_s)
    low = AlertLimit("warning", settings.battery_low_soc, None, "1")
    empty = AlertLimit("critical", battery.soc_min, None, "1")
    return (
        AlertKind("battery_low", ("battery",), for_s, (low,), lacks),
        AlertKind("battery_empty", ("battery",), for_s, (empty,), lacks),
    )


def _plant(profile: Profile) -> tuple[AlertKind, ...]:
    settings, rated_kw = profile.spec.alerts, profile.site.ratings.battery_kw
    failed = AlertLimit(
        "critical", settings.fuel_cell_failed_share, None, "1", of="fuel_cell_setpoint"
    )
    following = ("battery", "battery_setpoint")
    lacks = _no_role(profile, following)
    if lacks is None and rated_kw is None:
        lacks = notes.rating_unknown("battery")
    following_limits: tuple[AlertLimit, ...] = ()
    if rated_kw is not None:
        most_kw = settings.battery_deviation_share * rated_kw
        following_limits = (AlertLimit("warning", None, most_kw, "kW"),)
    return (
        _kind(
            profile,
            "fuel_cell_failed",
            ("fuel_cell", "fuel_cell_setpoint"),
            settings.fuel_cell_failed_for_s,
            (failed,),
        ),
        AlertKind(
            "battery_not_following",
            following,
            _lasting(profile, settings.battery_deviation_for_s),
            following_limits,
            lacks,
        ),
    )


def _supply(profile: Profile) -> tuple[AlertKind, ...]:
    site, settings = profile.site, profile.spec.alerts
    limits, nominal = site.limits, site.nominal

    def around(nominal: float, share: float) -> tuple[float, float]:
        band = Band.of(nominal, (1 - share, 1 + share))
        return band.low, band.high

    a, b = (Band.of(nominal.voltage_v, v) for v in (limits.voltage_a, limits.voltage_b))
    mild = around(nominal.frequency_hz, limits.frequency_warning)
    hard = around(nominal.frequency_hz, limits.frequency_critical)
    gap_v = settings.voltage_gap_share * nominal.voltage_v
    return (
        _kind(
            profile,
            "bus_voltage",
            ("bus_voltage",),
            settings.voltage_for_s,
            (AlertLimit("warning", a.low, a.high, "V"), AlertLimit("critical", b.low, b.high, "V")),
        ),
        _kind(
            profile,
            "bus_frequency",
            ("bus_frequency",),
            settings.frequency_for_s,
            (AlertLimit("warning", *mild, "Hz"), AlertLimit("critical", *hard, "Hz")),
        ),
        _kind(
            profile,
            "voltage_gap",
            ("bus_voltage", "mccb_voltage"),
            settings.voltage_gap_for_s,
            (AlertLimit("info", None, gap_v, "V"),),
        ),
    )


def _stale(profile: Profile) -> AlertKind:
    for_s = stale_after_s(profile)
    return AlertKind("data_stale", (), for_s, (AlertLimit("warning", None, for_s, "s"),), None)


def stale_after_s(profile: Profile) -> float:
    """How long nothing must have come before data count as stale [s]."""
    return _lasting(profile, profile.spec.alerts.stale_for_s)


def _kind(
    profile: Profile,
    name: str,
    roles: tuple[str, ...],
    for_s: float,
    limits: tuple[AlertLimit, ...],
) -> AlertKind:
    return AlertKind(name, roles, _lasting(profile, for_s), limits, _no_role(profile, roles))


def _lasting(profile: Profile, for_s: float) -> float:
    interval_s = profile.site.interval_s
    return float(slots_needed(for_s, interval_s) * interval_s)


def _no_role(profile: Profile, roles: tuple[str, ...]) -> Note | None:
    missing = next((role for role in roles if not profile.has(role)), None)
    return None if missing is None else notes.no_role(profile, missing)

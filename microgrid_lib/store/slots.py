"""From measurements to slots: one row per slot, a column per role."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from microgrid_lib.site.expression import Expression
from microgrid_lib.site.profile import Profile, Site

if TYPE_CHECKING:
    import ibis

DERIVED_GRID = "grid = load - pv - fuel_cell - genset - battery"
_SUPPLY = ("pv", "fuel_cell", "genset", "battery")
_IGNORES_MISSING = re.compile(r"\b(min|max)\s*\(")


def anchor_s(site: Site) -> int:
    """Seconds by which slots start after the multiples of the interval in UTC.

    Slots of an hour and longer then start on the hour (or day) of the display zone's standard
    time, also where that is half an hour off.
    """
    winter = datetime(2023, 1, 1, tzinfo=UTC).astimezone(site.display_zone)
    offset, saving = winter.utcoffset(), winter.dst()
    standard_s = (offset.total_seconds() if offset else 0) - (
        saving.total_seconds() if saving else 0
    )
    return int(-standard_s) % site.interval_s


def first_slot_us(site: Site, at: datetime) -> int:
    """Start of the first slot at or after an instant [µs since the epoch]."""
    step, shift = site.interval_s * 1_000_000, anchor_s(site) * 1_000_000
    return -((shift - epoch_us(at)) // step) * step + shift


def slots_between(site: Site, start: datetime, end: datetime) -> int:
    """Return the number of slots that start in [start, end)."""
    step = site.interval_s * 1_000_000
    return max(0, (first_slot_us(site, end) - first_slot_us(site, start)) // step)


def slot_start(site: Site, at: datetime) -> datetime:
    """Start of the slot an instant lies in (UTC)."""
    return slot_end(site, at) - timedelta(seconds=site.interval_s)


def slot_end(site: Site, at: datetime) -> datetime:
    """End of the slot an instant lies in (UTC)."""
    step, shift = site.interval_s * 1_000_000, anchor_s(site) * 1_000_000
    return from_epoch_us(((epoch_us(at) - shift) // step + 1) * step + shift)


def epoch_us(at: datetime) -> int:
    """Microseconds since the epoch, exactly."""
    since = at.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_epoch_us(value: int) -> datetime:
    """Return the UTC instant of microseconds since the epoch, exactly."""
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def metered_channels(profile: Profile) -> tuple[str, ...]:
    """Channels the profile's roles are computed from, sorted."""
    named = {name for e in profile.expressions.values() for name in e.names}
    return tuple(sorted(named & set(profile.site.channels)))


def slot_table(measurements: ibis.Table, profile: Profile, *, unique: bool = False) -> ibis.Table:
    """One row per slot that has a sample, a column per role.

    The first sample of a source in a slot counts, with what it is missing; several sources
    complete each other. A role is null where any value it needs is.

    Parameters
    ----------
    measurements
        `time` (UTC), `source`, a nullable column per channel; at most one row per source and
        time.
    profile
        Gives roles, dead band and interval.
    unique
        Promise that no source has two rows in one slot, which saves looking for the first.

    Returns
    -------
    ibis.Table
        `slot` (UTC start, no zone), the profile's roles, the derived grid, and where they can be
        told `grid_import`, `grid_export`, `battery_charge`, `battery_discharge` [kW], all >= 0.
    """
    channels = metered_channels(profile)
    rows = _channels_by_slot(measurements, profile.site, channels, unique=unique)
    return _with_roles(rows, profile)


def channel_slots(
    measurements: ibis.Table, site: Site, channels: tuple[str, ...], *, unique: bool = False
) -> ibis.Table:
    """One row per slot that has a sample: `slot` and the channels as stored."""
    return _channels_by_slot(measurements, site, channels, unique=unique)


def _channels_by_slot(
    measurements: ibis.Table, site: Site, channels: tuple[str, ...], *, unique: bool
) -> ibis.Table:
    import ibis

    time = measurements.time
    if time.type().timezone is not None:
        time = time.cast("timestamp")
    slot = time.bucket(
        ibis.interval(seconds=site.interval_s), offset=ibis.interval(seconds=anchor_s(site))
    )
    keep = [name for name in ("part",) if name in measurements.columns]
    rows = measurements.select(*keep, *channels, slot=slot, at=time, source=measurements.source)
    if not unique:
        order = ibis.row_number().over(
            ibis.window(group_by=[*keep, rows.slot, rows.source], order_by=rows["at"])
        )
        rows = rows.mutate(order=order).filter(ibis._.order == 0)
    if len(site.sources) == 1:
        return rows.select(*keep, "slot", *channels)
    # A channel comes from one source only, so at most one row of the slot has a value.
    return rows.group_by([*keep, "slot"]).aggregate(**{c: rows[c].max() for c in channels})


def _with_roles(rows: ibis.Table, profile: Profile) -> ibis.Table:
    kept = [name for name in ("part", "slot") if name in rows.columns]
    values: dict[str, Any] = {c: rows[c] for c in profile.site.channels if c in rows.columns}
    roles: dict[str, Any] = {}
    for role, expression in profile.expressions.items():
        value = evaluate(expression, values)
        if role == "battery":
            value = _dead_band(value, profile.site.battery.deadband_kw)
        roles[role] = value
        values.setdefault(role, value)
    rows = rows.select(*kept, **roles)
    if profile.grid_is_derived:
        grid = rows.load
        for role in _SUPPLY:
            if role in rows.columns:
                grid = grid - rows[role]
        rows = rows.mutate(grid=grid)
    flows: dict[str, Any] = {}
    if profile.has("grid"):
        flows |= {"grid_import": _positive(rows.grid), "grid_export": _positive(-rows.grid)}
    if profile.has("battery"):
        flows |= {
            "battery_charge": _positive(-rows.battery),
            "battery_discharge": _positive(rows.battery),
        }
    return rows.mutate(**flows) if flows else rows


def evaluate(expression: Expression, values: dict[str, Any]) -> Any:
    """Compute an expression: null where any of its names is, or the result isn't finite."""
    import ibis

    used = {name: values[name] for name in expression.names}
    functions: dict[str, Any] = {
        "abs": lambda x: x.abs(),
        "min": ibis.least,
        "max": ibis.greatest,
    }
    value: Any = expression.evaluate(used, functions)
    if _IGNORES_MISSING.search(expression.text):
        valid = ibis.and_(*(column.notnull() for column in used.values()))
        value = ibis.ifelse(valid, value, None)
    if "/" in expression.text:
        value = ibis.ifelse(value.isinf() | value.isnan(), None, value)
    return value


def _dead_band(power: Any, width_kw: float) -> Any:
    import ibis

    return ibis.ifelse(power.abs() < width_kw, 0.0, power) if width_kw > 0 else power


def _positive(power: Any) -> Any:
    """max(power, 0), null where power is null: SQL's GREATEST would ignore the null."""
    import ibis

    return ibis.cases((power > 0, power), (power <= 0, 0.0))

"""Five-minute summaries: sums, counts and extremes from which every KPI and long chart is made.

The statistics are declared as data, in `BASES` and by role:

- `<role>__n`, `<role>__sum`, `<role>__min`, `<role>__max`: valid slots of a role, for charts, and
  `<role>__sumsq` for voltages; `<flow>__sum` for the flows derived from a role;
- `<basis>__n`: slots in which all roles of a basis are valid, and `<basis>__<name>`: sums, counts
  and maxima over just these;
- `<basis>__<name>_time`: start of the slot of a maximum, the earliest of equals;
- `soc__lo`, `soc__hi`: what the steps of the state of charge in the bucket make of an empty and
  of a full battery; the bucket is s -> min(hi, max(lo, s + a)), with a from the flows' sums.

All of them merge: counts and sums add up, minima and maxima compete, steps follow each other. To
give a KPI what it needs, add a line to `BASES`. A statistic that equals another in a profile isn't
stored twice: with a derived grid, which needs all sources, `supply__grid_import` is
`grid_import__sum`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from microgrid_lib.site.profile import Profile
from microgrid_lib.site.schema import ROLES
from microgrid_lib.store.slots import anchor_s

if TYPE_CHECKING:
    import ibis

Merge = Literal["sum", "min", "max", "time", "step"]
FLOWS = {
    "grid_import": "grid",
    "grid_export": "grid",
    "battery_charge": "battery",
    "battery_discharge": "battery",
}
"""Derived flow [kW] -> role it comes from."""

QUARTER_S = 900
SOC_STEP_S = 60
_TIES_PER_UNIT = 1e6
_MOST_SLOTS = 4096


class Slot:
    """The columns of one slot, for the expressions of `BASES`; an absent role counts as 0."""

    def __init__(self, slots: ibis.Table, profile: Profile) -> None:
        self._slots = slots
        self.profile = profile

    def __getattr__(self, role: str) -> Any:
        """Return the role's column, or 0."""
        import ibis

        return self._slots[role] if role in self._slots.columns else ibis.literal(0.0)

    @staticmethod
    def least(*values: Any) -> Any:
        """Smallest of the values."""
        import ibis

        return ibis.least(*values)

    @staticmethod
    def greatest(*values: Any) -> Any:
        """Largest of the values."""
        import ibis

        return ibis.greatest(*values)

    @staticmethod
    def square(value: Any) -> Any:
        """Multiply a value with itself, which is many times faster than SQL's POWER."""
        return value * value

    @staticmethod
    def where(condition: Any, value: Any) -> Any:
        """Return the value where the condition holds, else 0."""
        import ibis

        return ibis.ifelse(condition, value, 0.0)


@dataclass(frozen=True)
class Basis:
    """Statistics over slots in which the same roles are valid.

    Attributes
    ----------
    name
        First part of the columns' names.
    needs
        Roles the profile must have, all valid in a slot that counts.
    optional
        Roles that count as 0 where the profile lacks them, and must be valid where it has them.
    sums, counts, maxima
        Name -> role, flow or per-slot value to add up; condition whose slots are counted; value
        whose maximum is kept with its time.
    without
        Role whose presence makes the basis pointless.
    """

    name: str
    needs: tuple[str, ...]
    optional: tuple[str, ...] = ()
    sums: Mapping[str, str | Callable[[Slot], Any]] = field(default_factory=dict)
    counts: Mapping[str, Callable[[Slot], Any]] = field(default_factory=dict)
    maxima: Mapping[str, Callable[[Slot], Any]] = field(default_factory=dict)
    without: str | None = None

    def roles(self, profile: Profile) -> tuple[str, ...]:
        """Roles that must be valid in this profile."""
        return self.needs + tuple(r for r in self.optional if profile.has(r))


FUEL_CELL_TOLERANCE = 0.05
"""Share of rated power within which a fuel cell follows its set point."""

BASES: tuple[Basis, ...] = (
    Basis(
        "supply",
        needs=("grid",),
        optional=("pv", "fuel_cell", "genset"),
        sums={
            "pv": "pv",
            "fuel_cell": "fuel_cell",
            "genset": "genset",
            "grid_import": "grid_import",
        },
    ),
    Basis(
        "balance",
        needs=("grid",),
        optional=("pv", "fuel_cell", "genset", "battery"),
        sums={"net": lambda s: s.pv + s.fuel_cell + s.genset + s.battery + s.grid},
        without="load",
    ),
    Basis(
        "battery_tracking",
        needs=("battery", "battery_setpoint"),
        counts={
            "commanded": lambda s: s.battery_setpoint != 0,
            "charging": lambda s: s.battery_setpoint < 0,
            "charging_idle": lambda s: (s.battery_setpoint < 0) & (s.battery == 0),
        },
        sums={
            "square_error": lambda s: s.where(
                s.battery_setpoint != 0, s.square(s.battery - s.battery_setpoint)
            )
        },
    ),
    Basis(
        "fuel_cell_tracking",
        needs=("fuel_cell", "fuel_cell_setpoint"),
        counts={
            "commanded": lambda s: s.fuel_cell_setpoint > 0,
            "following": lambda s: (
                (s.fuel_cell_setpoint > 0)
                & (
                    (s.fuel_cell - s.fuel_cell_setpoint).abs()
                    <= FUEL_CELL_TOLERANCE * (s.profile.site.ratings.fuel_cell_kw or 0.0)
                )
            ),
        },
        sums={
            "square_error": lambda s: s.where(
                s.fuel_cell_setpoint > 0, s.square(s.fuel_cell - s.fuel_cell_setpoint)
            )
        },
    ),
    Basis(
        "firm",
        needs=("fuel_cell", "battery"),
        sums={
            "fuel_cell": "fuel_cell",
            "battery_discharge": "battery_discharge",
        },
    ),
    Basis(
        "exchange",
        needs=("grid", "load"),
        sums={"grid_import": "grid_import", "load": "load"},
    ),
    Basis(
        "pv_use",
        needs=("pv", "load"),
        optional=("battery",),
        sums={
            "used": lambda s: s.least(s.pv, s.greatest(s.load + s.battery_charge, 0.0)),
            "pv": "pv",
        },
    ),
    Basis("autonomy", needs=("battery", "load"), sums={"load": "load"}),
    Basis(
        "critical_autonomy",
        needs=("battery", "critical_load"),
        sums={"load": "critical_load"},
    ),
    Basis(
        "critical",
        needs=("critical_load", "load"),
        sums={
            "served": lambda s: s.least(s.critical_load, s.load),
            "load": "load",
            "excess": lambda s: s.greatest(s.critical_load - s.load, 0.0),
        },
        counts={"exceeding": lambda s: s.critical_load > s.load},
    ),
    Basis(
        "voltage_gap",
        needs=("bus_voltage", "mccb_voltage"),
        maxima={"gap": lambda s: (s.mccb_voltage - s.bus_voltage).abs()},
    ),
    Basis(
        "synchronism",
        needs=("bus_frequency", "mccb_frequency"),
        sums={"difference": lambda s: s.mccb_frequency - s.bus_frequency},
    ),
)

PEAKS: dict[str, tuple[str, str]] = {
    "load": ("load__sum", "load__n"),
    "grid_import": ("grid_import__sum", "grid__n"),
}
"""Peak of clock quarter hours -> the sum and the count it is made of."""


@dataclass(frozen=True)
class Column:
    """One column of a summary.

    Attributes
    ----------
    name
        Its name.
    merge
        How values of two sets of slots become one; a `time` follows its maximum, a `step` is
        applied after the earlier one.
    count
        Whether it is a whole number.
    kpi
        Whether totals need it; the others are for charts.
    """

    name: str
    merge: Merge
    count: bool = False
    kpi: bool = True


def charted_roles(profile: Profile) -> tuple[str, ...]:
    """Roles with their own statistics, the derived grid included."""
    return tuple(role for role in ROLES if profile.has(role))


def flows_of(profile: Profile) -> dict[str, str]:
    """Flows this profile can tell -> role they come from."""
    return {flow: role for flow, role in FLOWS.items() if profile.has(role)}


def bases_of(profile: Profile) -> tuple[Basis, ...]:
    """List the bases whose roles this profile has."""
    return tuple(
        basis
        for basis in BASES
        if all(profile.has(r) for r in basis.needs)
        and not (basis.without and profile.has(basis.without))
    )


def columns_of(profile: Profile) -> tuple[Column, ...]:
    """Every stored column of the summary but `bucket`, in order."""
    columns: list[Column] = []
    for role in charted_roles(profile):
        columns += [Column(f"{role}__n", "sum", count=True), Column(f"{role}__sum", "sum")]
        columns += [Column(f"{role}__min", "min", kpi=False)]
        columns += [Column(f"{role}__max", "max", kpi=False)]
        if ROLES[role] == "V":
            columns.append(Column(f"{role}__sumsq", "sum", kpi=False))
    columns += [Column(f"{flow}__sum", "sum") for flow in flows_of(profile)]
    same = aliases_of(profile)
    for basis in bases_of(profile):
        names = [f"{basis.name}__{name}" for name in ("n", *basis.counts)]
        columns += [Column(name, "sum", count=True) for name in names if name not in same]
        names = [f"{basis.name}__{name}" for name in basis.sums]
        columns += [Column(name, "sum") for name in names if name not in same]
        for name in basis.maxima:
            columns.append(Column(f"{basis.name}__{name}", "max"))
            columns.append(Column(f"{basis.name}__{name}_time", "time"))
    if counts_charge(profile):
        columns += [Column(name, "step", kpi=False) for name in ("soc__lo", "soc__hi")]
    return tuple(columns)


def counts_charge(profile: Profile) -> bool:
    """Whether a state of charge can be counted: there is a battery of known capacity."""
    return profile.has("battery") and profile.site.battery.capacity_kwh is not None


def soc_step_s(profile: Profile) -> int:
    """Length of a step of the state of charge [s]: a minute, or the interval where longer."""
    return max(SOC_STEP_S, profile.site.interval_s)


def soc_change(profile: Profile, charge: Any, discharge: Any) -> Any:
    """Change of the state of charge [1] by sums of slots' powers [kW·slots], columns or numbers."""
    battery = profile.site.battery
    if battery.capacity_kwh is None:
        raise ValueError(f"the battery of {profile.site.name} has no capacity")
    stored_kw = charge * battery.eta_charge - discharge / battery.eta_discharge
    return stored_kw * (profile.site.interval_s / 3600 / battery.capacity_kwh)


def aliases_of(profile: Profile) -> dict[str, str | None]:
    """Statistics that aren't stored -> the column they equal, None where they are always 0."""
    flows = flows_of(profile)
    same: dict[str, str | None] = {}
    for basis in bases_of(profile):
        alone = _independent(basis, profile)
        if len(alone) == 1:
            same[f"{basis.name}__n"] = f"{alone[0]}__n"
        for name, value in basis.sums.items():
            if not isinstance(value, str):
                continue
            if not profile.has(FLOWS.get(value, value)):
                same[f"{basis.name}__{name}"] = None
            elif alone == [flows.get(value, value)]:
                same[f"{basis.name}__{name}"] = f"{value}__sum"
    return same


def peaks_of(profile: Profile) -> dict[str, tuple[str, str]]:
    """List the peaks this profile can tell."""
    return {name: columns for name, columns in PEAKS.items() if profile.has(FLOWS.get(name, name))}


def summarise(slots: ibis.Table, profile: Profile) -> ibis.Table:
    """Summaries of slots, one row per bucket of `site.summary_s` that has a slot.

    Parameters
    ----------
    slots
        From `slot_table`.
    profile
        The same profile.

    Returns
    -------
    ibis.Table
        `bucket` (UTC start, no zone) and `columns_of(profile)`: counts int64, sums float64 with
        0 where nothing is valid, extremes null where nothing is valid.
    """
    import ibis

    site = profile.site
    keys = [name for name in ("part",) if name in slots.columns]
    bucket = slots.slot.bucket(
        ibis.interval(seconds=site.summary_s), offset=ibis.interval(seconds=anchor_s(site))
    )
    s = Slot(slots, profile)
    same = aliases_of(profile)
    values: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    ranked: list[str] = []
    for basis in bases_of(profile):
        valid = ibis.and_(*(slots[role].notnull() for role in _independent(basis, profile)))
        counts = {"n": valid} | {n: valid & meets(s) for n, meets in basis.counts.items()}
        for name, condition in counts.items():
            column = f"{basis.name}__{name}"
            if column not in same:
                values[column] = ibis.ifelse(condition, 1, None)
                metrics[column] = ibis._[column].count()
        for name, value in basis.sums.items():
            column = f"{basis.name}__{name}"
            if column not in same:
                summand = slots[value] if isinstance(value, str) else value(s)
                values[column] = ibis.ifelse(valid, summand, None)
                metrics[column] = _sum(ibis._[column])
        for name, value in basis.maxima.items():
            column = f"{basis.name}__{name}"
            values[column] = ibis.ifelse(valid, value(s), None)
            metrics[column] = ibis._[column].max()
            ranked.append(column)
    rows = slots.mutate(bucket=bucket, **values)
    # One number to maximise: the value to a millionth, then the earliest slot of the bucket.
    index = _second(rows, profile) // site.interval_s
    rank = {
        f"{column}_rank": (rows[column] * _TIES_PER_UNIT).round().cast("int64") * _MOST_SLOTS
        + (_MOST_SLOTS - 1 - index)
        for column in ranked
    }
    rows = rows.mutate(**rank)
    for role in charted_roles(profile):
        value = ibis._[role]
        metrics |= {
            f"{role}__n": value.count(),
            f"{role}__sum": _sum(value),
            f"{role}__min": value.min(),
            f"{role}__max": value.max(),
        }
        if ROLES[role] == "V":
            metrics[f"{role}__sumsq"] = _sum(value * value)
    metrics |= {f"{flow}__sum": _sum(ibis._[flow]) for flow in flows_of(profile)}
    metrics |= {name: ibis._[name].max() for name in rank}
    steps = _soc_steps(rows, profile) if counts_charge(profile) else {}
    metrics |= steps
    grouped = rows.group_by([*keys, "bucket"]).aggregate(**metrics)
    times = {
        f"{column}_time": grouped.bucket
        + ibis.interval(seconds=site.interval_s)
        * (_MOST_SLOTS - 1 - grouped[f"{column}_rank"] % _MOST_SLOTS)
        for column in ranked
    }
    bounds = {}
    if steps:
        bounds = {f"soc__{end}": _composed(grouped, steps, at) for end, at in _SOC_ENDS.items()}
    names = [column.name for column in columns_of(profile)]
    return grouped.mutate(**times, **bounds).select(*keys, "bucket", *names)


_SOC_ENDS = {"lo": 0.0, "hi": 1.0}


def _soc_steps(rows: ibis.Table, profile: Profile) -> dict[str, Any]:
    """Sum of the changes in each step of a bucket; a missing slot changes nothing."""
    import ibis

    site, step_s = profile.site, soc_step_s(profile)
    change = soc_change(profile, rows.battery_charge, rows.battery_discharge)
    count = site.summary_s // step_s
    if count == 1:
        return {"soc_step_0": _sum(change)}
    second = _second(rows, profile)
    return {
        f"soc_step_{i}": _sum(
            ibis.ifelse(second.between(i * step_s, (i + 1) * step_s - 1), change, None)
        )
        for i in range(count)
    }


def _second(rows: ibis.Table, profile: Profile) -> Any:
    """Seconds from the start of a slot's bucket to the slot's."""
    site = profile.site
    # DuckDB's epoch is a DOUBLE, whatever Ibis says: its remainders are slow.
    second = rows.slot.epoch_seconds().cast("float64").cast("int64")
    return (second - anchor_s(site)) % site.summary_s


def _composed(grouped: ibis.Table, steps: dict[str, Any], at: float) -> Any:
    """Where the steps of a bucket, one after the other, take a state of charge."""
    import ibis

    value: Any = ibis.literal(at)
    for name in steps:
        value = ibis.least(1.0, ibis.greatest(0.0, value + grouped[name]))
    return value


def _sum(value: Any) -> Any:
    return value.sum().fill_null(0.0)


def _independent(basis: Basis, profile: Profile) -> list[str]:
    """Roles of the basis less those whose validity follows from another's.

    A role computed from a subset of another's channels is valid wherever that one is; testing
    fewer columns is what makes summaries cheap.
    """
    roles = list(dict.fromkeys(basis.roles(profile)))
    for role in list(roles):
        others = [other for other in roles if other != role]
        if any(_follows(role, other, profile) for other in others):
            roles.remove(role)
    return roles


def _follows(role: str, other: str, profile: Profile) -> bool:
    expression = profile.expressions.get(role)
    if expression is None or not expression.is_name:
        return False
    return expression.names <= _channels(other, profile)


def _channels(role: str, profile: Profile) -> frozenset[str]:
    """Channels without which the role is null."""
    if role == "grid" and profile.grid_is_derived:
        parts = [r for r in ("load", "pv", "fuel_cell", "genset", "battery") if profile.has(r)]
        return frozenset().union(*(_channels(part, profile) for part in parts))
    channels: set[str] = set()
    for name in profile.expressions[role].names:
        if name in profile.site.channels:
            channels.add(name)
        else:
            channels |= _channels(name, profile)
    return frozenset(channels)

"""Totals of a window: what every KPI is computed from, and how they are collected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Columns, Engine, Scan
from microgrid_lib.store.extent import MonthPart, is_long, month_parts
from microgrid_lib.store.slots import from_epoch_us, slot_table
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.store.summaries import QUARTER_S, aliases_of, columns_of, peaks_of, summarise

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Extreme:
    """A value and the start of the slot or quarter hour it belongs to (UTC)."""

    value: float
    time: datetime

    def better(self, other: Extreme | None) -> Extreme:
        """Return the larger of two; of equals the earlier."""
        if other is None or (self.value, other.time) > (other.value, self.time):
            return self
        return other


@dataclass(frozen=True)
class Quarters:
    """The highest mean of a clock quarter hour, in a form that merges.

    Attributes
    ----------
    best
        Highest among the quarters that no neighbouring window shares.
    edges
        First and last quarter of each merged window: start -> (sum, valid slots).
    """

    best: Extreme | None = None
    edges: Mapping[datetime, tuple[float, int]] = field(default_factory=dict)

    def __add__(self, other: Quarters) -> Quarters:
        """Merge with another window's; both may hold parts of the same quarter."""
        edges = dict(self.edges)
        for start, (total, n) in other.edges.items():
            mine, count = edges.get(start, (0.0, 0))
            edges[start] = (mine + total, count + n)
        best = self.best.better(other.best) if self.best else other.best
        return Quarters(best, edges)

    def highest(self, slots: float) -> Extreme | None:
        """Return the peak, where a quarter has `slots` slots and needs half of them valid."""
        best = self.best
        for start, (total, n) in self.edges.items():
            if n > 0 and n >= slots / 2:
                best = Extreme(total / n, start).better(best)
        return best


@dataclass(frozen=True)
class Totals:
    """Mergeable totals over any set of slots; `a + b` is the total of both.

    Attributes
    ----------
    sums
        Counts and sums by the names of `store.summaries`; sums of powers in kW·slots.
    maxima
        Largest values with their slot.
    peaks
        Highest quarter hours.
    """

    sums: Mapping[str, float] = field(default_factory=dict)
    maxima: Mapping[str, Extreme] = field(default_factory=dict)
    peaks: Mapping[str, Quarters] = field(default_factory=dict)

    def __add__(self, other: Totals) -> Totals:
        """Totals of both sets of slots, which must not overlap."""
        sums = dict(self.sums)
        for name, value in other.sums.items():
            sums[name] = sums.get(name, 0.0) + value
        maxima = dict(self.maxima)
        for name, extreme in other.maxima.items():
            maxima[name] = extreme.better(maxima.get(name))
        peaks = dict(self.peaks)
        for name, quarters in other.peaks.items():
            peaks[name] = peaks.get(name, Quarters()) + quarters
        return Totals(sums, maxima, peaks)

    def n(self, basis: str) -> int:
        """Slots in which everything the basis (or role) needs is valid."""
        return int(self.sums.get(f"{basis}__n", 0))


def merged(parts: Iterable[Totals]) -> Totals:
    """Totals of several disjoint sets of slots."""
    total = Totals()
    for part in parts:
        total = total + part
    return total


def slots_per_quarter(profile: Profile) -> float:
    """Slots in a clock quarter hour; 1 where slots are longer."""
    return max(1.0, QUARTER_S / profile.site.interval_s)


def collect_totals(
    engine: Engine, snapshot: Snapshot, profile: Profile, start: datetime, end: datetime
) -> Totals:
    """Totals of the slots that start in [start, end).

    Of each month, whole buckets come from its summary and the edges from measurements; where the
    summary lags, all comes from measurements. What was read before is remembered by file and
    bounds; the rest is one query.

    Parameters
    ----------
    engine, snapshot, profile
        What to read and how.
    start, end
        Bounds (aware).

    Raises
    ------
    StoreError
        A file can't be read.
    """
    found: dict[MonthPart, Totals] = {}
    missing: list[MonthPart] = []
    for part in month_parts(engine, snapshot, profile, start, end):
        known = engine.results.get(("totals", profile.fingerprint, part))
        if isinstance(known, Totals):
            found[part] = known
        else:
            missing.append(part)
    if missing:
        for part, totals in zip(missing, _read(engine, profile, missing), strict=True):
            engine.results.put(("totals", profile.fingerprint, part), totals)
            found[part] = totals
    return merged(found.values())


def _read(engine: Engine, profile: Profile, parts: Sequence[MonthPart]) -> list[Totals]:
    raw = [replace(s, part=i) for i, part in enumerate(parts) for s in part.measurements]
    summed = [replace(s, part=i) for i, part in enumerate(parts) for s in part.summaries]
    # Looking for the first sample of each slot costs more than the check only in long scans.
    unique = any(is_long(scan) for scan in raw) and all(
        engine.unique(profile.site, scan.paths) for scan in raw
    )
    totals = [Totals()] * len(parts)
    for found in (_of_summaries(engine, profile, summed), _of_raw(engine, profile, raw, unique)):
        for part, more in found.items():
            totals[part] = totals[part] + more
    return totals


def _of_summaries(engine: Engine, profile: Profile, scans: Sequence[Scan]) -> dict[int, Totals]:
    """Totals by part. Two small queries: as one it would take many times longer to plan."""
    if not scans:
        return {}
    sums = engine.fetch(
        "totals", lambda _, buckets: _sums_table(buckets, profile), profile, (), scans
    )
    quarters = engine.fetch(
        "quarters", lambda _, buckets: _quarters_table(buckets, profile), profile, (), scans
    )
    return _by_part(sums, quarters, profile)


def _of_raw(
    engine: Engine, profile: Profile, scans: Sequence[Scan], unique: bool
) -> dict[int, Totals]:
    """Totals by part, of buckets that are summarised on the way."""
    if not scans:
        return {}
    buckets = engine.fetch(
        ("buckets", unique),
        lambda rows, _: summarise(slot_table(rows, profile, unique=unique), profile),
        profile,
        scans,
        (),
    )
    parts, index = np.unique(buckets["part"], return_inverse=True)
    sums: Columns = {"part": parts}
    for column in columns_of(profile):
        if column.kpi and column.merge == "sum":
            sums[column.name] = np.bincount(index, buckets[column.name], len(parts))
        elif column.kpi and column.merge == "max":
            ranked = np.lexsort((buckets[f"{column.name}_time"], -buckets[column.name], index))
            first = ranked[np.searchsorted(index[ranked], np.arange(len(parts)))]
            for name in (column.name, f"{column.name}_time"):
                sums[name] = buckets[name][first]
    quarter_us = QUARTER_S * 1_000_000 if profile.site.summary_s < QUARTER_S else 1
    bucket_us = buckets["bucket"].astype("datetime64[us]").astype(np.int64)
    quarters: Columns = {
        "part": buckets["part"],
        "quarter": (bucket_us // quarter_us * quarter_us).astype("datetime64[us]"),
    }
    return _by_part(sums, _grouped(quarters, buckets, profile), profile)


def _grouped(keys: Columns, buckets: Columns, profile: Profile) -> Columns:
    """Sum and valid slots of each peak by part and quarter."""
    pairs = np.stack([keys["part"].astype(np.int64), keys["quarter"].astype(np.int64)])
    groups, index = np.unique(pairs, axis=1, return_inverse=True)
    table: Columns = {"part": groups[0], "quarter": groups[1].astype("datetime64[us]")}
    for name, (total, n) in peaks_of(profile).items():
        table[f"{name}_sum"] = np.bincount(index, buckets[total], groups.shape[1])
        table[f"{name}_n"] = np.bincount(index, buckets[n], groups.shape[1])
    return table


def _by_part(sums: Columns, quarters: Columns, profile: Profile) -> dict[int, Totals]:
    return {
        int(part): _totals_of(sums, row, profile, _quarters_of(quarters, int(part), profile))
        for row, part in enumerate(sums["part"])
    }


def _sums_table(buckets: ibis.Table, profile: Profile) -> ibis.Table:
    """One row per part: sums, and maxima with the earliest time they were reached."""
    import ibis

    metrics: dict[str, Any] = {}
    for column in columns_of(profile):
        if column.merge == "sum" and column.kpi:
            metrics[column.name] = buckets[column.name].sum()
        elif column.merge == "max" and column.kpi:
            value, time = buckets[column.name], buckets[f"{column.name}_time"]
            metrics[column.name] = value.max()
            metrics[f"{column.name}_time"] = time.first(
                order_by=[ibis.desc(value), time], where=value.notnull()
            )
    return buckets.group_by("part").aggregate(**metrics)


def _quarters_table(buckets: ibis.Table, profile: Profile) -> ibis.Table:
    """One row per part and clock quarter hour: sum and valid slots of each peak."""
    import ibis

    quarter = buckets.bucket
    if profile.site.summary_s < QUARTER_S:
        quarter = quarter.bucket(ibis.interval(seconds=QUARTER_S))
    metrics: dict[str, Any] = {}
    for name, (total, n) in peaks_of(profile).items():
        metrics |= {f"{name}_sum": buckets[total].sum(), f"{name}_n": buckets[n].sum()}
    return buckets.group_by("part", quarter=quarter).aggregate(**metrics)


def _totals_of(
    columns: Columns, row: int, profile: Profile, peaks: Mapping[str, Quarters]
) -> Totals:
    wanted = [column for column in columns_of(profile) if column.kpi]
    sums = {c.name: float(columns[c.name][row]) for c in wanted if c.merge == "sum"}
    for name, same in aliases_of(profile).items():
        sums[name] = sums[same] if same else 0.0
    maxima = {
        c.name: extreme
        for c in wanted
        if c.merge == "max" and (extreme := _extreme(columns, row, c.name, f"{c.name}_time"))
    }
    return Totals(sums, maxima, peaks)


def _quarters_of(columns: Columns, part: int, profile: Profile) -> dict[str, Quarters]:
    mine = columns["part"] == part
    quarters = columns["quarter"][mine]
    at_edge = (quarters == quarters.min()) | (quarters == quarters.max())
    found = {}
    for name in peaks_of(profile):
        total = columns[f"{name}_sum"][mine].astype(float)
        n = columns[f"{name}_n"][mine].astype(int)
        edges = {
            _utc(start): (float(s), int(k))
            for start, s, k in zip(quarters[at_edge], total[at_edge], n[at_edge], strict=True)
        }
        enough = ~at_edge & (n > 0) & (n >= slots_per_quarter(profile) / 2)
        found[name] = Quarters(_highest(quarters[enough], total[enough], n[enough]), edges)
    return found


def _highest(
    quarters: npt.NDArray[Any], total: npt.NDArray[Any], n: npt.NDArray[Any]
) -> Extreme | None:
    if not len(quarters):
        return None
    mean = total / n
    peak = mean.max()
    return Extreme(float(peak), _utc(quarters[mean == peak].min()))


def _extreme(columns: Columns, row: int, value: str, time: str) -> Extreme | None:
    number = float(columns[value][row])
    return None if math.isnan(number) else Extreme(number, _utc(columns[time][row]))


def _utc(at: np.datetime64) -> datetime:
    return from_epoch_us(int(at.astype("datetime64[us]").astype(np.int64)))

"""What a KPI may read beyond totals: the data of its window, month by month."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microgrid_lib.site.profile import Profile
from microgrid_lib.store.engines import Columns, Engine, Scan
from microgrid_lib.store.extent import MonthPart, is_long, month_parts
from microgrid_lib.store.slots import slot_table
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.store.summaries import summarise

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Access:
    """One version of a site's data under one profile.

    Attributes
    ----------
    engine, snapshot, profile
        What to read and how.
    """

    engine: Engine
    snapshot: Snapshot
    profile: Profile

    def months(self, start: datetime, end: datetime) -> list[MonthPart]:
        """What to read of each month for the slots that start in [start, end), in order."""
        return month_parts(self.engine, self.snapshot, self.profile, start, end)

    def buckets(self, part: MonthPart, names: Sequence[str]) -> Columns:
        """Read columns of the summaries of one month, summarised on the way where need be.

        Parameters
        ----------
        part
            From `months`; edges that aren't whole buckets give rows with what lies inside.
        names
            Columns of `store.summaries.columns_of`.

        Returns
        -------
        dict of str to ndarray, shape (rows,)
            `bucket` (start [µs since the epoch], ascending) and the columns.
        """
        wanted = ("bucket", *names)
        found = []
        if part.summaries:
            found.append(
                self.engine.fetch(
                    ("buckets of summaries", wanted),
                    lambda _, buckets: _given(buckets).select(*wanted),
                    self.profile,
                    (),
                    part.summaries,
                )
            )
        if part.measurements:
            unique = self._unique(part.measurements)
            found.append(
                self.engine.fetch(
                    ("buckets of slots", unique, wanted),
                    lambda rows, _: self._summarised(_given(rows), unique).select(*wanted),
                    self.profile,
                    part.measurements,
                    (),
                )
            )
        return _ordered(found, "bucket")

    def slots(self, scans: Sequence[Scan], roles: Sequence[str]) -> Columns:
        """Read slots that have a sample.

        Parameters
        ----------
        scans
            Measurements.
        roles
            Columns of `store.slots.slot_table`.

        Returns
        -------
        dict of str to ndarray, shape (rows,)
            `slot` (start [µs since the epoch], ascending) and the roles, NaN where missing.
        """
        wanted = ("slot", *roles)
        if not scans:
            return {name: np.empty(0, np.int64 if name == "slot" else None) for name in wanted}
        unique = self._unique(scans)
        columns = self.engine.fetch(
            ("slots", unique, wanted),
            lambda rows, _: self._slot_table(_given(rows), unique).select(*wanted),
            self.profile,
            scans,
            (),
        )
        return _ordered([columns], "slot")

    def valid_slots(self, scans: Sequence[Scan]) -> npt.NDArray[np.int64]:
        """Starts of the slots in which some role is valid [µs since the epoch], ascending."""
        if not scans:
            return np.empty(0, dtype=np.int64)
        unique = self._unique(scans)

        def build(rows: Any, _: Any) -> Any:
            import ibis

            slots = self._slot_table(_given(rows), unique)
            some = ibis.or_(*(slots[role].notnull() for role in self.profile.roles))
            return slots.filter(some).select("slot")

        columns = self.engine.fetch(("valid slots", unique), build, self.profile, scans, ())
        return _ordered([columns], "slot")["slot"]

    def scans(self, start: datetime, end: datetime) -> list[Scan]:
        """Measurements of the slots that start in [start, end)."""
        parts = month_parts(self.engine, self.snapshot, self.profile, start, end, summed=False)
        return [scan for part in parts for scan in part.measurements]

    def cut(self, part: MonthPart, start: datetime, end: datetime) -> list[Scan]:
        """Measurements of a month's part for the slots that start in [start, end)."""
        bounds = (*part.measurements, *part.summaries)
        lows = [scan.start for scan in bounds]
        highs = [scan.end for scan in bounds]
        low = start if None in lows else max(start, min(at for at in lows if at is not None))
        high = end if None in highs else min(end, max(at for at in highs if at is not None))
        return self.scans(low, high)

    def cached(self, name: str, *key: Hashable) -> tuple[Hashable, ...]:
        """Key of a result that depends on this profile's summaries, settings and `key`."""
        return (name, *self._settings, *key)

    @cached_property
    def _settings(self) -> tuple[str, ...]:
        """What of the site file beyond the summaries results depend on."""
        site = self.profile.site
        return (
            self.profile.fingerprint,
            site.battery.model_dump_json(),
            site.ratings.model_dump_json(),
            self.profile.spec.alerts.model_dump_json(),
        )

    def _unique(self, scans: Sequence[Scan]) -> bool:
        # Looking for the first sample of each slot costs more than the check only in long scans.
        return any(is_long(scan) for scan in scans) and all(
            self.engine.unique(self.profile.site, scan.paths) for scan in scans
        )

    def _summarised(self, rows: Any, unique: bool) -> ibis.Table:
        return summarise(self._slot_table(rows, unique), self.profile)

    def _slot_table(self, rows: Any, unique: bool) -> ibis.Table:
        return slot_table(rows.drop("part"), self.profile, unique=unique)


def _given(table: ibis.Table | None) -> Any:
    if table is None:
        raise AssertionError("there is something to read")
    return table


def _ordered(found: Sequence[Columns], time: str) -> Columns:
    joined = {name: np.concatenate([columns[name] for columns in found]) for name in found[0]}
    joined[time] = joined[time].astype("datetime64[us]").astype(np.int64)
    order = np.argsort(joined[time], kind="stable")
    return {name: column[order] for name, column in joined.items()}


def runs(mask: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Bounds [first, last + 1) of the runs of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)

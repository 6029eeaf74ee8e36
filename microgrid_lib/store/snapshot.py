"""What a reader sees: one version of a site's measurements and the summaries that fit it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from microgrid_lib.site.profile import Profile


@dataclass(frozen=True)
class Part:
    """One Parquet file of the measurements.

    Attributes
    ----------
    path, relative
        Absolute, and relative to the table's folder.
    source, month
        Partition: the site's source, the local calendar month `YYYY-MM`.
    rows
        Number of rows.
    start, end
        First and last `time` (UTC).
    """

    path: str
    relative: str
    source: str
    month: str
    rows: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class MonthFiles:
    """The measurement files of one local month.

    Attributes
    ----------
    month
        `YYYY-MM`.
    paths
        Absolute paths.
    start, end
        First and last `time` (UTC).
    state
        Hash of the list of files: what summaries of this month must carry.
    """

    month: str
    paths: tuple[str, ...]
    start: datetime
    end: datetime
    state: str


def month_state(relative_paths: Iterable[str]) -> str:
    """The state of a month: a hash of its measurement files (16 hex digits)."""
    return hashlib.sha256("\n".join(sorted(relative_paths)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Snapshot:
    """One version of a site's measurements.

    Attributes
    ----------
    site
        Name of the site.
    version
        Version of the measurements table, -1 where there is none.
    transaction
        How many steps writers of this site have committed, minus one.
    parts
        The measurement files.
    summaries
        (profile fingerprint, month, state) -> path of the summary.
    """

    site: str
    version: int
    transaction: int
    parts: tuple[Part, ...]
    summaries: Mapping[tuple[str, str, str], str]

    @cached_property
    def _months(self) -> dict[str, MonthFiles]:
        grouped: dict[str, list[Part]] = {}
        for part in self.parts:
            grouped.setdefault(part.month, []).append(part)
        return {
            month: MonthFiles(
                month=month,
                paths=tuple(part.path for part in parts),
                start=min(part.start for part in parts),
                end=max(part.end for part in parts),
                state=month_state(part.relative for part in parts),
            )
            for month, parts in sorted(grouped.items())
        }

    def months(self) -> dict[str, MonthFiles]:
        """The months that have measurements, in order."""
        return self._months

    def states(self) -> dict[str, str]:
        """Month -> state."""
        return {month: files.state for month, files in self._months.items()}

    def state(self) -> str:
        """Changes whenever the site's measurements change."""
        return month_state(part.relative for part in self.parts)

    def measurement_paths(self, start: datetime, end: datetime) -> list[str]:
        """Files that hold measurements in [start, end)."""
        return [part.path for part in self.parts if part.start < end and part.end >= start]

    def summary_paths(self, profile: Profile) -> dict[str, str]:
        """Month -> summary, for the months whose summary is current."""
        found = {}
        for month, files in self._months.items():
            path = self.summaries.get((profile.fingerprint, month, files.state))
            if path is not None:
                found[month] = path
        return found

    @property
    def oldest(self) -> datetime | None:
        """Time of the oldest sample (UTC)."""
        return min((part.start for part in self.parts), default=None)

    @property
    def newest(self) -> datetime | None:
        """Time of the newest sample (UTC)."""
        return max((part.end for part in self.parts), default=None)

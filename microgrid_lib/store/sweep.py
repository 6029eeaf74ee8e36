"""Removing Parquet files that no version of a table needs any more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from microgrid_lib.store.lake import PARTITIONS, Lake

KEPT_FOR = timedelta(days=7)
"""Longer than any reader works on one snapshot, or any writer on a file it hasn't committed."""


def sweep(lake: Lake, kept_for: timedelta = KEPT_FOR, now: datetime | None = None) -> int:
    """Delete files that were left by a crash, or replaced, long enough ago.

    Parameters
    ----------
    lake
        Whose tables.
    kept_for
        Files written or replaced more recently stay, so that snapshots opened since then keep
        working and writers find what they haven't committed yet.
    now
        Default: the clock.

    Returns
    -------
    int
        How many were deleted. Files that can't be deleted are left for the next time.

    Raises
    ------
    StoreError
        A table can't be read.
    """
    oldest = ((now or datetime.now(UTC)) - kept_for).timestamp()
    return sum(_sweep_table(lake, table, oldest) for table in PARTITIONS)


def _sweep_table(lake: Lake, table: str, oldest: float) -> int:
    folder = lake.folder(table)
    # What is there before what is current: a file committed in between is then known as current.
    old = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*.parquet")
        if "_delta_log" not in path.parts and _modified(path) < oldest
    }
    if not old:
        return 0
    kept = {file["relative"] for file in lake.files_of(table)} | _removed_since(folder, oldest)
    gone = 0
    for relative in old.keys() - kept:
        try:
            old[relative].unlink()
        except OSError:
            continue
        gone += 1
    return gone


def _removed_since(folder: Path, oldest: float) -> set[str]:
    """Files that commits since then removed: snapshots from before still need them.

    Delta keeps its log entries for 30 days.
    """
    removed: set[str] = set()
    for entry in (folder / "_delta_log").glob("*.json"):
        if _modified(entry) < oldest:
            continue
        for line in entry.read_text(encoding="utf-8").splitlines():
            action = json.loads(line).get("remove")
            if action is not None:
                removed |= {action["path"], unquote(action["path"])}
    return removed


def _modified(path: Path) -> float:
    """When a file was written [s since 1970]; now where it has just gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return datetime.now(UTC).timestamp()

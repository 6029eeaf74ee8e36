"""Bringing summaries up to date: what lags behind the measurements is built, the rest left."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from microgrid_lib.errors import StoreError
from microgrid_lib.site.profile import Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.lake import SUMMARIES, Lake, NewFile

MONTHS_PER_COMMIT = 12
Progress = Callable[[int, int, str], None]


def refresh_summaries(
    lake: Lake, engine: DuckDBEngine, site: Site, progress: Progress | None = None
) -> int:
    """Build the summaries that are missing, for every profile of a site.

    Parameters
    ----------
    progress
        Called with (summaries done, summaries in all, month).

    Returns
    -------
    int
        How many were built. It can be stopped at any time: readers compute from measurements
        what isn't there.

    Raises
    ------
    StoreError
        The store can't be written.
    """
    snapshot = lake.snapshot(site)
    wanted = [
        (site.profile(name), files)
        for name in site.profiles
        for files in lake.missing_summaries(site.profile(name), snapshot)
    ]
    pending: list[NewFile] = []
    for done, (profile, files) in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted), files.month)
        partition = {
            "site": site.name,
            "profile": profile.fingerprint,
            "month": files.month,
            "state": files.state,
        }
        path = lake.new_path(SUMMARIES, partition)
        try:
            engine.write_summary(profile, files.paths, lake.folder(SUMMARIES) / path)
        except (duckdb.IOException, OSError) as error:
            why = " ".join(str(error).split())[:200]
            raise StoreError(f"{lake.folder(SUMMARIES)}: can't be written ({why})") from None
        pending.append(NewFile(path, partition, 0))
        if len(pending) == MONTHS_PER_COMMIT:
            lake.append(SUMMARIES, pending)
            pending = []
    lake.append(SUMMARIES, pending)
    lake.append(SUMMARIES, (), lake.stale_summaries(site))
    if progress is not None and wanted:
        progress(len(wanted), len(wanted), "")
    return len(wanted)

"""Bringing summaries up to date: what lags behind the measurements is built, the rest left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import duckdb

from microgrid_lib.errors import StoreError
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.lake import SUMMARIES, Lake, NewFile
from microgrid_lib.store.snapshot import MonthFiles

MONTHS_PER_COMMIT = 16
WORKERS = 2
Progress = Callable[[int, int, str], None]


def refresh_summaries(
    lake: Lake,
    engine: DuckDBEngine,
    site: Site,
    profiles: Sequence[str] | None = None,
    progress: Progress | None = None,
    ready: Sequence[NewFile] = (),
) -> int:
    """Build the summaries that are missing.

    Parameters
    ----------
    profiles
        For these profiles; default: all of the site.
    progress
        Called with (summaries done, summaries in all, month).
    ready
        Summaries that are written already and only need their commit; deleted where they don't
        fit the measurements (any more).

    Returns
    -------
    int
        How many were missing. It can be stopped at any time: readers compute from measurements
        what isn't there.

    Raises
    ------
    StoreError
        The store can't be written.
    """
    snapshot = lake.snapshot(site)
    missing = {
        (site.profile(name).fingerprint, files.month, files.state): (site.profile(name), files)
        for name in (site.profiles if profiles is None else profiles)
        for files in lake.missing_summaries(site.profile(name), snapshot)
    }
    number = len(missing)
    fitting = [file for file in ready if missing.pop(_key(file), None) is not None]
    lake.discard(SUMMARIES, [file for file in ready if file not in fitting])
    wanted = list(missing.values())

    def build(profile: Profile, files: MonthFiles) -> NewFile:
        partition = {
            "site": site.name,
            "profile": profile.fingerprint,
            "month": files.month,
            "state": files.state,
        }
        path = lake.new_path(SUMMARIES, partition)
        try:
            engine.write_summary(profile, files.paths, lake.folder(SUMMARIES) / path)
        except (duckdb.IOException, OSError, StoreError) as error:
            why = " ".join(str(error).split())[:200]
            raise StoreError(f"{lake.folder(SUMMARIES)}: can't be written ({why})") from None
        return NewFile(path, partition, 0)

    pending = fitting
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(build, profile, files): files.month for profile, files in wanted}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                pending.append(future.result())
                if progress is not None:
                    progress(done, len(wanted), futures[future])
                if len(pending) == MONTHS_PER_COMMIT:
                    lake.append(SUMMARIES, pending)
                    pending = []
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    lake.append(SUMMARIES, pending, lake.stale_summaries(site))
    return number


def _key(file: NewFile) -> tuple[str, str, str]:
    return file.partition["profile"], file.partition["month"], file.partition["state"]

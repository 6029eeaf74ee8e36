"""Summaries of rows that are still in memory, so that nothing just written is read again."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from microgrid_lib.site.profile import Site
from microgrid_lib.store.duck import write_parquet
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.store.lake import SUMMARIES, Lake, NewFile
from microgrid_lib.store.snapshot import month_state


class Summariser:
    """Writes summaries of the default profile for months that one file has to itself.

    May be used from several threads, each with a connection of its own.

    Parameters
    ----------
    lake
        Where they are written.
    engine
        Knows the SQL.
    site
        Whose measurements.

    Attributes
    ----------
    made
        Files that wait for `refresh_summaries`, which keeps those that fit the measurements.
    """

    def __init__(self, lake: Lake, engine: DuckDBEngine, site: Site) -> None:
        self._lake = lake
        self._engine = engine
        self._profile = site.profile(site.default_profile)
        self.made: list[NewFile] = []

    def summarise(
        self,
        con: duckdb.DuckDBPyConnection,
        rows: str,
        channels: Sequence[str],
        file: NewFile,
        *,
        unique: bool,
    ) -> None:
        """Write the summary of a month whose only measurement file is this one.

        Parameters
        ----------
        con
            Has the rows.
        rows
            SELECT of them: `time` (TIMESTAMPTZ) and the channels.
        channels
            Channels among its columns.
        file
            The measurement file with the same rows.
        unique
            Whether no slot has two rows.
        """
        partition = {
            "site": self._profile.site.name,
            "profile": self._profile.fingerprint,
            "month": file.partition["month"],
            "state": month_state([file.path]),
        }
        sql = self._engine.summary_sql(self._profile, rows, channels, unique=unique)
        made = NewFile(self._lake.new_path(SUMMARIES, partition), partition, 0)
        try:
            write_parquet(con, sql, str(self._lake.folder(SUMMARIES) / made.path))
        except duckdb.OutOfMemoryException:
            # It can still be made from the file, when nothing else is in memory.
            self._lake.discard(SUMMARIES, [made])
        except BaseException:
            self._lake.discard(SUMMARIES, [made])
            raise
        else:
            self.made.append(made)

    def discard(self) -> None:
        """Delete what was made, because the ingestion failed."""
        self._lake.discard(SUMMARIES, self.made)

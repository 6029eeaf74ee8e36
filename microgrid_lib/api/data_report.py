"""What is stored: coverage, files, refusals, evidence; and the measurements themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from microgrid_lib.api.source import View
from microgrid_lib.errors import NoDataError
from microgrid_lib.ingest import inventory
from microgrid_lib.ingest.inventory import ChannelCoverage, FileEntry, QuarantineCount
from microgrid_lib.kpi.evidence import EvidenceResult, evidence
from microgrid_lib.kpi.model import WindowModel
from microgrid_lib.store.duck import connect
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import ibis


class DataReport(BaseModel):
    """What is stored for a window: coverage, files, refusals, evidence on channel roles.

    The window is null, and coverage and evidence are empty, where no row was ever accepted.
    """

    site: str
    profile: str
    window: WindowModel | None
    coverage: list[ChannelCoverage]
    files: list[FileEntry]
    quarantine: list[QuarantineCount]
    evidence: list[EvidenceResult]


def data_report(view: View, window: Window | None) -> DataReport:
    """Report on a window; see `SiteData.data_report`."""
    source, snapshot = view.source, view.snapshot
    with source.connection() as con:
        found = inventory.files_of(con, source.lake, source.site, snapshot)
        span = view.span()
        if span is None and not found:
            raise view.nothing()
        refused = inventory.quarantine_of(con, source.lake, source.site, snapshot)
        shown = inside = None
        if span is not None:
            asked = window or Window(*span)
            shown, inside = view.shown(asked), asked.clip(*span)
            if inside is None:
                raise NoDataError(
                    f"site {source.site.name} has data from {span[0].isoformat()} to "
                    f"{span[1].isoformat()}, none in the window asked for"
                )
        return DataReport(
            site=source.site.name,
            profile=source.profile.name,
            window=shown,
            coverage=inventory.coverage_by_month(con, source.site, snapshot, inside)
            if inside
            else [],
            files=found,
            quarantine=refused,
            evidence=evidence(source.engine, snapshot, source.profile, inside) if inside else [],
        )


def files(view: View) -> list[FileEntry]:
    """The ingested files with their counts."""
    source = view.source
    with source.connection() as con:
        return inventory.files_of(con, source.lake, source.site, view.snapshot)


def measurements(view: View) -> ibis.Table:
    """All measurements as an Ibis table on DuckDB; see `SiteData.measurements`."""
    import ibis

    paths = [part.path for part in view.snapshot.parts]
    if not paths:
        raise view.nothing()
    # The table keeps the connection for as long as it is explored.
    engine = ibis.duckdb.from_connection(connect(view.source.settings))
    table = engine.read_parquet(paths, hive_partitioning=True, union_by_name=True)
    channels = [name for name in view.source.site.channels if name in table.columns]
    return table.select("time", *channels, "source", "file", "row")

"""The data of a window: coverage by day, outages, files, refusals."""

from __future__ import annotations

from microgrid_lib.api.source import View
from microgrid_lib.ingest.day_coverage import coverage_by_day, files_in
from microgrid_lib.kpi.data_days import DataDays, outages
from microgrid_lib.window import Window


def data_days(view: View, window: Window) -> DataDays:
    """Look at the data of a window; see `SiteData.data_days`."""
    source, snapshot = view.source, view.snapshot
    inside = view.inside(window)
    with source.connection() as con:
        files, refused = files_in(con, source.lake, source.site, snapshot, inside)
        return DataDays(
            coverage=coverage_by_day(con, source.engine, source.site, snapshot, inside),
            outages=outages(view.access, inside),
            files=files,
            refused=refused,
        )

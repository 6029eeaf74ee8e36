"""What `microgrid report ... --json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

if TYPE_CHECKING:
    from microgrid_lib.report.orders import ReportResult


class ReportEntry(BaseModel):
    """One report.

    Attributes
    ----------
    file
        The PDF, null where it failed; its manifest has the same name and ends in .json.
    pages, seconds
        Of the PDF; how long it took [s].
    status
        `unchanged`: it was there already, made of the same inputs by the same software. `empty`:
        one page that says that there are no data.
    reason
        One line where it is empty or failed, else empty.
    kind, site, period, section, language
        What was wanted; section and period are empty where they don't matter.
    """

    file: str | None
    pages: int
    seconds: float
    status: Literal["made", "unchanged", "empty", "failed"]
    reason: str
    kind: str
    site: str
    period: str
    section: str
    language: str

    @classmethod
    def of(cls, result: ReportResult) -> ReportEntry:
        """Take over a result."""
        order = result.order
        return cls(
            file=None if result.file is None else str(result.file),
            pages=result.pages,
            seconds=round(result.seconds, 3),
            status=result.status.value,
            reason=result.reason,
            kind=str(order.kind) if order else "",
            site=order.site if order else "",
            period=order.period if order else "",
            section=order.section if order else "",
            language=order.language if order else "",
        )


class ReportsMade(BaseModel):
    """What `microgrid report ... --json` prints.

    Attributes
    ----------
    reports
        In order of sites and periods.
    """

    reports: list[ReportEntry]

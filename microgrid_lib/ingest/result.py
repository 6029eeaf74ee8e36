"""What an ingestion reports: one entry per file, and totals."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

Status = Literal["ingested", "unchanged", "failed", "removed"]
COUNTS = (
    "rows_read",
    "rows_accepted",
    "rows_duplicate",
    "rows_rejected",
    "values_missing",
    "values_out_of_range",
)


class FileResult(BaseModel):
    """One file of an ingestion.

    Attributes
    ----------
    rows_read, rows_accepted, rows_duplicate, rows_rejected
        rows_read is the sum of the others; they take rows of other files into account.
    values_missing, values_out_of_range
        Over the accepted rows.
    notes
        What a reader should know.
    error
        Why it failed, one line.
    """

    file: str
    sha256: str | None = None
    status: Status
    rows_read: int = 0
    rows_accepted: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    values_missing: int = 0
    values_out_of_range: int = 0
    notes: list[str] = []
    error: str | None = None


class Totals(BaseModel):
    """Sums over the files of an ingestion."""

    files: int = 0
    ingested: int = 0
    unchanged: int = 0
    failed: int = 0
    removed: int = 0
    rows_read: int = 0
    rows_accepted: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    values_missing: int = 0
    values_out_of_range: int = 0


class IngestResult(BaseModel):
    """What `microgrid ingest --json` prints."""

    files: list[FileResult]
    totals: Totals

    @classmethod
    def of(cls, files: list[FileResult]) -> IngestResult:
        """Add the totals."""
        sums = {name: sum(getattr(f, name) for f in files) for name in COUNTS}
        statuses = {
            status: sum(f.status == status for f in files)
            for status in ("ingested", "unchanged", "failed", "removed")
        }
        return cls(files=files, totals=Totals(files=len(files), **statuses, **sums))

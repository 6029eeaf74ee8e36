"""What a fetch reports, and what `microgrid fetch --json` prints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from microgrid_lib.ingest.result import IngestResult

Status = Literal["fetched", "unchanged", "found"]


class FetchedFile(BaseModel):
    """One data file.

    Attributes
    ----------
    name, size_bytes, sha256
        The file as it lies in the folder.
    status
        `fetched` now; `unchanged` since an earlier fetch; `found`: lay there and has the published
        checksum.
    verified
        Whether it has the checksum that the source publishes.
    checksum
        That checksum, `algorithm:hex`, of the file or of the archive it came in; null where the
        source gives none.
    mirror, url
        Where it came from.
    """

    name: str
    size_bytes: int
    sha256: str
    status: Status
    verified: bool
    checksum: str | None
    mirror: str
    url: str


class FetchResult(BaseModel):
    """What `microgrid fetch --json` prints.

    Attributes
    ----------
    dataset, doi, licence
        What was fetched.
    folder
        Where its files are.
    files
        In order of name.
    failed_mirrors
        Mirror -> what was wrong with it, of those tried before one served.
    notes
        What a reader should know.
    ingest
        What the ingestion reports; null without `--ingest`.
    """

    dataset: str
    doi: str
    licence: str
    folder: str
    files: list[FetchedFile]
    failed_mirrors: dict[str, str] = {}
    notes: list[str] = []
    ingest: IngestResult | None = None

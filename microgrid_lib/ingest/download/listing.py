"""Which files a mirror has, with what it says of their size and checksum."""

from __future__ import annotations

from typing import Annotated, assert_never
from urllib.parse import quote

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from microgrid_lib.ingest.download.address import is_plain_name
from microgrid_lib.ingest.download.checksum import usable_checksum
from microgrid_lib.ingest.download.client import Client
from microgrid_lib.ingest.download.dataset import (
    Dataset,
    FilesMirror,
    FolderMirror,
    Mirror,
    ZenodoMirror,
)
from microgrid_lib.ingest.download.errors import MirrorError
from microgrid_lib.ingest.download.manifest import Manifest
from microgrid_lib.ingest.download.transfer import RemoteFile

MAX_LISTED = 10_000


class _Links(BaseModel):
    # Which of the two it is has changed over the years.
    content: str = Field(validation_alias=AliasChoices("content", "self"))


class _Entry(BaseModel):
    key: str
    size: int | None = Field(default=None, ge=0)
    checksum: str | None = None
    links: _Links


class _Record(BaseModel):
    files: Annotated[list[_Entry], Field(max_length=MAX_LISTED)]


def list_files(mirror: Mirror, dataset: Dataset, client: Client) -> list[RemoteFile]:
    """The dataset's files on a mirror, archives included, in order of name.

    Raises
    ------
    MirrorError
        The list can't be had, is wrong, or lacks files.
    """
    if isinstance(mirror, ZenodoMirror):
        listed = _of_record(client.json(mirror.address))
    elif isinstance(mirror, FolderMirror):
        listed = _of_manifest(client.json(mirror.address), mirror, dataset)
    elif isinstance(mirror, FilesMirror):
        listed = [
            RemoteFile(
                file.name, file.url, file.size_bytes, file.sha256 and f"sha256:{file.sha256}"
            )
            for file in mirror.files
        ]
    else:
        assert_never(mirror)
    wanted = [file for file in listed if dataset.includes(file.name)]
    if not wanted:
        wanted = [file for file in listed if file.is_archive]
    elif len(wanted) < dataset.file_count:
        raise MirrorError(f"lists {len(wanted)} data files; {dataset.file_count} are needed")
    if not wanted:
        raise MirrorError("lists no data file")
    names = [file.name.casefold() for file in wanted]
    for file in wanted:
        if not is_plain_name(file.name):
            raise MirrorError(f"lists a file of the name {file.name[:60]!r}")
        if names.count(file.name.casefold()) > 1:
            raise MirrorError(f"lists {file.name} twice")
    return sorted(wanted, key=lambda file: file.name)


def _of_record(content: object) -> list[RemoteFile]:
    """Files of a Zenodo record, as `GET /api/records/NUMBER` describes it."""
    try:
        record = _Record.model_validate(content)
    except ValidationError:
        raise MirrorError("describes the record in a way that isn't understood") from None
    return [
        RemoteFile(entry.key, entry.links.content, entry.size, usable_checksum(entry.checksum))
        for entry in record.files
    ]


def _of_manifest(content: object, mirror: FolderMirror, dataset: Dataset) -> list[RemoteFile]:
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError:
        raise MirrorError("has a manifest that isn't understood") from None
    if manifest.dataset != dataset.name:
        raise MirrorError(f"has the dataset {manifest.dataset[:60]!r}")
    base = mirror.base.rstrip("/")
    return [
        RemoteFile(name, f"{base}/{quote(name)}", entry.size_bytes, f"sha256:{entry.sha256}")
        for name, entry in manifest.files.items()
    ]

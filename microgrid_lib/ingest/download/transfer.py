"""One file from one mirror into `NAME.part`, going on where an earlier attempt ended.

Beside it, `NAME.part.json` says what the bytes are part of, so that nothing is appended to another
version of the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import requests
from pydantic import BaseModel, ValidationError

from microgrid_lib.ingest.download.client import Client, TryAgainError
from microgrid_lib.ingest.download.errors import MirrorError

# A connection that breaks off again and again is fine as long as it brings this much each time.
PROGRESS_BYTES = 1 << 20
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_NO_RANGE = re.compile(r"bytes \*/(\d+)")


@dataclass(frozen=True)
class RemoteFile:
    """A file as a mirror lists it.

    Attributes
    ----------
    size_bytes, checksum
        To verify it; None where the mirror doesn't say. The checksum is `algorithm:hex`.
    """

    name: str
    url: str
    size_bytes: int | None = None
    checksum: str | None = None

    @property
    def is_archive(self) -> bool:
        """Whether the data files are inside it."""
        return self.name.lower().endswith(".zip")


class PartState(BaseModel):
    """What the bytes of a `.part` file are part of.

    Attributes
    ----------
    url_sha256
        Of the address, which may hold a secret.
    etag, last_modified
        Of the answer they came with; a weak ETag isn't kept, as it doesn't promise the same bytes.
    checksum, total_bytes
        Of the whole file, where known.
    """

    url_sha256: str
    etag: str | None
    last_modified: str | None
    checksum: str | None
    total_bytes: int | None

    @property
    def validator(self) -> str | None:
        """What `If-Range` compares."""
        return self.etag or self.last_modified


def download(
    remote: RemoteFile,
    part: Path,
    client: Client,
    limit_bytes: int,
    report: Callable[[int], None],
) -> None:
    """Receive a file completely; it isn't verified yet.

    Parameters
    ----------
    part
        Where the bytes go; what is there already is kept if it is part of the same file.
    limit_bytes
        More is refused.
    report
        Called with the bytes that are there.

    Raises
    ------
    MirrorError
        The mirror can't give it.
    OSError
        The disk is full, or can't be written.
    """
    failures, most = 0, size_of(part)
    while True:
        try:
            _attempt(remote, part, client, limit_bytes, report)
            return
        except TryAgainError as error:
            there = size_of(part)
            failures = 1 if there >= most + PROGRESS_BYTES else failures + 1
            most = max(most, there)
            client.patience.wait(failures, error)


def discard(part: Path) -> None:
    """Remove a partial file and what is known of it."""
    part.unlink(missing_ok=True)
    _state_path(part).unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def _attempt(
    remote: RemoteFile,
    part: Path,
    client: Client,
    limit_bytes: int,
    report: Callable[[int], None],
) -> None:
    state = _read_state(part)
    offset = _resumable_bytes(remote, part, state)
    headers = {}
    if offset and state is not None:
        if offset in (remote.size_bytes, state.total_bytes):
            return
        headers["Range"] = f"bytes={offset}-"
        if state.url_sha256 == _url_sha256(remote) and state.validator:
            headers["If-Range"] = state.validator
    with client.get(remote.url, headers) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if offset and _end_of(response) == offset:
                return
            discard(part)
            raise TryAgainError("refuses to go on where it broke off")
        if response.status_code == HTTPStatus.OK:
            offset = 0
        total = _total(response, offset, part, state)
        _check_size(total, remote, limit_bytes)
        _refuse_page(response.headers.get("Content-Type", ""))
        blocks = client.blocks(response)
        first = next(blocks, b"")
        if not offset and first.lstrip()[:1] == b"<":
            raise MirrorError(f"sends a web page instead of {remote.name}")
        if not offset or state is None or state.url_sha256 != _url_sha256(remote):
            _write_state(part, remote, response, total)
        wanted = remote.size_bytes if remote.size_bytes is not None else total
        most = limit_bytes if wanted is None else wanted
        with part.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.truncate()
            there = offset + _put(file, first)
            report(there)
            for block in blocks:
                there += _put(file, block)
                if there > most:
                    break
                report(there)
    if there > most:
        discard(part)
        raise MirrorError(f"sends more than {most} bytes for {remote.name}")
    if wanted is not None and there < wanted:
        raise TryAgainError(f"breaks off at {there} of {wanted} bytes of {remote.name}")


def _put(file: BinaryIO, block: bytes) -> int:
    file.write(block)
    return len(block)


def _resumable_bytes(remote: RemoteFile, part: Path, state: PartState | None) -> int:
    """How many bytes of the partial file belong to the file that is wanted now."""
    if state is None:
        return 0
    same_content = remote.checksum is not None and state.checksum == remote.checksum
    same_answer = state.url_sha256 == _url_sha256(remote) and state.validator is not None
    if not (same_content or same_answer):
        return 0
    size = size_of(part)
    return size if remote.size_bytes is None or size <= remote.size_bytes else 0


def _total(
    response: requests.Response, offset: int, part: Path, state: PartState | None
) -> int | None:
    """Size of the whole file as the answer has it; None where it doesn't say."""
    if response.status_code == HTTPStatus.OK:
        declared = response.headers.get("Content-Length", "")
        return int(declared) if declared.isdecimal() else None
    matched = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    changed = (
        state is not None
        and state.etag
        and response.headers.get("ETag")
        not in (
            None,
            state.etag,
        )
    )
    if matched is None or int(matched[1]) != offset or changed:
        discard(part)
        raise TryAgainError("goes on with something else than what was asked for")
    return None if matched[3] == "*" else int(matched[3])


def _end_of(response: requests.Response) -> int | None:
    matched = _NO_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    return int(matched[1]) if matched else None


def _check_size(total: int | None, remote: RemoteFile, limit_bytes: int) -> None:
    wanted = remote.size_bytes
    if total is not None and wanted is not None and total != wanted:
        raise MirrorError(f"says {remote.name} has {total} bytes, and lists {wanted}")
    for size in (total, wanted):
        if size is not None and size > limit_bytes:
            raise MirrorError(f"has {size} bytes for {remote.name}; allowed are {limit_bytes}")


def _refuse_page(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml", "application/json"):
        raise MirrorError(f"sends {kind} instead of data")


def _url_sha256(remote: RemoteFile) -> str:
    return hashlib.sha256(remote.url.encode()).hexdigest()


def _state_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_state(part: Path) -> PartState | None:
    if not part.exists():
        return None
    try:
        return PartState.model_validate_json(_state_path(part).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _write_state(
    part: Path, remote: RemoteFile, response: requests.Response, total: int | None
) -> None:
    etag = response.headers.get("ETag")
    state = PartState(
        url_sha256=_url_sha256(remote),
        etag=None if etag is None or etag.startswith("W/") else etag,
        last_modified=response.headers.get("Last-Modified"),
        checksum=remote.checksum,
        total_bytes=total,
    )
    if response.status_code == HTTPStatus.OK:
        # Old bytes must never lie beside the description of a new version.
        part.unlink(missing_ok=True)
    _state_path(part).write_text(state.model_dump_json(), encoding="utf-8")

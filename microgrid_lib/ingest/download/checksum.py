"""Published checksums `algorithm:hex`, and reading a file to compare."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

# md5 is what Zenodo publishes: it finds damage, not malice.
_KNOWN = {"md5": 32, "sha256": 64, "sha512": 128}
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Contents:
    """What reading a file once says about it."""

    size_bytes: int
    sha256: str
    matches: bool


def usable_checksum(text: object) -> str | None:
    """A checksum that can be compared, else None."""
    if not isinstance(text, str):
        return None
    algorithm, _, digits = text.strip().lower().partition(":")
    if len(digits) != _KNOWN.get(algorithm) or not re.fullmatch("[0-9a-f]+", digits):
        return None
    return f"{algorithm}:{digits}"


def read_contents(path: Path, checksum: str | None = None) -> Contents:
    """Hash a file; `matches` says whether the checksum, if any, is the file's."""
    algorithm, _, digits = (checksum or "sha256:").partition(":")
    published = hashlib.new(algorithm, usedforsecurity=False)
    own = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            own.update(block)
            published.update(block)
    matches = checksum is None or published.hexdigest() == digits
    return Contents(size, own.hexdigest(), matches)

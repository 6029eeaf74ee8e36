"""Data files out of a zip archive, which is trusted with nothing."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, ZipInfo

from microgrid_lib.ingest.download.address import is_plain_name
from microgrid_lib.ingest.download.dataset import Dataset
from microgrid_lib.ingest.download.errors import MirrorError

MAX_MEMBERS = 10_000
_BLOCK = 1 << 20
_ENCRYPTED = 0x1


@contextmanager
def opened(path: Path) -> Iterator[ZipFile]:
    """The archive.

    Raises
    ------
    MirrorError
        It isn't a zip, or is damaged or packed in a way that isn't known.
    """
    try:
        with ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise MirrorError(f"sends a zip archive that can't be read ({error})") from None


def data_members(archive: ZipFile, dataset: Dataset) -> dict[str, ZipInfo]:
    """Name -> entry of the data files in an archive, whatever folder they are in.

    Raises
    ------
    MirrorError
        A path leads outside, a name is there twice, files lack, or it unpacks to too much.
    """
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise MirrorError(f"sends an archive of {len(entries)} entries")
    found: dict[str, ZipInfo] = {}
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in entry.filename
            or (":" in entry.filename)
        ):
            raise MirrorError(
                f"sends an archive with a path that leads outside: {entry.filename[:60]!r}"
            )
        if entry.is_dir() or not is_plain_name(path.name) or not dataset.includes(path.name):
            continue
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & _ENCRYPTED:
            raise MirrorError(f"sends an archive in which {path.name} is a link or encrypted")
        if path.name.casefold() in {name.casefold() for name in found}:
            raise MirrorError(f"sends an archive with {path.name} in it twice")
        found[path.name] = entry
    if len(found) < dataset.file_count:
        raise MirrorError(
            f"sends an archive of {len(found)} data files; {dataset.file_count} are needed"
        )
    size = sum(entry.file_size for entry in found.values())
    if size > dataset.max_bytes:
        raise MirrorError(f"sends an archive of {size} bytes; allowed are {dataset.max_bytes}")
    return found


def unpack(archive: ZipFile, entry: ZipInfo, part: Path) -> None:
    """Write one entry; reading stops at its declared size and compares its CRC-32.

    Raises
    ------
    OSError
        The disk is full, or can't be written.
    """
    with archive.open(entry) as source, part.open("wb") as target:
        while block := source.read(_BLOCK):
            target.write(block)

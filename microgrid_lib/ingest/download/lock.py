"""One fetch at a time writes into a folder; the lock ends with its process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from microgrid_lib.errors import FileProblem

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep other fetches out of a folder, which is made if need be.

    Raises
    ------
    FileProblem
        Another fetch writes there, or the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".fetch.lock").open("ab")
    except OSError as error:
        raise FileProblem(folder, f"can't be written ({error.strerror})") from None
    with file:
        try:
            _lock(file)
        except OSError:
            raise FileProblem(folder, "another fetch is writing into this folder") from None
        yield

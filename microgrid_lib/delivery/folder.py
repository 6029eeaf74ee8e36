"""Copies in a folder: whole or not at all."""

from __future__ import annotations

import filecmp
import os
import tempfile
from pathlib import Path

from microgrid_lib.delivery.errors import DeliveryError, Hope
from microgrid_lib.errors import MicrogridError


def copy_into(folder: Path, files: tuple[Path, ...]) -> None:
    """Copy files into a folder; a reader sees the old file or the new one, never a part.

    Parameters
    ----------
    folder
        Made where it isn't there.
    files
        Same names there; a file that is there with the same content stays as it is.

    Raises
    ------
    DeliveryError
        The folder can't be written, the disk is full, or a file is gone.
    """
    for path in files:
        if not path.is_file():
            raise DeliveryError(f"{path}: is gone", Hope.never)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            _copy(path, folder / path.name)
    except OSError as error:
        problem = f"folder {folder}: can't be written ({error.strerror or error})"
        raise DeliveryError(problem, Hope.later) from None


def check_folder(folder: Path) -> None:
    """Look whether copies could be made there, without making anything.

    Raises
    ------
    MicrogridError
        It, or the folder it would be made in, is none or can't be written.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise MicrogridError(f"folder {folder}: {there} isn't a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise MicrogridError(f"folder {folder}: {there} can't be written")


def _copy(source: Path, target: Path) -> None:
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as content:
            while block := content.read(1 << 20):
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        # mkstemp lets the owner alone read it.
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)

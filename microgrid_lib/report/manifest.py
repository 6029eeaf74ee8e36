"""What stands beside a report: what it was made of, by which software, how long it took."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

import microgrid_lib
from microgrid_lib.api.provenance import Provenance
from microgrid_lib.errors import FileProblem, StoreError
from microgrid_lib.resources import checkout_root

_PACKAGES = ("typst", "matplotlib", "papermill", "nbconvert", "duckdb", "pandas", "scikit-learn")
_SOURCES = ("*.py", "*.po", "*.typ", "*.lua", "*.css")


class Software(BaseModel):
    """By which software a report was made; equal ones write equal reports.

    Attributes
    ----------
    microgrid, python
        Versions of the library and of the interpreter.
    code
        Hash of the library's sources where it runs from a checkout, else null.
    template
        Hash of the report notebook.
    packages
        Versions of the packages behind numbers and pages.
    """

    model_config = ConfigDict(frozen=True)

    microgrid: str
    python: str
    code: str | None
    template: str
    packages: dict[str, str]


class Manifest(BaseModel):
    """The JSON file beside a report.

    Attributes
    ----------
    file, sha256, pages
        The report: its name, the hash of its bytes, its pages.
    kind, site
        What it is, on which site.
    status
        `made` or `empty`.
    reason
        Why it is empty.
    label
        What must be said of its data, such as that they are synthetic.
    attention
        The findings that need attention, in its language.
    parameters
        What the notebook was given.
    window
        Start and end of the period; null where there is none.
    inputs, software
        What it was made of, and by what.
    seed
        Random numbers, where anything draws some, begin with it.
    made, seconds
        When it was made (UTC), and how long that took [s].
    """

    model_config = ConfigDict(frozen=True)

    file: str
    sha256: str
    pages: int
    kind: str
    site: str
    status: str
    reason: str = ""
    label: str = ""
    attention: tuple[str, ...] = ()
    parameters: dict[str, str | int | None]
    window: tuple[datetime, datetime] | None
    inputs: Provenance
    software: Software
    seed: int
    made: datetime
    seconds: float


def software(template: Path) -> Software:
    """Say what a report made now would be made by.

    Raises
    ------
    FileProblem
        The template can't be read.
    """
    try:
        written = template.read_bytes()
    except OSError as error:
        raise FileProblem(template, error.strerror or "can't be read") from error
    return Software(
        microgrid=microgrid_lib.__version__,
        python=platform.python_version(),
        code=_code(),
        template=hashlib.sha256(written).hexdigest(),
        packages=_versions(),
    )


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest; None where there is none that can be understood."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def file_hash(path: Path) -> str:
    """SHA-256 of a file, empty where there is none."""
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it sees the old one or the new one, never a part.

    Raises
    ------
    StoreError
        It can't be written; the text names the file.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror or error}") from error


@lru_cache(maxsize=1)
def _code() -> str | None:
    root = checkout_root()
    if root is None:
        return None
    found = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted((root / "microgrid_lib").rglob(pattern)):
            found.update(path.read_bytes())
    return found.hexdigest()


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

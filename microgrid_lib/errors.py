"""Errors that carry what was wrong, where, and what was there instead.

Every error a user can cause derives from `MicrogridError`: its text is one line, fit to be shown as
it is, and `exit_code` is what the command line returns for it.
"""

from __future__ import annotations

from pathlib import Path


class MicrogridError(Exception):
    """A fault the user can understand and mend; the text is one line."""

    exit_code = 2


class SettingsError(MicrogridError):
    """A setting (environment variable or settings file) that can't be used."""


class SiteError(MicrogridError):
    """A site file that can't be used: names file, key and value."""

    def __init__(self, source: str | Path, key: str, problem: str) -> None:
        self.source = str(source)
        self.key = key
        self.problem = problem
        where = f"{self.source}: {key}" if key else self.source
        super().__init__(f"{where}: {problem}")


class UnknownNameError(MicrogridError):
    """A site, profile, role, section or KPI that doesn't exist."""

    def __init__(self, kind: str, name: str, known: list[str], introduced: str = "known:") -> None:
        self.kind = kind
        self.name = name
        self.known = known
        choice = ", ".join(known) if known else "none"
        super().__init__(f"unknown {kind} {name!r}; {introduced} {choice}")


class FileProblem(MicrogridError):  # noqa: N818  the file is at fault, not the program
    """A data file that can't be read as a whole: names file and reason."""

    def __init__(self, file: str | Path, problem: str) -> None:
        self.file = str(file)
        self.problem = problem
        super().__init__(f"{self.file}: {problem}")


class WindowError(MicrogridError):
    """A time or period that can't be understood."""


class NoDataError(MicrogridError):
    """Nothing is stored for what was asked."""

    exit_code = 3


class StoreError(MicrogridError):
    """The store can't be read or written (permission, disk full, damaged)."""

    exit_code = 1


class ConflictError(MicrogridError):
    """Another process changed the same data; the command must be repeated."""


class BusyError(ConflictError):
    """Another process holds the database for longer than a writer waits."""

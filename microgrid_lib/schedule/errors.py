"""What can be wrong with a schedule, or keep it from running."""

from __future__ import annotations

from pathlib import Path

from microgrid_lib.errors import ConflictError, MicrogridError


class ScheduleError(MicrogridError):
    """A schedule that can't be used: names file, key and value."""

    def __init__(self, path: str | Path, key: str, problem: str) -> None:
        self.path = str(path)
        self.key = key
        self.problem = problem
        where = f"{self.path}: {key}" if key else self.path
        super().__init__(f"{where}: {problem}")


class AnotherSchedulerError(ConflictError):
    """A scheduler runs already."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        who = f" ({holder})" if holder else ""
        super().__init__(f"a scheduler runs already{who}; this one does nothing")

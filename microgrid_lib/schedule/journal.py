"""The scheduler's log: a line per event, and the lines of each run kept for its messages."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

Level = Literal["info", "warning", "error"]
MOST_KEPT = 500
"""Lines of a run that are kept, the newest."""


class Journal:
    """Writes events.

    Parameters
    ----------
    stream
        Where to.
    as_json
        One JSON object a line, for log collectors; else plain text.
    clock
        Gives the time of an event [UTC].
    """

    def __init__(self, stream: TextIO, as_json: bool, clock: Callable[[], datetime]) -> None:
        self._stream = stream
        self._as_json = as_json
        self._clock = clock
        self._kept: list[str] = []

    def __call__(self, event: str, level: Level = "info", **fields: Any) -> None:
        """Write an event.

        Parameters
        ----------
        event
            Its name, such as `run.failed`.
        fields
            What it is about; those that are None are left out. Never secrets.
        """
        at = self._clock().astimezone(UTC)
        shown = {name: _plain(value) for name, value in fields.items() if value is not None}
        words = (f"{name}={_quoted(value)}" for name, value in shown.items())
        line = " ".join((f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{level:<7}", event, *words))
        self._kept = [*self._kept, line][-MOST_KEPT:]
        if self._as_json:
            line = json.dumps(
                {"time": at.isoformat(), "level": level, "event": event, **shown},
                ensure_ascii=False,
            )
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def begin(self, earlier: str = "") -> None:
        """Keep lines anew, after those of an earlier attempt."""
        self._kept = earlier.splitlines()

    @property
    def kept(self) -> str:
        """Lines since `begin`."""
        return "\n".join(self._kept)


class LibraryHandler(logging.Handler):
    """Hands warnings of the scheduler library to the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Write a warning or error of the library."""
        # A look that comes while the one before still works is left out on purpose.
        if "maximum number of running instances reached" in record.msg:
            return
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        self._journal("library", level, says=record.getMessage())


def _plain(value: Any) -> str | int | float | bool:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return one_line(str(value))


def one_line(text: str) -> str:
    """Text without line ends, and without what PostgreSQL can't keep."""
    return " ".join(text.replace("\0", "\N{REPLACEMENT CHARACTER}").split())


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' "=') else text

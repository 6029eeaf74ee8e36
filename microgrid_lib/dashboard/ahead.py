"""Building what the viewer hasn't asked for yet, piece by piece, while nothing else is to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

from microgrid_lib.dashboard.live import start_task

FIRST_S = 2.0
"""How long the page has for drawing what it was opened for."""
PAUSE_S = 0.5
"""Between two pieces the viewer's own clicks come first."""


class Ahead:
    """Takes a piece of work after the other, until there is none.

    Parameters
    ----------
    pieces
        Does a piece before each item it yields.
    """

    def __init__(self, pieces: Iterator[None]) -> None:
        self._pieces = pieces
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it has begun; only where there is a loop to run in."""
        if self._task is None:
            self._task = start_task(self._run())

    async def _run(self) -> None:
        await asyncio.sleep(FIRST_S)
        for _ in self._pieces:
            await asyncio.sleep(PAUSE_S)
            while busy():
                await asyncio.sleep(PAUSE_S)


def busy() -> bool:
    """Whether this machine has more to do than it has processors; not known: it hasn't."""
    if not hasattr(os, "getloadavg"):
        return False
    return os.getloadavg()[0] > (os.cpu_count() or 1)

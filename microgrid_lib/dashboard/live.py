"""Following new data: a look at a chosen interval, while the kernel lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Follower:
    """Calls `look` again and again.

    Parameters
    ----------
    look
        Shows new data if there are any; must not raise.
    every_s
        How long to wait [s]; None: until `changed` is called.
    """

    def __init__(self, look: Callable[[], None], every_s: Callable[[], float | None]) -> None:
        self._look = look
        self._every_s = every_s
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, where there is a loop to run in."""
        self._task = start_task(self._run())

    def changed(self) -> None:
        """Take a new interval at once."""
        self._changed.set()

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._changed.wait(), self._every_s())
                self._changed.clear()
            except TimeoutError:
                self._look()


def start_task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Start work in the loop that runs; None, and nothing is done, where none does."""
    try:
        return asyncio.get_running_loop().create_task(work)
    except RuntimeError:
        work.close()
        return None

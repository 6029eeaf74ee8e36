"""A report made in a process of its own, so that the page goes on. No widgets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.orders import ReportOrder

LONGEST_S = 600.0
_WORKER = "microgrid_lib.report.worker"


@dataclass(frozen=True)
class Outcome:
    """What became of a report.

    Attributes
    ----------
    status
        See `report.orders.Status`.
    file
        Its name in the folder of reports; empty where it failed.
    reason
        One line where it is `empty` or `failed`.
    """

    status: str
    file: str
    reason: str


async def make_beside(order: ReportOrder, on_progress: Callable[[int, int], None]) -> Outcome:
    """Make a report in the home's folder, in a process of its own.

    Parameters
    ----------
    on_progress
        Called with how many steps are done, and how many there are.

    Raises
    ------
    ReportError
        The process ended without a word, or took longer than ten minutes.
    """
    from microgrid_lib.report.worker import written

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _WORKER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            return await _followed(process, written(order), on_progress)
    except TimeoutError:
        raise ReportError(f"the report wasn't made within {LONGEST_S:.0f} s") from None
    finally:
        _end(process)


def _end(process: asyncio.subprocess.Process) -> None:
    """End the process if it still runs, with the one that draws for it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()


async def _followed(
    process: asyncio.subprocess.Process, order: bytes, on_progress: Callable[[int, int], None]
) -> Outcome:
    if process.stdin is None or process.stdout is None:
        raise ReportError("the report's process can't be spoken to")
    process.stdin.write(order)
    process.stdin.close()
    outcome = None
    async for line in process.stdout:
        said = json.loads(line)
        if "status" in said:
            outcome = Outcome(said["status"], said["file"], said["reason"])
        else:
            on_progress(said["done"], said["of"])
    await process.wait()
    if outcome is None:
        raise ReportError("the process that made the report ended early")
    return outcome

"""Figures drawn in a process beside this one, while the next numbers are still being read."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import ParamSpec

from microgrid_lib.report.errors import ReportError

Drawing = str | Future[str]
"""An SVG, or the promise of one."""

Given = ParamSpec("Given")

_pool: ContextVar[ProcessPoolExecutor | None] = ContextVar("pool", default=None)


@contextmanager
def drawing_aside() -> Iterator[None]:
    """Draw charts in a process of its own until the block ends; drawings are to be taken by then.

    Importing matplotlib and drawing a report's charts take seconds, and a second core has nothing
    else to do. Inside another such block this one does nothing.
    """
    if _pool.get() is not None:
        yield
        return
    others = set(multiprocessing.active_children())
    pool = processes(1)
    pool.submit(_prepare)
    helpers = set(multiprocessing.active_children()) - others
    token = _pool.set(pool)
    try:
        yield
    finally:
        _pool.reset(token)
        pool.shutdown(wait=False, cancel_futures=True)
        # What it may still be doing, such as getting ready, isn't wanted any more.
        for helper in helpers:
            helper.kill()


def processes(workers: int) -> ProcessPoolExecutor:
    """Processes that begin afresh, and end with this one however it ends.

    Parameters
    ----------
    workers
        How many at once.
    """
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_leave_with_parent,
    )


def _leave_with_parent() -> None:
    # A killed parent can't say goodbye, and what waits for its next call would wait for ever.
    Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def draw(function: Callable[Given, str], *args: Given.args, **kwargs: Given.kwargs) -> Drawing:
    """Draw, or begin to draw beside where `drawing_aside` is on.

    Parameters
    ----------
    function
        Of a module, not a local one: what draws, and gives the SVG.
    args, kwargs
        What it is given; they travel to the other process.
    """
    pool = _pool.get()
    return function(*args, **kwargs) if pool is None else pool.submit(function, *args, **kwargs)


def finished(drawing: Drawing) -> str:
    """Take a drawing, waiting for it.

    Raises
    ------
    ReportError
        matplotlib isn't installed, or the process that drew ended early.
    """
    if isinstance(drawing, str):
        return drawing
    try:
        return drawing.result()
    except BrokenProcessPool as error:
        raise ReportError("the process that draws figures ended early") from error


def _prepare() -> None:
    # Imported while there is nothing to draw yet.

    import microgrid_lib.report.bars
    import microgrid_lib.report.figures
    import microgrid_lib.report.heat  # noqa: F401

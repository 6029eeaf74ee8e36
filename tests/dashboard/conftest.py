"""Callbacks that raise, and a dashboard on made-up data."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

from microgrid_lib.dashboard.app import Dashboard
from tests.dashboard.fakes import FakeLibrary


@pytest.fixture(autouse=True)
def no_loop_runs() -> Iterator[None]:
    """Take away the loop that a browser test in the same process has left running."""
    left = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(left)


@pytest.fixture(autouse=True)
def callbacks_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let exceptions of widget callbacks through: ipywidgets only logs them."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        value = None
        for callback in self.callbacks:
            value = callback(*args, **kwargs) or value
        return value

    monkeypatch.setattr(ipywidgets.CallbackDispatcher, "__call__", call)


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
def app(home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.delenv("QUERY_STRING", raising=False)
    return Dashboard("production", library=library)

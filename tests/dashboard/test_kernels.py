"""Kernels end when their last viewer has been gone for long enough, and not before."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from microgrid_lib.dashboard.kernels import DashboardKernels, OwnKernelSpecs


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    async def shutdown(self: DashboardKernels, kernel_id: str) -> None:
        found.append(kernel_id)

    monkeypatch.setattr(DashboardKernels, "shutdown_kernel", shutdown)
    return found


def check(kernels: DashboardKernels) -> None:
    """Let the manager look at its kernel, in a thread: browser tests keep a loop in this one."""
    thread = threading.Thread(target=lambda: asyncio.run(kernels.cull_kernel_if_idle("k")))
    thread.start()
    thread.join()


def manager(connections: int, alone_s: float | None) -> DashboardKernels:
    made = DashboardKernels(cull_idle_timeout=300)
    made._kernel_connections = {"k": connections}
    if alone_s is not None:
        made._alone_since["k"] = datetime.now(UTC) - timedelta(seconds=alone_s)
    return made


@pytest.mark.parametrize(
    ("connections", "alone_s", "ends"),
    [(1, None, False), (1, 9999, False), (0, 299, False), (0, 301, True), (0, None, False)],
)
def test_a_kernel_ends_when_nobody_has_looked_for_long(
    ended: list[str], connections: int, alone_s: float | None, ends: bool
) -> None:
    check(manager(connections, alone_s))
    assert ended == (["k"] if ends else [])


def test_a_viewer_who_comes_back_starts_the_clock_anew(ended: list[str]) -> None:
    kernels = manager(1, 9999)
    check(kernels)
    kernels._kernel_connections["k"] = 0
    check(kernels)
    assert ended == []


def test_a_kernel_of_the_same_name_elsewhere_is_not_used() -> None:
    assert list(OwnKernelSpecs().find_kernel_specs()) == ["python3"]

"""The dashboard in real browsers: first page, sections, ten visitors at once, memory."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.measure import Samples, python
from benchmarks.table import Row
from microgrid_lib.access import Actor, Role
from microgrid_lib.consumers.model import parse_draft
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import Settings

BUDGET_FIRST_S = 3.5
BUDGET_SWITCH_S = 0.300
BUDGET_MAP_S = 2.0
BUDGET_KERNEL_MIB = 250
BUDGET_GROWTH_MIB = 20
VISITORS = 10
CONSUMERS = 1000
READY_MS = 300_000
TABS = ".mg-tabs .widget-toggle-button"
TICKS = 120
"""Looks for new data in an hour, one every 30 s."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@contextmanager
def served(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A dashboard on a home: its address and its process."""
    command = [sys.executable, "-m", "microgrid_lib", "dashboard", "--no-login"]
    with subprocess.Popen(
        command,
        env={**os.environ, "MICROGRID_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip().removeprefix("Dashboard: ")
        try:
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()


def kernels(server: psutil.Process) -> list[psutil.Process]:
    """The kernels of a server, pooled ones included."""
    return [p for p in server.children(recursive=True) if "ipykernel_launcher" in p.cmdline()]


def wait_for_warm(server: psutil.Process, known: set[int]) -> None:
    """Wait until there is a pooled kernel that isn't one of those known, and it is idle."""
    deadline = time.monotonic() + READY_MS / 1000
    while time.monotonic() < deadline:
        fresh = [p for p in kernels(server) if p.pid not in known]
        if fresh and all(p.cpu_percent(0.5) < 2 for p in fresh):
            return
        time.sleep(0.2)
    raise RuntimeError("no kernel in the pool became ready")


async def measure(address: str, server: psutil.Process, repeat: int) -> dict[str, Samples]:
    """Visit the dashboard; times [s] by what was done."""
    from playwright.async_api import async_playwright

    found = {
        name: Samples(name) for name in ("widget", "first", "cold", "ahead", "warm", "map", "crowd")
    }
    async with async_playwright() as runner:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await runner.chromium.launch(executable_path=path, args=FLAGS)
        seen: set[int] = set()
        for _ in range(repeat):
            wait_for_warm(server, seen)
            seen = {p.pid for p in kernels(server)}
            widget, section = await _visit(browser, address)
            found["widget"].seconds.append(widget)
            found["first"].seconds.append(section)
        wait_for_warm(server, seen)
        before = {p.pid for p in kernels(server)} - seen
        found["cold"].seconds, _ = await _switch(browser, address, ahead=False)
        found["ahead"].seconds, found["warm"].seconds = await _switch(browser, address, ahead=True)
        mine = [p for p in kernels(server) if p.pid in before]
        found["warm"].peak_mib = max(_private_mib(p) for p in mine)
        for _ in range(repeat):
            found["map"].seconds.append(await _open_map(browser, address))
        start = time.perf_counter()
        times = await asyncio.gather(*(_visit(browser, address) for _ in range(VISITORS)))
        found["crowd"].seconds += [*(section for _, section in times), time.perf_counter() - start]
        await browser.close()
    return found


async def _visit(browser: Any, address: str) -> tuple[float, float]:
    """Open the page; time until its first widget and until its section is complete [s]."""
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    page = await context.new_page()
    start = time.perf_counter()
    await page.goto(address, timeout=READY_MS)
    await page.wait_for_selector(TABS, timeout=READY_MS)
    widget = time.perf_counter() - start
    await page.wait_for_selector("[data-section]", timeout=READY_MS)
    return widget, time.perf_counter() - start


async def _switch(browser: Any, address: str, *, ahead: bool) -> tuple[list[float], list[float]]:
    """Go through all sections twice; times of the first and of the second round [s].

    Parameters
    ----------
    ahead
        Wait first until the page has built all sections by itself; else go at once.
    """
    page = await (await browser.new_context()).new_page()
    await page.goto(address, timeout=READY_MS)
    await page.wait_for_selector("[data-section]", timeout=READY_MS)
    tabs = page.locator(TABS)
    count = await tabs.count()
    if ahead:
        await page.wait_for_function(
            "count => document.querySelectorAll('.mg-body > .mg-section').length === count",
            arg=count,
            timeout=READY_MS,
        )
    rounds: tuple[list[float], list[float]] = ([], [])
    for seconds in rounds:
        for index in [*range(1, count), 0]:
            before = await page.get_attribute("[data-section]", "data-section")
            start = time.perf_counter()
            await tabs.nth(index).click()
            await page.wait_for_selector(
                f"[data-section]:not([data-section='{before}'])", timeout=READY_MS
            )
            seconds.append(time.perf_counter() - start)
    return rounds


async def _open_map(browser: Any, address: str) -> float:
    """Go to the consumers at once after the page; time until their map has its points [s]."""
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    page = await context.new_page()
    await page.goto(address, timeout=READY_MS)
    await page.wait_for_selector("[data-section]", timeout=READY_MS)
    start = time.perf_counter()
    await page.get_by_role("button", name="Consumers").click()
    await page.wait_for_selector("path.mg-spot", state="attached", timeout=READY_MS)
    await page.wait_for_selector("[data-section='consumers']", timeout=READY_MS)
    seconds = time.perf_counter() - start
    await context.close()
    return seconds


def add_consumers(home: Path) -> None:
    """Add the consumers whose map is timed."""
    rng = np.random.default_rng(1)
    with ConsumerStore.open(Settings(home=home)) as store:
        for number in range(CONSUMERS):
            draft = parse_draft(
                {
                    "name": f"Consumer {number}",
                    "type": str(rng.choice(("critical", "non-critical"))),
                    "kind": str(rng.choice(("housing", "laboratory", "school", "office"))),
                    "latitude": 35.0 + float(rng.normal(0, 0.004)),
                    "longitude": -106.6 + float(rng.normal(0, 0.005)),
                }
            )
            store.add("mesa_del_sol", draft, Actor("benchmark", Role.operator))


def _private_mib(process: psutil.Process) -> float:
    """Memory that is this process's share: pages that others map too are divided [MiB]."""
    return float(process.memory_full_info().pss) / 2**20


def run(home: Path, repeat: int) -> list[Row]:
    """Rows of the table; `home` has demo data."""
    add_consumers(home)
    with served(home) as (address, server):
        found = asyncio.run(measure(address, server, repeat))
    done = subprocess.run(
        python("ticks", str(home), str(TICKS)), capture_output=True, text=True, check=True
    )
    growth = float(done.stdout)
    kernel = Samples("kernel", found["warm"].seconds, found["warm"].peak_mib)
    ticks = Samples("ticks", [0.0], growth)
    return [
        Row(
            "first widget in a fresh browser, warm pool",
            found["widget"],
            None,
            "",
            None,
            BUDGET_FIRST_S,
        ),
        Row("first section complete", found["first"], None, ""),
        Row("switch of section, at once after the page", found["cold"], None, ""),
        Row("switch of section, built ahead", found["ahead"], None, "", None, BUDGET_SWITCH_S),
        Row("switch of section, visited before", found["warm"], None, "", None, BUDGET_SWITCH_S),
        Row(f"{VISITORS} browsers at once, each until its page is there", found["crowd"], None, ""),
        Row(
            f"map of {CONSUMERS:,} consumers, at once after the page",
            found["map"],
            None,
            "",
            None,
            BUDGET_MAP_S,
        ),
        Row("kernel after all sections (PSS)", kernel, None, "", budget_mib=BUDGET_KERNEL_MIB),
        Row(
            f"growth over {TICKS} new versions of the data",
            ticks,
            None,
            "",
            budget_mib=BUDGET_GROWTH_MIB,
        ),
    ]

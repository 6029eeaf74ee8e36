"""Following new data: at the chosen interval, paused when asked to."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from microgrid_lib.dashboard.live import Follower


def test_looks_again_and_again_until_paused_and_goes_on_at_once() -> None:
    async def run() -> list[int]:
        looks: list[int] = []
        every: list[float | None] = [0.001]
        reached = asyncio.Event()

        def look() -> None:
            looks.append(1)
            if len(looks) >= 3:
                every[0] = None
                reached.set()

        follower = Follower(look, lambda: every[0])
        follower.start()
        await asyncio.wait_for(reached.wait(), 10)
        paused = len(looks)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(looks) == paused
        reached.clear()
        every[0] = 0.001
        follower.changed()
        await asyncio.wait_for(reached.wait(), 10)
        return looks

    # A browser test in the same process may have left a loop running in this thread.
    with ThreadPoolExecutor(1) as thread:
        assert len(thread.submit(lambda: asyncio.run(run())).result()) == 4


def test_without_a_loop_nothing_follows() -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(Follower(lambda: None, lambda: None).start).result()

"""`python -m benchmarks.ticks HOME TICKS`: growth of a page whose data change at every look [MiB].

Prints the growth of this process's memory after the first looks, which fill caches.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

WARM_UP = 20


def growth_mib(home: Path, ticks: int) -> float:
    """Look `ticks` times at every section in turn, each time at a new version of the data."""
    import os

    import psutil

    os.environ["MICROGRID_HOME"] = str(home)
    from microgrid_lib.api import SiteData
    from microgrid_lib.dashboard.app import Dashboard

    app = Dashboard()
    version = 0
    state = SiteData.state

    def changing(self: SiteData) -> str:
        return f"{state(self)}-{version}"

    SiteData.state = changing  # type: ignore[method-assign]
    names = list(app.panels)
    process = psutil.Process()
    before = 0
    for tick in range(WARM_UP + ticks):
        version += 1
        if tick == WARM_UP:
            gc.collect()
            before = process.memory_info().rss
        app.choices.change(section=names[tick % len(names)])
        app.refresh()
    gc.collect()
    return (process.memory_info().rss - before) / 2**20


if __name__ == "__main__":
    print(f"{growth_mib(Path(sys.argv[1]), int(sys.argv[2])):.1f}")

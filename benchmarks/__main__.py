"""`python -m benchmarks`: prints a table of ratios measured in one run.

Absolute times are this machine's; the ratios and the budgets are what to look at.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import forecasts, ingest, numbers, pages, reports, simulation
from benchmarks.table import Row, render
from microgrid_lib.api import open_site
from microgrid_lib.ingest.demo import DemoPlan, write_demo
from microgrid_lib.settings import Settings

ON_DEMO_DATA = {
    "numbers": numbers.run,
    "pages": pages.run,
    "simulation": simulation.run,
    "forecasts": forecasts.run,
    "reports": reports.run,
}
GROUPS = ("ingest", *ON_DEMO_DATA)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help="default: all")
    parser.add_argument("--months", type=int, default=15)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    groups = given.groups or GROUPS
    work = Path(tempfile.mkdtemp(prefix="microgrid-bench-"))
    try:
        print("Making demo data ...", file=sys.stderr)
        demo = work / "demo"
        write_demo(demo, DemoPlan(months=given.months))
        rows: list[Row] = []
        if "ingest" in groups:
            print("Ingestion ...", file=sys.stderr)
            rows += ingest.run(demo, work, given.repeat)
        home = work / "home"
        if set(ON_DEMO_DATA) & set(groups):
            open_site("mesa_del_sol", settings=Settings(home=home)).ingest([demo])
        for name, run in ON_DEMO_DATA.items():
            if name in groups:
                print(f"{name.capitalize()} ...", file=sys.stderr)
                rows += run(home, given.repeat)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(render(rows))
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

"""A scheduler as a process of its own; its reports are made when somebody writes a line to it.

python -m tests.schedule.scheduler FILE FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from microgrid_lib.report.orders import ReportOrder, ReportResult, Status
from microgrid_lib.schedule.context import Surroundings, now_utc
from microgrid_lib.schedule.journal import Journal
from microgrid_lib.schedule.load import load_plan
from microgrid_lib.schedule.lock import only_scheduler
from microgrid_lib.schedule.opening import open_state
from microgrid_lib.schedule.runner import Runner
from microgrid_lib.schedule.service import Service, Stop, signals
from microgrid_lib.settings import load_settings


def main(file: Path, folder: Path) -> None:
    def make(orders: Sequence[ReportOrder]) -> list[ReportResult]:
        sys.stdout.write("making\n")
        sys.stdout.flush()
        sys.stdin.readline()
        path = folder / "report.pdf"
        path.write_bytes(b"%PDF")
        return [ReportResult(path, 1, 0.1, Status.made, "", 0, one) for one in orders]

    settings = load_settings()
    database, stop = open_state(settings), Stop()
    around = Surroundings(make=make, open_site=lambda *_: sys.exit("no alerts"), stopping=stop)
    journal = Journal(sys.stderr, True, now_utc)
    runner = Runner(load_plan(file, settings.home), settings, database, journal, around)
    with only_scheduler(settings, database) as still_alone, signals(stop):
        Service(runner, stop, still_alone).serve()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

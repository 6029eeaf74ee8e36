from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import engine as make_engine
from tests.kpi.lakes import make_lake, make_site, rows_from, utc

Slots = Sequence[Mapping[str, float | None]]
START = utc("2023-03-01T00:00")


@pytest.fixture(scope="session")
def engine() -> DuckDBEngine:
    return make_engine()


@pytest.fixture
def kpis(engine: DuckDBEngine, tmp_path: Path) -> Callable[..., dict[str, Kpi]]:
    """KPIs of a few slots from midnight on, by default quarter hours; `slots_expected` of them."""

    def compute(slots: Slots, slots_expected: int | None = None, **options: Any) -> dict[str, Kpi]:
        site = make_site(**options)
        count = slots_expected or len(slots)
        # A last row keeps the data's end after the window's.
        rows = rows_from(site, START, [*slots, *({} for _ in range(count - len(slots) + 1))])
        snapshot = make_lake(tmp_path, site.profile(), rows)
        end = START + timedelta(seconds=count * site.interval_s)
        return kpi_report(engine, snapshot, site.profile(), Window(START, end)).kpis

    return compute

"""Energies per hour, day and month: a naive loop over slots, and the KPIs of the window."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from microgrid_lib.api import open_site
from microgrid_lib.errors import UnknownNameError
from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.energies import Step, _pieces, energies
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.dashboard.fakes import load_site
from tests.kpi.lakes import make_lake, make_site, rows_from, utc

START = utc("2023-03-01T00:00")
FLOWS = ("fuel_cell", "battery_charge", "battery_discharge")


def battery(number: int) -> float:
    return 40.0 * np.sin(number / 9)


@pytest.fixture
def access(engine: DuckDBEngine, tmp_path: Path) -> Access:
    """Three days of quarter hours; the battery says nothing in the second day's morning."""
    site = make_site()
    slots = []
    for number in range(3 * 96):
        slot = {"battery": battery(number), "fuel_cell": 30.0 + number % 5}
        if 96 <= number < 120:
            del slot["battery"]
        slots.append(slot)
    snapshot = make_lake(tmp_path, site.profile(), rows_from(site, START, slots))
    return Access(engine, snapshot, site.profile())


@pytest.mark.parametrize(("step", "per"), [("hour", 4), ("day", 96)])
def test_energies_are_those_of_a_loop_over_slots(access: Access, step: Step, per: int) -> None:
    window = Window(START, START + timedelta(days=3))
    found = energies(access, window, FLOWS, step)
    assert len(found) == 288 // per
    for row in range(len(found)):
        numbers = range(per * row, per * (row + 1))
        valid = [n for n in numbers if not 96 <= n < 120]
        for flow, sign in (("battery_charge", -1), ("battery_discharge", 1)):
            naive = sum(max(sign * battery(n), 0) for n in valid if abs(battery(n)) >= 0.5) / 4
            assert found[flow][row] == pytest.approx(naive, nan_ok=True) if valid else True
            assert found[f"{flow}_coverage"][row] == pytest.approx(len(valid) / per)
        assert found["fuel_cell"][row] == pytest.approx(sum(30.0 + n % 5 for n in numbers) / 4)


def test_a_piece_without_a_valid_sample_has_no_energy(access: Access) -> None:
    window = Window(START + timedelta(days=1), START + timedelta(days=1, hours=8))
    found = energies(access, window, ["battery_charge"], "hour")
    assert np.isnan(found["battery_charge"]).tolist() == [True] * 6 + [False] * 2
    assert found["battery_charge_coverage"].tolist() == [0.0] * 6 + [1.0] * 2


def test_edges_of_the_window_cut_the_first_and_the_last_piece(access: Access) -> None:
    window = Window(START + timedelta(minutes=30), START + timedelta(hours=2, minutes=15))
    found = energies(access, window, ["fuel_cell"], "hour")
    assert [start.minute for start in found["start"]] == [30, 0, 0]
    assert found["end"].iloc[-1] == window.end
    assert found["fuel_cell"].tolist() == pytest.approx([65 / 4, 127 / 4, 33 / 4])
    assert found["fuel_cell"].sum() == pytest.approx(sum(30.0 + n % 5 for n in range(2, 9)) / 4)
    # The last piece is a single slot.
    assert found["fuel_cell_coverage"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["hydrogen", "battery_setpoint", "genset"])
def test_a_flow_the_site_does_not_have_is_named(access: Access, name: str) -> None:
    with pytest.raises(UnknownNameError, match=name):
        energies(access, Window(START, START + timedelta(days=1)), [name], "day")


def test_days_are_local_days_of_23_and_25_hours() -> None:
    zone = load_site("trade_street").display_zone
    spring = _pieces(
        Window(datetime(2019, 3, 9, tzinfo=zone), datetime(2019, 3, 12, tzinfo=zone)), "day"
    )
    assert [piece.hours for piece in spring] == [24.0, 23.0, 24.0]
    autumn = Window(datetime(2019, 11, 3, tzinfo=zone), datetime(2019, 11, 4, tzinfo=zone))
    assert len(_pieces(autumn, "hour")) == 25
    assert [p.hours for p in _pieces(autumn, "day")] == [25.0]


def test_months_are_local_months() -> None:
    zone = load_site("trade_street").display_zone
    window = Window(datetime(2019, 1, 15, tzinfo=zone), datetime(2019, 4, 2, tzinfo=zone))
    starts = [(p.start.month, p.start.day) for p in _pieces(window, "month")]
    assert starts == [(1, 15), (2, 1), (3, 1), (4, 1)]


def test_energies_add_up_to_the_kpis_of_the_window(demo_month: Path, settings: object) -> None:
    data = open_site("mesa_del_sol")
    data.ingest([demo_month])
    window = data.window("2022-06-10T01:23", "2022-06-13T17:01")
    found = data.energies(FLOWS, window, "day")
    kpis = data.kpis(window, sections=["production"]).kpis
    for flow in FLOWS:
        assert found[flow].sum() == pytest.approx(kpis[f"{flow}_energy"].value, rel=1e-9)

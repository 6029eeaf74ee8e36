"""The energy balance by hand: what closes, what is left over, what the battery kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from microgrid_lib.kpi.access import Access
from microgrid_lib.kpi.energies import energies
from microgrid_lib.kpi.model import Kpi
from microgrid_lib.kpi.report import kpi_report
from microgrid_lib.kpi.soc import SocSeries, soc_series
from microgrid_lib.present.monthly.balance import Balance, balance_chart, closed_by, make_balance
from microgrid_lib.present.texts import texts_for
from microgrid_lib.settings import Settings
from microgrid_lib.site.profile import Profile, Site
from microgrid_lib.store.engines import DuckDBEngine
from microgrid_lib.window import Window
from tests.kpi.lakes import make_lake, make_site, rows_from, utc
from tests.present.facts import site_of

START = utc("2023-03-01T00:00")
DAY = Window(START, START + timedelta(days=1))
Slots = Sequence[Mapping[str, float | None]]


class Data:
    """As much of a site as a balance asks for."""

    def __init__(self, site: Site, slots: Slots, folder: Path) -> None:
        self.site = site
        self.profile: Profile = site.profile()
        engine = DuckDBEngine(Settings(threads=1, memory_limit_mb=512))
        snapshot = make_lake(folder, self.profile, rows_from(site, START, slots))
        self.access = Access(engine, snapshot, self.profile)

    def energies(self, flows: Sequence[str], window: Window, step: str = "day") -> pd.DataFrame:
        return energies(self.access, window, flows, step)  # type: ignore[arg-type]

    def soc(self, window: Window, points: int = 1000) -> SocSeries:
        return soc_series(self.access, window, points)

    def kpis(self) -> Mapping[str, Kpi]:
        access = self.access
        return kpi_report(access.engine, access.snapshot, access.profile, DAY).kpis

    def balance(self) -> Balance:
        return make_balance(self, DAY, self.kpis())  # type: ignore[arg-type]


def kwh(balance: Balance) -> dict[str, float | None]:
    return {flow.name: flow.kwh for flow in balance.flows}


def test_with_all_metered_the_rest_is_what_no_meter_saw(tmp_path: Path) -> None:
    site = make_site(("pv", "grid", "load"))
    slots: Slots = [{"pv": 10.0, "grid": 5.0, "load": 12.0}] * 96
    balance = Data(site, slots, tmp_path).balance()
    assert kwh(balance) == {"pv": 240.0, "grid_import": 120.0, "load": 288.0, "grid_export": 0.0}
    assert balance.gap_kwh == pytest.approx(72.0)
    assert balance.spread_kwh == 0.0
    assert balance.closed_by == ""


def test_samples_that_only_one_flow_has_widen_what_is_left_over(tmp_path: Path) -> None:
    site = make_site(("pv", "grid", "load"))
    slots = [{"pv": 10.0, "grid": 5.0, "load": 15.0} for _ in range(96)]
    for slot in slots[:24]:
        del slot["load"]
    balance = Data(site, slots, tmp_path).balance()
    # A quarter of the load's day is missing: PV and grid gave 60 + 30 kWh in it.
    assert balance.gap_kwh == pytest.approx(360.0 - 270.0)
    assert balance.spread_kwh == pytest.approx(90.0)


def test_flows_that_lack_different_hours_widen_it_though_their_coverage_is_the_same(
    tmp_path: Path,
) -> None:
    site = make_site(("pv", "grid", "load"))
    slots = [{"pv": 10.0, "grid": 5.0, "load": 15.0} for _ in range(96)]
    for slot in slots[:24]:
        del slot["pv"]
    for slot in slots[24:48]:
        del slot["load"]
    for slot in slots[48:72]:
        del slot["grid"]
    balance = Data(site, slots, tmp_path).balance()
    assert balance.gap_kwh == pytest.approx(180.0 + 90.0 - 270.0)
    # Grid and load of the first 6 h, PV and grid of the next, PV and load of the third.
    assert balance.spread_kwh == pytest.approx((30 + 90) + (60 + 30) + (60 + 90))


def test_a_flow_of_which_half_is_missing_leaves_nothing_to_balance(tmp_path: Path) -> None:
    site = make_site(("pv", "grid", "load"))
    slots = [{"pv": 10.0, "grid": 5.0, "load": 15.0} for _ in range(96)]
    for slot in slots[:49]:
        del slot["load"]
    balance = Data(site, slots, tmp_path).balance()
    assert (balance.gap_kwh, kwh(balance)["load"]) == (None, None)


def test_a_derived_grid_closes_the_balance_by_itself(tmp_path: Path) -> None:
    site = make_site(("pv", "battery", "load"))
    slots: Slots = [{"pv": 10.0, "battery": -3.0, "load": 5.0}] * 96
    balance = Data(site, slots, tmp_path).balance()
    assert balance.closed_by == "grid"
    assert kwh(balance)["grid_export"] == pytest.approx(48.0)
    assert balance.gap_kwh == pytest.approx(0.0, abs=1e-9)


def test_which_role_is_computed_from_the_others() -> None:
    assert closed_by(site_of("mesa_del_sol").profile("as_published")) == "grid"
    assert closed_by(site_of("mesa_del_sol").profile("gas_engine")) == ""
    assert closed_by(site_of("trade_street").profile()) == "load"


def test_the_battery_keeps_what_it_took_less_its_losses(tmp_path: Path) -> None:
    site = make_site(("battery", "load"))
    slots: Slots = [{"battery": -10.0, "load": 1.0}] * 8 + [{"battery": 0.0, "load": 1.0}] * 88
    balance = Data(site, slots, tmp_path).balance()
    assert balance.stored is not None
    # 20 kWh taken at 0.9: 18 kept, 2 lost.
    assert balance.stored.change_kwh == pytest.approx(18.0)
    assert balance.stored.lost_kwh == pytest.approx(2.0)
    assert balance.stored.spread_kwh >= 160.0 * 0.5


def test_without_a_known_capacity_nothing_is_said_of_what_is_stored(tmp_path: Path) -> None:
    site = make_site(("battery", "load"), battery={})
    slots: Slots = [{"battery": -10.0, "load": 1.0}] * 96
    assert Data(site, slots, tmp_path).balance().stored is None


def test_the_picture_has_sources_above_and_uses_below(tmp_path: Path) -> None:
    site = make_site(("pv", "battery", "load"))
    slots: Slots = [{"pv": 10.0, "battery": -3.0, "load": 5.0}] * 96
    chart = balance_chart(Data(site, slots, tmp_path).balance(), texts_for("en"))
    assert [(flow.label, flow.taken) for flow in chart.flows] == [
        ("PV", False),
        ("battery, discharged", False),
        ("grid, import", False),
        ("load", True),
        ("battery, charged", True),
        ("grid, export", True),
    ]

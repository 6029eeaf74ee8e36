"""The section Distribution in process: state to page, page to state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.parts.distribution import DistributionPart
from microgrid_lib.dashboard.pictures import CurveView, DonutView, HeatMapView
from microgrid_lib.errors import NoDataError
from microgrid_lib.kpi import notes
from microgrid_lib.kpi.load_shape import DurationCurve, WeekProfile
from microgrid_lib.kpi.model import Kpi, KpiReport, Section
from microgrid_lib.window import Window
from tests.dashboard.fakes import FakeLibrary, FakeSiteData, load_site


class Data(FakeSiteData):
    """The load is 100 kW at one, 20 kW else; 60 % of it is critical."""

    def kpis(self, window: Window, sections: Sequence[Section] | None = None) -> KpiReport:
        report = super().kpis(window, sections)
        hours = window.hours
        values = {
            "self_sufficiency": (0.527, "1"),
            "self_consumption": (0.9, "1"),
            "critical_share": (0.6, "1"),
            "peak_load": (140.25, "kW"),
            "peak_import": (92.6, "kW"),
            "grid_dependency": (0.473, "1"),
            "load_factor": (0.31, "1"),
            "grid_import_energy": (20 * hours, "kWh"),
            "grid_export_energy": (5 * hours, "kWh"),
            "critical_load_energy": (60 * hours, "kWh"),
            "other_load_energy": (40 * hours, "kWh"),
            "auxiliaries_mean": (24.5, "kW"),
        }
        missing = notes.no_role(self.profile, "load")
        needs = {"self_sufficiency", "self_consumption", "critical_share", "peak_load"}
        needs |= {"grid_dependency", "load_factor", "critical_load_energy", "other_load_energy"}
        found = {
            name: Kpi(value=value, unit=unit, coverage=0.99, covered_h=hours)
            if self.profile.has("load") or name not in needs
            else Kpi(value=None, unit=unit, reason=missing)
            for name, (value, unit) in values.items()
            if name != "auxiliaries_mean" or not self.profile.has("load")
        }
        return report.model_copy(update={"kpis": found})

    def load_duration(self, window: Window) -> DurationCurve:
        if window.hours < 2:
            raise NoDataError("no valid load")
        share = np.linspace(0, 1, 201)
        return DurationCurve(share, 120 - 100 * share, 10, window.hours, 0.99)

    def load_week(self, window: Window) -> WeekProfile:
        mean = np.full((7, 24), 20.0)
        mean[:, 1] = 100.0
        mean[5, 2] = np.nan
        return WeekProfile(mean, np.ones((7, 24)), 0.99)


class Library(FakeLibrary):
    def open_site(self, name: str, profile: str) -> FakeSiteData:
        site = load_site(name)
        return Data(site, site.profile(profile))


@pytest.fixture
def app(home: Path, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.delenv("QUERY_STRING", raising=False)
    return Dashboard("distribution", library=Library())


def part(app: Dashboard) -> DistributionPart:
    found = app.panel.parts("")[0]
    assert isinstance(found, DistributionPart)
    return found


def values(app: Dashboard) -> dict[str, str]:
    html = part(app)._cards.value
    return dict(re.findall(r'data-kpi="(\w+)" data-value="([^"]*)"', html))


def drawn(app: Dashboard) -> list[str]:
    return [one.name for one in part(app).model.content.drawn]


def test_cards_and_pictures_show_the_same_share(app: Dashboard) -> None:
    assert values(app)["critical_share"] == "0.6"
    donut = part(app)._grid.pictures["load_split"]
    assert isinstance(donut, DonutView)
    slices = dict(re.findall(r'data-slice="([\w-]+)" data-value="([^"]*)"', donut._ring.value))
    assert slices == {"critical-load": "1440.0", "load": "960.0"}
    assert "60.0 %" in donut._ring.value


def test_the_load_comes_first_then_the_tie(app: Dashboard) -> None:
    assert drawn(app) == [
        *("load", "load_split", "load_duration", "load_week"),
        *("grid_derived", "mccb_power", "mccb_voltage", "chilled_water"),
    ]
    assert len(part(app)._grid.widget.children) == 8


def test_without_a_load_the_tie_comes_first_and_the_reason_stands(app: Dashboard) -> None:
    app.choices.change(profile="gas_engine")
    assert next(iter(values(app))) == "grid_export_energy"
    assert values(app)["self_sufficiency"] == ""
    assert "the building behind the tie isn&#x27;t metered" in part(app)._absent.value
    assert drawn(app) == ["grid", "mccb_voltage", "chilled_water"]
    app.choices.change(profile="as_published")
    assert part(app)._absent.layout.display == "none"


def test_a_site_without_a_critical_load_has_no_donut(app: Dashboard) -> None:
    app.choices.change(site="trade_street")
    assert drawn(app) == ["load", "load_duration", "load_week", "grid"]


def test_the_heat_map_is_one_stop_for_the_keyboard(app: Dashboard) -> None:
    heat = part(app)._grid.pictures["load_week"]
    assert isinstance(heat, HeatMapView)
    html = heat._cells.value
    assert html.count('tabindex="0"') == 1
    assert html.count('role="gridcell"') == 168
    assert 'aria-label="Saturday 02:00: no data"' in html
    assert "mg-heat-none" in html


def test_the_pointer_reads_the_curve(app: Dashboard) -> None:
    curve = part(app)._grid.pictures["load_duration"]
    assert isinstance(curve, CurveView)
    curve.pointer.selected = np.array([49.9])
    assert "50.0 % of the time: 70.0 kW or more" in curve._legend.value
    np.testing.assert_allclose(curve.line.y[[0, -1]], [120.0, 20.0])


def test_a_picture_opens_its_table(app: Dashboard) -> None:
    heat = part(app)._grid.pictures["load_week"]
    assert heat._table.value == ""
    heat._table_button.value = True
    assert heat._table.value.count("<tr>") == 8
    assert "<td>n/a</td>" in heat._table.value


def test_an_hour_too_short_for_pictures_keeps_the_charts(app: Dashboard) -> None:
    app.choices.change(period="custom", start="2022-07-01", end="2022-07-01T01:00")
    assert "no duration curve" in part(app)._absent.value
    assert drawn(app)[:2] == ["load", "load_split"]


def test_french_is_french(app: Dashboard) -> None:
    app.choices.change(language="fr")
    assert "Autosuffisance" in part(app)._cards.value
    heat = part(app)._grid.pictures["load_week"]
    assert "lun." in heat._cells.value
    assert "Monotone" in part(app)._grid.pictures["load_duration"]._head.value


def test_a_pdf_of_the_section_has_the_pictures_as_tables(app: Dashboard) -> None:
    passage = part(app).passage()
    assert passage is not None
    titles = [getattr(block, "title", "") for block in passage.blocks]
    assert {"Critical and other load", "Load duration curve"} <= set(titles)


def test_new_data_that_change_nothing_send_nothing(app: Dashboard) -> None:
    grid = part(app)._grid
    before = {name: view.widget for name, view in grid.pictures.items()}
    app._data.version = "2"  # type: ignore[union-attr]
    app.refresh()
    assert {name: view.widget for name, view in grid.pictures.items()} == before

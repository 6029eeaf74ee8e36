"""The simulation in process: controls move the scenario, the scenario moves the controls."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid_lib.consumers.share import RatedShare
from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.parts.simulation import SimulationPart
from microgrid_lib.report.blocks import FigureBlock, TableBlock
from microgrid_lib.simulation.scenario import Scenario
from tests.dashboard.fakes import FakeLibrary

QUERY = "section=quality&tab=simulation&profile=gas_engine"


@pytest.fixture
def app(home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.setenv("QUERY_STRING", QUERY)
    return Dashboard("quality", library=library)


@pytest.fixture
def part(app: Dashboard) -> SimulationPart:
    found = app.panel.parts("simulation")[0]
    assert isinstance(found, SimulationPart)
    return found


def metric(part: SimulationPart, name: str) -> float | None:
    found = re.search(f'data-metric="{name}" data-value="([^"]*)"', part.metrics.value)
    assert found is not None
    return float(found.group(1)) if found.group(1) else None


def test_it_begins_with_the_newest_day_as_measured(part: SimulationPart) -> None:
    assert part.model.day == "2022-07-31"
    assert part.model.scenario == Scenario()
    assert part.day.day.value == date(2022, 7, 31)
    pair = part.model.pair
    assert pair.base.metrics == pair.scenario.metrics
    assert metric(part, "grid_import") == pair.scenario.metrics.energy_kwh.grid_import
    assert 'data-feasible="true"' in part.verdict.value


@pytest.mark.parametrize(
    ("control", "value", "setting", "expected"),
    [
        ("load", 130, "load_scale", 1.3),
        ("pv", 250, "pv_scale", 2.5),
        ("fuel_cell_set", False, "fuel_cell_kw", 0.0),
        ("battery", "import_target", "battery", "import_target"),
        ("soc_start_set", False, "soc_start", 0.0),
        ("soc_reserve", 60, "soc_reserve", 0.6),
        ("island_set", True, "island", "17:00-20:00"),
        ("load_step_kw", 50, "load_step_kw", 50.0),
        ("lost", "pv", "lost", ("pv",)),
    ],
)
def test_a_control_moves_the_scenario(
    part: SimulationPart, control: str, value: Any, setting: str, expected: Any
) -> None:
    getattr(part.controls, control).value = value
    assert getattr(part.model.scenario, setting) == expected
    assert getattr(part.model.pair.scenario.scenario, setting) == expected


@pytest.mark.parametrize(
    ("settings", "control", "value"),
    [
        ({"load_scale": 1.3}, "load", 130),
        ({"pv_scale": 0.5}, "pv", 50),
        ({"fuel_cell_kw": 42.0}, "fuel_cell", 42.0),
        ({"battery": "import_target"}, "battery", "import_target"),
        ({"soc_start": 0.8}, "soc_start", 80),
        ({"soc_reserve": 0.4}, "soc_reserve", 40),
        ({"island": "09:15-12:30"}, "island", ("09:15", "12:30")),
        ({"load_step_kw": 30.0, "load_step": "10:00-11:00"}, "load_step", ("10:00", "11:00")),
        ({"lost": ("genset",), "lost_from": "18:00"}, "lost_from", "18:00"),
    ],
)
def test_the_scenario_moves_a_control(
    part: SimulationPart, settings: dict[str, Any], control: str, value: Any
) -> None:
    part.model.change(**settings)
    assert getattr(part.controls, control).value == value
    assert getattr(part.controls, control).layout.display != "none"


def test_charts_show_the_scenario_beside_the_day_as_measured(part: SimulationPart) -> None:
    before = part.charts["base"]._chart.layers[0].high.copy()
    part.controls.load.value = 150
    base, power = part.charts["base"]._chart, part.charts["power"]._chart
    np.testing.assert_array_equal(base.layers[0].high, before)
    assert base.y_range == power.y_range
    np.testing.assert_allclose(power.lines[0].y, 1.5 * base.lines[0].y)
    voltage = part.charts["voltage"]._chart
    assert [line.setpoint for line in voltage.lines] == [False, False, False, True]
    assert voltage.lines[0].y.mean() < voltage.lines[3].y.mean()


def test_an_island_is_shaded_and_has_a_transient_with_trip_bands(part: SimulationPart) -> None:
    assert part.charts["transient"].widget not in part._grid.children
    part.controls.island_set.value = True
    (span,) = part.charts["soc"]._chart.spans
    assert (span.start, span.end) == (17 * 3600.0, 20 * 3600.0)
    chart = part.charts["transient"]._chart
    assert part.charts["transient"].widget in part._grid.children
    assert [(band.low, band.high) for band in chart.bands] == [(56.5, 62.0), (58.5, 61.2)]
    events = part.model.pair.scenario.events
    assert chart.lines[0].label == "islanding 17:00"
    assert chart.lines[0].y.min() == pytest.approx(events[0].transient.frequency_hz.min(), abs=2e-3)


def test_what_the_library_refuses_is_one_line_and_the_last_result_stays(
    part: SimulationPart,
) -> None:
    part.controls.load.value = 120
    good = part.model.pair
    part.controls.load.min = -1000
    part.controls.load.value = -500
    assert "load_scale -5 must be between 0 and 100" in part._problem.value
    assert part.model.pair is good
    assert part.model.scenario.load_scale == 1.2
    assert part.controls.load.value == 120
    part.controls.load.value = 125
    assert part._problem.value == ""


def test_a_day_without_data_is_one_line_and_the_day_stays(part: SimulationPart) -> None:
    part.day.day.value = date(2022, 7, 30)
    assert "has no data on 2022-07-30" in part._problem.value
    assert part.model.day == "2022-07-31"
    assert part.day.day.value == date(2022, 7, 31)


def test_arrows_go_to_days_with_data(part: SimulationPart) -> None:
    assert part.day.later.disabled
    part.day.earlier.click()
    assert part.model.day == "2022-07-29"
    assert part.day.day.value == date(2022, 7, 29)
    assert part.day.earlier.disabled


def test_the_average_of_the_period_and_back(app: Dashboard, part: SimulationPart) -> None:
    app.choices.change(period="7d")
    part.day.average.value = True
    assert part.model.day == "2022-07-25/2022-07-31"
    assert "average day of" in part.verdict.value
    part.day.average.value = False
    assert part.model.day == "2022-07-31"


def test_presets_are_scenarios_and_reset_takes_them_back(part: SimulationPart) -> None:
    names = part.day._names
    button = part.day.presets.children[names.index("island_empty")]
    button.click()
    assert part.model.scenario == Scenario(island="17:00-20:00", soc_start=0.3)
    assert "mod-active" in button._dom_classes
    part.day.reset.click()
    assert part.model.scenario == Scenario()
    assert "mod-active" not in button._dom_classes


def test_losing_each_source_follows_the_scenario(part: SimulationPart) -> None:
    rows = part.model.contingencies
    assert [row.lost for row in rows] == [None, "grid", "pv", "fuel_cell", "genset", "battery"]
    part.controls.load.value = 200
    assert part.model.contingencies != rows
    assert part.losses.value.count('<th scope="row">') == 6


def test_the_critical_share_may_be_the_consumers(app: Dashboard, part: SimulationPart) -> None:
    part.controls.by_consumers.value = True
    assert "no consumer of this site states a rated power" in part._problem.value
    assert not part.controls.by_consumers.value
    assert app._data is not None
    app._data.rated = RatedShare(share=0.25, rated_kw=80.0, counted=4, without=1)
    part.controls.by_consumers.value = True
    assert part.model.plant is not None
    assert part.model.plant.critical_share.value == 0.25
    assert "rated power of 4 consumers" in part._settings.value


def test_every_parameter_says_where_it_is_from(part: SimulationPart) -> None:
    plant = part.model.plant
    assert plant is not None
    origins = re.findall(r'mg-origin-(\w+)"', part._settings.value)
    assert origins == [row.source for row in plant.parameters()]
    assert "Load keeps its power whatever the voltage." in part._settings.value


def test_the_result_can_be_taken_along(part: SimulationPart) -> None:
    part.controls.island_set.value = True
    part.csv.model.prepare()
    lines = part.csv.model.file.content.decode().splitlines()
    assert len(lines) == 1441
    assert lines[0].startswith("time,load,pv,fuel_cell,genset,battery,grid,shed")
    assert part.csv.model.file.name == "simulation_mesa_del_sol_2022-07-31.csv"
    passage = part.passage()
    assert passage is not None
    figures = [block for block in passage.blocks if isinstance(block, FigureBlock)]
    tables = [block for block in passage.blocks if isinstance(block, TableBlock)]
    assert len(figures) == 6
    assert [len(table.rows) for table in tables][:2] == [25, 6]
    part.controls.load.value = 110
    assert part.csv.model.status == "idle"


def test_zooming_shows_single_minutes(part: SimulationPart) -> None:
    view = part.charts["power"]
    assert view._shown is not None
    assert view._shown.bucket_s == 180
    with view._x.hold_trait_notifications():
        view._x.min, view._x.max = 36000.0, 43200.0
    assert view._shown.bucket_s == 60
    assert len(view._shown.lines[0].x) == 120
    grid = part.model.pair.scenario.series["load"].to_numpy()
    np.testing.assert_allclose(view._shown.lines[0].y, grid[600:720])


def test_another_site_begins_with_what_it_has(app: Dashboard, part: SimulationPart) -> None:
    part.controls.soc_reserve.value = 50
    app.choices.change(site="trade_street")
    assert part.model.scenario == Scenario()
    assert part.controls.widget.children[1].layout.display == "none"
    assert part.model.problem == ""


def test_a_site_without_data_for_a_day_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERY_STRING", QUERY)
    library = FakeLibrary()
    app = Dashboard("quality", library=library)
    assert app._data is not None
    monkeypatch.setattr(app._data, "simulation_days", list)
    app._data.version = "2"
    app.refresh()
    (notice,) = app.panel.parts("simulation")[0].widget.children
    assert "no day has data" in notice.value


def test_french_is_french(app: Dashboard, part: SimulationPart) -> None:
    app.choices.change(language="fr")
    assert "Réalisable" in part.verdict.value
    assert "Puissances du scénario" in part.charts["power"]._head.value
    assert part.controls.load.description == "Conso. [%]"
    assert "Ce que le modèle ne dit pas" in part._settings.value

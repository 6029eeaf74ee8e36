"""The page in process: controls move the state, the state moves the controls."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid_lib.access import Actor, Role
from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.charts import ChartView
from microgrid_lib.errors import NoDataError
from tests.dashboard.fakes import FakeLibrary


def cards(app: Dashboard) -> dict[str, str]:
    """`data-value` by `data-kpi`, as a script reads the page."""
    html = numbers(app).view._cards.value
    return dict(re.findall(r'data-kpi="(\w+)" data-value="([^"]*)"', html))


def numbers(app: Dashboard) -> Any:
    """Cards and charts of the section looked at."""
    return app.panel.parts(app.choices.tab)[0]


def section_html(app: Dashboard) -> str:
    """Heading and cards of the section looked at."""
    return str(app.panel._heading.value + numbers(app).view._cards.value)


def shown_charts(app: Dashboard) -> list[str]:
    return [chart.name for chart in numbers(app).model.content.charts]


def test_cards_carry_the_values_in_full(app: Dashboard, library: FakeLibrary) -> None:
    data = library.open_site("mesa_del_sol", "as_published")
    span = data.span()
    assert span is not None
    window = data.window("2022-07-31", "2022-08-01")
    expected = data.kpis(window).kpis
    found = cards(app)
    assert found["renewable_share"] == "0.18203040506"
    assert found["battery_round_trip_efficiency"] == ""
    assert {name: float(v) for name, v in found.items() if v} == {
        name: expected[name].value for name in found if expected[name].value is not None
    }


def test_the_section_says_what_it_shows(app: Dashboard) -> None:
    html = section_html(app)
    assert 'data-section="production"' in html
    assert 'data-start="2022-07-31T00:00:00-07:00"' in html
    assert "coverage 99.6 %" in html
    assert "needs 3 full charges in the period (had 0.8): try 7 d" in html


def test_a_profile_without_a_gas_engine_has_no_card_for_it(app: Dashboard) -> None:
    assert "genset_energy" not in cards(app)
    assert shown_charts(app) == ["battery", "pv", "fuel_cell", "voltage"]
    app.choices.change(profile="gas_engine")
    assert "genset_energy" in cards(app)
    assert shown_charts(app) == ["battery", "pv", "fuel_cell", "genset", "voltage"]


def test_a_site_without_a_fuel_cell_says_so(app: Dashboard) -> None:
    app.choices.change(site="trade_street")
    assert "fuel_cell_energy" not in cards(app)
    assert shown_charts(app) == ["battery", "pv"]
    assert "this site has no" in section_html(app)


@pytest.mark.parametrize(
    ("control", "value", "name"),
    [
        ("site", "trade_street", "site"),
        ("profile", "gas_engine", "profile"),
        ("period", "7d", "period"),
    ],
)
def test_a_picker_moves_the_state(app: Dashboard, control: str, value: str, name: str) -> None:
    getattr(app.header, control).value = value
    assert getattr(app.choices, name) == value


@pytest.mark.parametrize(
    ("name", "value", "control"),
    [
        ("site", "trade_street", "site"),
        ("profile", "gas_engine", "profile"),
        ("period", "30d", "period"),
    ],
)
def test_the_state_moves_a_picker(app: Dashboard, name: str, value: str, control: str) -> None:
    app.choices.change(**{name: value})
    assert getattr(app.header, control).value == value


def test_custom_dates_are_days_with_both_ends_included(app: Dashboard) -> None:
    app.header.period.value = "custom"
    assert app.header.custom.layout.display is None
    assert app.header.first_day.value == app.header.last_day.value == date(2022, 7, 31)
    app.header.first_day.value = date(2022, 7, 29)
    assert (app.choices.start, app.choices.end) == ("2022-07-29", "2022-08-01")
    assert 'data-start="2022-07-29T00:00:00-07:00"' in section_html(app)


def test_a_reversed_period_is_one_line_and_changes_nothing(app: Dashboard) -> None:
    app.header.period.value = "custom"
    app.header.first_day.value = date(2022, 8, 9)
    assert "must be before" in app.frame.parts[1].children[0].children[0].value
    assert app.choices.start == "2022-07-31"
    assert app.header.first_day.value == date(2022, 7, 31)


def test_earlier_goes_back_by_the_length_of_the_window(app: Dashboard) -> None:
    app.frame.earlier.click()
    assert 'data-start="2022-07-30T00:00:00-07:00"' in section_html(app)
    app.frame.later.click()
    assert 'data-start="2022-07-31T00:00:00-07:00"' in section_html(app)


def test_a_window_without_data_is_a_notice_not_an_error(app: Dashboard) -> None:
    app.choices.change(period="custom", start="2025-01-01", end="2025-01-02")
    assert numbers(app).model.status == "empty"
    assert 'data-notice="empty"' in section_html(app)
    app.choices.change(period="24h")
    assert numbers(app).model.status == "ready"


def test_a_site_without_data_says_what_to_do(home: Path) -> None:
    app = Dashboard(library=FakeLibrary(empty=("mesa_del_sol",)))
    html = app.frame.body.widget.children[0].value
    assert "<code>microgrid demo</code>" in html
    assert "microgrid ingest --site mesa_del_sol" in html


def test_french_is_french(app: Dashboard) -> None:
    app.header.language.click()
    assert app.choices.language == "fr"
    html = section_html(app)
    assert "Part renouvelable" in html
    assert "18,2" in html
    assert app.header.language.description == "EN"
    assert dict(app.header.period.options)["Mois"] == "month"


def test_the_theme_goes_round_and_is_a_class_of_the_page(app: Dashboard) -> None:
    assert "mg-theme-auto" in app._dom_classes
    app.header.theme.click()
    assert "mg-theme-light" in app._dom_classes
    app.header.theme.click()
    assert "mg-theme-dark" in app._dom_classes
    assert "mg-theme-light" not in app._dom_classes
    app.header.theme.click()
    assert app.choices.theme == "auto"


def test_demo_data_is_labelled(app: Dashboard) -> None:
    assert "demo data" in app.header.title.value


def test_the_page_goes_where_its_address_points(
    home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUERY_STRING", "site=trade_street&period=7d&lang=fr")
    app = Dashboard(library=library)
    assert (app.choices.site, app.choices.period, app.choices.language) == (
        "trade_street",
        "7d",
        "fr",
    )


def test_a_wrong_address_is_one_line_and_shows_the_default(
    home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUERY_STRING", "site=%3Cb%3Eatlantis")
    app = Dashboard(library=library)
    problem = app.frame.parts[1].children[0].children[0].value
    assert "unknown site" in problem
    assert "<b>atlantis" not in problem
    assert numbers(app).model.status == "ready"


def test_the_page_may_only_ask_for_what_exists(app: Dashboard) -> None:
    app.bridge._in.value = "theme=dark"
    assert app.choices.theme == "dark"
    app.bridge._in.value = "query=site%3Dtrade_street"
    assert app.choices.site == "trade_street"
    app.bridge._in.value = "theme=%3Cscript%3E"
    assert app.choices.theme == "dark"


def test_new_data_is_drawn_and_unchanged_data_is_not(app: Dashboard) -> None:
    data = app._data
    assert data is not None
    before = data.queries
    app.refresh()
    assert data.queries == before
    data.version = "2"
    app.refresh()
    assert data.queries == before + 1


def test_a_section_is_built_when_it_is_first_shown(home: Path, library: FakeLibrary) -> None:
    app = Dashboard(library=library)
    panel = app.panel
    assert [name for name, p in app.panels.items() if p._parts] == [app.choices.section]
    part = numbers(app)
    app.choices.change(period="7d")
    assert app.panel is panel
    assert numbers(app) is part


def test_zooming_loads_the_stretch_at_a_finer_step(app: Dashboard) -> None:
    view: ChartView = numbers(app).view.charts["pv"]
    whole = view._shown
    assert whole is not None
    assert whole.bucket_s == 300
    with view._x.hold_trait_notifications():
        view._x.min, view._x.max = 36000.0, 39600.0
    stretch = view._shown
    assert stretch is not None
    assert stretch.bucket_s == 10
    assert stretch.x_range == (36000.0, 39600.0)
    assert [tick.label for tick in stretch.x_ticks] == [
        "10:00", "10:10", "10:20", "10:30", "10:40", "10:50", "11:00",
    ]  # fmt: skip
    with view._x.hold_trait_notifications():
        view._x.min, view._x.max = 36000.0, 36020.0
    assert (view._x.min, view._x.max) == (36000.0, 39600.0)
    view._all.click()
    assert view._shown is whole
    assert (view._x.min, view._x.max) == whole.x_range


def test_the_pointer_reads_the_values_below_it(app: Dashboard) -> None:
    view: ChartView = numbers(app).view.charts["fuel_cell"]
    view._pointer.selected = np.array([12 * 3600.0 + 10])
    assert "12:02" in view._legend.value
    assert "40.0 kW" in view._legend.value
    view._pointer.selected = np.array([2.5 * 3600])
    assert "n/a" in view._legend.value


def test_the_table_shows_what_the_chart_draws(app: Dashboard) -> None:
    view: ChartView = numbers(app).view.charts["fuel_cell"]
    assert view._table.value == ""
    view._table_button.value = True
    rows = re.findall(r"<tr>(<td>.*?)</tr>", view._table.value)
    assert len(rows) == 288
    assert re.findall(r"<td>(.*?)</td>", rows[24]) == ["31 Jul 2022 02:00", *["n/a"] * 4]
    assert re.findall(r"<td>(.*?)</td>", rows[0])[0] == "31 Jul 2022 00:00"
    assert re.findall(r"<td>(.*?)</td>", rows[0])[-1] == "40.00"


def test_marks_hold_what_was_prepared(app: Dashboard) -> None:
    view: ChartView = numbers(app).view.charts["battery"]
    chart = view._chart
    assert chart is not None
    gaps, _, _, zero, envelope, mean, _, setpoint = view._figure.marks
    np.testing.assert_array_equal(mean.y, chart.lines[0].y)
    np.testing.assert_array_equal(envelope.y, np.vstack([chart.lines[0].low, chart.lines[0].high]))
    assert setpoint.line_style == "dashed"
    assert zero.visible
    np.testing.assert_array_equal(gaps.x, [7200.0, 7200.0, 10800.0, 10800.0])


def test_an_error_keeps_the_page_and_offers_to_try_again(
    app: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise NoDataError("the store was moved")

    monkeypatch.setattr(app._data, "span", broken)
    app.refresh()
    row = app.frame.parts[1].children[0]
    assert row.layout.display is None
    assert "the store was moved" in row.children[0].value
    monkeypatch.undo()
    app.frame.retry.click()
    assert row.layout.display == "none"


def test_a_french_browser_gets_a_french_page_and_the_address_wins(
    home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_ACCEPT_LANGUAGE", "fr-FR,fr;q=0.9,en;q=0.8")
    assert Dashboard("production", library=library).choices.language == "fr"
    monkeypatch.setenv("QUERY_STRING", "lang=en")
    assert Dashboard("production", library=library).choices.language == "en"


def test_who_is_logged_in_can_log_out(app: Dashboard) -> None:
    assert app.header.visitor.value == ""
    app.header.show_visitor(Actor("<b>Ada", Role.operator), "/logout")
    app.choices.change(language="fr")
    assert "&lt;b&gt;Ada" in app.header.visitor.value
    assert '<a href="/logout">Se déconnecter</a>' in app.header.visitor.value

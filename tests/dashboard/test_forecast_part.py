"""The forecast tab: made once for its data, another role by choice, files to take."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from pypdf import PdfReader

from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.parts.forecast import ForecastPart
from microgrid_lib.errors import NoDataError
from microgrid_lib.forecast.forecast import forecast
from microgrid_lib.forecast.history import HourlyHistory
from microgrid_lib.forecast.shapes import ForecastReport
from tests.dashboard.fakes import FakeLibrary, FakeSiteData
from tests.forecast.histories import made_up

MADE: list[str] = []


@pytest.fixture(autouse=True)
def made_up_history(monkeypatch: pytest.MonkeyPatch) -> None:
    def history(_: FakeSiteData, role: str) -> HourlyHistory:
        if role == "grid":
            raise NoDataError("not one hour of grid has half of its samples")
        return made_up(40, role)

    def forecasting(data: FakeSiteData, role: str) -> ForecastReport:
        MADE.append(role)
        return forecast(history(data, role))

    MADE.clear()
    monkeypatch.setattr(FakeSiteData, "history", history, raising=False)
    monkeypatch.setattr(FakeSiteData, "forecast", forecasting, raising=False)


@pytest.fixture
def page(home: Any, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.setenv("QUERY_STRING", "section=quality&tab=forecast")
    return Dashboard("production", "quality", library=library)


def part(page: Dashboard) -> ForecastPart:
    found = page.panel.parts("forecast")[0]
    assert isinstance(found, ForecastPart)
    return found


def test_the_first_role_is_forecast_once_for_all_periods(page: Dashboard) -> None:
    assert page.choices.tab == "forecast"
    assert part(page).model.status == "ready"
    page.choices.change(period="7d")
    page.choices.change(language="fr")
    assert MADE == ["bus_voltage"]
    assert "Ce qu’elle vaut" in part(page)._words.value


def test_another_role_is_chosen_by_its_picker(page: Dashboard) -> None:
    part(page).role.value = "pv"
    assert part(page).model.content.report.role == "pv"
    assert part(page)._chart._chart is part(page).model.content.chart


def test_a_role_that_the_profile_does_not_have_changes_nothing(page: Dashboard) -> None:
    part(page)._model.choose("<b>")
    assert part(page).model.content.report.role == "bus_voltage"


def test_a_role_without_data_is_one_line_and_the_others_can_still_be_chosen(
    page: Dashboard,
) -> None:
    part(page).role.value = "grid"
    assert "not one hour of grid" in part(page)._notice.value
    part(page).role.value = "load"
    assert part(page)._notice.value == ""
    assert part(page).model.content.report.role == "load"


def test_the_csv_holds_the_hours(page: Dashboard) -> None:
    download = part(page)._csv
    download.button.click()
    file: Any = download.model.file
    rows = list(csv.reader(io.StringIO(file.content.decode())))
    assert file.name.startswith("forecast_made_up_bus_voltage_")
    assert len(rows) == 121


def test_the_pdf_has_the_words_and_the_tables(page: Dashboard) -> None:
    page.panel.download.button.click()
    file: Any = page.panel.download.model.file
    text = "\n".join(p.extract_text() for p in PdfReader(io.BytesIO(file.content)).pages)
    assert "A simple method is shown" in text.replace("\n", " ")
    assert "Days ahead" in text
    assert "Model card" in text


def test_another_language_stays_in_the_section(page: Dashboard) -> None:
    page.choices.change(language="fr")
    assert (page.choices.section, page.choices.tab) == ("quality", "forecast")
    assert page.frame.tabs.value == "quality"
    page.frame.tabs.value = "production"
    assert page.choices.section == "production"


def test_what_takes_long_says_that_it_is_computed_and_then_is_ready(page: Dashboard) -> None:
    said: list[str] = []
    page.choices.change(section="production")
    page.panels["quality"]._heading.observe(lambda change: said.append(change["new"]), "value")
    data: Any = page._data
    data.version = "2"
    page.panels["quality"]._shown = None
    page.choices.change(section="quality", tab="forecast")
    assert "Computing" in said[0]
    assert "data-section" not in said[0]
    assert 'data-section="quality"' in said[-1]


def test_new_data_are_forecast_anew(page: Dashboard) -> None:
    data: Any = page._data
    data.version = "2"
    page.refresh()
    assert MADE == ["bus_voltage", "bus_voltage"]

"""PDF of a section and of a chart, from the page."""

from __future__ import annotations

import io
from typing import Any

from pypdf import PdfReader

from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.downloads import Download


def text_of(download: Download) -> str:
    download.button.click()
    assert download.model.status == "ready", download.model.reason
    file: Any = download.model.file
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(file.content)).pages)


def test_a_section_on_paper_has_the_cards_of_the_page(app: Dashboard) -> None:
    app.choices.change(language="fr")
    text = text_of(app.panel.download)
    assert "Part renouvelable" in text
    assert "18,2" in text
    file: Any = app.panel.download.model.file
    assert file.name == "Production_mesa_del_sol_2022-07-31_2022-08-01.pdf"


def test_a_file_of_another_view_is_not_offered(app: Dashboard) -> None:
    text_of(app.panel.download)
    app.choices.change(period="7d")
    assert app.panel.download.model.status == "idle"


def test_a_chart_on_paper_is_the_stretch_looked_at(app: Dashboard) -> None:
    part: Any = app.panel.parts("")[0]
    view = part.view.charts["pv"]
    with view._x.hold_trait_notifications():
        view._x.min, view._x.max = 36000.0, 39600.0
    text = text_of(view._download)
    assert "10:00" in text
    assert "11:00" in text


def test_a_section_without_data_is_one_line(app: Dashboard) -> None:
    app.choices.change(period="custom", start="2025-01-01", end="2025-01-02")
    app.panel.download.button.click()
    assert app.panel.download.model.status == "failed"
    assert app.panel.download.model.reason

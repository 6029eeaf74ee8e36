"""The first page in process: headlines lead to sections, the state now says how old it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.parts.overview import OverviewPart
from microgrid_lib.dashboard.sections import SECTIONS
from tests.dashboard.fakes import FakeLibrary


@pytest.fixture
def app(home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.delenv("QUERY_STRING", raising=False)
    return Dashboard(library=library)


def part(app: Dashboard) -> OverviewPart:
    found = app.panels["overview"].parts("")[0]
    assert isinstance(found, OverviewPart)
    return found


def nodes(app: Dashboard) -> dict[str, str]:
    """`data-value` by node, of the wide drawing."""
    wide = part(app).flow._drawing.value.partition("mg-flow-narrow")[0]
    return dict(re.findall(r'data-node="(\w+)" data-value="([^"]*)"', wide))


def directions(app: Dashboard) -> dict[str, str]:
    html = part(app).flow._drawing.value
    return dict(re.findall(r'data-role="(\w+)" data-direction="(\w+)"', html))


def test_a_visitor_begins_with_the_overview(app: Dashboard) -> None:
    assert app.choices.section == "overview"
    assert next(iter(SECTIONS)) == "overview"
    assert part(app).model.status == "ready"


def test_the_flow_shows_the_roles_of_the_profile(app: Dashboard) -> None:
    assert list(nodes(app)) == ["pv", "fuel_cell", "battery", "load", "grid"]
    assert directions(app) == {
        "pv": "in", "fuel_cell": "in", "battery": "out", "load": "out", "grid": "out",
    }  # fmt: skip
    app.choices.change(profile="gas_engine")
    assert list(nodes(app)) == ["pv", "fuel_cell", "genset", "battery", "grid", "auxiliaries"]
    assert nodes(app)["auxiliaries"] == "24.5"
    assert directions(app)["auxiliaries"] == "out"
    app.choices.change(site="trade_street")
    assert list(nodes(app)) == ["pv", "battery", "load", "grid"]


def test_the_flow_says_in_words_what_gives_and_what_takes(app: Dashboard) -> None:
    said = part(app).model.content.flow.summary
    assert "PV gives" in said
    assert "Load takes" in said
    assert "way." not in said


def test_old_data_say_as_of_when(app: Dashboard) -> None:
    head = part(app).flow._head.value
    assert "As of 1 Aug 2022 00:00" in head
    assert "inlet temperature (31 Jul 2022 00:00)" in part(app).flow._note.value


def test_the_table_of_the_flow_has_every_role(app: Dashboard) -> None:
    flow = part(app).flow
    flow._table_button.value = True
    assert "<td>480.0 V</td>" in flow._table.value
    assert re.search(r"<td>24\shr</td>", flow._table.value)
    data = app._data
    assert data is not None
    assert flow._table.value.count("<tr>") == 1 + len(part(app).model.content.flow.rows)


def test_a_headline_leads_to_its_section(app: Dashboard) -> None:
    links = part(app).headlines.links
    assert links["production"].description == "Production ›"
    links["production"].click()
    assert app.choices.section == "production"
    app.choices.change(section="overview")
    assert app.panel is app.panels["overview"]


def test_a_page_of_its_own_leads_nowhere(home: Path, library: FakeLibrary) -> None:
    app = Dashboard("overview", library=library)
    assert part(app).headlines.links["production"].layout.display == "none"


def test_the_words_are_made_of_the_numbers_of_the_cards(app: Dashboard) -> None:
    words = " ".join(part(app).model.content.words)
    # 13.02 kW against the usual 10 kW.
    assert "PV gave" not in words or "30 % more" in words
    assert "2.90 kW off its set point" in words
    assert "96.0 % of the time it was commanded" in words
    assert "Missing: 1.1 % of the values of “PV”" in words


def test_headlines_follow_the_profile(app: Dashboard) -> None:
    def shown() -> list[str]:
        return [h.card.kpi for h in part(app).model.content.headlines]

    assert shown()[0] == "renewable_share"
    assert [c.name for c in part(app).model.content.charts] == ["sources", "load"]
    app.choices.change(profile="gas_engine")
    assert [c.name for c in part(app).model.content.charts] == ["sources", "grid"]


def test_french_is_french(app: Dashboard) -> None:
    app.choices.change(language="fr")
    assert "Au 1er août 2022" in part(app).flow._head.value
    assert "injection · déduit" in part(app).flow._drawing.value
    assert "En mots" in part(app)._words.value
    assert part(app).headlines.links["production"].tooltip == "Ouvrir Production"


def test_a_window_without_data_is_a_notice(app: Dashboard) -> None:
    app.choices.change(period="custom", start="2025-01-01", end="2025-01-02")
    assert 'data-notice="empty"' in part(app)._notice.value
    assert part(app)._row.layout.display == "none"
    app.choices.change(period="24h")
    assert part(app)._notice.layout.display == "none"
    assert part(app)._row.layout.display is None


def test_what_did_not_change_is_not_sent_again(app: Dashboard) -> None:
    sent: list[Any] = []
    part(app).flow._drawing.observe(sent.append, "value")
    part(app)._words.observe(sent.append, "value")
    app._data.version = "2"  # type: ignore[union-attr]
    app.refresh()
    assert sent == []


def test_a_pdf_of_the_page_has_words_and_the_state(app: Dashboard) -> None:
    passage = part(app).passage()
    assert passage is not None
    kinds = [type(block).__name__ for block in passage.blocks]
    assert kinds == ["Cards", "Paragraph", "TableBlock", "FigureBlock", "FigureBlock"]


def test_a_live_site_with_fresh_data_says_now(app: Dashboard) -> None:
    from microgrid_lib.present.flow import flow_picture

    data = app._data
    assert data is not None
    newest = data.newest()
    site = data.site.model_copy(update={"live": True})
    profile = site.profile("as_published")
    fresh = flow_picture(newest, profile, app.texts, newest.time + timedelta(seconds=12))
    assert fresh.title == "Now"
    late = flow_picture(newest, profile, app.texts, datetime(2022, 8, 1, 9, tzinfo=UTC))
    assert late.title.startswith("As of 1 Aug 2022 00:00")
    assert late.fresh.level == "old"
    assert late.rows[0][3] == "2 hr"

"""Grid quality in process: verdicts in words, excursions that zoom the charts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.report.blocks import TableBlock
from tests.dashboard.fakes import FakeLibrary


@pytest.fixture
def app(home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.delenv("QUERY_STRING", raising=False)
    return Dashboard("quality", library=library)


def measured(app: Dashboard) -> Any:
    return app.panel.parts("measured")[0]


def test_the_cards_and_both_charts_are_there(app: Dashboard) -> None:
    part = measured(app)
    assert 'data-kpi="voltage_compliance" data-value="0.992"' in part.numbers._cards.value
    assert list(part.numbers.charts) == ["quality_voltage", "quality_frequency"]


def test_a_verdict_is_a_sign_and_a_word_with_its_reason(app: Dashboard) -> None:
    html = measured(app)._compliance.value
    failed, indicative = re.findall(r"<tr data-verdict=.*?</tr>", html)
    assert "✕" in failed
    assert "fail" in failed
    assert ">1,000<" in failed
    assert ">8<" in failed
    assert ">99.20\N{NO-BREAK SPACE}%<" in failed
    assert "less than half of the intervals are valid" in indicative
    assert "0 pass, 1 fail, 1 indicative, 0 not judged." in html
    assert "N1: those outside the limits." in html
    assert "flicker: not observable in 10-second data" in html


def test_islands_are_shaded_and_named(app: Dashboard) -> None:
    view = measured(app).numbers.charts["quality_voltage"]
    (span,) = view._chart.spans
    assert (span.start, span.end) == (20 * 3600.0, 22 * 3600.0)
    assert "island mode" in view._legend.value


def test_choosing_an_excursion_zooms_both_charts_to_it(app: Dashboard) -> None:
    part = measured(app)
    part.excursions.lines[2].button.click()
    for view in part.numbers.charts.values():
        # 07:00:00 to 07:00:40, with five minutes either side.
        assert view._shown.x_range == (7 * 3600.0 - 300, 7 * 3600.0 + 340)
        assert view._x.min == 7 * 3600.0 - 300
    part.numbers.charts["quality_voltage"]._all.click()
    assert part.numbers.charts["quality_voltage"]._x.min == 0


def test_excursions_are_shown_some_at_a_time(app: Dashboard) -> None:
    listed = measured(app).excursions
    assert len(listed._list.children) == 8
    listed.later.click()
    assert len(listed._list.children) == 2
    assert listed.later.disabled
    assert "14:00:00" in listed.lines[1]._text.value
    listed.lines[1].button.click()
    assert measured(app).numbers.charts["quality_voltage"]._x.min == 14 * 3600.0 - 300
    listed.earlier.click()
    assert listed.earlier.disabled


def test_the_scale_fits_the_values_on_request(app: Dashboard) -> None:
    view = measured(app).numbers.charts["quality_voltage"]
    assert view._y.min <= 440
    view._close.value = True
    assert 475 <= view._y.min < view._y.max <= 490
    view._close.value = False
    assert view._y.min <= 440


def test_a_site_without_meters_of_quality_says_so(app: Dashboard) -> None:
    app.choices.change(site="trade_street")
    (notice,) = measured(app).widget.children
    assert "measures neither voltage nor frequency" in notice.value
    app.choices.change(site="mesa_del_sol")
    assert len(measured(app).widget.children) == 3


def test_french_is_french(app: Dashboard) -> None:
    app.choices.change(language="fr")
    part = measured(app)
    assert "non conforme" in part._compliance.value
    assert "Montrer" in part.excursions.lines[0].button.description
    assert "îlotage" in part.numbers.charts["quality_voltage"]._legend.value


def test_the_section_on_paper_has_its_verdicts_and_excursions(app: Dashboard) -> None:
    blocks = measured(app).passage().blocks
    excursions, verdicts = (block for block in blocks if isinstance(block, TableBlock))
    assert len(excursions.rows) == 10
    assert verdicts.rows[0][-1] == "fail"

"""The Storage section in process: what is drawn, and acknowledging an alert, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from traitlets import TraitError

from microgrid_lib.access import AccessDeniedError, Actor, Role
from microgrid_lib.dashboard import page as page_module
from microgrid_lib.dashboard.app import Dashboard
from microgrid_lib.dashboard.parts.alerts import AlertsPart
from microgrid_lib.dashboard.parts.storage import StoragePart
from microgrid_lib.kpi.alert_log import MAX_NOTE
from microgrid_lib.window import Window
from tests.dashboard.fakes import END, FakeLibrary, FakeSiteData

DAY = Window(END - timedelta(days=1), END)
ANA = Actor("Ana", Role.operator)
BOB = Actor("Bob", Role.operator)
EVE = Actor("Eve", Role.viewer)


@pytest.fixture
def visit(
    home: Path, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Dashboard]:
    """Opens the section as someone."""

    def come(actor: Actor = ANA, period: str = "7d", lang: str = "en") -> Dashboard:
        monkeypatch.setattr(page_module, "current_visitor", lambda: actor)
        monkeypatch.setenv("QUERY_STRING", f"period={period}&lang={lang}")
        return Dashboard("storage", library=library)

    return come


def numbers(app: Dashboard) -> StoragePart:
    part = app.panel.parts("")[0]
    assert isinstance(part, StoragePart)
    return part


def alerts(app: Dashboard) -> AlertsPart:
    part = app.panel.parts("")[1]
    assert isinstance(part, AlertsPart)
    return part


def data_of(app: Dashboard) -> FakeSiteData:
    assert isinstance(app._data, FakeSiteData)
    return app._data


def listed(app: Dashboard) -> list[str]:
    """Kinds in the table, as a script reads it."""
    ids = re.findall(r'<tr data-alert="([^"]+)"', alerts(app)._table.value)
    return [alert.rsplit("-", 2)[0] for alert in ids]


def states(app: Dashboard) -> dict[str, str]:
    html = alerts(app)._states.value
    return dict(re.findall(r'data-alert-kind="(\w+)" data-state="(\w+)"', html))


def choose(app: Dashboard, name: str) -> str:
    """Choose an alert in the form."""
    form = alerts(app).form
    chosen = next(a for _, a in form.pick.options if a.startswith(name))
    form.pick.value = chosen
    return str(chosen)


def test_charts_and_bars_hold_what_was_prepared(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    part = numbers(app)
    content = part.model.content
    assert list(part.view.charts) == ["soc", "battery", "contribution"]
    soc = content.charts[0]
    marks = part.view.charts["soc"]._figure.marks
    drawn = [m for m in marks if np.array_equal(np.asarray(m.y), soc.lines[0].y)]
    assert len(drawn) == 1
    assert part.energy._drawing.value.count("<rect") == 3 * 7
    part.energy.table_button.value = True
    assert part.energy._table.value.count("<tr>") == 1 + 7


def test_zooming_the_state_of_charge_asks_the_library_again(
    visit: Callable[..., Dashboard],
) -> None:
    view = numbers(visit()).view.charts["soc"]
    with view._x.hold_trait_notifications():
        view._x.min, view._x.max = 36000.0, 39600.0
    assert view._shown is not None
    assert view._shown.x_range == (36000.0, 39600.0)
    assert view._shown.lines[0].x[0] == 36000.0


def test_states_are_named_and_never_only_coloured(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    assert states(app)["battery_low"] == "warning"
    assert states(app)["bus_voltage"] == "ok"
    assert len(states(app)) == 8
    html = alerts(app)._states.value
    assert html.count('<span class="mg-state') == len(re.findall(r"</span> [a-z/]+</span>", html))


def test_a_site_without_a_fuel_cell_says_why_it_has_no_state(
    visit: Callable[..., Dashboard],
) -> None:
    app = visit()
    app.choices.change(site="trade_street")
    assert states(app)["fuel_cell_failed"] == "undefined"
    assert "this site has no fuel cell" in alerts(app)._states.value
    assert "no chart of the state of charge" in numbers(app).view._cards.value
    assert listed(app) == []
    assert alerts(app).form.widget.layout.display == "none"
    app.choices.change(site="mesa_del_sol")
    assert alerts(app).form.widget.layout.display is None


def test_energies_without_data_are_a_sentence(
    visit: Callable[..., Dashboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit()
    frame = data_of(app).energies(["fuel_cell", "battery_discharge", "battery_charge"], DAY)
    frame[["fuel_cell", "battery_discharge", "battery_charge"]] = np.nan
    monkeypatch.setattr(data_of(app), "energies", lambda *_: frame)
    app.choices.change(period="24h")
    assert "No data in this period." in numbers(app).energy._drawing.value
    assert numbers(app).energy._legend.value == ""


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("all", ["battery_low", "fuel_cell_failed", "bus_voltage"]),
        ("active", ["battery_low"]),
        ("open", ["battery_low", "fuel_cell_failed", "bus_voltage"]),
    ],
)
def test_the_filter_works_from_both_sides(
    visit: Callable[..., Dashboard], chosen: str, names: list[str]
) -> None:
    app = visit()
    part = alerts(app)
    part.filter.value = chosen
    assert part.model.filter == chosen
    assert listed(app) == names
    part.model.filter = "all"
    assert part.filter.value == "all"
    part.model.filter = chosen
    assert part.filter.value == chosen
    assert listed(app) == names


def test_a_filter_that_does_not_exist_is_refused(visit: Callable[..., Dashboard]) -> None:
    part = alerts(visit())
    with pytest.raises(TraitError):
        part.model.filter = "mine"
    assert part.model.filter == "all"


def test_pressing_an_alert_shows_its_time_and_the_charts_follow(
    visit: Callable[..., Dashboard],
) -> None:
    app = visit()
    voltage = data_of(app).happened[0]
    alerts(app)._picks.field.value = f"show:{voltage.id}"
    assert app.choices.period == "custom"
    window = numbers(app).model.loaded.window
    assert window.start < voltage.start < window.end
    assert window.duration < timedelta(hours=1)
    assert listed(app) == ["bus_voltage"]


def test_an_alert_is_chosen_in_the_table_or_in_the_form(
    visit: Callable[..., Dashboard],
) -> None:
    app = visit()
    part = alerts(app)
    assert part.form.send.disabled
    failed = data_of(app).happened[1].id
    part._picks.field.value = f"choose:{failed}"
    assert part.draft.alert == part.form.pick.value == failed
    assert not part.form.send.disabled
    assert f'data-alert="{failed}" class="mg-chosen"' in part._table.value
    low = choose(app, "battery_low")
    assert part.draft.alert == low
    part.draft.alert = failed
    assert part.form.pick.value == failed
    part.form.show.click()
    assert app.choices.period == "custom"


@pytest.mark.parametrize("picked", ["choose:nothing", "show:nothing", "choose:", "<b>", "x" * 999])
def test_a_browser_may_only_pick_what_is_there(
    visit: Callable[..., Dashboard], picked: str
) -> None:
    app = visit()
    alerts(app)._picks.field.value = picked
    assert alerts(app).draft.alert == ""
    assert app.choices.period == "7d"
    with pytest.raises(TraitError):
        alerts(app).draft.alert = "nothing"


def test_acknowledging_writes_who_when_and_what(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    part = alerts(app)
    failed = choose(app, "fuel_cell_failed")
    part.form.note.value = "restarted <b>by hand</b>"
    assert part.draft.note == part.form.note.value
    part.form.send.click()
    seen = data_of(app).acknowledgements()[failed]
    assert (seen.by, seen.note) == ("Ana", "restarted <b>by hand</b>")
    assert "Acknowledged:" in part.form._said.value
    assert part.form.note.value == part.form.pick.value == ""
    assert "restarted &lt;b&gt;by hand&lt;/b&gt;" in part._table.value
    assert "<b>by hand" not in part._table.value
    part.filter.value = "open"
    assert listed(app) == ["battery_low", "bus_voltage"]


def test_a_viewer_is_told_and_refused_whatever_the_browser_sets(
    visit: Callable[..., Dashboard],
) -> None:
    app = visit(EVE)
    part = alerts(app)
    choose(app, "battery_low")
    assert part.form.send.disabled
    assert part.form.note.disabled
    assert "Eve looks on as viewer" in part.form._said.value
    part.form.send.disabled = part.form.note.disabled = False
    part.form.note.value = "I was here"
    part.form.send.click()
    assert "may not acknowledge alerts" in part.form._said.value
    assert data_of(app).acknowledgements() == {}
    with pytest.raises(AccessDeniedError):
        data_of(app).acknowledge(part.draft.alert, EVE, "straight")


def test_who_was_faster_is_named_and_the_note_is_kept(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    part = alerts(app)
    low = choose(app, "battery_low")
    part.form.note.value = "half a"
    data_of(app).acknowledge(low, BOB, "on it")
    part.form.send.click()
    assert "Bob acknowledged this on" in part.form._said.value
    assert 'role="alert"' in part.form._said.value
    assert part.form.note.value == "half a"
    assert "on it" in part._table.value
    assert low not in [alert for _, alert in part.form.pick.options]


def test_an_acknowledgement_elsewhere_arrives_with_the_next_look(
    visit: Callable[..., Dashboard],
) -> None:
    app = visit()
    data_of(app).acknowledge(data_of(app).happened[2].id, BOB, "on it")
    app._look()
    assert "Bob, " in alerts(app)._table.value


def test_new_data_leave_what_is_being_written(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    part = alerts(app)
    oldest = choose(app, "bus_voltage")
    part.form.note.value = "half a no"
    drawn = []
    part.form.note.observe(drawn.append, "value")
    widgets = (part.form.pick, part.form.note, part.widget.children)
    data = data_of(app)
    data.happened, data.version = data.happened[1:], "2"
    app._look()
    assert listed(app) == ["battery_low", "fuel_cell_failed"]
    assert (part.form.pick, part.form.note, part.widget.children) == widgets
    assert (part.form.pick.value, part.form.note.value) == (oldest, "half a no")
    assert drawn == []


def test_without_news_nothing_is_drawn_again(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    written = []
    for html in (alerts(app)._table, alerts(app)._states, alerts(app)._timeline):
        html.observe(written.append, "value")
    data_of(app).version = "2"
    app._look()
    assert written == []


def test_a_note_is_cut_where_the_log_would_refuse_it(visit: Callable[..., Dashboard]) -> None:
    part = alerts(visit())
    part.form.note.value = "x" * (MAX_NOTE + 5)
    assert len(part.draft.note) == MAX_NOTE
    assert len(part.form.note.value) == MAX_NOTE


def test_a_window_without_data_is_a_notice(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    app.choices.change(period="custom", start="2025-01-01", end="2025-01-02")
    assert "mg-notice" in numbers(app).view._cards.value
    app.choices.change(period="7d")
    assert listed(app) == ["battery_low", "fuel_cell_failed", "bus_voltage"]


def test_french_is_french(visit: Callable[..., Dashboard]) -> None:
    app = visit(EVE, lang="fr")
    part = alerts(app)
    assert "État de charge" in numbers(app).view._cards.value
    assert "Pile à combustible défaillante" in part._table.value
    assert part.form.send.description == "Acquitter"
    assert dict(part.filter.options)["Non acquittées"] == "open"
    assert "consulte en lecture seule" in part.form._said.value


def test_a_document_has_states_history_and_energies(visit: Callable[..., Dashboard]) -> None:
    app = visit()
    part = alerts(app)
    part.filter.value = "active"
    passage = part.passage()
    assert passage is not None
    shown, history = passage.blocks
    assert len(shown.rows) == 8  # type: ignore[union-attr]
    assert [row[3].split(":")[0] for row in history.rows] == ["Battery low"]  # type: ignore[union-attr]
    written = numbers(app).passage()
    assert written is not None
    assert written.blocks[-1].rows[0][1:] == ("1.0", "1.0", "1.0")  # type: ignore[union-attr]

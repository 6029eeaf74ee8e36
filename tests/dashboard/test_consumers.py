"""The consumers' page in process: whole ways from a click to the store and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from microgrid_lib.consumers.importing import import_content
from microgrid_lib.consumers.reading import ImportFormat
from microgrid_lib.dashboard.parts.consumers_files import MAX_UPLOAD_BYTES
from microgrid_lib.dashboard.sections import SECTIONS
from tests.consumers.drafts import HOSTILE, SITE, draft
from tests.dashboard.consumers_page import ADA, OLGA, VICTOR, Visit, loaded

GOOD = "name,type,kind,latitude,longitude\nPump,critical,water,35,-106.6\n"


@pytest.fixture
def visit(home: Path) -> Iterator[Visit]:
    visited = Visit()
    yield visited
    visited.others.close()
    visited.part.desk.store.close()


def test_the_section_is_registered() -> None:
    (make,) = SECTIONS["consumers"].tabs[""]
    assert type(make(Visit.__new__(Visit))).__name__ == "ConsumersPart"  # type: ignore[arg-type]


def test_a_click_on_the_map_and_a_filled_form_are_a_consumer(visit: Visit) -> None:
    assert not visit.shown(visit.part.form._form)
    click_map(visit, 35.0012345678, -106.6)
    assert visit.shown(visit.part.form._form)
    assert visit.part.form.fields["latitude"].value == "35.001235"
    visit.fill(name="  Clinic ", type="critical", kind="hospital", rated_power_kw="12.5")
    visit.part.form.save.click()
    assert visit.message == "“Clinic” is added."
    (one,) = visit.others.select()
    assert (one.draft, one.created_by) == (
        draft(latitude=35.001235, rated_power_kw=12.5, longitude=-106.6),
        "olga",
    )
    assert visit.names == ["Clinic"]
    assert 'data-total="critical" data-count="1" data-power="12.5"' in visit.part.list.totals.value
    assert len(visit.part.map._points.data["features"]) == 1


def test_a_click_on_another_copy_of_the_world_is_the_same_place(visit: Visit) -> None:
    click_map(visit, 35, -106.6 + 720)
    assert float(visit.part.form.fields["longitude"].value) == pytest.approx(-106.6)


def test_mistakes_stand_at_their_fields_and_nothing_is_stored(visit: Visit) -> None:
    visit.part.form.new.click()
    visit.fill(name="x" * 51, latitude="95")
    assert problems(visit) == {
        "name": "At most 50 characters.",
        "latitude": "From −90 to 90 degrees; north is positive.",
    }
    visit.part.form.save.click()
    assert list(problems(visit)) == ["name", "type", "kind", "latitude", "longitude"]
    assert visit.message == "Not saved: mend the marked fields."
    assert visit.stored() == {}
    visit.fill(name="x")
    assert "name" not in problems(visit)


def test_a_french_reader_writes_decimal_commas(visit: Visit) -> None:
    visit.part.load(loaded(language="fr"))
    visit.part.form.new.click()
    visit.fill(name="École", type="critical", kind="school", latitude="35,5", longitude="-106,25")
    assert visit.part.map._pin.location == [35.5, -106.25]
    visit.part.form.save.click()
    assert visit.others.select()[0].latitude == 35.5
    assert visit.message == "«\xa0École\xa0» est ajouté."
    assert "−106,25000" in visit.part.list.table.value
    assert visit.part.form.fields["latitude"].value == "35,5"
    visit.part.load(loaded(language="en"))
    assert visit.part.form.fields["latitude"].value == "35.5"
    assert not visit.part.editor.dirty


def test_an_english_reader_does_not(visit: Visit) -> None:
    visit.part.form.new.click()
    visit.fill(latitude="35,5")
    assert "with a decimal point" in problems(visit)["latitude"]


def test_a_point_and_a_row_open_the_same_form(visit: Visit) -> None:
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.part.load(loaded())
    click_point(visit, one.id)
    assert visit.part.form.fields["name"].value == "Clinic"
    assert 'aria-current="true"' in visit.part.list.table.value
    assert "Added by ada" in visit.part.form._history.value
    visit.part.form.cancel.click()
    visit.pick(one.id)
    assert visit.part.form.fields["rated_power_kw"].value == "120"
    assert visit.part.map._pin.location == [35.0, -106.6]


def test_a_dragged_pin_changes_the_form_and_only_saving_stores_it(visit: Visit) -> None:
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.pick(one.id)
    visit.part.map._pin.location = [35.002, -106.601]
    assert visit.part.form.fields["latitude"].value == "35.002"
    assert visit.others.get(one.id).version == 1
    visit.part.form.save.click()
    changed = visit.others.get(one.id)
    assert (changed.latitude, changed.longitude, changed.version) == (35.002, -106.601, 2)
    assert "Latitude [°]: 35.00000 → 35.00200" in visit.part.form._history.value


def test_coordinates_written_by_keyboard_move_the_pin(visit: Visit) -> None:
    visit.part.form.new.click()
    assert visit.part.map._pin is None
    visit.fill(latitude="35.003", longitude="-106.6")
    assert visit.part.map._pin.location == [35.003, -106.6]
    visit.fill(latitude="nonsense")
    assert visit.part.map._pin is None


def test_what_is_half_written_is_not_lost_to_a_click(visit: Visit) -> None:
    one = visit.others.add(SITE, draft(), ADA)
    visit.part.form.new.click()
    visit.fill(name="Half")
    for act in (lambda: visit.pick(one.id), lambda: click_point(visit, one.id)):
        visit.part.load(loaded())
        act()
        assert visit.part.form.fields["name"].value == "Half"
        assert visit.message == "Save or cancel what you have written first."


def test_changes_of_others_arrive_without_losing_the_form(visit: Visit) -> None:
    visit.part.form.new.click()
    visit.fill(name="Half", latitude="35.")
    visit.others.add(SITE, draft(name="Theirs"), ADA)
    assert visit.part.stale(loaded())
    visit.part.load(loaded())
    assert not visit.part.stale(loaded())
    assert visit.names == ["Theirs"]
    assert visit.part.form.fields["name"].value == "Half"
    assert visit.part.form.fields["latitude"].value == "35."


def test_an_open_consumer_follows_others_until_something_is_written(visit: Visit) -> None:
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.pick(one.id)
    visit.others.update(one.id, 1, draft(name="Ada's"), ADA)
    visit.part.load(loaded())
    assert visit.part.form.fields["name"].value == "Ada's"
    visit.fill(notes="mine")
    visit.others.update(one.id, 2, draft(name="Again"), ADA)
    visit.part.load(loaded())
    assert visit.part.form.fields["notes"].value == "mine"
    assert "ada has changed this consumer meanwhile" in visit.part.form._hint.value


def test_a_conflict_shows_both_versions_and_waits(visit: Visit) -> None:
    one = clash(visit)
    html = visit.part.form.conflict.table.value
    assert re.search(r"mg-different.*?Name.*?Mine.*?Theirs", html)
    assert html.count("mg-different") == 1
    assert "ada changed this consumer on" in html
    assert visit.stored() == {"Theirs": 2}
    assert not visit.shown(visit.part.form._actions)
    visit.part.form.conflict.back.click()
    visit.part.form.save.click()
    assert visit.shown(visit.part.form.conflict.widget)
    assert visit.others.get(one.id).version == 2


def test_a_conflict_can_be_given_up(visit: Visit) -> None:
    clash(visit)
    visit.part.form.conflict.theirs.click()
    assert visit.part.form.fields["name"].value == "Theirs"
    assert visit.stored() == {"Theirs": 2}
    assert not visit.shown(visit.part.form.conflict.widget)


def test_a_conflict_can_be_overwritten_knowingly(visit: Visit) -> None:
    one = clash(visit)
    visit.part.form.conflict.mine.click()
    assert visit.stored() == {"Mine": 3}
    assert [e.actor for e in visit.others.history(one.id)] == ["olga", "ada", "ada"]


def test_what_changes_during_a_conflict_is_a_conflict_again(visit: Visit) -> None:
    one = clash(visit)
    visit.others.update(one.id, 2, draft(name="Third"), ADA)
    visit.part.form.conflict.mine.click()
    assert "Third" in visit.part.form.conflict.table.value
    assert visit.stored() == {"Third": 3}


def test_what_others_deleted_can_be_brought_back(visit: Visit) -> None:
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.pick(one.id)
    visit.fill(name="Mine")
    visit.others.delete(one.id, 1, ADA)
    visit.part.form.save.click()
    assert "ada deleted this consumer" in visit.part.form.conflict.table.value
    visit.part.form.conflict.mine.click()
    assert visit.stored() == {"Mine": 4}


def test_deleting_asks_first_and_can_be_undone(visit: Visit) -> None:
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.pick(one.id)
    visit.part.form.delete.click()
    assert visit.stored() == {"Clinic": 1}
    visit.part.form.ask.click()
    assert "Delete “Clinic”?" in visit.part.form._question.value
    visit.part.form.keep.click()
    assert not visit.shown(visit.part.form.confirm)
    visit.part.form.ask.click()
    visit.part.form.delete.click()
    assert visit.stored() == {}
    assert visit.names == []
    assert "“Clinic” is deleted." in visit.part.bar.gone.value
    visit.part.bar.undo.click()
    assert visit.stored() == {"Clinic": 3}
    assert visit.names == ["Clinic"]
    assert not visit.shown(visit.part.bar._undo_row)


def test_what_others_changed_is_not_deleted_unseen(visit: Visit) -> None:
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.pick(one.id)
    visit.others.update(one.id, 1, draft(name="Theirs"), ADA)
    visit.part.form.ask.click()
    visit.part.form.delete.click()
    assert visit.stored() == {"Theirs": 2}
    assert visit.part.form.conflict.mine.description == "Delete it nevertheless"
    visit.part.form.conflict.mine.click()
    assert visit.stored() == {}


def test_the_list_is_filtered_sorted_and_turned(visit: Visit) -> None:
    for number in range(60):
        kind = "hospital" if number % 2 else "water"
        visit.others.add(SITE, draft(name=f"N{number:02d}", kind=kind, rated_power_kw=number), ADA)
    visit.part.load(loaded())
    assert visit.names == [f"N{n:02d}" for n in range(25)]
    visit.part.list.later.click()
    assert visit.names[0] == "N25"
    assert "26–50 of 60" in visit.part.list._where.value
    visit.send("sort:rated_power_kw")
    visit.send("sort:rated_power_kw")
    assert visit.names[:2] == ["N59", "N58"]
    assert 'aria-sort="descending"' in visit.part.list.table.value
    visit.part.list.size.value = 100
    assert len(visit.names) == 60
    visit.part.filter.kind.value = "water"
    assert len(visit.names) == 30
    assert 'data-total="all" data-count="30"' in visit.part.list.totals.value
    visit.part.filter.search.value = "n5"
    assert visit.names == ["N58", "N56", "N54", "N52", "N50"]
    assert len(visit.part.shelf.listing.found) == 5
    visit.part.filter.search.value = "%' OR 1=1 --"
    assert visit.names == []
    assert "No consumer matches the filter" in visit.part.list.table.value
    visit.part.filter.clear.click()
    assert len(visit.names) == 60


def test_a_file_is_examined_before_it_is_imported(visit: Visit) -> None:
    upload(visit, "list.csv", GOOD + "B,vital,water,95,x\n")
    html = visit.part.imports.report.value
    assert "1 new · 1 refused" in html
    assert html.index('data-row="3"') < html.index('data-row="2"')
    assert "Choose critical or non-critical." in html
    assert not visit.shown(visit.part.imports.apply)
    visit.part.imports.apply.click()
    upload(visit, "list.csv", GOOD)
    assert visit.stored() == {}
    assert visit.part.imports.apply.description == "Import all (1)"
    visit.part.imports.apply.click()
    assert visit.stored() == {"Pump": 1}
    assert visit.names == ["Pump"]
    assert "list.csv is imported (1 rows)." in visit.message
    assert visit.others.log()[0].source == "list.csv"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.pdf", b"x", "list.pdf: is neither .csv nor .geojson"),
        ("list.csv", b"\xff", "list.csv: isn't UTF-8 text (byte 0)"),
        ("<b>\x00.csv", b"", "&lt;b&gt;.csv: is empty"),
        ("big.csv", b" " * (MAX_UPLOAD_BYTES + 1), "big.csv is larger than 8 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    visit: Visit, name: str, content: bytes, said: str
) -> None:
    upload(visit, name, content)
    assert said in visit.part.bar.text.value.replace("&#x27;", "'")
    assert visit.part.imports.report.value == ""


def test_a_file_refused_by_the_browser_is_one_line(visit: Visit) -> None:
    visit.part.imports.inbox.widget.value = "large:my list.csv 17"
    assert visit.message.startswith("my list.csv is larger than 8 MB")


@pytest.mark.parametrize("kind", ["csv", "geojson", "json", "markdown", "xlsx", "pdf"])
def test_the_filtered_list_is_exported(visit: Visit, kind: str) -> None:
    for name in ("Clinic", "Pump"):
        visit.others.add(SITE, draft(name=name), ADA)
    visit.part.load(loaded())
    visit.part.filter.search.value = "pump"
    download = visit.part.exports.downloads[kind]
    download.button.click()
    file = download.model.file
    assert file is not None, download.model.reason
    assert file.name.startswith("Consumers_mesa_del_sol.")
    if kind in {"csv", "geojson"}:
        report = import_content(
            visit.others, file.content, ImportFormat(kind), file.name, SITE, ADA, dry_run=True
        )
        assert [(row.name, str(row.action)) for row in report.rows] == [("Pump", "unchanged")]
    elif kind in {"json", "markdown"}:
        assert b"Pump" in file.content
        assert b"Clinic" not in file.content
    else:
        assert file.content[:4] in (b"PK\x03\x04", b"%PDF")


def test_the_section_on_paper_is_the_filtered_list(visit: Visit) -> None:
    visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.others.add(SITE, draft(name="Pump", type="non-critical", rated_power_kw=None), ADA)
    visit.part.load(loaded())
    visit.part.filter.type.value = "critical"
    passage = visit.part.passage()
    assert passage is not None
    note, table = passage.blocks
    assert note.text.startswith("Filtered: Critical. All consumers: 1 (120 kW rated)")
    assert [row[:4] for row in table.rows] == [("Clinic", "Critical", "Hospital", "120")]


def test_a_site_has_its_own_consumers(visit: Visit) -> None:
    visit.others.add(SITE, draft(name="Here"), ADA)
    there = draft(name="There", latitude=32.89, longitude=-117.15)
    elsewhere = visit.others.add("trade_street", there, ADA)
    visit.part.load(loaded())
    visit.pick(elsewhere.id)
    assert "there is no such consumer" in visit.message
    visit.part.form.new.click()
    visit.fill(name="Half")
    visit.part.load(loaded("trade_street"))
    assert visit.names == ["There"]
    assert visit.part.editor.mode == "closed"
    assert visit.part.map.map.center[1] == pytest.approx(-117.15, abs=0.01)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_hostile_names_are_text_wherever_they_stand(visit: Visit, language: str) -> None:
    stored = [visit.others.add(SITE, draft(name=name, notes=name), ADA) for name in HOSTILE]
    visit.part.load(loaded(language=language))
    visit.part.list.size.value = 100
    for one in stored:
        visit.part.editor.close()
        visit.pick(one.id)
        point_at(visit, one.id)
        visit.part.form.ask.click()
        clean(visit)
    visit.part.form.delete.click()
    clean(visit)
    assert visit.part.exports.make("pdf").content.startswith(b"%PDF")


def test_a_viewer_sees_everything_and_why_nothing_can_be_changed(home: Path) -> None:
    visit = Visit(VICTOR)
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.part.load(loaded())
    visit.pick(one.id)
    assert "your role is viewer" in visit.part.form._hint.value
    assert all(field.disabled for field in visit.part.form.fields.values())
    assert visit.part.form.fields["name"].value == "Clinic"
    assert not visit.shown(visit.part.form.save)
    assert not visit.shown(visit.part.form.ask)
    assert not visit.part.map._pin.draggable
    assert visit.part.imports.upload.disabled
    click_map(visit, 35, -106)
    assert visit.part.editor.base.id == one.id
    visit.others.close()


def test_a_viewer_who_forces_disabled_widgets_changes_nothing(home: Path) -> None:
    visit = Visit(VICTOR)
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    gone = visit.others.delete(visit.others.add(SITE, draft(name="Gone"), ADA).id, 1, ADA)
    before = visit.others.log()
    visit.part.load(loaded())
    form, denied = visit.part.form, "Nothing was changed: victor may only look here."

    def refused() -> None:
        assert visit.message.startswith(denied)
        assert visit.message.count("\n") == 0
        assert denied in visit.part.bar.text.value
        visit.part.desk.message = None

    visit.pick(one.id)
    visit.fill(name="Hacked")
    click(form.save)
    refused()
    visit.part.editor.close()
    visit.pick(one.id)
    click(form.ask)
    click(form.delete)
    refused()
    visit.part.editor.gone = gone
    click(visit.part.bar.undo)
    refused()
    visit.part.editor.close()
    click(form.new)
    visit.fill(name="New", type="critical", kind="water", latitude="1", longitude="2")
    click(form.save)
    refused()
    upload(visit, "list.csv", GOOD)
    refused()
    click(visit.part.imports.apply)
    assert visit.others.log() == before
    visit.others.close()


@pytest.mark.parametrize("step", ["overwrite", "import", "delete"])
def test_a_role_that_is_lost_meanwhile_is_lost(visit: Visit, step: str) -> None:
    if step == "overwrite":
        clash(visit)
    elif step == "import":
        upload(visit, "list.csv", GOOD)
    else:
        visit.pick(visit.others.add(SITE, draft(), OLGA).id)
        visit.part.form.ask.click()
    before = visit.others.log()
    visit.page.visitor = VICTOR
    form = visit.part.form
    click(
        {"overwrite": form.conflict.mine, "import": visit.part.imports.apply}.get(step, form.delete)
    )
    assert visit.message.startswith("Nothing was changed")
    assert visit.others.log() == before


@pytest.mark.parametrize(
    "message",
    ["pick:", "pick:' OR 1=1", "pick:\x00", "sort:id", "sort:", "x", ":", "pick:" + "9" * 5000],
)
def test_nonsense_from_the_page_changes_nothing(visit: Visit, message: str) -> None:
    visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.part.load(loaded())
    visit.send(message)
    assert visit.part.editor.mode == "closed"
    assert visit.names == ["Clinic"]


@pytest.mark.parametrize("place", [None, [], [1], ["x", 2], [91, 0], [float("nan"), 0], {"a": 1}])
def test_nonsense_from_the_map_changes_nothing(visit: Visit, place: Any) -> None:
    visit.part.map._take_click(type="click", coordinates=place)
    visit.part.map._take_point(id=place)
    visit.part.map._point_at(id=place)
    assert visit.part.editor.mode == "closed"


def test_tiles_are_only_there_where_an_address_is_set(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(Visit().part.map.map.layers) == 2
    monkeypatch.setenv("MICROGRID_TILE_URL", "http://127.0.0.1:9/{z}/{x}/{y}.png")
    monkeypatch.setenv("MICROGRID_TILE_ATTRIBUTION", "<b>Me</b>")
    tiles, *_ = Visit().part.map.map.layers
    assert tiles.url == "http://127.0.0.1:9/{z}/{x}/{y}.png"
    assert tiles.attribution == "&lt;b&gt;Me&lt;/b&gt;"


def test_an_outline_that_cannot_be_read_is_said_and_replaced(home: Path) -> None:
    (home / "outlines").mkdir()
    (home / "outlines" / f"{SITE}.geojson").write_text("{")
    visit = Visit()
    assert "outline of the site can’t be read" in visit.message
    assert visit.part.map._outline.data["features"][0]["properties"]["approximate"]


def test_a_pile_is_looked_at_closer_and_at_last_taken_apart(visit: Visit) -> None:
    for number in range(5):
        visit.others.add(SITE, draft(name=f"N{number}", latitude=35 + number * 1e-7), ADA)
    visit.part.load(loaded())
    zooms = []
    while len(visit.part.map._spots) == 1:
        zooms.append(visit.part.map.map.zoom)
        click_point(visit, next(iter(visit.part.map._spots)))
    assert zooms == sorted(set(zooms))
    assert len(visit.part.map._spots) == 5


def test_a_database_that_cannot_be_opened_is_one_line_until_it_can(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRID_DATABASE_URL", "mysql://x")
    visit = Visit()
    assert "'mysql' isn't known" in visit.message
    monkeypatch.delenv("MICROGRID_DATABASE_URL")
    visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.part.load(loaded())
    assert visit.names == ["Clinic"]


def click_map(visit: Visit, latitude: float, longitude: float) -> None:
    visit.part.map.map._handle_leaflet_event(
        None, {"event": "interaction", "type": "click", "coordinates": [latitude, longitude]}, None
    )


def click_point(visit: Visit, key: str) -> None:
    visit.part.map._points._handle_mouse_events(None, {"event": "click", "id": key}, None)


def point_at(visit: Visit, key: str) -> None:
    visit.part.map._points._handle_mouse_events(None, {"event": "mouseover", "id": key}, None)


def click(button: Any) -> None:
    """What a forged message of the page does, whatever the button shows."""
    button._handle_button_msg(None, {"event": "click"}, None)


def upload(visit: Visit, name: str, content: str | bytes) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    file = {
        "name": name,
        "type": "",
        "size": len(raw),
        "content": memoryview(raw),
        "last_modified": datetime.now(UTC),
    }
    visit.part.imports.upload.value = (file,)


def problems(visit: Visit) -> dict[str, str]:
    found = {}
    for name, html in visit.part.form.errors.items():
        match = re.search(r">(.*)</p>", html.value)
        if match:
            found[name] = match[1]
    return found


def clash(visit: Visit) -> Any:
    """Write a change of a consumer that Ada changes meanwhile, and save it."""
    one = visit.others.add(SITE, draft(name="Clinic"), ADA)
    visit.pick(one.id)
    visit.fill(name="Mine")
    visit.others.update(one.id, 1, draft(name="Theirs"), ADA)
    visit.part.form.save.click()
    return one


def clean(visit: Visit) -> None:
    """Every HTML of the page is ours: no element that a name could have brought."""
    part = visit.part
    for html in (
        part.list.table.value,
        part.list.totals.value,
        part.bar.text.value,
        part.bar.gone.value,
        part.form.title.value,
        part.form._question.value,
        part.form._history.value,
        part.map._pointed.value,
        part.map._patterns.value,
        part.exports._head.value,
    ):
        assert "<script" not in html
        assert "<img" not in html

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_lib.access import AccessDeniedError
from microgrid_lib.consumers import reading
from microgrid_lib.consumers.access import Action, Actor, Role
from microgrid_lib.consumers.exchange import to_csv, to_geojson
from microgrid_lib.consumers.importing import (
    ImportRefusedError,
    ImportReport,
    import_content,
    import_file,
)
from microgrid_lib.consumers.reading import ImportFormat, read_rows
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.errors import FileProblem, MicrogridError
from microgrid_lib.settings import Settings
from tests.consumers.drafts import SITE, draft

HEADER = "name,type,kind,latitude,longitude,rated_power_kw,notes\n"
GOOD = "Clinic,critical,hospital,35.0,-106.6,120,\n"
OPERATOR = Actor("olga", Role.operator)


def load(
    store: ConsumerStore, text: str, dry_run: bool = False, actor: Actor = OPERATOR
) -> ImportReport:
    return import_content(store, text.encode(), ImportFormat.csv, "a.csv", SITE, actor, dry_run)


def load_features(
    store: ConsumerStore, features: list[Any], dry_run: bool = False, **more: Any
) -> ImportReport:
    content = json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()
    return import_content(
        store, content, ImportFormat.geojson, "a.geojson", SITE, OPERATOR, dry_run
    )


def feature(**changes: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [-106.6, 35.0]},
        "properties": {"name": "Clinic", "type": "critical", "kind": "hospital"},
        **changes,
    }


def test_a_file_is_imported_with_its_name_in_the_log(store: ConsumerStore) -> None:
    report = load(store, HEADER + GOOD + 'School,non-critical,school,35.1,-106.5,,"a\nb"\n')
    assert (report.applied, report.counts["add"]) == (True, 2)
    clinic, school = store.select()
    assert clinic.draft == draft()
    assert (school.rated_power_kw, school.notes) == (None, "a\nb")
    entries = store.log()
    assert {(e.action, e.source, e.actor) for e in entries} == {(Action.add, "a.csv", "olga")}


def test_a_dry_run_reports_every_row_and_changes_nothing(store: ConsumerStore) -> None:
    text = HEADER + GOOD + "\nB,vital,hospital,95,x,,\n"
    report = load(store, text, dry_run=True)
    assert [(row.row, str(row.action), row.name) for row in report.rows] == [
        (2, "add", "Clinic"),
        (4, "refused", "'B'"),
    ]
    assert [problem.field for problem in report.rows[1].problems] == [
        "type",
        "latitude",
        "longitude",
    ]
    assert report.counts == {"add": 1, "update": 0, "restore": 0, "unchanged": 0, "refused": 1}
    assert not report.applied
    assert store.select() == []
    assert store.log() == []


def test_one_bad_row_keeps_every_row_out_and_is_named(store: ConsumerStore) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        load(store, HEADER + GOOD + "B,critical,hospital,95,-106,,\n")
    assert str(caught.value) == (
        "a.csv: 1 of 2 rows refused, nothing imported; row 3: "
        "latitude: '95' isn't allowed: a number from -90 to 90 degrees"
    )
    assert not caught.value.report.applied
    assert store.select() == []


def test_a_viewer_may_not_import_not_even_dry(sqlite_store: ConsumerStore, viewer: Actor) -> None:
    for dry_run in (True, False):
        with pytest.raises(AccessDeniedError):
            load(sqlite_store, HEADER + GOOD, dry_run, viewer)


def test_rows_with_an_id_change_what_is_stored(store: ConsumerStore) -> None:
    for name in ("A", "B", "C"):
        store.add(SITE, draft(name=name), OPERATOR)
    a, b, c = store.select()
    store.delete(c.id, 1, OPERATOR)
    text = to_csv([a, b, c]).replace(",B,", ",Bee,")
    dry = load(store, text, dry_run=True)
    report = load(store, text)
    assert report.rows == dry.rows
    assert [str(row.action) for row in report.rows] == ["unchanged", "update", "restore"]
    assert report.rows[1].changes["name"].model_dump() == {"before": "B", "after": "Bee"}
    assert [(one.name, one.version) for one in store.select()] == [("A", 1), ("Bee", 2), ("C", 3)]
    newest = store.history(c.id)[0]
    assert (newest.action, newest.source) == (Action.restore, "a.csv")


def test_a_row_of_an_old_version_is_refused(store: ConsumerStore) -> None:
    added = store.add(SITE, draft(), OPERATOR)
    text = to_csv([added])
    store.update(added.id, 1, draft(name="Ada's"), Actor("ada", Role.admin))
    with pytest.raises(ImportRefusedError, match=r"'ada' changed it since \(stored is version 2\)"):
        load(store, text)
    assert store.get(added.id).name == "Ada's"


def test_a_row_without_version_overwrites(sqlite_store: ConsumerStore) -> None:
    added = sqlite_store.add(SITE, draft(), OPERATOR)
    sqlite_store.update(added.id, 1, draft(name="second"), OPERATOR)
    load(sqlite_store, "id," + HEADER + f"{added.id},third,critical,water,1,2,,\n")
    assert sqlite_store.get(added.id).name == "third"


@pytest.mark.parametrize(
    ("row", "field", "text"),
    [
        ("17,,", "id", "a UUID"),
        ("{id},,elsewhere", "site", SITE),
        ("{id},0,", "version", "whole number"),
        ("{id},1.0,", "version", "whole number"),
        ("{id},²,", "version", "whole number"),
    ],
)
def test_bookkeeping_cells_are_checked_too(
    sqlite_store: ConsumerStore, row: str, field: str, text: str
) -> None:
    key = "00000000-0000-4000-8000-000000000000"
    content = "id,version,site," + HEADER + row.format(id=key) + "," + GOOD
    (report,) = load(sqlite_store, content, dry_run=True).rows
    (problem,) = report.problems
    assert problem.field == field
    assert text in problem.allowed


def test_a_consumer_of_another_site_is_refused(sqlite_store: ConsumerStore) -> None:
    added = sqlite_store.add("trade_street", draft(), OPERATOR)
    text = "id," + HEADER + f"{added.id}," + GOOD
    with pytest.raises(ImportRefusedError, match="belongs to trade_street"):
        load(sqlite_store, text)


def test_an_id_may_occur_once(sqlite_store: ConsumerStore) -> None:
    key = "00000000-0000-4000-8000-00000000000A"
    text = "id," + HEADER + f"{key}," + GOOD + f"{key.lower()}," + GOOD
    with pytest.raises(ImportRefusedError, match=r"row 3: id: .*row 2 has it already"):
        load(sqlite_store, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("name,type,kind,latitude\n", "lacks the columns longitude"),
        (HEADER.replace("notes", "colour"), "unknown column 'colour'"),
        (HEADER.replace("notes", "name"), "column name occurs 2 times"),
        (HEADER + 'A,"critical', "isn't valid CSV"),
        (HEADER + 'A,"x"y,', "isn't valid CSV"),
        (HEADER + "A" * 200_000 + ",critical\n", "isn't valid CSV"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_one_line(
    sqlite_store: ConsumerStore, text: str, problem: str
) -> None:
    with pytest.raises(FileProblem, match=problem) as caught:
        load(sqlite_store, text)
    assert str(caught.value).startswith("a.csv: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_one_line(sqlite_store: ConsumerStore) -> None:
    content = (HEADER + "École").encode("latin-1")
    with pytest.raises(FileProblem, match=r"isn't UTF-8 text \(byte 55\)"):
        import_content(sqlite_store, content, ImportFormat.csv, "a.csv", SITE, OPERATOR)


def test_files_have_a_limit(sqlite_store: ConsumerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", 2)
    assert len(load(sqlite_store, HEADER + GOOD * 2, dry_run=True).rows) == 2
    with pytest.raises(FileProblem, match="more than 2 rows"):
        load(sqlite_store, HEADER + GOOD * 3)
    monkeypatch.setattr(reading, "MAX_BYTES", 20)
    with pytest.raises(FileProblem, match="is larger than"):
        load(sqlite_store, HEADER + GOOD)


def test_spreadsheets_of_other_languages_are_read(sqlite_store: ConsumerStore) -> None:
    text = (
        "\ufeffName;TYPE;Kind;Lat;Lon;Rated power kW;notes\r\n"
        "École;critical;school;35,5;-106,25;1,5;a,b\r\n"
    )
    load(sqlite_store, text)
    load(
        sqlite_store,
        text.replace(";", "\t")
        .replace("35,5", "35.5")
        .replace("-106,25", "1")
        .replace("1,5", "")
        .replace("École", "Tab"),
    )
    first, second = sqlite_store.select()
    assert (first.name, first.latitude, first.longitude) == ("École", 35.5, -106.25)
    assert (first.rated_power_kw, first.notes) == (1.5, "a,b")
    assert (second.name, second.longitude, second.rated_power_kw) == ("Tab", 1.0, None)


def test_a_row_of_the_wrong_length_is_refused(sqlite_store: ConsumerStore) -> None:
    with pytest.raises(ImportRefusedError, match=r"row 2: a row of 3 cells .* the header has 7"):
        load(sqlite_store, HEADER + "A,critical,water\n")


def test_features_are_imported(store: ConsumerStore) -> None:
    load_features(store, [feature()])
    assert store.select()[0].draft == draft(rated_power_kw=None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (3, ""),
        ({"type": "Polygon"}, ""),
        (feature(geometry=None), "geometry"),
        (feature(geometry={"type": "Polygon", "coordinates": []}), "geometry"),
        (feature(geometry={"type": "Point", "coordinates": [1, 2, 3]}), "coordinates"),
        (feature(geometry={"type": "Point", "coordinates": 7}), "coordinates"),
        (feature(geometry={"type": "Point", "coordinates": ["x", None]}), "latitude"),
        (feature(geometry={"type": "Point", "coordinates": [35.0, -106.6]}), "latitude"),
        (feature(properties=[1]), "properties"),
        (feature(properties=None), "name"),
        (feature(properties={"name": "A", "colour": "red"}), "properties"),
        (feature(properties={"name": "A", "latitude": 1}), "properties"),
        (feature(id=17), "id"),
        (feature(id="17"), "id"),
    ],
)
def test_a_feature_that_cannot_be_taken_is_refused_with_the_reason(
    sqlite_store: ConsumerStore, changed: Any, field: str
) -> None:
    report = load_features(sqlite_store, [feature(), changed], dry_run=True)
    assert [(row.row, str(row.action)) for row in report.rows] == [(1, "add"), (2, "refused")]
    assert report.rows[1].problems[0].field == field
    assert "\n" not in report.rows[1].problems[0].text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "isn't valid JSON"),
        ("{", "isn't valid JSON"),
        ("[]", "isn't a GeoJSON FeatureCollection"),
        ('{"type": "Feature", "features": []}', "isn't a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection"}', "isn't a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection", "features": [NaN]}', "NaN isn't JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "isn't valid JSON"),
        (
            '{"type":"FeatureCollection","features":[],"crs":{"properties":{"name":"EPSG:3857"}}}',
            "another coordinate system",
        ),
    ],
)
def test_a_geojson_file_that_cannot_be_read_is_one_line(text: str, problem: str) -> None:
    with pytest.raises(FileProblem, match=problem) as caught:
        read_rows(text.encode(), ImportFormat.geojson, "a.geojson")
    assert "\n" not in str(caught.value)


def test_the_usual_name_of_wgs84_is_accepted(sqlite_store: ConsumerStore) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert load_features(sqlite_store, [feature()], crs=crs).applied


def test_a_file_tells_its_format_by_its_name(sqlite_store: ConsumerStore, tmp_path: Path) -> None:
    consumer = sqlite_store.add(SITE, draft(), OPERATOR)
    (tmp_path / "a.CSV").write_text(to_csv([consumer]), encoding="utf-8", newline="")
    (tmp_path / "a.json").write_text(json.dumps(to_geojson([consumer])), encoding="utf-8")
    for name in ("a.CSV", "a.json"):
        report = import_file(sqlite_store, tmp_path / name, SITE, OPERATOR)
        assert report.counts["unchanged"] == 1
    for name, problem in (("a.txt", "name the format"), ("b.csv", "no such file")):
        with pytest.raises(FileProblem, match=problem):
            import_file(sqlite_store, tmp_path / name, SITE, OPERATOR)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileProblem, match="can't be read"):
        import_file(sqlite_store, tmp_path / "folder.csv", SITE, OPERATOR)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(lambda text: (HEADER + text).encode("utf-8", "surrogatepass")),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        ["type", "id", "geometry", "properties", "coordinates", "name"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(
            lambda value: json.dumps({"type": "FeatureCollection", "features": [value]}).encode()
        ),
    ),
    file_format=st.sampled_from(ImportFormat),
)
def test_any_bytes_are_imported_or_refused_in_one_line(
    sqlite_store: ConsumerStore, content: bytes, file_format: ImportFormat
) -> None:
    before = len(sqlite_store.select())
    try:
        report = import_content(sqlite_store, content, file_format, "a", SITE, OPERATOR)
        refusal, added = "", report.counts["add"]
    except MicrogridError as error:
        refusal, added = str(error), 0
    assert "\n" not in refusal
    assert len(sqlite_store.select()) == before + added


def test_an_import_is_all_or_nothing_also_when_the_database_fails(
    sqlite_settings: Settings,
) -> None:
    with ConsumerStore.open(sqlite_settings) as store:
        with store.transaction() as (connection, _):
            connection.exec_driver_sql(
                "CREATE TRIGGER fails BEFORE INSERT ON consumers WHEN NEW.name = 'last' "
                "BEGIN INSERT INTO nowhere VALUES (1); END"
            )
        with pytest.raises(MicrogridError, match="no such table"):
            load(store, HEADER + GOOD * 3 + GOOD.replace("Clinic", "last"))
        assert store.select() == []
        assert store.log() == []

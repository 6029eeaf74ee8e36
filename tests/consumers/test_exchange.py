from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from microgrid_lib.consumers.access import Actor, Role
from microgrid_lib.consumers.exchange import COLUMNS, ExportFormat, export, to_csv, to_geojson
from microgrid_lib.consumers.importing import import_content
from microgrid_lib.consumers.model import Consumer, ConsumerDraft
from microgrid_lib.consumers.query import ConsumerTotals, Total
from microgrid_lib.consumers.reading import ImportFormat
from microgrid_lib.consumers.safe_text import from_cell, to_cell, to_markdown
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import Settings
from tests.consumers.drafts import HOSTILE, SITE, draft, drafts

OPERATOR = Actor("olga", Role.operator)
NO_TOTALS = ConsumerTotals(
    all=Total(count=0, rated_power_kw=None, rated_power_unknown=0), by_type={}, by_kind={}
)
AT = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)


def stored(content: ConsumerDraft, number: int = 0) -> Consumer:
    return Consumer(
        **content.model_dump(),
        id=f"00000000-0000-4000-8000-{number:012d}",
        site=SITE,
        created_by="=olga",
        created_at=AT,
        updated_by="ada",
        updated_at=AT,
        version=3,
    )


HOSTILE_LIST = [
    stored(draft(name=name, notes=f"{name}\n{name}"), number) for number, name in enumerate(HOSTILE)
]


def contents(store: ConsumerStore) -> dict[str, tuple[str, ConsumerDraft]]:
    return {one.id: (one.site, one.draft) for one in store.select()}


@pytest.mark.parametrize("file_format", list(ImportFormat))
def test_a_list_comes_back_into_an_empty_store_without_loss(
    tmp_path_factory: pytest.TempPathFactory, file_format: ImportFormat
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    source = ConsumerStore.open(Settings(home=folder / "source"))
    target = ConsumerStore.open(Settings(home=folder / "target"))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(drafts, min_size=1, max_size=4))
    def there_and_back(given_drafts: list[ConsumerDraft]) -> None:
        for store in (source, target):
            with store.transaction() as (connection, _):
                connection.exec_driver_sql("DELETE FROM consumers")
        for one in given_drafts:
            source.add(SITE, one, OPERATOR)
        content = export(source.select(), NO_TOTALS, ExportFormat(file_format))
        report = import_content(target, content, file_format, "list", SITE, OPERATOR)
        assert report.counts["add"] == len(given_drafts)
        assert contents(target) == contents(source)
        again = import_content(target, content, file_format, "list", SITE, OPERATOR)
        assert again.counts["unchanged"] == len(given_drafts)
        assert export(target.select(), NO_TOTALS, ExportFormat.json).count(b'"id"') == len(
            given_drafts
        )

    there_and_back()
    source.close()
    target.close()


def test_hostile_names_come_back_through_files_on_every_database(
    store: ConsumerStore, operator: Actor
) -> None:
    for name in HOSTILE:
        store.add(SITE, draft(name=name, notes=f"{name}\n{name}"), operator)
    before = contents(store)
    for file_format in ImportFormat:
        content = export(store.select(), NO_TOTALS, ExportFormat(file_format))
        for one in store.select():
            store.delete(one.id, one.version, operator)
        assert contents(store) == {}
        report = import_content(store, content, file_format, "list", SITE, operator)
        assert report.counts["restore"] == len(HOSTILE)
        assert contents(store) == before


tricky = st.text(st.sampled_from("=+-@＝＠'\"; \t\n\r,ax"), max_size=12)


@settings(max_examples=500)
@given(tricky | st.text())
def test_a_cell_comes_back_as_the_text_it_was(text: str) -> None:
    assert from_cell(to_cell(text)) == text


def dangerous(cell: str) -> bool:
    """Whether a spreadsheet that splits at semicolons, tabs or lines sees a formula."""
    parts = re.split(r"[;\t\r\n]", cell)
    return any(part.lstrip(' "\u3000')[:1] in tuple("=+-@＝＋－＠") for part in parts if part)


@settings(max_examples=500)
@given(tricky | st.sampled_from(HOSTILE))
def test_no_part_of_a_cell_is_a_formula(text: str) -> None:
    assert not dangerous(to_cell(text))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("'t Hof", "'t Hof"),
        ("pumps;=1+1", "pumps;'=1+1"),
        ("Clinic", "Clinic"),
        ("a-b=c", "a-b=c"),
        (' "=1', " \"'=1"),
    ],
)
def test_only_what_would_be_a_formula_is_changed(text: str, cell: str) -> None:
    assert to_cell(text) == cell


def test_a_csv_export_has_no_formula_in_any_cell() -> None:
    text = to_csv(HOSTILE_LIST)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == list(COLUMNS)
    assert len(rows) == len(HOSTILE) + 1
    numeric = {"latitude", "longitude", "rated_power_kw", "version"}
    for row in rows[1:]:
        for name, cell in zip(COLUMNS, row, strict=True):
            if name in numeric:
                assert cell == "" or float(cell) is not None
            else:
                assert not dangerous(cell), cell
    assert "'=olga" in rows[1]


def test_a_geojson_export_is_points_with_longitude_first() -> None:
    (feature,) = to_geojson([stored(draft(latitude=35.25, longitude=-106.5))])["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [-106.5, 35.25]}
    assert feature["id"] == "00000000-0000-4000-8000-000000000000"
    assert feature["properties"] == {
        "site": SITE,
        "name": "Clinic",
        "type": "critical",
        "kind": "hospital",
        "rated_power_kw": 120.0,
        "notes": None,
        "version": 3,
        "created_by": "=olga",
        "created_at": "2026-03-04T05:06:07.891234Z",
        "updated_by": "ada",
        "updated_at": "2026-03-04T05:06:07.891234Z",
    }


def sheet_text(content: bytes) -> str:
    """Everything a workbook says of its sheet, as XML."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [n for n in archive.namelist() if "sheet1" in n or "sharedStrings" in n]
        return "".join(archive.read(name).decode() for name in names)


def test_an_xlsx_export_holds_text_as_text_and_numbers_as_numbers() -> None:
    content = export(HOSTILE_LIST, NO_TOTALS, ExportFormat.xlsx)
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == list(COLUMNS)
    column = COLUMNS.index("name")
    # openpyxl leaves this escape of the format (ST_Xstring) to its caller.
    names = [str(row[column].value).replace("_x005F_", "_") for row in rows[1:]]
    assert names == list(HOSTILE)
    assert "_x005F_x0041_" in sheet_text(content)
    for row in rows[1:]:
        assert {cell.data_type for cell in row} <= {"s", "n", "inlineStr"}
        assert row[column].quotePrefix
        assert row[COLUMNS.index("latitude")].value == 35.0
    assert "<f>" not in sheet_text(content)


def test_a_json_export_has_consumers_and_totals() -> None:
    totals = NO_TOTALS.model_copy(
        update={"all": Total(count=1, rated_power_kw=120.0, rated_power_unknown=0)}
    )
    content = json.loads(export([stored(draft())], totals, ExportFormat.json))
    assert content["consumers"][0]["rated_power_kw"] == 120.0
    assert list(content["consumers"][0]) == list(COLUMNS)
    assert content["totals"]["all"] == {
        "count": 1,
        "rated_power_kw": 120.0,
        "rated_power_unknown": 0,
    }


def test_a_markdown_export_is_one_table_whatever_the_names() -> None:
    text = export(HOSTILE_LIST, NO_TOTALS, ExportFormat.markdown).decode()
    table, rest = text.split("\n\n")
    lines = table.split("\n")
    assert len(lines) == len(HOSTILE) + 2
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line.replace("\\\\", ""))) == 8
    assert "<script>" not in text
    assert rest == "- all: 0 consumers, no rated power known\n"
    assert to_markdown("a|b\n<c>") == r"a\|b \<c\>"


def test_an_empty_list_is_a_file_with_a_header() -> None:
    for file_format in ExportFormat:
        assert export([], NO_TOTALS, file_format)
    assert to_csv([]) == ",".join(COLUMNS) + "\r\n"


def test_an_export_is_readable_by_pandas(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "list.csv"
    path.write_bytes(export(HOSTILE_LIST, NO_TOTALS, ExportFormat.csv))
    frame = pd.read_csv(path, keep_default_na=False)
    assert [from_cell(name) for name in frame["name"]] == list(HOSTILE)

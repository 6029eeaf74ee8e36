"""Consumers in words, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from microgrid_lib.access import Role
from microgrid_lib.consumers import fields, importing, reading
from microgrid_lib.consumers.access import Action
from microgrid_lib.consumers.audit import AuditEntry, Change
from microgrid_lib.consumers.errors import FieldProblem
from microgrid_lib.consumers.importing import RowAction
from microgrid_lib.consumers.model import ConsumerKind, ConsumerType, check_draft
from microgrid_lib.consumers.query import ConsumerQuery, ConsumerTotals, Total
from microgrid_lib.present.consumers import (
    SORTS,
    differences,
    filter_text,
    history,
    kind_text,
    labelled_problem,
    printed_table,
    problem_text,
    table_cells,
    total_cards,
    totals_text,
    type_text,
    value_text,
)
from microgrid_lib.present.texts import LANGUAGES, texts_for
from tests.consumers.drafts import SITE, consumer, draft

EN, FR = texts_for("en"), texts_for("fr")
DENVER = ZoneInfo("America/Denver")
TOTALS = ConsumerTotals(
    all=Total(count=3, rated_power_kw=1234.5, rated_power_unknown=1),
    by_type={ConsumerType.critical: Total(count=3, rated_power_kw=1234.5, rated_power_unknown=1)},
    by_kind={},
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_computed_key_is_in_the_catalogue(language: str) -> None:
    texts = texts_for(language)
    keys = [f"consumers.did.{action}" for action in Action if action != Action.import_]
    keys += [f"consumers.row.{a}" for a in RowAction] + [f"consumers.rows.{a}" for a in RowAction]
    keys += [f"consumers.role.{role}" for role in Role]
    keys += [f"consumer.field.{name}" for name in (*SORTS, "notes")]
    assert [key for key in keys if not texts.has(key)] == []
    for kind in ConsumerKind:
        assert not kind_text(kind, texts).startswith("consumer.")
    for one in ConsumerType:
        assert not type_text(one, texts).startswith("consumer.")


def codes() -> set[str]:
    """Codes of problems, read from the code that gives them."""
    import inspect
    import re

    source = "".join(inspect.getsource(module) for module in (fields, importing, reading))
    named = set(re.findall(r'code="(\w+)"|refuse\(\s*"(\w+)"', source))
    placed = re.findall(r'(?:_problem|refused)\(\s*"\w*", [^,()]+(?:\[[^\]]*\])?, "(\w+)"', source)
    return {name for pair in named for name in pair if name} | set(placed) | {"required"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_said_in_the_reader_s_language(language: str) -> None:
    texts = texts_for(language)
    assert {"blank", "length", "range", "repeated", "stale", "id", "geometry"} <= codes()
    assert [code for code in sorted(codes()) if not texts.has(f"consumer.{code}")] == []


def test_a_problem_speaks_of_its_numbers() -> None:
    (name, power) = check_draft({**draft().model_dump(), "name": "x" * 51, "rated_power_kw": -1})
    assert problem_text(name, EN) == "At most 50 characters."
    assert problem_text(power, EN) == "From 0 to 1,000,000 kW."
    assert problem_text(power, FR).startswith("De 0 à 1")
    assert labelled_problem(name, FR) == "Nom\xa0: 50 caractères au plus."


def test_a_problem_nobody_translated_is_the_library_s_own_sentence() -> None:
    problem = FieldProblem(field="name", value="'x'", code="new", allowed="something else")
    assert problem_text(problem, FR) == "name: 'x' isn't allowed: something else"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("rated_power_kw", 120.0, "120"),
        ("rated_power_kw", 0.1234, "0.123"),
        ("rated_power_kw", 1234.5, "1,234.5"),
        ("latitude", -35.1234567, "−35.12346"),
        ("type", "non-critical", "Non-critical"),
        ("kind", "water", "Water"),
        ("notes", None, "–"),
        ("notes", "a\n b", "a b"),
        ("notes", "x" * 200, "x" * 119 + "…"),
    ],
)
def test_values_are_short_and_in_the_language(name: str, value: object, text: str) -> None:
    assert value_text(name, value, EN) == text  # type: ignore[arg-type]


def test_totals_have_every_type_even_without_any() -> None:
    cards = total_cards(TOTALS, EN)
    assert [(c.name, c.count, c.rated_power_kw) for c in cards] == [
        ("all", 3, 1234.5),
        ("critical", 3, 1234.5),
        ("non-critical", 0, None),
    ]
    assert cards[0].power_text == "1,234.5 kW rated, 1 unknown"
    assert totals_text(TOTALS, EN).endswith("Non-critical: 0")


def test_a_row_has_a_cell_per_column_in_its_order_and_local_time() -> None:
    cells = table_cells(consumer(), DENVER, EN)
    assert list(cells) == list(SORTS)
    assert cells["updated_at"] == "3 Mar 2026 22:06"
    assert cells["longitude"] == "−106.60000"


def test_the_list_on_paper_has_numbers_to_the_right() -> None:
    headings, rows, numeric = printed_table([consumer(notes="n")], FR)
    assert [headings[i] for i in numeric] == [
        "Puissance nominale [kW]",
        "Latitude [°]",
        "Longitude [°]",
    ]
    assert rows[0][:4] == ["Clinic", "Critique", "Hôpital", "120"]


def test_a_filter_is_said_in_words() -> None:
    query = ConsumerQuery(
        types=(ConsumerType.critical,), kinds=(ConsumerKind.water,), search="{x} <b>"
    )
    assert filter_text(query, EN) == "Filtered: Critical, Water, “{x} <b>”."
    assert filter_text(ConsumerQuery(), EN) == "All consumers of the site."


def entry(action: Action, changes: dict[str, Change], source: str | None = None) -> AuditEntry:
    return AuditEntry(
        id=1,
        at=datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
        actor="ada",
        role=Role.admin,
        action=action,
        consumer_id="x",
        site=SITE,
        version=2,
        changes=changes,
        source=source,
    )


def test_history_says_who_did_what_when_and_from_which_file() -> None:
    changed = {"name": Change(before="A", after="B"), "notes": Change(before=None, after="n")}
    update, delete = history(
        [entry(Action.update, changed, "list.csv"), entry(Action.delete, changed)], DENVER, EN
    )
    assert update.title == "Changed by ada, 3 Mar 2026 22:06, from list.csv"
    assert update.lines == ("Name: A → B", "Notes: n")
    assert delete.title == "Deleted by ada, 3 Mar 2026 22:06"
    assert delete.lines == ()


def test_two_versions_differ_where_they_differ() -> None:
    rows = differences(draft(name="A"), draft(name="B"), EN)
    assert [(r.label, r.mine, r.theirs) for r in rows if r.differs] == [("Name", "A", "B")]
    assert len(rows) == 7

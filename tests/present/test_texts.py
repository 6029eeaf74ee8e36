"""Both languages say everything, and nothing is said that neither knows."""

from __future__ import annotations

import ast
import re
import string
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import microgrid_lib
from microgrid_lib import present
from microgrid_lib.dashboard.sections import SECTIONS
from microgrid_lib.dashboard.state import REFRESH_S, THEMES
from microgrid_lib.errors import UnknownNameError
from microgrid_lib.present.periods import PERIODS
from microgrid_lib.present.sections import SectionSpec
from microgrid_lib.present.texts import LANGUAGES, Texts, catalog_paths
from microgrid_lib.site.schema import ROLES

PACKAGE = Path(microgrid_lib.__file__).resolve().parent
KEY = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+|retry|demo")


def catalogs(language: str) -> list[Catalog]:
    found = []
    for path in catalog_paths(language):
        with path.open("rb") as source:
            found.append(read_po(source, locale=language))
    return found


def messages(language: str) -> dict[str, str]:
    return {str(m.id): str(m.string) for c in catalogs(language) for m in c if m.id}


def specs() -> list[SectionSpec]:
    """Every specification of cards and charts there is."""
    found = []
    for module in iter_modules(present.__path__):
        values = vars(import_module(f"{present.__name__}.{module.name}")).values()
        found += [value for value in values if isinstance(value, SectionSpec)]
    return found


def asked_for() -> set[str]:
    """Keys in calls `texts("key")` or `self.texts("key")`, and the families of computed keys."""
    found = set()
    for folder in ("present", "report", "schedule", "dashboard"):
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = (
                    node.func.attr
                    if isinstance(node.func, ast.Attribute)
                    else getattr(node.func, "id", "")
                )
                first = node.args[0]
                if name == "texts" and isinstance(first, ast.Constant):
                    found.add(str(first.value))
    for section in SECTIONS.values():
        found.add(f"section.{section.name}")
        found |= {f"tab.{section.name}.{tab}" for tab in section.tabs if tab}
    for spec in specs():
        found |= {f"kpi.{card.kpi}" for card in spec.cards}
        for chart in spec.charts:
            found |= {f"chart.{chart.name}", f"chart.{chart.name}.what"}
            found |= {line.label for line in chart.lines}
    found |= {f"period.{p}" for p in PERIODS} | {f"period.{p}.help" for p in PERIODS}
    found |= {f"against.{p}" for p in PERIODS} | {f"theme.{t}" for t in THEMES}
    found |= {f"refresh.{name}" for name in REFRESH_S}
    found |= {f"language.{code}" for code in LANGUAGES} | {f"role.{role}" for role in ROLES}
    return found


def note_codes() -> set[str]:
    """Codes of the notes that KPI functions make."""
    source = (PACKAGE / "kpi" / "notes.py").read_text(encoding="utf-8")
    return set(re.findall(r'code="(\w+)"', source)) - {"no_energy"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_code_says_is_in_the_catalogue(language: str) -> None:
    known = messages(language)
    assert len(asked_for()) > 100
    assert sorted(asked_for() - known.keys()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_warning_is_translated(language: str) -> None:
    known = messages(language)
    assert sorted(f"note.{code}" for code in note_codes() if f"note.{code}" not in known) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_empty_or_fuzzy(language: str) -> None:
    wrong = [m.id for c in catalogs(language) for m in c if m.id and (not m.string or m.fuzzy)]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_files_say_the_same_message(language: str) -> None:
    ids = [m.id for c in catalogs(language) for m in c if m.id]
    assert sorted({i for i in ids if ids.count(i) > 1}) == []


def test_both_languages_have_the_same_messages_and_fields() -> None:
    english, french = messages("en"), messages("fr")
    assert english.keys() == french.keys()

    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert [k for k in english if fields(english[k]) != fields(french[k])] == []


def test_french_is_not_english() -> None:
    english, french = messages("en"), messages("fr")
    same = {k for k in english if english[k] == french[k]}
    assert len(same) < 0.2 * len(english)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown language 'de'; known: en, fr"):
        Texts("de")


def test_french_keeps_its_marks_on_the_line_of_the_word_before() -> None:
    loose = [key for key, said in messages("fr").items() if re.search(r" [:;?!»]|« ", said)]
    assert loose == []
    assert Texts("fr").clauses(["a", "b"]) == "a\N{NO-BREAK SPACE}; b"
    assert Texts("en").clauses(["a", "b"]) == "a; b"


def test_the_first_of_a_month_is_said_as_french_says_it() -> None:
    first, second = datetime(2022, 8, 1), datetime(2022, 8, 2)
    assert [Texts("fr").day(day) for day in (first, second)] == ["1er août 2022", "2 août 2022"]
    assert [Texts("fr").day_short(day) for day in (first, second)] == ["1er août", "2 août"]
    assert Texts("en").day(first) == "1 Aug 2022"

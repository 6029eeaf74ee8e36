"""Consumers in words: rows, totals, history, and what is wrong with a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from microgrid_lib.consumers.audit import AuditEntry, Change, content
from microgrid_lib.consumers.errors import FieldProblem
from microgrid_lib.consumers.importing import ImportReport, RowAction
from microgrid_lib.consumers.model import (
    CONTENT_FIELDS,
    Consumer,
    ConsumerDraft,
    ConsumerType,
)
from microgrid_lib.consumers.query import ConsumerQuery, ConsumerTotals, SortKey, Total
from microgrid_lib.present.texts import Texts

PLACE_DIGITS = 5
"""Decimals of a shown degree: about a metre."""
SORTS: Mapping[str, SortKey] = {
    "name": SortKey.name,
    "type": SortKey.type,
    "kind": SortKey.kind,
    "rated_power_kw": SortKey.rated_power_kw,
    "latitude": SortKey.latitude,
    "longitude": SortKey.longitude,
    "updated_at": SortKey.updated_at,
}
"""Columns of the list, by what they show; each can be sorted by."""
NUMERIC = frozenset({"rated_power_kw", "latitude", "longitude"})
_PRINTED = ("name", "type", "kind", "rated_power_kw", "latitude", "longitude", "notes")
_MOST_CHARACTERS = 120


@dataclass(frozen=True)
class TotalCard:
    """Consumers of one type, counted and summed up.

    Attributes
    ----------
    name
        `critical`, `non-critical` or `all`.
    count, rated_power_kw
        The numbers themselves; power None where none is known [kW].
    title, count_text, power_text
        What is shown.
    """

    name: str
    count: int
    rated_power_kw: float | None
    title: str
    count_text: str
    power_text: str


@dataclass(frozen=True)
class HistoryEntry:
    """One change of a consumer: a headline, and a line per field."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A field as two people see it."""

    label: str
    mine: str
    theirs: str
    differs: bool


def type_text(value: str, texts: Texts) -> str:
    """Name of a type."""
    return texts(f"consumer.type.{value.replace('-', '_')}")


def kind_text(value: str, texts: Texts) -> str:
    """Name of a kind."""
    return texts(f"consumer.kind.{value}")


def field_label(name: str, texts: Texts) -> str:
    """Name of a field, with its unit."""
    return texts(f"consumer.field.{name}")


def value_text(name: str, value: float | str | None, texts: Texts) -> str:
    """A field's value as it is read; a dash where there is none."""
    if value is None or value == "":
        return "–"
    if name == "type":
        return type_text(str(value), texts)
    if name == "kind":
        return kind_text(str(value), texts)
    if isinstance(value, int | float):
        if name in {"latitude", "longitude"}:
            return texts.number(value, PLACE_DIGITS)
        return power_number(value, texts)
    text = " ".join(str(value).split())
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def power_number(value: float, texts: Texts) -> str:
    """A rated power [kW] without its unit: whole, or with up to three decimals."""
    decimals = next((d for d in range(3) if round(value, d) == value), 3)
    return texts.number(value, decimals)


def total_cards(totals: ConsumerTotals, texts: Texts) -> list[TotalCard]:
    """Totals: all consumers, then by type, types without any too."""
    none = Total(count=0, rated_power_kw=None, rated_power_unknown=0)
    groups: list[tuple[str, Total]] = [("all", totals.all)]
    groups += [(str(kind), totals.by_type.get(kind, none)) for kind in ConsumerType]
    return [
        TotalCard(
            name=name,
            count=total.count,
            rated_power_kw=total.rated_power_kw,
            title=texts("consumers.all") if name == "all" else type_text(name, texts),
            count_text=texts.number(total.count),
            power_text=_power_text(total, texts),
        )
        for name, total in groups
    ]


def _power_text(total: Total, texts: Texts) -> str:
    if total.rated_power_kw is None:
        return texts("consumers.no_power") if total.count else ""
    rated = texts("consumers.rated", power=power_number(round(total.rated_power_kw, 3), texts))
    if not total.rated_power_unknown:
        return rated
    return rated + texts("consumers.unknown_power", count=total.rated_power_unknown)


def totals_text(totals: ConsumerTotals, texts: Texts) -> str:
    """Totals as one line, for paper."""
    parts = [
        texts("consumers.total", what=card.title, count=card.count, power=card.power_text)
        if card.power_text
        else texts("consumers.total_count", what=card.title, count=card.count)
        for card in total_cards(totals, texts)
    ]
    return " · ".join(parts)


def filter_text(query: ConsumerQuery, texts: Texts) -> str:
    """What a list is filtered by, as a sentence."""
    parts = [type_text(str(one), texts) for one in query.types]
    parts += [kind_text(str(one), texts) for one in query.kinds]
    if query.search:
        parts.append(texts("consumers.searched", words=query.search))
    if not parts:
        return texts("consumers.unfiltered")
    return texts("consumers.filtered", by=texts.listing(parts))


def table_cells(consumer: Consumer, zone: tzinfo, texts: Texts) -> dict[str, str]:
    """A row of the list, by column."""
    values = content(consumer)
    cells = {name: value_text(name, values[name], texts) for name in SORTS if name in values}
    return cells | {"updated_at": texts.moment(consumer.updated_at.astimezone(zone))}


def printed_table(
    consumers: Sequence[Consumer], texts: Texts
) -> tuple[list[str], list[list[str]], list[int]]:
    """Headings, rows of cells, and which columns hold numbers: the list for paper."""
    headings = [field_label(name, texts) for name in _PRINTED]
    rows = [[value_text(name, content(one)[name], texts) for name in _PRINTED] for one in consumers]
    return headings, rows, [i for i, name in enumerate(_PRINTED) if name in NUMERIC]


def problem_text(problem: FieldProblem, texts: Texts) -> str:
    """What is wrong with a field, as one sentence; the library's own where it isn't translated."""
    for key in (f"consumer.{problem.code}.{problem.field}", f"consumer.{problem.code}"):
        if texts.has(key):
            return texts(key, value=problem.value or "", **problem.params)
    return problem.text


def labelled_problem(problem: FieldProblem, texts: Texts) -> str:
    """What is wrong, with the name of the field where it is one of a consumer."""
    text = problem_text(problem, texts)
    if problem.field not in CONTENT_FIELDS:
        return text
    return texts("consumers.value", field=field_label(problem.field, texts), value=text)


def history(entries: Sequence[AuditEntry], zone: tzinfo, texts: Texts) -> list[HistoryEntry]:
    """Every change of a consumer in words, in the order given."""
    found = []
    for entry in entries:
        title = texts(
            f"consumers.did.{entry.action}",
            who=entry.actor,
            at=texts.moment(entry.at.astimezone(zone)),
        )
        if entry.source:
            title = texts("consumers.did.from", what=title, file=entry.source)
        shown = {} if entry.action in {"delete", "restore"} else entry.changes
        found.append(HistoryEntry(title, tuple(change_lines(shown, texts))))
    return found


def change_lines(changes: Mapping[str, Change], texts: Texts) -> list[str]:
    """A line per changed field: before and after."""
    lines = []
    for name, change in changes.items():
        label, after = field_label(name, texts), value_text(name, change.after, texts)
        if change.before is None:
            lines.append(texts("consumers.value", field=label, value=after))
        else:
            before = value_text(name, change.before, texts)
            lines.append(texts("consumers.change", field=label, before=before, after=after))
    return lines


def differences(mine: ConsumerDraft, theirs: ConsumerDraft, texts: Texts) -> list[Difference]:
    """Two versions of a consumer side by side, all fields."""
    left, right = content(mine), content(theirs)
    return [
        Difference(
            label=field_label(name, texts),
            mine=value_text(name, left[name], texts),
            theirs=value_text(name, right[name], texts),
            differs=left[name] != right[name],
        )
        for name in CONTENT_FIELDS
    ]


def report_counts(report: ImportReport, texts: Texts) -> str:
    """How many rows an import adds, changes, leaves or refuses, as one line."""
    parts = [
        texts(f"consumers.rows.{action}", count=report.counts[action])
        for action in RowAction
        if report.counts[action]
    ]
    return " · ".join(parts) or texts("consumers.rows.none")

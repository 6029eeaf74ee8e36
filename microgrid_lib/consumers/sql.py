"""A query as SQL: conditions, order, totals; the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from microgrid_lib.consumers.model import ConsumerKind, ConsumerType
from microgrid_lib.consumers.query import ConsumerQuery, ConsumerTotals, SortKey, Total, fold
from microgrid_lib.consumers.tables import consumers


def conditions(query: ConsumerQuery) -> list[sa.ColumnElement[bool]]:
    """The query's filters; every value is bound as a parameter."""
    c = consumers.c
    found: list[sa.ColumnElement[bool]] = [c.deleted.is_(query.deleted)]
    if query.site is not None:
        found.append(c.site == query.site)
    if query.types:
        found.append(c.type.in_([str(value) for value in query.types]))
    if query.kinds:
        found.append(c.kind.in_([str(value) for value in query.kinds]))
    if query.min_rated_power_kw is not None:
        found.append(c.rated_power_kw >= query.min_rated_power_kw)
    if query.max_rated_power_kw is not None:
        found.append(c.rated_power_kw <= query.max_rated_power_kw)
    found += [c.text_folded.contains(word, autoescape=True) for word in fold(query.search).split()]
    return found


def order(query: ConsumerQuery) -> list[sa.ColumnElement[Any]]:
    """The query's order, always total: equal keys go by name, then by id."""
    c = consumers.c
    column = c.name_folded if query.sort is SortKey.name else c[str(query.sort)]
    key = sa.desc(column) if query.descending else sa.asc(column)
    return [key.nulls_last(), c.name_folded.asc(), c.id.asc()]


def totals(rows: Sequence[tuple[str, str, int, int, float | None]]) -> ConsumerTotals:
    """Sum groups of (type, kind, count, count of known powers, sum of known powers [kW])."""

    def total(groups: list[tuple[str, str, int, int, float | None]]) -> Total:
        known = [power for *_, power in groups if power is not None]
        count = sum(group[2] for group in groups)
        return Total(
            count=count,
            rated_power_kw=sum(known) if known else None,
            rated_power_unknown=count - sum(group[3] for group in groups),
        )

    groups = list(rows)
    types = {name: [g for g in groups if g[0] == name] for name in ConsumerType}
    kinds = {name: [g for g in groups if g[1] == name] for name in ConsumerKind}
    return ConsumerTotals(
        all=total(groups),
        by_type={name: total(found) for name, found in types.items() if found},
        by_kind={name: total(found) for name, found in kinds.items() if found},
    )

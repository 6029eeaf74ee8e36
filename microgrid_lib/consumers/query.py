"""Which consumers, in which order, on which page; and their totals."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from microgrid_lib.consumers.model import Consumer, ConsumerKind, ConsumerType
from microgrid_lib.consumers.tables import consumers

MAX_PAGE_SIZE = 1000
MAX_SEARCH = 200


class SortKey(StrEnum):
    """What a list can be ordered by; names come next where the key is equal."""

    name = "name"
    type = "type"
    kind = "kind"
    latitude = "latitude"
    longitude = "longitude"
    rated_power_kw = "rated_power_kw"
    created_at = "created_at"
    updated_at = "updated_at"


class ConsumerQuery(BaseModel):
    """What a list shows.

    Attributes
    ----------
    site
        Name of the site; None for all.
    search
        Words that must all occur in the name or the notes, as parts of words too; case and accents
        don't matter.
    types, kinds
        Only these; empty for all.
    min_rated_power_kw, max_rated_power_kw
        Bounds [kW], included; a consumer whose rated power isn't known is then left out.
    deleted
        The bin instead of the list.
    sort, descending
        Order; unknown rated power always comes last.
    page, page_size
        Page from 1, and consumers on a page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str | None = None
    search: str = Field(default="", max_length=MAX_SEARCH)
    types: tuple[ConsumerType, ...] = ()
    kinds: tuple[ConsumerKind, ...] = ()
    min_rated_power_kw: float | None = Field(default=None, allow_inf_nan=False)
    max_rated_power_kw: float | None = Field(default=None, allow_inf_nan=False)
    deleted: bool = False
    sort: SortKey = SortKey.name
    descending: bool = False
    page: int = Field(default=1, ge=1, le=1_000_000)
    page_size: int = Field(default=50, ge=1, le=MAX_PAGE_SIZE)


class ConsumerPage(BaseModel):
    """One page of a list.

    Attributes
    ----------
    consumers
        Empty beyond the last page.
    total, pages
        How many consumers match, on how many pages (at least one).
    page, page_size
        As asked.
    """

    consumers: tuple[Consumer, ...]
    total: int
    pages: int
    page: int
    page_size: int


class Total(BaseModel):
    """A sum over consumers.

    Attributes
    ----------
    count
        Consumers.
    rated_power_kw
        Sum over those whose rated power is known [kW]; None if it is known of none.
    rated_power_unknown
        How many are not in that sum.
    """

    count: int
    rated_power_kw: float | None
    rated_power_unknown: int


class ConsumerTotals(BaseModel):
    """Totals of everything a query matches, whatever the page; types and kinds that occur."""

    all: Total
    by_type: dict[ConsumerType, Total]
    by_kind: dict[ConsumerKind, Total]


def fold(text: str) -> str:
    """Text as it is compared: without case, accents and compatibility forms."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize(
        "NFKD", "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    )


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

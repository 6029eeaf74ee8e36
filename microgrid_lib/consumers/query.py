"""What a list of consumers shows and how it is summed up; `sql` asks the database for it."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from microgrid_lib.consumers.model import Consumer, ConsumerKind, ConsumerType

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
    plain = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return unicodedata.normalize("NFKD", bare.casefold())

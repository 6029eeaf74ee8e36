"""The list of consumers as values: filter, order, page, totals. No widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from traitlets import Any as AnyTrait
from traitlets import HasTraits

from microgrid_lib.consumers.model import Consumer
from microgrid_lib.consumers.query import (
    MAX_SEARCH,
    ConsumerPage,
    ConsumerQuery,
    ConsumerTotals,
)
from microgrid_lib.dashboard.parts.consumers_desk import Desk
from microgrid_lib.present.consumers import SORTS

PAGE_SIZES = (25, 50, 100)


@dataclass(frozen=True)
class Listing:
    """What a query found.

    Attributes
    ----------
    page
        The page of the list looked at.
    found
        Everything that matches, whatever the page: for the map.
    totals
        Of everything that matches.
    state
        Of the store when it was asked.
    """

    query: ConsumerQuery
    page: ConsumerPage
    found: tuple[Consumer, ...]
    totals: ConsumerTotals
    state: int


class Shelf(HasTraits):
    """The list looked at.

    Attributes
    ----------
    listing
        A `Listing`; None before it was first asked for.
    query
        What it is asked for.
    """

    listing = AnyTrait(allow_none=True)
    query = AnyTrait()

    def __init__(self, desk: Desk) -> None:
        query = ConsumerQuery(site=desk.site.name, page_size=PAGE_SIZES[0])
        super().__init__(query=query)
        self._desk = desk
        desk.on_change(self.refresh)

    @property
    def stale(self) -> bool:
        """Whether someone changed consumers of the site since the list was read."""
        listing: Listing | None = self.listing
        return listing is None or listing.state != self._desk.store.state(self._desk.site.name)

    def refresh(self) -> None:
        """Read the list again; a page that no longer exists becomes the last one."""
        with self._desk.attempt():
            query, store = self.query, self._desk.store
            state = store.state(self._desk.site.name)
            page = store.page(query)
            if page.page > page.pages:
                query = query.model_copy(update={"page": page.pages})
                page = store.page(query)
            found = tuple(store.select(query))
            self.query = query
            self.listing = Listing(query, page, found, store.totals(query), state)

    def show_site(self) -> None:
        """Begin anew with the desk's site."""
        self.listing = None
        self.query = ConsumerQuery(site=self._desk.site.name, page_size=self.query.page_size)

    def change(self, **values: Any) -> None:
        """Change filter, order or page; anything but the page begins with the first one.

        What a query can't be is said, and changes nothing.
        """
        if "search" in values:
            values["search"] = str(values["search"])[:MAX_SEARCH]
        values.setdefault("page", 1)
        try:
            query = ConsumerQuery.model_validate(
                self.query.model_dump() | values | {"site": self._desk.site.name}
            )
        except ValidationError:
            self._desk.refuse("consumers.bad_filter")
            return
        if query.page_size not in PAGE_SIZES:
            self._desk.refuse("consumers.bad_filter")
        elif query != self.query:
            self.query = query
            self.refresh()

    def turn(self, steps: int) -> None:
        """Go some pages on, as far as there are any."""
        listing: Listing | None = self.listing
        last = listing.page.pages if listing else 1
        self.change(page=max(1, min(last, self.query.page + steps)))

    def sort(self, column: str) -> None:
        """Order by a column; once more turns the order round."""
        if column not in SORTS:
            self._desk.refuse("consumers.bad_filter")
            return
        again = self.query.sort == SORTS[column]
        self.change(sort=SORTS[column], descending=again and not self.query.descending)

    def find(self, consumer_id: str) -> Consumer | None:
        """The consumer of that id among those listed, on whatever page."""
        listing: Listing | None = self.listing
        found = listing.found if listing else ()
        return next((one for one in found if one.id == consumer_id), None)

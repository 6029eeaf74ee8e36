"""The list of the consumers: filter, totals, table, pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from html import escape
from typing import Any

import ipywidgets as widgets

from microgrid_lib.consumers.model import Consumer, ConsumerKind, ConsumerType
from microgrid_lib.consumers.query import ConsumerQuery
from microgrid_lib.dashboard.inbox import Inbox, sending
from microgrid_lib.dashboard.parts.consumers_desk import Desk
from microgrid_lib.dashboard.parts.consumers_editor import Editor
from microgrid_lib.dashboard.parts.consumers_shelf import PAGE_SIZES, Listing, Shelf
from microgrid_lib.dashboard.request import under_voila
from microgrid_lib.present.consumers import (
    NUMERIC,
    SORTS,
    TotalCard,
    field_label,
    kind_text,
    table_cells,
    total_cards,
    type_text,
)
from microgrid_lib.present.texts import Texts


class FilterView:
    """Search, type and kind: for list, map and files alike.

    Parameters
    ----------
    desk, shelf
        What is filtered.
    """

    def __init__(self, desk: Desk, shelf: Shelf) -> None:
        self._desk, self._shelf = desk, shelf
        self._linking = False
        self.search = widgets.Text(continuous_update=False).add_class("mg-field")
        self.search.add_class("mg-search")
        self.type = widgets.Dropdown().add_class("mg-picker")
        self.kind = widgets.Dropdown().add_class("mg-picker")
        self.clear = widgets.Button().add_class("mg-link")
        self.widget = widgets.HBox([self.search, self.type, self.kind, self.clear]).add_class(
            "mg-filter"
        )
        self.search.observe(lambda change: self._change(search=change["new"]), "value")
        self.type.observe(lambda change: self._change(types=_chosen(change["new"])), "value")
        self.kind.observe(lambda change: self._change(kinds=_chosen(change["new"])), "value")
        self.clear.on_click(lambda _: self._shelf.change(search="", types=(), kinds=()))
        desk.observe(lambda _: self._draw(), "texts")
        shelf.observe(lambda _: self._draw(), "query")
        self._draw()

    def _change(self, **values: Any) -> None:
        if not self._linking:
            self._shelf.change(**values)
            self._draw()

    def _draw(self) -> None:
        texts: Texts = self._desk.texts
        query: ConsumerQuery = self._shelf.query
        self._linking = True
        try:
            self.search.description = texts("consumers.search")
            self.search.placeholder = texts("consumers.search.help")
            self.search.value = query.search
            self.type.description = field_label("type", texts)
            every = [(texts("consumers.every_type"), "")]
            _offer(self.type, every + [(type_text(t, texts), str(t)) for t in ConsumerType])
            self.type.value = str(query.types[0]) if query.types else ""
            self.kind.description = field_label("kind", texts)
            every = [(texts("consumers.every_kind"), "")]
            _offer(self.kind, every + [(kind_text(k, texts), str(k)) for k in ConsumerKind])
            self.kind.value = str(query.kinds[0]) if query.kinds else ""
            self.clear.description = texts("consumers.clear")
            filtered = bool(query.search or query.types or query.kinds)
            self.clear.layout.display = None if filtered else "none"
        finally:
            self._linking = False


class ListView:
    """Totals, the table and its pages.

    Parameters
    ----------
    desk, shelf, editor
        What is listed, and what is selected.
    """

    def __init__(self, desk: Desk, shelf: Shelf, editor: Editor) -> None:
        self._desk, self._shelf, self._editor = desk, shelf, editor
        self._linking = False
        self.inbox = Inbox(self._take)
        self.totals = widgets.HTML()
        self._head = widgets.HTML().add_class("mg-chart-head")
        self.table = widgets.HTML().add_class("mg-consumers")
        # The page's script makes the table's buttons work; JupyterLab doesn't have it.
        self.pick = widgets.Select(rows=8).add_class("mg-pick")
        self.pick.layout.display = "none" if under_voila() else None
        self.earlier = widgets.Button(description="‹").add_class("mg-step")
        self.later = widgets.Button(description="›").add_class("mg-step")
        self._where = widgets.HTML().add_class("mg-when")
        self.size = widgets.Dropdown(options=PAGE_SIZES).add_class("mg-picker")
        pages = widgets.HBox([self.earlier, self._where, self.later, self.size])
        top = widgets.HBox([self._head, pages.add_class("mg-pages")]).add_class("mg-chart-top")
        self.widget = widgets.VBox([top, self.pick, self.table, self.inbox.widget]).add_class(
            "mg-chart"
        )
        self.widget.add_class("mg-sends")
        self.pick.observe(self._take_pick, "value")
        self.earlier.on_click(lambda _: self._shelf.turn(-1))
        self.later.on_click(lambda _: self._shelf.turn(1))
        self.size.observe(self._take_size, "value")
        desk.observe(lambda _: self._draw(), "texts")
        shelf.observe(lambda _: self._draw(), "listing")
        editor.observe(lambda _: self._draw(), "base")
        self._draw()

    def _take(self, message: str) -> None:
        verb, _, what = message.partition(":")
        if verb == "sort":
            self._shelf.sort(what)
        elif verb == "pick":
            self._editor.select(what)

    def _take_pick(self, change: dict[str, Any]) -> None:
        if not self._linking and change["new"]:
            self._editor.select(str(change["new"]))

    def _take_size(self, change: dict[str, Any]) -> None:
        if not self._linking:
            self._shelf.change(page_size=change["new"])

    def _draw(self) -> None:
        listing: Listing | None = self._shelf.listing
        if listing is None:
            return
        texts: Texts = self._desk.texts
        base = self._editor.base
        page = listing.page
        self._linking = True
        try:
            self.totals.value = totals_html(total_cards(listing.totals, texts))
            self._head.value = f"<h3>{escape(texts('consumers.list'))}</h3>"
            selected = base.id if base else ""
            self.table.value = (
                table_html(page.consumers, listing.query, selected, self._desk.zone, texts)
                if page.consumers
                else nothing_html(listing.query, self._desk.can_edit, texts)
            )
            self.pick.description = texts("consumers.list")
            _offer(self.pick, [(one.name, one.id) for one in page.consumers])
            listed = base is not None and any(one.id == base.id for one in page.consumers)
            self.pick.value = base.id if listed else None
            first = (page.page - 1) * page.page_size + 1
            last = first + len(page.consumers) - 1
            span = texts("consumers.span", first=first, last=last, total=page.total)
            self._where.value = f"<p>{escape(span if page.total else '')}</p>"
            self.earlier.tooltip = texts("consumers.earlier")
            self.later.tooltip = texts("consumers.later")
            self.earlier.disabled = page.page == 1
            self.later.disabled = page.page == page.pages
            self.size.description = texts("consumers.page_size")
            self.size.value = page.page_size
        finally:
            self._linking = False


def totals_html(cards: Sequence[TotalCard]) -> str:
    """Write the totals as cards; `data-` attributes have the numbers in full."""
    written = []
    for card in cards:
        power = "" if card.rated_power_kw is None else repr(card.rated_power_kw)
        written.append(
            f'<article class="mg-card" data-total="{escape(card.name)}" data-count="{card.count}" '
            f'data-power="{power}"><h3 class="mg-name">{escape(card.title)}</h3>'
            f'<p class="mg-value">{escape(card.count_text)}'
            f'<span class="mg-unit">{escape(card.power_text)}</span></p></article>'
        )
    return f'<div class="mg-cards mg-compact mg-totals">{"".join(written)}</div>'


def table_html(
    consumers: Sequence[Consumer],
    query: ConsumerQuery,
    selected: str,
    zone: tzinfo,
    texts: Texts,
) -> str:
    """Write one page of the list; the buttons say what is to be sorted by or selected."""
    caption = escape(texts("consumers.list"))
    heads = "".join(_head_cell(name, query, texts) for name in SORTS)
    rows = []
    for one in consumers:
        chosen = ' aria-current="true" class="mg-chosen"' if one.id == selected else ""
        cells = table_cells(one, zone, texts)
        name = cells.pop("name")
        first = (
            f'<th scope="row"><button type="button" {sending("pick:" + one.id)}>'
            f"<bdi>{escape(name)}</bdi></button></th>"
        )
        rest = "".join(
            f'<td class="mg-{"number" if column in NUMERIC else "text"} mg-col-{column}">'
            f"{_mark(one, column)}{escape(text)}</td>"
            for column, text in cells.items()
        )
        rows.append(f'<tr data-consumer="{escape(one.id)}"{chosen}>{first}{rest}</tr>')
    return (
        f'<div class="mg-scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table data-list="rows"><caption class="mg-hidden">{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def nothing_html(query: ConsumerQuery, can_edit: bool, texts: Texts) -> str:
    """Say why the list is empty, and what to do."""
    if query.search or query.types or query.kinds:
        text = texts("consumers.none_found")
    else:
        text = texts("consumers.none" if can_edit else "consumers.none_yet")
    return f'<p class="mg-nothing" data-list="empty">{escape(text)}</p>'


def _head_cell(name: str, query: ConsumerQuery, texts: Texts) -> str:
    order, arrow = "none", ""
    if query.sort == SORTS[name]:
        order = "descending" if query.descending else "ascending"
        arrow = f' <span aria-hidden="true">{"▼" if query.descending else "▲"}</span>'
    kind = "number" if name in NUMERIC else "text"
    return (
        f'<th scope="col" class="mg-{kind} mg-col-{name}" aria-sort="{order}">'
        f'<button type="button" {sending("sort:" + name)}>'
        f"{escape(field_label(name, texts))}{arrow}</button></th>"
    )


def _mark(consumer: Consumer, column: str) -> str:
    """The shape of the type, as on the map."""
    if column != "type":
        return ""
    return f'<i class="mg-mark mg-mark-{consumer.type}" aria-hidden="true"></i>'


def _chosen(value: Any) -> tuple[str, ...]:
    return (str(value),) if value else ()


def _offer(widget: Any, options: Sequence[tuple[str, str]]) -> None:
    if tuple(widget.options) != tuple(options):
        widget.options = tuple(options)

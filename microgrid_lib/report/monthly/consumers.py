"""The list of consumers as a document: totals by type, then the table."""

from __future__ import annotations

from microgrid_lib.consumers.query import ConsumerQuery
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.present.consumers import (
    filter_text,
    printed_table,
    total_cards,
    totals_text,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage


def list_passage(store: ConsumerStore, query: ConsumerQuery, texts: Texts) -> Passage:
    """Filter and totals in a line, then the table."""
    headings, rows, numeric = printed_table(store.select(query), texts)
    columns = tuple(
        Column(title, "right" if number in numeric else "left")
        for number, title in enumerate(headings)
    )
    note = f"{filter_text(query, texts)} {totals_text(store.totals(query), texts)}"
    table = TableBlock(columns, tuple(tuple(row) for row in rows))
    return Passage((Paragraph(note, "note"), table))


def consumers_passage(store: ConsumerStore, query: ConsumerQuery, texts: Texts) -> Passage:
    """Totals by type as a table, then every consumer."""
    totals = total_cards(store.totals(query), texts)
    if not totals[0].count:
        return Passage((Paragraph(texts("monthly.consumers.none")),))
    blocks: list[Block] = [
        TableBlock(
            (
                Column(texts("monthly.consumers.type"), wide=True),
                Column(texts("monthly.consumers.number"), "right"),
                Column(texts("monthly.consumers.power"), "right"),
            ),
            tuple((card.title, card.count_text, card.power_text) for card in totals),
        ),
        Heading(texts("monthly.consumers")),
        *list_passage(store, query, texts).blocks,
    ]
    return Passage(tuple(blocks))

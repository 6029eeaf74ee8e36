"""Alerts in a document: where every kind stands, and the history."""

from __future__ import annotations

from collections.abc import Sequence

from microgrid_lib.present.alerts import AlertRow, StateRow
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage


def alerts_passage(
    states: Sequence[StateRow], at: str, rows: Sequence[AlertRow], texts: Texts
) -> Passage:
    """States and history as tables.

    Parameters
    ----------
    at
        When the states are from, in words.
    rows
        The alerts listed on the page.
    """
    blocks: list[Block] = [
        TableBlock(
            columns=(
                Column(texts("alerts.what")),
                Column(texts("alerts.state")),
                Column(texts("alerts.allowed"), wide=True),
            ),
            rows=tuple((s.title, s.state.word, s.detail or s.limits) for s in states),
            title=texts("alerts.states"),
            caption=at,
        )
    ]
    return Passage((*blocks, *history_blocks(rows, texts)))


def history_blocks(rows: Sequence[AlertRow], texts: Texts) -> tuple[Block, ...]:
    """Alerts as a table; a sentence where there are none."""
    if not rows:
        return (Paragraph(texts("alerts.none_such"), "note"),)
    return (history_block(rows, texts, texts("alerts.history")),)


def history_block(rows: Sequence[AlertRow], texts: Texts, title: str) -> TableBlock:
    """A list of alerts as a table; without acknowledgements there is no column for them."""
    seen = any(row.seen for row in rows)
    return TableBlock(
        columns=(
            Column(texts("alerts.since")),
            Column(texts("alerts.until")),
            Column(texts("alerts.lasted")),
            Column(texts("alerts.what"), wide=True),
            Column(texts("alerts.severity")),
            *((Column(texts("alerts.acknowledged"), wide=True),) if seen else ()),
        ),
        rows=tuple((*_cells(row, texts), *((_seen(row, texts),) if seen else ())) for row in rows),
        title=title,
    )


def _cells(row: AlertRow, texts: Texts) -> tuple[str, ...]:
    what = texts("alerts.said", what=row.title, more=row.worst)
    return (row.since, row.until, row.lasted, what, row.severity.word)


def _seen(row: AlertRow, texts: Texts) -> str:
    return texts("alerts.said", what=row.seen, more=row.note) if row.note else row.seen

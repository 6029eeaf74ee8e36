"""Data quality: coverage by channel and day, outages, files, refusals."""

from __future__ import annotations

from microgrid_lib.present.monthly.data_quality import (
    channel_table,
    coverage_map,
    file_table,
    outage_table,
    refused_table,
)
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.tables import DataTable
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.heat import heat_block
from microgrid_lib.report.pages import Passage


def data_passage(facts: Facts, texts: Texts) -> Passage:
    """How complete and sound the data of the period are."""
    days = facts.days
    blocks: list[Block] = [
        Heading(texts("monthly.data")),
        heat_block(coverage_map(facts, texts), texts, level=3),
        titled_block(channel_table(facts, texts)),
    ]
    outages = outage_table(facts, texts)
    if outages.rows:
        blocks.append(titled_block(outages, text_columns=2))
        blocks += _cut("outages", len(outages.rows), len(days.outages), texts)
    else:
        blocks.append(Paragraph(texts("monthly.outages.none")))
    files = file_table(facts, texts)
    blocks.append(titled_block(files))
    blocks += _cut("files", len(files.rows), len(days.files), texts)
    refused = refused_table(facts, texts)
    if refused.rows:
        blocks.append(titled_block(refused, text_columns=2, caption=texts("monthly.refused.note")))
    else:
        blocks.append(Paragraph(texts("monthly.refused.none")))
    shares = tuple(days.coverage.share(channel) for channel in days.coverage.valid)
    return Passage(tuple(blocks), shares)


def titled_block(table: DataTable, text_columns: int = 1, caption: str = "") -> TableBlock:
    """A prepared table with its title; the first columns are text, the others numbers."""
    columns = tuple(
        Column(title, "left" if number < text_columns else "right", wide=number == 0)
        for number, title in enumerate(table.columns)
    )
    return TableBlock(columns, table.rows, table.title, caption, level=3)


def _cut(what: str, shown: int, count: int, texts: Texts) -> list[Block]:
    if shown == count:
        return []
    return [Paragraph(texts(f"monthly.{what}.cut", shown=shown, count=count), "note")]

"""A forecast on paper."""

from __future__ import annotations

from microgrid_lib.present.forecast import ForecastContent
from microgrid_lib.present.tables import DataTable
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.figures import figure_block
from microgrid_lib.report.pages import Passage


def table_block(table: DataTable) -> TableBlock:
    """A prepared table as a block: its first column is text, the others are numbers."""
    first, *others = table.columns
    columns = (Column(first), *(Column(title, "right") for title in others))
    return TableBlock(columns, table.rows)


def forecast_passage(content: ForecastContent, texts: Texts) -> Passage:
    """What it was worth in words, the picture, the days, the backtest, the model card.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    blocks: list[Block] = [Paragraph(sentence) for sentence in content.words]
    blocks += [Paragraph(text, "warning") for text in content.warnings]
    blocks.append(figure_block(content.chart, texts))
    blocks += [Heading(content.days.title), table_block(content.days)]
    if content.backtest is not None:
        blocks += [Heading(texts("forecast.past")), Paragraph(content.backtest.title, "note")]
        blocks.append(table_block(content.backtest))
    columns = (Column(texts("forecast.card"), wide=True), Column("", wide=True))
    blocks += [Heading(texts("forecast.card")), TableBlock(columns, content.facts)]
    return Passage(tuple(blocks))

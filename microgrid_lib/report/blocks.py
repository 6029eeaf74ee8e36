"""A document as values: what stands in it, from top to bottom; `typeset.to_pdf` makes it a PDF.

A page, a table or a result becomes a PDF by naming its blocks:

>>> from microgrid_lib.report.blocks import Column, Document, Paragraph, TableBlock
>>> document = Document(
...     title="Excursions",
...     blocks=(
...         Paragraph("Voltage outside of its limits."),
...         TableBlock(
...             columns=(Column("From"), Column("Lowest [V]", "right")),
...             rows=(("1 Jul 2022 10:15", "437.2"),),
...         ),
...     ),
...     facts=(("Site", "Mesa del Sol"),),
... )

All texts are data: nothing in them is markup. They are written as they are, in the language of the
`Texts` that `to_pdf` is given; numbers come formatted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from microgrid_lib.present.cards import Card
from microgrid_lib.report.aside import Drawing

Align = Literal["left", "right"]
Tone = Literal["plain", "note", "warning"]


@dataclass(frozen=True)
class Heading:
    """A heading below the title.

    Attributes
    ----------
    level
        2 to 4; the title is 1, and no level may be skipped.
    new_page
        Whether it begins a page, where it isn't near the top of one.
    """

    text: str
    level: int = 2
    new_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; a `note` is small and grey, a `warning` stands in a box."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Cards:
    """KPI cards as a table: name, value with unit and uncertainty, change, coverage.

    What makes a KPI undefined, warnings, its time and its definition stand below its name.
    """

    cards: tuple[Card, ...]


@dataclass(frozen=True)
class FigureBlock:
    """A figure, kept on one page.

    Attributes
    ----------
    svg
        The drawing, or the promise of one; `figures.figure_svg` makes it of a matplotlib figure.
    alt
        What the picture shows, for readers who can't see it; never empty.
    title, subtitle
        Above the figure; the title is a heading of `level`.
    caption
        Below the figure.
    """

    svg: Drawing
    alt: str
    title: str = ""
    subtitle: str = ""
    caption: str = ""
    level: int = 2

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError("a figure needs a text for readers who can't see it")


@dataclass(frozen=True)
class Column:
    """A column; numbers are right-aligned. `wide` columns share what width the others leave."""

    title: str
    align: Align = "left"
    wide: bool = False


@dataclass(frozen=True)
class TableBlock:
    """A table; its header is repeated on every page.

    Attributes
    ----------
    rows
        Cells as text, a tuple as long as `columns` per row.
    title, caption
        Above and below the table; the title is a heading of `level`.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    caption: str = ""
    level: int = 2

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("a table needs a column")
        wrong = next((row for row in self.rows if len(row) != len(self.columns)), None)
        if wrong is not None:
            raise ValueError(f"a row has {len(wrong)} cells, not {len(self.columns)}: {wrong}")


Block = Heading | Paragraph | Cards | FigureBlock | TableBlock


@dataclass(frozen=True)
class Document:
    """A document of A4 pages.

    Attributes
    ----------
    facts
        What it is about, as pairs of a label and a text, below the title: site, period, ...
    label
        A mark beside the title and on every page, such as "synthetic demo data"; may be empty.
    generated
        When it was made; shown in its own time zone.
    landscape
        Whether pages lie on their side, for tables of many columns.
    """

    title: str
    blocks: tuple[Block, ...]
    facts: tuple[tuple[str, str], ...] = ()
    label: str = ""
    generated: datetime = field(default_factory=lambda: datetime.now(UTC))
    landscape: bool = False

    def __post_init__(self) -> None:
        if self.generated.tzinfo is None:
            raise ValueError("the time of a document needs a zone")
        level = 1
        for block in self.blocks:
            found = _level(block)
            if found and not 2 <= found <= min(4, level + 1):
                raise ValueError(f"a heading of level {found} can't follow one of level {level}")
            level = found or level


def _level(block: Block) -> int:
    if isinstance(block, Heading):
        return block.level
    if isinstance(block, FigureBlock | TableBlock) and block.title:
        return block.level
    return 0

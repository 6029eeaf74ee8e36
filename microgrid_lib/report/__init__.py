"""Documents on paper: figures, tables and KPI cards as tagged PDF, from what pages draw too.

`pages` makes the documents of the dashboard; a new kind is a `blocks.Document` handed to
`typeset.to_pdf`. matplotlib and typst are imported when something is first drawn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from microgrid_lib.report.blocks import (
    Block,
    Cards,
    Column,
    Document,
    FigureBlock,
    Heading,
    Paragraph,
    TableBlock,
)
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.figures import figure_block
from microgrid_lib.report.orders import Kind, ReportOrder, ReportResult, Status
from microgrid_lib.report.pages import (
    About,
    Passage,
    about,
    chart_pdf,
    numbers_passage,
    passages_pdf,
    section_pdf,
    table_pdf,
)
from microgrid_lib.report.typeset import to_pdf

if TYPE_CHECKING:
    from microgrid_lib.report.making import make
    from microgrid_lib.report.notebook.paper import Paper, open_report

__all__ = [
    "About",
    "Block",
    "Cards",
    "Column",
    "Document",
    "FigureBlock",
    "Heading",
    "Kind",
    "Paper",
    "Paragraph",
    "Passage",
    "ReportError",
    "ReportOrder",
    "ReportResult",
    "Status",
    "TableBlock",
    "about",
    "chart_pdf",
    "figure_block",
    "make",
    "numbers_passage",
    "open_report",
    "passages_pdf",
    "section_pdf",
    "table_pdf",
    "to_pdf",
]

# What opens a store costs its imports: only who makes reports pays.
_LATER = {
    "make": "microgrid_lib.report.making",
    "open_report": "microgrid_lib.report.notebook.paper",
    "Paper": "microgrid_lib.report.notebook.paper",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)

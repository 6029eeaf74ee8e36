"""A document, typeset by Typst as tagged PDF/A-2a and PDF/UA-1.

Texts reach Typst as JSON in an input, never as source: nothing in them can be markup or code. The
program is compiled in an empty folder, which is all of the disk that it may read.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import microgrid_lib
from microgrid_lib.present.cards import Card
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import (
    Block,
    Cards,
    Document,
    FigureBlock,
    Heading,
    Paragraph,
    TableBlock,
)
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.figures import FONTS
from microgrid_lib.report.palette import palette
from microgrid_lib.report.plain import breakable, plain

_PANIC = "PanicException"
_NBSP = "\N{NO-BREAK SPACE}"


def to_pdf(document: Document, texts: Texts) -> bytes:
    """Typeset a document.

    Parameters
    ----------
    texts
        The language of the document: hyphenation, labels, how numbers and times are written.

    Returns
    -------
    bytes
        A PDF of A4 pages, tagged, with its fonts, without raster images.

    Raises
    ------
    ReportError
        Typst or matplotlib isn't installed, or Typst can't typeset the document.
    """
    fonts = _fonts()
    import typst

    content = json.dumps(document_data(document, texts))
    with tempfile.TemporaryDirectory(prefix="microgrid-") as empty:
        try:
            pdf: bytes = typst.compile(
                _template(),
                root=empty,
                font_paths=fonts,
                sys_inputs={"document": content},
                pdf_standards=["a-2a", "ua-1"],
                timestamp=int(document.generated.timestamp()),
                package_path=empty,
                package_cache_path=empty,
            )
        except BaseException as error:
            # Typst's own faults come as panics, which are no `Exception`.
            if not isinstance(error, typst.TypstError) and type(error).__name__ != _PANIC:
                raise
            message = " ".join(str(error).split())
            raise ReportError(f"the document can't be typeset: {message}") from error
    return pdf


def document_data(document: Document, texts: Texts) -> dict[str, Any]:
    """What the template is given: plain texts and SVG, nothing else."""
    generated = texts(
        "report.generated",
        moment=texts.moment(document.generated),
        zone=offset_text(document.generated),
        version=microgrid_lib.__version__,
    )
    return {
        "title": plain(document.title),
        "author": texts("app.title"),
        "description": plain(" · ".join(text for _, text in document.facts)),
        "language": texts.language,
        "facts": [[plain(label), breakable(text)] for label, text in document.facts],
        "label": plain(document.label),
        "footer": plain(generated),
        "page": texts("report.page"),
        "landscape": document.landscape,
        "fonts": list(FONTS),
        "colours": dict(palette()),
        "blocks": [_block(block, texts) for block in document.blocks],
    }


def _block(block: Block, texts: Texts) -> Mapping[str, Any]:
    match block:
        case Heading():
            return {"kind": "heading", "text": breakable(block.text), "level": block.level}
        case Paragraph():
            return {"kind": "paragraph", "text": breakable(block.text), "tone": block.tone}
        case FigureBlock():
            return {
                "kind": "figure",
                "svg": block.svg,
                "alt": plain(block.alt),
                "title": breakable(block.title),
                "subtitle": breakable(block.subtitle),
                "caption": breakable(block.caption),
                "level": block.level,
            }
        case TableBlock():
            return {
                "kind": "table",
                "title": breakable(block.title),
                "caption": breakable(block.caption),
                "level": block.level,
                "heads": [breakable(column.title) for column in block.columns],
                "align": [column.align for column in block.columns],
                "wide": [column.wide for column in block.columns],
                "rows": [[breakable(cell) for cell in row] for row in block.rows],
            }
        case Cards():
            heads = ("report.indicator", "report.value", "report.change", "report.coverage")
            return {
                "kind": "cards",
                "heads": [texts(head) for head in heads],
                "cards": [_card(card, texts) for card in block.cards],
            }


def _card(card: Card, texts: Texts) -> Mapping[str, Any]:
    change = card.change
    warning = f"{texts('card.warning')} {card.warning}" if card.warning else ""
    return {
        "title": plain(card.title),
        "value": plain(f"{card.value_text}{_NBSP}{card.unit_text}".strip()),
        "defined": card.value is not None,
        "lead": card.lead,
        "change": plain(f"{change.arrow}{_NBSP}{change.text}") if change else "",
        "tone": change.tone if change else "neutral",
        "coverage": "" if card.coverage_share is None else _share(card.coverage_share, texts),
        "low": card.low_coverage,
        "reason": plain(card.reason),
        "warning": plain(warning),
        "when": plain(card.when),
        "help": plain(card.help),
    }


def _share(share: float, texts: Texts) -> str:
    return f"{texts.share(share)}{_NBSP}%"


def offset_text(moment: datetime) -> str:
    """Offset of a moment's zone, such as `UTC−07:00`."""
    minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


@lru_cache(maxsize=1)
def _template() -> bytes:
    return Path(__file__).with_name("document.typ").read_bytes()


@lru_cache(maxsize=1)
def _fonts() -> Any:
    """The fonts that come with matplotlib: the same on every machine.

    Raises
    ------
    ReportError
        matplotlib or typst isn't installed.
    """
    try:
        import typst
        from matplotlib import get_data_path
    except ImportError as error:
        raise ReportError(
            f"PDF files need typst and matplotlib; {error.name} isn't installed"
        ) from error
    folder = Path(get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder]
    )

"""A document, typeset by Typst as tagged PDF/A-2a and PDF/UA-1.

Texts reach Typst as JSON in an input, never as source: nothing in them can be markup or code. It
runs in a process of its own, in an empty folder, which is all of the disk that a document may read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import microgrid_lib
from microgrid_lib.present.cards import Card
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.aside import finished
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

_FONTS = "fonts/ttf"
_MONO = "DejaVu Sans Mono"
_LONGEST_S = 120
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
    return compile_pdf(document_data(document, texts), document.generated)


def compile_pdf(
    data: Mapping[str, Any], generated: datetime, files: Mapping[str, bytes] | None = None
) -> bytes:
    """Typeset what `document_data` writes.

    Parameters
    ----------
    generated
        When the document was made.
    files
        Pictures by name, which blocks of markup may show.

    Raises
    ------
    ReportError
        Typst or matplotlib isn't installed, or Typst can't typeset the document.
    """
    return _compile(json.dumps(data), int(generated.timestamp()), files or {})


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
        "formulas": False,
        "fonts": list(FONTS),
        "mono": [_MONO, *FONTS],
        "colours": dict(palette()),
        "blocks": [settled(block_data(block, texts)) for block in document.blocks],
    }


def settled(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """Wait for the drawing of a block, where it has one.

    Raises
    ------
    ReportError
        It couldn't be drawn.
    """
    return {**block, "svg": finished(block["svg"])} if "svg" in block else block


def block_data(block: Block, texts: Texts) -> Mapping[str, Any]:
    """What the template is given of a block; its drawing may still be promised."""
    match block:
        case Heading():
            return {
                "kind": "heading",
                "text": breakable(block.text),
                "level": block.level,
                "new_page": block.new_page,
            }
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


def _compile(content: str, seconds: int, files: Mapping[str, bytes]) -> bytes:
    here = Path(__file__)
    with tempfile.TemporaryDirectory(prefix="microgrid-") as empty:
        for name, picture in files.items():
            Path(empty, name).write_bytes(picture)
        command = [
            *(sys.executable, "-I", str(here.with_name("compiler.py"))),
            *(str(here.with_name("document.typ")), empty, str(fonts_folder()), str(seconds)),
        ]
        try:
            done = subprocess.run(  # noqa: S603  our own program; texts come on standard input
                command,
                check=False,
                input=content.encode("ascii"),
                capture_output=True,
                timeout=_LONGEST_S,
            )
        except subprocess.TimeoutExpired as error:
            raise ReportError(f"the document wasn't typeset within {_LONGEST_S} s") from error
    if done.returncode != 0 or not done.stdout:
        lines = done.stderr.decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")
        raise ReportError(f"the document can't be typeset: {said}")
    return done.stdout


@lru_cache(maxsize=1)
def fonts_folder() -> Path:
    """Folder of the fonts that come with matplotlib: the same on every machine.

    Raises
    ------
    ReportError
        matplotlib or typst isn't installed.
    """
    if find_spec("typst") is None:
        raise ReportError("PDF files need typst, which isn't installed")
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise ReportError("PDF files need matplotlib, which isn't installed")
    folder = Path(found.origin).with_name("mpl-data") / _FONTS
    if not folder.is_dir():
        # Packaged otherwise: it knows itself where, but its import costs a second and 30 MB.
        from matplotlib import get_data_path

        folder = Path(get_data_path()) / _FONTS
    return folder

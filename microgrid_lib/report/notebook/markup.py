"""An analyst's own cells for Typst: Markdown, tables of HTML, pictures, code, by pandoc.

What pandoc writes is Typst source, so it is the one kind of block that is code. Raw Typst in a
cell isn't taken over, and Typst runs where it sees only the document's own pictures.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from microgrid_lib.report.errors import ReportError

PieceKind = Literal["markdown", "html", "latex", "code", "text", "svg", "png", "jpeg"]
_PICTURES = {"svg": "svg", "png": "png", "jpeg": "jpg"}
_CUT = "//--microgrid-cut--"
_LONGEST_S = 60


@dataclass(frozen=True)
class Piece:
    """Something of a notebook that isn't a block of ours.

    Attributes
    ----------
    content
        Text; of a picture base64, but of SVG its source.
    alt, caption
        Of a picture, from the cell's metadata.
    attachments
        Of a Markdown cell: name -> type -> base64.
    """

    kind: PieceKind
    content: str
    alt: str = ""
    caption: str = ""
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Typeset:
    """Pieces as Typst source.

    Attributes
    ----------
    blocks
        One per piece.
    files
        Pictures by name.
    title
        The heading of level 1 that the first piece began with; empty where there is none.
    """

    blocks: tuple[str, ...]
    files: Mapping[str, bytes]
    title: str


def typeset_pieces(pieces: Sequence[Piece], *, titled: bool) -> Typeset:
    """Write pieces as Typst, all in one run of pandoc.

    Parameters
    ----------
    titled
        Whether the document has a title already; else a first heading of level 1 becomes it.

    Raises
    ------
    ReportError
        pandoc isn't installed, or can't read a piece.
    """
    files: dict[str, bytes] = {}
    raw = [_raw(piece, files) for piece in pieces]
    document = {
        "pandoc-api-version": [1, 23, 1],
        "meta": {"titled": {"t": "MetaBool", "c": titled}},
        "blocks": raw,
    }
    written = _pandoc(json.dumps(document))
    title, *blocks = written.split(f"{_CUT}\n")
    if len(blocks) != len(pieces):
        raise ReportError("pandoc didn't give back every cell of the notebook")
    return Typeset(tuple(block.strip() for block in blocks), files, title.strip()[2:].strip())


def _raw(piece: Piece, files: dict[str, bytes]) -> dict[str, Any]:
    content = piece.content
    if piece.kind in _PICTURES:
        name = f"{len(files)}.{_PICTURES[piece.kind]}"
        files[name] = content.encode("utf-8") if piece.kind == "svg" else base64.b64decode(content)
        content = json.dumps({"name": name, "alt": piece.alt, "caption": piece.caption})
    for attached, types in piece.attachments.items():
        mime, encoded = next(iter(types.items()))
        ending = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}.get(mime)
        if ending:
            name = f"{len(files)}.{ending}"
            files[name] = base64.b64decode(encoded)
            content = content.replace(f"attachment:{attached}", name)
    kind = "picture" if piece.kind in _PICTURES else piece.kind
    return {"t": "RawBlock", "c": [f"microgrid-{kind}", content]}


def _pandoc(document: str) -> str:
    found = find_spec("pypandoc")
    if found is None or found.origin is None:
        raise ReportError("cells of Markdown and tables need pypandoc, which isn't installed")
    import pypandoc

    try:
        done = subprocess.run(  # noqa: S603  pandoc from the package, with fixed arguments
            [
                *(pypandoc.get_pandoc_path(), "--sandbox", "--from", "json", "--to", "typst"),
                *("--wrap", "none", "--lua-filter", str(Path(__file__).with_name("markup.lua"))),
            ],
            check=False,
            input=document.encode("utf-8"),
            capture_output=True,
            timeout=_LONGEST_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReportError(f"pandoc can't be run: {error}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise ReportError(f"a cell of the notebook can't be read: {said}")
    return done.stdout.decode("utf-8")

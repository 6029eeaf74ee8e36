"""From a notebook that was run to what is typeset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from microgrid_lib.present.texts import Texts, texts_for
from microgrid_lib.report.blocks import Document
from microgrid_lib.report.notebook.markup import Piece, PieceKind, Typeset, typeset_pieces
from microgrid_lib.report.notebook.shown import MIME
from microgrid_lib.report.pages import coverage_fact
from microgrid_lib.report.typeset import compile_pdf, document_data
from microgrid_lib.site.zones import zone

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Pages:
    """A document read from a notebook, ready to be typeset.

    Attributes
    ----------
    head
        As the title block says it; made up for a notebook without one.
    blocks
        As `typeset.block_data` writes them, and markup of the notebook's other cells.
    files
        Pictures that markup shows, by name.
    texts
        The document's language.
    """

    head: Mapping[str, Any]
    blocks: tuple[Mapping[str, Any], ...]
    files: Mapping[str, bytes]
    texts: Texts

    @property
    def empty(self) -> str:
        """Why there is nothing in it, in a sentence; empty where there is something."""
        return str(self.head.get("empty", ""))

    @property
    def attention(self) -> tuple[str, ...]:
        """What needs attention, in sentences; of reports on a period."""
        return tuple(str(text) for text in self.head.get("attention", ()))

    def data(self, generated: datetime) -> dict[str, Any]:
        """What the template is given; the time is shown in the document's zone."""
        place = zone(self.head["zone"]) if self.head.get("zone") else UTC
        frame = document_data(
            Document(
                title=str(self.head["title"]),
                blocks=(),
                facts=tuple((str(label), str(text)) for label, text in self.head["facts"]),
                label=str(self.head["label"]),
                generated=generated.astimezone(place),
            ),
            self.texts,
        )
        formulas = any("math.equation" in block.get("source", "") for block in self.blocks)
        return {**frame, "formulas": formulas, "blocks": list(self.blocks)}

    def pdf(self, generated: datetime | None = None) -> bytes:
        """Typeset it.

        Raises
        ------
        ReportError
            See `typeset.compile_pdf`.
        """
        moment = generated or datetime.now(UTC)
        return compile_pdf(self.data(moment), moment, self.files)

    def html(self, generated: datetime | None = None) -> str:
        """Write it as one HTML page that needs nothing else."""
        from microgrid_lib.report.notebook.html import page_html

        return page_html(self.data(generated or datetime.now(UTC)))


def read_pages(
    notebook: NotebookNode, *, title: str = "", language: str = "en", inputs: bool = False
) -> Pages:
    """Read the document that a notebook's outputs make.

    Parameters
    ----------
    title, language
        Of a notebook that doesn't show a title block.
    inputs
        Whether the code of such a notebook is shown; a report's never is.

    Raises
    ------
    ReportError
        pandoc isn't installed, and there are cells that need it.
    """
    natives = list(_native(notebook))
    head = next((found["head"] for _, found in natives if found.get("head")), None)
    pieces = list(_pieces(notebook, inputs=inputs and head is None))
    foreign = [piece for piece in pieces if isinstance(piece, Piece)]
    typeset = typeset_pieces(foreign, titled=head is not None) if foreign else Typeset((), {}, "")
    markup = iter(typeset.blocks)
    blocks: list[Mapping[str, Any]] = []
    for piece in pieces:
        if isinstance(piece, Piece):
            blocks.append({"kind": "markup", "source": next(markup)})
        else:
            blocks += piece["blocks"]
    if head is None:
        own = notebook.metadata.get("title") or typeset.title or title or "Notebook"
        head = {"title": own, "facts": [], "label": "", "language": language}
    texts = texts_for(str(head.get("language", language)))
    shares = [share for _, found in natives for share in found.get("coverage", ())]
    head = {
        **head,
        "facts": [*head["facts"][:3], *coverage_fact(shares, texts), *head["facts"][3:]],
    }
    return Pages(head, tuple(blocks), typeset.files, texts)


def _native(notebook: NotebookNode) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            found = output.get("data", {}).get(MIME)
            if found is not None:
                yield number, found


def _pieces(notebook: NotebookNode, *, inputs: bool) -> Iterator[Piece | Mapping[str, Any]]:
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", ())
        if "remove-cell" in tags:
            continue
        if cell.cell_type == "markdown":
            yield Piece("markdown", cell.source, attachments=cell.get("attachments", {}))
        if cell.cell_type != "code":
            continue
        if inputs and "hide-input" not in tags and cell.source.strip():
            yield Piece("code", cell.source)
        for output in cell.get("outputs", ()) if "hide-output" not in tags else ():
            found = output.get("data", {}).get(MIME)
            if found is not None:
                yield found
            else:
                yield from _foreign(output, cell.metadata)


def _foreign(output: Any, metadata: Mapping[str, Any]) -> Iterator[Piece]:
    if output.output_type == "stream":
        yield Piece("text", output.text)
        return
    if output.output_type == "error":
        yield Piece("text", f"{output.ename}: {output.evalue}")
        return
    data = output.get("data", {})
    alt = str(metadata.get("alt", ""))
    caption = str(metadata.get("caption", ""))
    for mime, kind in _PREFERRED.items():
        content = data.get(mime)
        if content is None or (mime == "text/html" and "<table" not in content):
            continue
        yield Piece(kind, "".join(content), alt=alt, caption=caption)
        return


_PREFERRED: dict[str, PieceKind] = {
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "text/html": "html",
    "text/markdown": "markdown",
    "text/latex": "latex",
    "text/plain": "text",
}
"""What an output is taken as, the best first."""

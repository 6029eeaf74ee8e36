"""What a cell of a report notebook shows: for a PDF, for HTML, and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from microgrid_lib.report.typeset import settled

MIME = "application/vnd.microgrid.report+json"
"""Carries blocks from a notebook's cell to the document, as they are."""


@dataclass(frozen=True)
class Shown:
    """Blocks of a document, as a cell's result.

    Attributes
    ----------
    blocks
        As `typeset.block_data` writes them.
    head
        Title, facts, language and the like; None but for a report's title block.
    coverage
        Of the numbers in the blocks (0-1).
    """

    blocks: Sequence[Mapping[str, Any]]
    head: Mapping[str, Any] | None = None
    coverage: tuple[float, ...] = field(default=())

    @property
    def content(self) -> dict[str, Any]:
        """What stands in the notebook under `MIME`."""
        return {
            "head": None if self.head is None else dict(self.head),
            "blocks": [dict(settled(block)) for block in self.blocks],
            "coverage": list(self.coverage),
        }

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from microgrid_lib.report.notebook.html import blocks_html
        from microgrid_lib.report.notebook.text import blocks_text

        content = self.content
        return {
            MIME: content,
            "text/html": blocks_html(content["blocks"], self.head),
            "text/plain": blocks_text(content["blocks"], self.head),
        }

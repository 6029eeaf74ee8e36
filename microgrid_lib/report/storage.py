"""The Storage section in a document."""

from __future__ import annotations

from microgrid_lib.present.storage import StorageContent
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Column, TableBlock
from microgrid_lib.report.pages import Passage, numbers_passage


def storage_passage(content: StorageContent, texts: Texts) -> Passage:
    """Cards as a table, charts, and energies as a table.

    Raises
    ------
    ReportError
        matplotlib isn't installed.
    """
    numbers = numbers_passage(content, texts)
    energy = content.energy
    if energy is None:
        return numbers
    first, *others = energy.heads
    table = TableBlock(
        columns=(Column(first), *(Column(head, "right") for head in others)),
        rows=energy.rows,
        title=energy.title,
        caption=energy.summary,
    )
    return Passage((*numbers.blocks, table), numbers.coverage)

"""Pictures without a time axis in a document: their numbers as tables."""

from __future__ import annotations

from microgrid_lib.present.pictures import HeatMap, Picture
from microgrid_lib.report.blocks import Column, TableBlock


def picture_block(picture: Picture) -> TableBlock:
    """Write a picture as a table; a heat map stands on its side, which fits a page better."""
    lines = [picture.heads, *picture.rows]
    if isinstance(picture, HeatMap):
        lines = [tuple(line[at] for line in lines) for at in range(len(picture.heads))]
    heads, *rows = lines
    columns = [Column(head, "right" if at else "left") for at, head in enumerate(heads)]
    caption = ". ".join(text for text in (picture.subtitle, picture.note) if text)
    return TableBlock(tuple(columns), tuple(rows), title=picture.title, caption=caption)

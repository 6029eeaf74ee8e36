"""Tables as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from microgrid_lib.present.tables import DataTable
from microgrid_lib.present.texts import Texts


def data_table_html(table: DataTable) -> str:
    """Write a table that scrolls inside its box; its title is the caption for readers."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in table.columns)
    rows = []
    for index, row in enumerate(table.rows):
        first, *others = row
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
        marked = ' class="mg-marked"' if index in table.marked else ""
        rows.append(f'<tr{marked}><th scope="row">{escape(first)}</th>{cells}</tr>')
    title = escape(table.title, quote=True)
    return (
        f'<div class="mg-scroll mg-tall" tabindex="0" role="region" aria-label="{title}"><table>'
        f'<caption class="mg-hidden">{title}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def rows_table_html(
    family: str, heads: Sequence[str], rows: Sequence[str], caption: str, texts: Texts
) -> str:
    """Write a wide table of rows that are HTML already.

    Parameters
    ----------
    family
        Headings are the messages `<family>.head.<name>`; one that begins with + is of words,
        which stand on the left.
    """
    head = "".join(
        f'<th scope="col"{" class=mg-text" if h.startswith("+") else ""}>'
        f"{escape(texts(f'{family}.head.' + h.removeprefix('+')))}</th>"
        for h in heads
    )
    name = escape(caption, quote=True)
    return (
        f'<div class="mg-scroll mg-wide" tabindex="0" role="region" aria-label="{name}"><table>'
        f'<caption class="mg-hidden">{name}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )

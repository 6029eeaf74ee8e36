"""A prepared table as HTML."""

from __future__ import annotations

from html import escape

from microgrid_lib.present.tables import DataTable


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

"""Blocks as HTML: what JupyterLab shows, and the HTML output of a report."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 'DejaVu Sans',system-ui,sans-serif;color:var(--mg-ink);background:#fff;"
    "max-width:60rem;margin:0 auto;padding:1.5rem;overflow-wrap:break-word}"
    "h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.2rem}h3{font-size:1.05rem}"
    "dl div{display:flex;gap:.6rem}dt{color:var(--mg-muted)}dd{margin:0}"
    "table{border-collapse:collapse;width:100%;font-size:.875rem;display:block;overflow-x:auto}"
    "th,td{padding:.3rem .6rem;border-bottom:1px solid var(--mg-line);text-align:left;"
    "vertical-align:top}thead th{color:var(--mg-muted)}tbody th{font-weight:400}"
    ".mg-right{text-align:right;white-space:nowrap}"
    ".mg-note,figcaption,footer{color:var(--mg-muted);font-size:.85rem}"
    ".mg-warn{color:var(--mg-warning)}.mg-warning,.mg-label{background:var(--mg-warning-wash);"
    "border:1px solid var(--mg-warning-line);border-radius:4px;padding:.5rem}"
    ".mg-label{font-size:.85rem;color:var(--mg-warning);padding:.1rem .4rem}"
    "figure{margin:1rem 0}img{max-width:100%}"
    "footer{margin-top:2rem;border-top:1px solid var(--mg-line);padding-top:.5rem}"
)


def blocks_html(blocks: Sequence[Mapping[str, Any]], head: Mapping[str, Any] | None = None) -> str:
    """Write blocks as HTML; everything in them is text, pictures are data."""
    return "".join(["".join(_head(head)) if head else "", *(block_html(b) for b in blocks)])


def page_html(data: Mapping[str, Any]) -> str:
    """Write a document as one page, in the colours of the PDF.

    Parameters
    ----------
    data
        As `typeset.document_data` writes it.
    """
    colours = "".join(f"--mg-{name}:{value};" for name, value in data["colours"].items())
    label = f"{data['label']} · " if data["label"] else ""
    return (
        f'<!doctype html><html lang="{_text(data["language"])}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(data['title'])}</title>"
        f"<style>:root{{{colours}}}{_STYLE}</style></head>"
        f"<body><main>{blocks_html(data['blocks'], data)}</main>"
        f"<footer>{_text(label + data['footer'])}</footer></body></html>\n"
    )


def block_html(block: Mapping[str, Any]) -> str:
    """Write one block."""
    match block["kind"]:
        case "heading":
            return _heading(block["text"], block["level"])
        case "paragraph":
            tone = block["tone"]
            role = ' role="note"' if tone == "warning" else ""
            return f'<p class="mg-{tone}"{role}>{_text(block["text"])}</p>'
        case "figure":
            return "".join(_figure(block))
        case "table":
            return "".join(_table(block))
        case "cards":
            return "".join(_cards(block))
        case _:
            return ""


def _head(head: Mapping[str, Any]) -> Iterator[str]:
    label = f' <span class="mg-label">{_text(head["label"])}</span>' if head["label"] else ""
    yield f"<h1>{_text(head['title'])}{label}</h1><dl>"
    for name, value in head["facts"]:
        yield f"<div><dt>{_text(name)}</dt> <dd>{_text(value)}</dd></div>"
    yield "</dl>"


def _figure(block: Mapping[str, Any]) -> Iterator[str]:
    yield _heading(block["title"], block["level"]) if block["title"] else ""
    yield f'<p class="mg-note">{_text(block["subtitle"])}</p>' if block["subtitle"] else ""
    picture = base64.b64encode(block["svg"].encode("utf-8")).decode("ascii")
    caption = f"<figcaption>{_text(block['caption'])}</figcaption>" if block["caption"] else ""
    yield (
        f'<figure><img src="data:image/svg+xml;base64,{picture}" '
        f'alt="{_text(block["alt"])}">{caption}</figure>'
    )


def _table(block: Mapping[str, Any]) -> Iterator[str]:
    yield _heading(block["title"], block["level"]) if block["title"] else ""
    sides = [f' class="mg-{side}"' for side in block["align"]]
    yield "<table><thead><tr>"
    for head, side in zip(block["heads"], sides, strict=True):
        yield f'<th scope="col"{side}>{_text(head)}</th>'
    yield "</tr></thead><tbody>"
    for row in block["rows"]:
        cells = zip(row, sides, strict=True)
        yield f"<tr>{''.join(f'<td{side}>{_text(cell)}</td>' for cell, side in cells)}</tr>"
    yield "</tbody></table>"
    yield f'<p class="mg-note">{_text(block["caption"])}</p>' if block["caption"] else ""


def _cards(block: Mapping[str, Any]) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in block["heads"])
    yield f'<table class="mg-cards"><thead><tr>{heads}</tr></thead><tbody>'
    for card in block["cards"]:
        name = f"<b>{_text(card['title'])}</b>" if card["lead"] else _text(card["title"])
        more = [("note", card["reason"]), ("note", card["when"]), ("warn", card["warning"])]
        more.append(("note", card["help"]))
        said = "".join(f'<br><small class="mg-{t}">{_text(s)}</small>' for t, s in more if s)
        yield f'<tr><th scope="row">{name}{said}</th>'
        for value in (card["value"], card["change"], card["coverage"]):
            yield f'<td class="mg-right">{_text(value)}</td>'
        yield "</tr>"
    yield "</tbody></table>"


def _heading(text: str, level: int) -> str:
    return f"<h{level}>{_text(text)}</h{level}>"


def _text(text: str) -> str:
    return escape(text.replace("\u200b", ""), quote=True)

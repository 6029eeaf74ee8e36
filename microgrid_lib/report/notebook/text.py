"""Blocks as plain text, for a terminal or a reader without HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def blocks_text(blocks: Sequence[Mapping[str, Any]], head: Mapping[str, Any] | None = None) -> str:
    """Write blocks as lines of text."""
    lines: list[str] = []
    if head is not None:
        lines.append(str(head["title"]))
        lines += [f"{label}: {value}" for label, value in head["facts"]]
    for block in blocks:
        lines += _lines(block)
    return "\n".join(line.replace("\u200b", "") for line in lines)


def _lines(block: Mapping[str, Any]) -> list[str]:
    match block["kind"]:
        case "heading" | "paragraph":
            return [block["text"]]
        case "figure":
            return [block["alt"]]
        case "table":
            title = [block["title"]] if block["title"] else []
            return [*title, *("\t".join(row) for row in (block["heads"], *block["rows"]))]
        case "cards":
            return [f"{c['title']}: {c['value']}" for c in block["cards"]]
        case _:
            return []

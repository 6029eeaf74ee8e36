"""What the scripts that generate reference pages share: tables, marks, and `--check`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def marks(script: str) -> tuple[str, str]:
    """Lines between which the part made by a script stands."""
    return f"<!-- made by scripts/{script} -->\n", "<!-- end -->\n"


def page_with(page: str, reference: str, script: str) -> str:
    """Put the reference between the page's marks."""
    start, end = marks(script)
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"the marks {start!r} and {end!r} aren't there")
    return f"{before}{start}\n{reference}\n{closed}{after}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table; bars in cells are escaped."""
    lines = [head, ("---",) * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def meanings(documented: object) -> dict[str, str]:
    """Names and descriptions of a class docstring's Attributes section.

    An entry for several names describes each in turn where it has as many parts, cut at semicolons.
    """
    _, _, section = (inspect.getdoc(documented) or "").partition("Attributes\n----------\n")
    found = re.findall(r"^(\w+(?:, \w+)*)\n((?:    .*(?:\n|$)|\n(?=    ))+)", section, re.MULTILINE)
    described: dict[str, str] = {}
    for listed, paragraph in found:
        names, text = listed.split(", "), " ".join(paragraph.split())
        parts = text.rstrip(".").split("; ")
        each = [f"{part[0].upper()}{part[1:]}." for part in parts]
        chosen = each if len(parts) == len(names) else [text] * len(names)
        described |= zip(names, chosen, strict=True)
    return described


def first_line(documented: object) -> str:
    """First paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split())


def main(page: Path, reference: str, script: str, arguments: list[str]) -> int:
    """Rewrite the page, or with `--check` say whether it is current; returns the exit code."""
    text = page.read_text(encoding="utf-8")
    wanted = page_with(text, reference, script)
    if "--check" in arguments:
        if text != wanted:
            print(f"{page.name} isn't current: run python scripts/{script}")
        return int(text != wanted)
    page.write_text(wanted, encoding="utf-8")
    return 0

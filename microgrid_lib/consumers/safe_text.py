"""Text that is safe in a spreadsheet's cell or a Markdown table, and the way back.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula. In a CSV file such
text gets an apostrophe before the sign: `=cmd()` is written `'=cmd()`. Apostrophes that already
stand before such a sign get one more, so that taking one away brings every text back:

====================  =====================
text                  cell
====================  =====================
``=1+1``              ``'=1+1``
``'=1+1``             ``''=1+1``
``'t Hof``            ``'t Hof``
``pumps;=1+1``        ``pumps;'=1+1``
====================  =====================

The last one matters where a spreadsheet splits a line at semicolons or tabs, whatever the quotes.
"""

from __future__ import annotations

import re

# A place where a cell may begin (also with quotes and blanks before its text), apostrophes, a sign.
_START = r"(?P<start>(?:^|[;\t\r\n])[\s\"]*)"
_SIGN = r"(?=[=+\-@＝＋－＠])"
_BARE = re.compile(rf"{_START}(?P<marks>'*){_SIGN}")
_MARKED = re.compile(rf"{_START}(?P<marks>'*)'{_SIGN}")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$^&@!])")


def to_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula; `from_cell` brings it back."""
    return _BARE.sub(r"\g<start>\g<marks>'", text)


def from_cell(cell: str) -> str:
    """Bring back the text that `to_cell` was given."""
    return _MARKED.sub(r"\g<start>\g<marks>", cell)


def to_markdown(text: str) -> str:
    """Text that means itself in a Markdown table: one line, nothing of it markup."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))

"""Text that every typeset page can hold, whatever it was."""

from __future__ import annotations

import re
import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BLANK = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
# Marks that reorder the text after them: a name could turn round what stands beside it.
_REORDERING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_LONG_WORD = re.compile(r"\S{25,}")
_PIECE = 12
_ZERO_WIDTH_SPACE = "\u200b"


def plain(text: str) -> str:
    """One line of printable text.

    Tabs and line breaks become blanks; characters that PDF/A refuses (controls, private use,
    lone surrogates, noncharacters) become the replacement character, one for one; marks that
    reorder text are left out. Every other character stays, and is drawn as a box with a sign of
    its script where no bundled font has it.
    """
    line = _REORDERING.sub("", _BLANK.sub(" ", text))
    return "".join(_REPLACEMENT if _refused(c) else c for c in line)


def breakable(text: str) -> str:
    """Text whose long words may be broken, so that they stay inside a column."""
    return _LONG_WORD.sub(lambda found: _broken(found.group()), plain(text))


def _refused(character: str) -> bool:
    code = ord(character)
    noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return noncharacter or code == 0xFEFF or unicodedata.category(character) in {"Cc", "Co", "Cs"}


def _broken(word: str) -> str:
    pieces: list[str] = []
    for character in word:
        joined = unicodedata.combining(character) or character in "\u200c\u200d\ufe0e\ufe0f"
        if not pieces or (len(pieces[-1]) >= _PIECE and not joined):
            pieces.append("")
        pieces[-1] += character
    return _ZERO_WIDTH_SPACE.join(pieces)

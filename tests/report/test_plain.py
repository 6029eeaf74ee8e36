"""What becomes of text before it is typeset."""

from __future__ import annotations

import pytest

from microgrid_lib.report.plain import breakable, plain
from tests.report.samples import HOSTILE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is: é Ω − 漢 😀 #x", "as it is: é Ω − 漢 😀 #x"),
        ("two\nlines\r\nand\ta tab", "two lines and a tab"),
        ("a\x00b\x07", "a�b�"),
        ("\ud800 \ue000 \ufffe \ufdd0 \U0010ffff \ufeff", "� � � � � �"),
        ("\u202eabc\u2066d", "abcd"),
    ],
)
def test_what_pdf_refuses_is_replaced_and_the_rest_kept(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_long_words_may_be_broken_and_short_ones_not() -> None:
    assert breakable("W" * 24) == "W" * 24
    assert breakable("W" * 30) == "\u200b".join(["W" * 12, "W" * 12, "W" * 6])


def test_marks_stay_with_their_letter() -> None:
    word = "e\u0301" * 20
    assert all(piece[0] == "e" for piece in breakable(word).split("\u200b"))


@pytest.mark.parametrize("text", HOSTILE)
def test_breaking_changes_nothing_else(text: str) -> None:
    assert breakable(text).replace("\u200b", "") == plain(text)

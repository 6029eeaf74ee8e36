"""What each field of a consumer accepts, and how a refusal reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from pydantic_core import PydanticCustomError

MAX_NAME = 50
MAX_NOTES = 2000
MAX_RATED_POWER_KW = 1_000_000.0

# Plain ASCII decimals: float() would also take "1_000", "nan" and digits of other scripts.
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SPELLING = re.compile(r"[\s_-]+")

Choice = TypeVar("Choice", bound=StrEnum)


def refuse(code: str, allowed: str, **params: float | str) -> PydanticCustomError:
    """Build an error of a field: a stable code, what is allowed, the numbers it speaks of."""
    return PydanticCustomError(code, "{allowed}", {"allowed": allowed, **params})


def text_field(limit: int, several_lines: bool, required: bool) -> Callable[[Any], str | None]:
    """Make the check of a text field: outer blanks go, blank is None where it isn't required."""

    def check(value: Any) -> str | None:
        if value is None and not required:
            return None
        if not isinstance(value, str):
            raise refuse("text", "a text")
        if several_lines:
            value = value.replace("\r\n", "\n").replace("\r", "\n")
        text = str(value).strip()
        if not any(_visible(character) for character in text):
            if text or required:
                raise refuse("blank", "a text with at least one visible character")
            return None
        if len(text) > limit:
            raise refuse("length", f"1 to {limit} characters, not {len(text)}", limit=limit)
        for character in text:
            if not _storable(character, several_lines):
                raise refuse(
                    "character",
                    "text without control characters",
                    character=f"U+{ord(character):04X}",
                )
        return text

    return check


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZC"


def _storable(character: str, several_lines: bool) -> bool:
    """Neither control characters nor what XML, UTF-8 or PostgreSQL can't hold."""
    if several_lines and character in "\n\t\u2028\u2029":
        return True
    if ord(character) & 0xFFFE == 0xFFFE:
        return False
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")


def choice_field(choices: type[Choice]) -> Callable[[Any], Choice]:
    """Make the check of a field of few values; case, blanks and hyphens don't matter."""
    allowed = "one of " + ", ".join(choices)

    def check(value: Any) -> Choice:
        if isinstance(value, str):
            try:
                return choices(_SPELLING.sub("-", value.strip().lower()))
            except ValueError:
                pass
        raise refuse("choice", allowed)

    return check


def number_field(
    low: float, high: float, unit: str, required: bool
) -> Callable[[Any], float | None]:
    """Make the check of a number within bounds, bounds included."""
    bounds = f"a number from {low:g} to {high:,.0f} {unit}"

    def check(value: Any) -> float | None:
        if isinstance(value, str):
            text = value.strip()
            if not text and not required:
                return None
            if not _NUMBER.fullmatch(text):
                raise refuse("number", f"{bounds}, with a decimal point")
            value = float(text)
        if value is None and not required:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refuse("number", bounds)
        if not low <= value <= high:
            raise refuse("range", bounds, low=low, high=high, unit=unit)
        # Adding zero makes -0.0 an ordinary zero, which SQLite would do anyway.
        return float(value) + 0.0

    return check

"""Language of a page that is made before any kernel has been asked."""

from __future__ import annotations

from microgrid_lib.present.texts import LANGUAGES

_LONGEST = 500


def pick_language(asked: str | None, accepted: str, default: str) -> str:
    """Language for a visitor.

    Parameters
    ----------
    asked
        What the address asks for.
    accepted
        The browser's `Accept-Language` header.
    default
        Where neither names a language there is.
    """
    if asked in LANGUAGES:
        return str(asked)
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:_LONGEST].split(",")):
        name, _, weight = part.strip().partition(";")
        language = name.split("-")[0].strip().lower()
        if language in LANGUAGES:
            wishes.append((-_weight(weight), place, language))
    best = min(wishes, default=None)
    return default if best is None or best[0] == 0 else best[2]


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return max(0.0, min(1.0, float(value)))
    except ValueError:
        return 0.0

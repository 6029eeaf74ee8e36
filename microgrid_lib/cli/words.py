"""How the command line writes counts, durations and values with a band."""

from __future__ import annotations

import math

_UNITS = ((86_400, "day", "days"), (3600, "h", "h"), (60, "min", "min"))


def counted(number: int, one: str, several: str = "") -> str:
    """Write a number with what it counts: `1 file`, `2 files`."""
    return f"{number} {one if number == 1 else several or one + 's'}"


def duration(seconds: float) -> str:
    """Write a duration in its two largest units: `136 days`, `3 h 20 min`, `40 s`."""
    rest = round(seconds)
    for place, (length, one, several) in enumerate(_UNITS):
        if rest < length:
            continue
        smaller, name = (_UNITS[place + 1][0], _UNITS[place + 1][1]) if place < 2 else (1, "s")
        whole, beyond = divmod(rest, length)
        text = counted(whole, one, several)
        return f"{text} {beyond // smaller} {name}" if beyond // smaller else text
    return f"{seconds:.3g} s"


def with_band(value: float, half_width: float) -> str:
    """Write a value and the half width of its band, both to two digits of the half width."""
    if not half_width > 0:
        return f"{value:.6g} ± {half_width:.2g}"
    decimals = max(0, 1 - math.floor(math.log10(half_width)))
    return f"{value:.{decimals}f} ± {half_width:.{decimals}f}"

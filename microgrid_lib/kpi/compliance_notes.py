"""Why a verdict is only indicative, and what samples can't show."""

from __future__ import annotations

from collections.abc import Sequence

from microgrid_lib.kpi.model import Note


def period_incomplete(period: str) -> Note:
    """Say that a rule's period is longer than the window."""
    return Note(
        code="period_incomplete",
        params={"period": period},
        text=f"no whole {period} of the rule is in the window",
    )


def half_invalid() -> Note:
    """Say that less than half of every whole period is valid."""
    return Note(code="half_invalid", text="less than half of the intervals are valid")


def intervals_too_long(interval_s: int) -> Note:
    """Say that values are means over longer than the rule asks for."""
    return Note(
        code="intervals_too_long",
        params={"interval_s": interval_s},
        text=f"values are means over {interval_s} s, longer than the rule's",
    )


_UNSEEN = {
    "dips": "dips and swells shorter than a sample",
    "flicker": "flicker",
    "harmonics": "harmonics",
    "unbalance": "unbalance of the phases",
}


def not_observable(what: str, interval_s: int) -> Note:
    """Say what samples can't show."""
    return Note(
        code="not_observable",
        params={"what": what, "interval_s": interval_s},
        text=f"{_UNSEEN[what]}: not observable in {interval_s}-second data",
    )


def trips_not_observable(functions: Sequence[str], interval_s: int) -> Note:
    """Say which trips are over before the next sample."""
    listed = ", ".join(functions)
    return Note(
        code="trips_not_observable",
        params={"functions": listed, "interval_s": interval_s},
        text=f"trips that clear in less than {interval_s} s ({listed}): not observable",
    )


def shorter_than_mean(interval_s: int) -> Note:
    """Say that single samples stand for the rule's 10-second means."""
    return Note(
        code="shorter_than_mean",
        params={"interval_s": interval_s},
        text=f"frequency is judged on {interval_s}-second samples, stricter than 10-second means",
    )

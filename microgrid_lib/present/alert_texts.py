"""Alerts in words: states with their marks, limits, lengths of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from microgrid_lib.kpi.alert_kinds import AlertKind, AlertLimit
from microgrid_lib.kpi.alerts import Alert
from microgrid_lib.present.texts import Texts

_MARKS = {
    "ok": "✓",
    "info": "○",
    "warning": "▲",
    "critical": "✖",
    "ended": "✓",
    "unknown": "?",
    "undefined": "–",
}
_PARTS = ((86400, "unit.day"), (3600, "unit.hour"), (60, "unit.minute"), (1, "unit.second"))
_DECIMALS = {"Hz": 2, "kW": 1, "V": 1, "1": 1}
_WHOLE = 1e-6
STATES = tuple(_MARKS)
"""Every state a page shows; its word is the message `alert.state.<state>`."""


@dataclass(frozen=True)
class StateText:
    """A state as it is shown: never by its colour alone.

    Attributes
    ----------
    state
        One of `STATES`.
    mark
        A sign of its own for each, drawn beside the word.
    word
        Its name.
    """

    state: str
    mark: str
    word: str


def state_text(state: str | None, texts: Texts) -> StateText:
    """Describe a state; None: the site can't have it."""
    name = state or "undefined"
    return StateText(name, _MARKS[name], texts(f"alert.state.{name}"))


def kind_title(name: str, texts: Texts) -> str:
    """Name a kind of alert; the plain name of one that has no translation."""
    key = f"alert.kind.{name}"
    return texts(key) if texts.has(key) else name.replace("_", " ")


def watch_title(name: str, texts: Texts) -> str:
    """Name what a kind of alert watches."""
    key = f"alert.watch.{name}"
    return texts(key) if texts.has(key) else kind_title(name, texts)


def limit_text(limit: AlertLimit, texts: Texts) -> str:
    """Say what is allowed, such as `at most 10 kW`."""
    low = "" if limit.low is None else value_text(limit.low, limit.unit, texts)
    high = "" if limit.high is None else value_text(limit.high, limit.unit, texts)
    if limit.unit == "s":
        return texts("alert.limit.silence", high=high)
    if limit.of:
        return texts("alert.limit.share", low=low, role=limit.of)
    if low and high:
        return texts("alert.limit.both", low=low, high=high)
    return texts("alert.limit.low", low=low) if low else texts("alert.limit.high", high=high)


def limits_text(kind: AlertKind, texts: Texts) -> str:
    """Say all limits of a kind, each with its severity where there are two."""
    said = [limit_text(limit, texts) for limit in kind.limits]
    if len(said) < 2:
        return "".join(said)
    words = [texts(f"alert.state.{limit.severity}") for limit in kind.limits]
    return ", ".join(f"{limit} ({word})" for limit, word in zip(said, words, strict=True))


def worst_text(alert: Alert, kind: AlertKind | None, texts: Texts) -> str:
    """Say the worst value of an alert, and the limit it passed."""
    limit = kind.limit(alert.severity) if kind is not None else None
    worst = value_text(alert.extreme, alert.unit, texts)
    if limit is None:
        return texts("alert.worst", value=worst)
    if limit.unit == "s" and limit.high is not None:
        return texts("alert.stale", longest=value_text(limit.high, limit.unit, texts))
    return texts("alert.worst_of", value=worst, limit=limit_text(limit, texts))


def value_text(value: float, unit: str, texts: Texts) -> str:
    """Write a value with its unit as an alert shows it; seconds become a length of time."""
    if unit == "s":
        return lasting_text(timedelta(seconds=value), texts)
    shown, name = (100 * value, "%") if unit == "1" else (value, unit)
    whole = abs(shown - round(shown)) < _WHOLE
    return f"{texts.number(shown, 0 if whole else _DECIMALS.get(unit, 1))} {name}"


def lasting_text(length: timedelta, texts: Texts) -> str:
    """Write a length of time in its two largest units, such as `1 h 25 min`."""
    left = round(max(0.0, length.total_seconds()))
    said: list[str] = []
    for seconds, unit in _PARTS:
        count, rest = divmod(left, seconds)
        if count and len(said) < 2:
            said.append(f"{texts.number(count)} {texts(unit)}")
            left = rest
        elif said:
            break
    return " ".join(said) if said else f"0 {texts('unit.second')}"

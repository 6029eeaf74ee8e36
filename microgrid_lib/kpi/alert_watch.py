"""From conditions over slots to alerts: durations, hysteresis, severities, extremes.

A missing slot proves nothing: it neither counts towards a duration nor ends an alert; missing for
longer than the duration itself, it makes the count begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from microgrid_lib.kpi.alert_rules import Severity


@dataclass(frozen=True)
class Raised:
    """One alert.

    Attributes
    ----------
    name, severity, unit
        What it is; the worst severity it reached.
    start_us
        Start of the first slot of the condition that raised it [µs since the epoch].
    end_us
        Start of the slot that ended it; None while it lasts.
    extreme
        The worst value.
    """

    name: str
    severity: Severity
    unit: str
    start_us: int
    end_us: int | None
    extreme: float


@dataclass(frozen=True)
class Pending:
    """A condition that holds, but not long enough yet.

    Attributes
    ----------
    start_us, last_us
        Its first and latest slot.
    slots
        How many slots it held for.
    worst
        Badness and value of the worst slot.
    """

    start_us: int
    last_us: int
    slots: int
    worst: tuple[float, float]


@dataclass(frozen=True)
class Watched:
    """Where a rule stands after some slots; hashable.

    Attributes
    ----------
    pending
        By level, the mildest first.
    level
        Worst level reached by the alert that lasts, -1 without one.
    start_us, worst
        Of that alert.
    """

    pending: tuple[Pending | None, ...]
    level: int = -1
    start_us: int = 0
    worst: tuple[float, float] = (0.0, 0.0)

    @property
    def quiet(self) -> bool:
        """Whether neither an alert lasts nor a condition holds."""
        return self.level < 0 and not any(self.pending)


Slot = tuple[int, tuple[bool, ...], bool, float, float]
"""Start [µs], condition of each level, off-condition, value, badness."""


def watch(
    before: Watched,
    slots: Iterable[Slot],
    *,
    name: str,
    unit: str,
    severities: tuple[Severity, ...],
    needed: int,
    step_us: int,
) -> tuple[list[Raised], Watched]:
    """Run one rule over valid slots in order of time.

    Parameters
    ----------
    before
        Where it stood.
    slots
        Slots in which everything it reads is valid. What is left out holds neither condition
        up nor down.
    name, unit, severities
        What its alerts are called.
    needed
        Slots a condition must hold for.
    step_us
        Length of a slot [µs].

    Returns
    -------
    list of Raised, Watched
        The alerts that ended, and where it stands now.
    """
    pending = list(before.pending)
    level, start_us, worst = before.level, before.start_us, before.worst
    ended = []
    for at_us, conditions, off, value, badness in slots:
        now = (badness, value)
        for number, holds in enumerate(conditions):
            known = pending[number]
            if not holds:
                pending[number] = None
                continue
            if known is None or at_us - known.last_us > (needed + 1) * step_us:
                known = Pending(at_us, at_us, 1, now)
            else:
                known = Pending(known.start_us, at_us, known.slots + 1, max(known.worst, now))
            pending[number] = known
            if known.slots >= needed and number > level:
                if level < 0:
                    start_us, worst = known.start_us, known.worst
                level, worst = number, max(worst, known.worst)
        if level >= 0:
            worst = max(worst, now) if not off else worst
            if off:
                ended.append(Raised(name, severities[level], unit, start_us, at_us, worst[1]))
                level = -1
    return ended, Watched(tuple(pending), level, start_us, worst)


def lasting(
    watched: Watched, *, name: str, unit: str, severities: tuple[Severity, ...]
) -> list[Raised]:
    """List the alert that lasts, if there is one."""
    if watched.level < 0:
        return []
    severity = severities[watched.level]
    return [Raised(name, severity, unit, watched.start_us, None, watched.worst[1])]

"""When which alert lasted: a lane per kind over the time of the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from microgrid_lib.present.alert_texts import StateText
from microgrid_lib.present.alerts import AlertRow
from microgrid_lib.present.texts import Texts
from microgrid_lib.present.ticks import Tick, time_ticks
from microgrid_lib.window import Window


@dataclass(frozen=True)
class TimelineBar:
    """One alert of a lane.

    Attributes
    ----------
    id
        The alert's.
    start, end
        Where it begins and ends, as shares of the window.
    severity
        The worst it reached.
    said
        The alert in one line.
    """

    id: str
    start: float
    end: float
    severity: StateText
    said: str


@dataclass(frozen=True)
class Lane:
    """One kind of alert, its bars in order of time."""

    title: str
    bars: tuple[TimelineBar, ...]


@dataclass(frozen=True)
class Timeline:
    """Alerts over a window; ticks are shares of it."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]


def timeline(rows: Sequence[AlertRow], window: Window, texts: Texts) -> Timeline:
    """Put alerts into lanes, the kind that came first on top.

    Parameters
    ----------
    rows
        Alerts that last for some of the window.
    """
    length_s = window.duration.total_seconds()
    ordered = sorted(rows, key=lambda row: row.start.astimezone(UTC))
    lanes: dict[str, list[TimelineBar]] = {}
    titles = {}
    for row in ordered:
        start, end = (
            min(1.0, max(0.0, (at.astimezone(UTC) - window.start_utc).total_seconds() / length_s))
            for at in (row.start, row.end)
        )
        bar = TimelineBar(row.id, start, end, row.severity, f"{row.label} · {row.lasted}")
        lanes.setdefault(row.name, []).append(bar)
        titles[row.name] = row.title
    return Timeline(
        tuple(Lane(titles[name], tuple(bars)) for name, bars in lanes.items()),
        tuple(Tick(t.value / length_s, t.label) for t in time_ticks(window, texts)),
    )

"""All that the page of alerts shows: states, history, timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from microgrid_lib.present.alert_timeline import Timeline, timeline
from microgrid_lib.present.alerts import (
    AlertData,
    AlertRow,
    StateRow,
    alert_rows,
    chosen_rows,
    state_rows,
    summary_text,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.window import Window


@dataclass(frozen=True)
class AlertHistory:
    """Alerts of a window, and where every kind stands at the end of the data.

    Attributes
    ----------
    at
        When the states are from, in words.
    rows
        The latest first.
    summary
        How many last, and how many there were.
    """

    states: tuple[StateRow, ...]
    at: str
    rows: tuple[AlertRow, ...]
    timeline: Timeline
    summary: str


def prepare_history(data: AlertData, window: Window, texts: Texts) -> AlertHistory:
    """Ask for the alerts of a window and describe them.

    Raises
    ------
    NoDataError
        The window lies wholly outside the data.
    """
    rows = alert_rows(data, window, texts)
    until = data.as_of()
    return AlertHistory(
        states=state_rows(data, texts),
        at=texts("alerts.at", moment=texts.moment(until)) if until else "",
        rows=rows,
        timeline=timeline(rows, window, texts),
        summary=summary_text(rows, texts),
    )


def to_acknowledge(rows: Sequence[AlertRow], kept: AlertRow | None = None) -> tuple[AlertRow, ...]:
    """List the alerts that can be acknowledged.

    Parameters
    ----------
    rows
        Those of the window.
    kept
        One that someone is writing a note on: it stays, whatever the window has become.
    """
    found = list(chosen_rows(rows, "open"))
    if kept is not None and kept.id not in {row.id for row in rows}:
        found.insert(0, kept)
    return tuple(found)

"""Alerts as HTML: states, the short list, the history."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from microgrid_lib.dashboard.picks import pick_button
from microgrid_lib.present.alert_texts import StateText
from microgrid_lib.present.alert_timeline import Timeline, TimelineBar
from microgrid_lib.present.alerts import AlertRow, ShortAlerts, StateRow
from microgrid_lib.present.texts import Texts

SHOW, CHOOSE = "show:", "choose:"
"""What the buttons of a row send, before the alert's id."""
_EDGE = 0.03


def state_html(state: StateText) -> str:
    """Write a state: its mark and its word."""
    return (
        f'<span class="mg-state mg-state-{escape(state.state)}">'
        f'<span aria-hidden="true">{escape(state.mark)}</span> {escape(state.word)}</span>'
    )


def short_html(short: ShortAlerts, texts: Texts) -> str:
    """Write the short list; a row's button shows the alert's time."""
    head = f"<h3>{escape(texts('alerts.title'))}</h3>"
    summary = f'<p class="mg-sub">{escape(short.summary)}</p>'
    if not short.rows:
        return head + summary
    rows = "".join(
        f'<tr data-alert="{escape(row.id, quote=True)}"><td>{escape(row.since)}</td>'
        f"<td>{_title_button(row, texts)}<small>{escape(row.lasted)}</small></td>"
        f"<td>{state_html(row.state)}</td></tr>"
        for row in short.rows
    )
    heads = _heads(texts, ("alerts.since", "alerts.what", "alerts.state"))
    return f"{head}{summary}{_table(texts('alerts.title'), heads, rows)}"


def states_html(rows: Sequence[StateRow], at: str, texts: Texts) -> str:
    """Write where every kind of alert stands."""
    items = "".join(
        f'<li data-alert-kind="{escape(row.name)}" data-state="{escape(row.state.state)}">'
        f"<b>{escape(row.title)}</b>{state_html(row.state)}"
        f"<small>{escape(row.detail or row.limits)}</small></li>"
        for row in rows
    )
    head = f'<h3>{escape(texts("alerts.states"))}</h3><p class="mg-sub">{escape(at)}</p>'
    return f'{head}<ul class="mg-states">{items}</ul>'


def history_html(rows: Sequence[AlertRow], chosen: str, texts: Texts, note: str = "") -> str:
    """Write the history as a table, the chosen row marked, and a note below it."""
    if not rows:
        return f'<p class="mg-note">{escape(texts("alerts.none_such"))}</p>'
    heads = _heads(
        texts,
        (
            "alerts.since",
            "alerts.until",
            "alerts.lasted",
            "alerts.what",
            "alerts.severity",
            "alerts.acknowledged",
        ),
    )
    body = "".join(_history_row(row, row.id == chosen, texts) for row in rows)
    below = f'<p class="mg-note">{escape(note)}</p>' if note else ""
    return _table(texts("alerts.history"), heads, body) + below


def timeline_html(shown: Timeline, texts: Texts) -> str:
    """Draw when which alert lasted; the table says the same in words."""
    if not shown.lanes:
        return ""
    lanes = "".join(
        f'<span class="mg-lane-name">{escape(lane.title)}</span>'
        f'<div class="mg-lane">{"".join(_bar(bar) for bar in lane.bars)}</div>'
        for lane in shown.lanes
    )
    feet = "".join(
        f'<span class="{_side(tick.value)}" style="left:{100 * tick.value:.2f}%">'
        f"{escape(tick.label)}</span>"
        for tick in shown.ticks
    )
    label = escape(texts("alerts.timeline"), quote=True)
    return (
        f'<div class="mg-timeline" role="img" aria-label="{label}">{lanes}'
        f'<div class="mg-lane-feet">{feet}</div></div>'
    )


def _side(share: float) -> str:
    """Labels at the ends stand inside."""
    if share < _EDGE:
        return "mg-lane-first"
    return "mg-lane-last" if share > 1 - _EDGE else ""


def _bar(bar: TimelineBar) -> str:
    left, width = 100 * bar.start, 100 * (bar.end - bar.start)
    return (
        f'<i class="mg-lane-{escape(bar.severity.state)}" title="{escape(bar.said, quote=True)}" '
        f'style="left:{left:.2f}%;width:{width:.2f}%"></i>'
    )


def _history_row(row: AlertRow, chosen: bool, texts: Texts) -> str:
    if row.seen:
        note = f"<small>{escape(row.note)}</small>" if row.note else ""
        seen = f"{escape(row.seen)}{note}"
    else:
        seen = pick_button(CHOOSE + row.id, texts("alerts.choose"), texts("alerts.choose.help"))
    mark = ' class="mg-chosen" aria-current="true"' if chosen else ""
    return (
        f'<tr data-alert="{escape(row.id, quote=True)}"{mark}>'
        f"<td>{escape(row.since)}</td><td>{escape(row.until)}</td><td>{escape(row.lasted)}</td>"
        f"<td>{_title_button(row, texts)}<small>{escape(row.worst)}</small></td>"
        f"<td>{state_html(row.severity)}</td><td>{seen}</td></tr>"
    )


def _title_button(row: AlertRow, texts: Texts) -> str:
    return pick_button(SHOW + row.id, row.title, texts("alerts.show.help"))


def _heads(texts: Texts, keys: Sequence[str]) -> str:
    return "".join(f'<th scope="col">{escape(texts(key))}</th>' for key in keys)


def _table(caption: str, heads: str, rows: str) -> str:
    return (
        f'<table><caption class="mg-hidden">{escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )

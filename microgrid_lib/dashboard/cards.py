"""Cards as HTML: one element per grid, each card an article that scripts can read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from microgrid_lib.present.cards import Card
from microgrid_lib.present.texts import Texts

_SPARK_WIDTH, _SPARK_HEIGHT = 110, 28


def cards_html(cards: Sequence[Card], texts: Texts, note: str = "") -> str:
    """Write a grid of cards: those to be read first, then the compact ones.

    Parameters
    ----------
    note
        A line below the cards.
    """
    below = f'<p class="mg-note">{escape(note)}</p>' if note else ""
    grids = []
    for kind, chosen in (
        ("mg-lead", [c for c in cards if c.lead]),
        ("mg-compact", [c for c in cards if not c.lead]),
    ):
        if chosen:
            inside = "".join(card_html(card, texts) for card in chosen)
            grids.append(f'<div class="mg-cards {kind}">{inside}</div>')
    return f"{''.join(grids)}{below}"


def card_html(card: Card, texts: Texts) -> str:
    """One card; `data-value` is the full precision of the value, empty where undefined."""
    value = "" if card.value is None else repr(float(card.value))
    unit = f'<span class="mg-unit">{escape(card.unit_text)}</span>' if card.unit_text else ""
    figure = "mg-value" if card.value is not None else "mg-value mg-undefined"
    lines = [
        f'<h3 class="mg-name" title="{escape(card.help, quote=True)}">{escape(card.title)}</h3>',
        f'<p class="{figure}">{escape(card.value_text)}{unit}</p>',
    ]
    if card.change is not None:
        change = card.change
        lines.append(
            f'<p class="mg-change mg-{change.tone}"><span aria-hidden="true">{change.arrow}</span> '
            f'<span class="mg-hidden">{escape(change.spoken)}</span>{escape(change.text)}</p>'
        )
    if card.reason:
        lines.append(f'<p class="mg-reason">{escape(card.reason)}</p>')
    if card.when:
        lines.append(f'<p class="mg-coverage">{escape(card.when)}</p>')
    if card.coverage:
        low = " mg-low" if card.low_coverage else ""
        lines.append(f'<p class="mg-coverage{low}">{escape(card.coverage)}</p>')
    if card.warning:
        mark = escape(texts("card.warning"))
        lines.append(f'<p class="mg-warning"><b>{mark}</b> {escape(card.warning)}</p>')
    return (
        f'<article class="mg-card" data-kpi="{escape(card.kpi)}" data-value="{value}" '
        f'data-unit="{escape(card.unit)}">{_spark(card) if card.lead else ""}'
        f"{''.join(lines)}</article>"
    )


def _spark(card: Card) -> str:
    if not card.spark:
        return ""
    paths = []
    for piece in card.spark:
        points = " ".join(
            f"{x * _SPARK_WIDTH:.1f},{2 + (1 - y) * (_SPARK_HEIGHT - 4):.1f}" for x, y in piece
        )
        paths.append(f'<polyline points="{points}"/>')
    return (
        f'<svg class="mg-spark mg-source-{escape(card.source)}" aria-hidden="true" '
        f'viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" preserveAspectRatio="none">'
        f"{''.join(paths)}</svg>"
    )

"""Verdicts and excursions as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from microgrid_lib.dashboard.tables import rows_table_html
from microgrid_lib.present.quality import (
    ComplianceTable,
    ExcursionRow,
    RuleRow,
    TripRow,
    Verdict,
)
from microgrid_lib.present.texts import Texts

_KIND = {"pass": "good", "fail": "bad", "indicative": "neutral"}


def verdict_html(verdict: Verdict) -> str:
    """Write a verdict: sign, word, reason."""
    kind = _KIND.get(verdict.name, "neutral")
    reason = f'<span class="mg-why">{escape(verdict.reason)}</span>' if verdict.reason else ""
    return (
        f'<span class="mg-verdict mg-{kind}"><i aria-hidden="true">{verdict.mark}</i>'
        f"{escape(verdict.word)}</span>{reason}"
    )


def compliance_html(table: ComplianceTable, texts: Texts) -> str:
    """Write the verdicts by rule and point, the trips, and what can't be seen."""
    unseen = "".join(f"<li>{escape(line)}</li>" for line in table.unseen)
    return (
        f'<div class="mg-chart-head"><h3>{escape(texts("quality.compliance"))}</h3>'
        f'<p class="mg-sub">{escape(table.headline)} {escape(table.islands)}</p></div>'
        f"{_rules_html(table.rules, texts)}"
        f'<p class="mg-sub">{escape(table.counted)}</p>'
        f"<details><summary>{escape(texts('quality.trips'))}</summary>"
        f"{_trips_html(table.trips, texts)}</details>"
        f'<h4>{escape(texts("quality.unseen"))}</h4><ul class="mg-unseen">{unseen}</ul>'
    )


def _rules_html(rows: Sequence[RuleRow], texts: Texts) -> str:
    lines = []
    for rule, found in groupby(rows, key=lambda row: (row.rule, row.what)):
        points = list(found)
        for index, row in enumerate(points):
            name = (
                f'<th scope="rowgroup" rowspan="{len(points)}">{escape(rule[0])}'
                f'<span class="mg-why">{escape(rule[1])}</span></th>'
            )
            numbers = (row.n, row.n1, row.n2, row.n_invalid, row.share)
            lines.append(
                f'<tr data-verdict="{escape(row.verdict.name)}">{name if index == 0 else ""}'
                f"{_words(row.point, row.limits)}{_numbers(numbers)}"
                f'<td class="mg-text">{verdict_html(row.verdict)}</td></tr>'
            )
    heads = ("+rule", "+point", "+limits", "n", "n1", "n2", "invalid", "share", "+verdict")
    return rows_table_html("quality", heads, lines, texts("quality.compliance"), texts)


def _trips_html(rows: Sequence[TripRow], texts: Texts) -> str:
    lines = [
        f'<tr data-verdict="{escape(row.verdict.name)}">'
        f'<th scope="row">{escape(row.function)}</th>{_words(row.point)}'
        f"{_numbers((row.threshold, row.clearing, row.beyond, row.longest))}"
        f'<td class="mg-text">{verdict_html(row.verdict)}</td></tr>'
        for row in rows
    ]
    heads = ("+trip", "+point", "threshold", "clearing", "beyond", "longest", "+verdict")
    return rows_table_html("quality", heads, lines, texts("quality.trips"), texts)


def _words(*cells: str) -> str:
    return "".join(f'<td class="mg-text">{escape(cell)}</td>' for cell in cells)


def _numbers(cells: Sequence[str]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in cells)


def excursion_html(rows: Sequence[ExcursionRow], texts: Texts) -> str:
    """Write the heading of the list of excursions."""
    what = texts("excursions.none") if not rows else texts("excursions.what", count=len(rows))
    return (
        f'<h3>{escape(texts("excursions.title"))}</h3><p class="mg-sub" '
        f'data-excursions="{len(rows)}">{escape(what)}</p>'
    )

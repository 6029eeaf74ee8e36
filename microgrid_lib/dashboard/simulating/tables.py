"""Verdict, metrics, losses, parameters and limits of a simulation as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from microgrid_lib.dashboard.tables import rows_table_html
from microgrid_lib.present.simulation_tables import (
    LIMITS_OF_THE_MODEL,
    LossRow,
    MetricRow,
    ScoreRow,
    SettingRow,
)
from microgrid_lib.present.texts import Texts
from microgrid_lib.simulation.simulate import SimulationResult


def verdict_html(result: SimulationResult, day: str, texts: Texts) -> str:
    """Write whether a scenario is feasible, and what to beware of."""
    kind, mark = ("good", "✓") if result.feasible else ("bad", "✕")
    word = texts("simulation.feasible" if result.feasible else "simulation.infeasible")
    notes = "".join(f"<li>{escape(texts.note(note))}</li>" for note in result.warnings)
    return (
        f'<p class="mg-feasible" data-feasible="{str(result.feasible).lower()}" role="status">'
        f'<span class="mg-verdict mg-{kind}"><i aria-hidden="true">{mark}</i>{escape(word)}</span>'
        f" <span>{escape(day)}</span></p>"
        f'<ul class="mg-unseen">{notes}</ul>'
    )


def metrics_html(rows: Sequence[MetricRow], texts: Texts) -> str:
    """Write the metrics: baseline, scenario, difference, limit."""
    lines = []
    for row in rows:
        value = "" if row.value is None else repr(float(row.value))
        mark = '<i class="mg-mark" aria-hidden="true">✕</i>' if row.broken else ""
        spoken = f'<span class="mg-hidden">{escape(texts("simulation.beyond"))}</span>'
        lines.append(
            f'<tr data-metric="{escape(row.name)}" data-value="{value}">'
            f'<th scope="row">{escape(row.label)}</th><td>{escape(row.base)}</td>'
            f'<td class="{"mg-bad" if row.broken else ""}">{mark}'
            f"{spoken if row.broken else ''}<b>{escape(row.scenario)}</b></td>"
            f"<td>{escape(row.difference)}</td><td>{escape(row.limit)}</td></tr>"
        )
    heads = ("+metric", "base", "scenario", "difference", "limit")
    return _panel(
        "metrics",
        rows_table_html("simulation", heads, lines, texts("simulation.metrics"), texts),
        texts,
    )


def losses_html(rows: Sequence[LossRow] | None, texts: Texts) -> str:
    """Write the N-1 table; None: not computed yet."""
    if rows is None:
        return _panel(
            "losses", f'<p class="mg-sub">{escape(texts("simulation.waiting"))}</p>', texts
        )
    lines = []
    for row in rows:
        kind, mark = ("good", "✓") if row.feasible else ("bad", "✕")
        cells = (row.survives, row.unserved, row.shed, row.imported, row.peak, row.nadir)
        lines.append(
            f'<tr><th scope="row"><span class="mg-{kind}" aria-hidden="true">{mark}</span> '
            f"{escape(row.lost)}</th>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
        )
    heads = ("+lost", "survives", "unserved", "shed", "import", "peak", "nadir")
    return _panel(
        "losses",
        rows_table_html("simulation", heads, lines, texts("simulation.losses"), texts),
        texts,
    )


def scores_html(summary: str, rows: Sequence[ScoreRow], texts: Texts) -> str:
    """Write how well the calibrated model predicts."""
    lines = [
        f'<tr><th scope="row">{escape(row.which)}</th>'
        + "".join(
            f"<td>{escape(cell)}</td>"
            for cell in (row.intervals, row.rmse, row.bias, row.receiving, row.offset)
        )
        + "</tr>"
        for row in rows
    ]
    heads = ("+which", "intervals", "rmse", "bias", "receiving", "offset")
    table = rows_table_html("simulation", heads, lines, texts("simulation.calibration"), texts)
    return f'<p class="mg-sub">{escape(summary)}</p>{table}'


def settings_html(rows: Sequence[SettingRow], texts: Texts) -> str:
    """Write every parameter with its source, and the limits of the model."""
    lines = [
        f'<tr><th scope="row">{escape(row.name)}</th><td>{escape(row.value)}</td>'
        f'<td class="mg-text"><span class="mg-origin mg-origin-{escape(row.kind)}">'
        f"{escape(row.source)}</span></td>"
        f'<td class="mg-text">{escape(row.note)}</td></tr>'
        for row in rows
    ]
    table = rows_table_html("simulation", ("+parameter", "value", "+source", "+note"), lines,
                   texts("simulation.parameters"), texts)  # fmt: skip
    limits = "".join(
        f"<li>{escape(texts(f'simulation.limit.{name}'))}</li>" for name in LIMITS_OF_THE_MODEL
    )
    return (
        f"<h3>{escape(texts('simulation.limits'))}</h3>"
        f'<ul class="mg-unseen">{limits}</ul>'
        f"<details><summary>{escape(texts('simulation.parameters'))}</summary>{table}</details>"
    )


def _panel(name: str, inside: str, texts: Texts) -> str:
    return (
        f'<div class="mg-chart-head"><h3>{escape(texts(f"simulation.{name}"))}</h3>'
        f'<p class="mg-sub">{escape(texts(f"simulation.{name}.what"))}</p></div>{inside}'
    )

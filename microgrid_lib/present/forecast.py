"""A forecast as a page and a report show it: picture, days, how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from microgrid_lib.errors import MicrogridError
from microgrid_lib.forecast.chance import Chance, most_likely
from microgrid_lib.forecast.errors import NoRecentDataError
from microgrid_lib.forecast.shapes import BacktestReport, ForecastReport, ModelScore
from microgrid_lib.present.charts import Chart, Floats, Line, Ribbon, lay_out
from microgrid_lib.present.tables import DataTable
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Site
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.forecast.history import HourlyHistory

HISTORY_DAYS = 7
"""How much of what was measured is shown before the forecast [days]."""

RANDOM_FOREST = "random_forest"
_HOUR_S = 3600
_SOURCES = {
    "bus_voltage": "grid",
    "load": "load",
    "critical_load": "load",
    "grid": "grid",
    "pv": "pv",
}
_VOLTAGES = frozenset({"bus_voltage", "receiving_voltage", "mccb_voltage"})


@dataclass(frozen=True)
class ForecastContent:
    """A forecast, ready to be drawn.

    Attributes
    ----------
    words
        What is served and what it was worth, in sentences; the first is the most important.
    warnings
        What keeps it from being better.
    facts
        The model card: labels and texts.
    """

    report: ForecastReport
    chart: Chart
    words: tuple[str, ...]
    warnings: tuple[str, ...]
    days: DataTable
    backtest: DataTable | None
    facts: tuple[tuple[str, str], ...]


def refusal_text(error: MicrogridError, texts: Texts) -> str:
    """Say why there is no forecast: in the reader's language where this module knows the reason."""
    if isinstance(error, NoRecentDataError):
        before = texts.moment(error.before)
        return texts("forecast.no_recent", days=error.days, before=before)
    return str(error)


def describe_forecast(
    report: ForecastReport, history: HourlyHistory, site: Site, texts: Texts
) -> ForecastContent:
    """Describe a forecast.

    Parameters
    ----------
    history
        The hourly means it was made from.
    site
        For the limits that a voltage may leave.
    """
    return ForecastContent(
        report=report,
        chart=_chart(report, history, texts),
        words=_words(report, texts),
        warnings=tuple(texts.note(note) for note in report.notes if note.code != "synthetic_data"),
        days=_days(report, site, texts),
        backtest=_backtest(report.backtest, report.model, texts) if report.backtest else None,
        facts=_facts(report, texts),
    )


def model_name(name: str, texts: Texts) -> str:
    """Name of a model or baseline in words."""
    return texts(f"model.{name}") if texts.has(f"model.{name}") else name


def _chart(report: ForecastReport, history: HourlyHistory, texts: Texts) -> Chart:
    origin = report.origin
    zone = origin.tzinfo
    start = origin.astimezone(UTC) - timedelta(days=HISTORY_DAYS)
    end = origin.astimezone(UTC) + timedelta(hours=report.horizon_h)
    x = np.arange(HISTORY_DAYS * 24 + report.horizon_h, dtype=np.float64) * _HOUR_S + _HOUR_S / 2
    measured = _past(history, start, len(x), origin)
    source = _SOURCES.get(report.role, "ink")

    def line(values: Floats, label: str, colour: str, setpoint: bool = False) -> Line:
        return Line(report.role, texts(label), colour, setpoint, False, x, values)

    def ahead(name: str) -> Floats:
        values = [getattr(hour, name) for hour in report.hourly]
        known = [np.nan if value is None else float(value) for value in values]
        return np.concatenate([np.full(HISTORY_DAYS * 24, np.nan), known])

    lines = [
        line(measured, "line.measured", "ink"),
        line(ahead("p50"), "line.forecast", source),
        line(ahead("baseline"), "line.baseline", "setpoint", setpoint=True),
    ]
    forest = ahead(RANDOM_FOREST)
    if np.isfinite(forest).any() and report.model != RANDOM_FOREST:
        lines.append(line(forest, "line.random_forest", "genset"))
    ribbons = [
        Ribbon(texts(label), source, x, ahead(low), ahead(high))
        for label, low, high in (
            ("line.interval95", "p2_5", "p97_5"),
            ("line.interval80", "p10", "p90"),
        )
        if np.isfinite(ahead(low)).any()
    ]
    window = Window(start.astimezone(zone), end.astimezone(zone))
    return lay_out(
        f"forecast_{report.role}",
        texts("forecast.title", role=report.role),
        texts("forecast.what", unit=report.unit, days=HISTORY_DAYS),
        report.unit,
        window,
        texts,
        lines,
        gaps=_gaps(measured, x, HISTORY_DAYS * 24),
        ribbons=ribbons,
        from_zero=report.role in {"pv", "load", "critical_load"},
        signed=report.role == "grid",
        bucket_s=_HOUR_S,
        interval_s=_HOUR_S,
    )


def _past(history: HourlyHistory, start: datetime, count: int, origin: datetime) -> Floats:
    import pandas as pd

    hours = pd.date_range(start, periods=count, freq="h")
    values = history.series.reindex(hours).to_numpy(dtype=np.float64)
    return np.where(hours < pd.Timestamp(origin), values, np.nan)


def _gaps(measured: Floats, x: Floats, until: int) -> tuple[tuple[float, float], ...]:
    missing = ~np.isfinite(measured[:until])
    edges = np.flatnonzero(np.diff(np.concatenate(([0], missing.astype(np.int8), [0]))))
    half = _HOUR_S / 2
    return tuple(
        (float(x[a] - half), float(x[b - 1] + half))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


def _words(report: ForecastReport, texts: Texts) -> tuple[str, ...]:
    names = {
        "model": model_name(report.model, texts),
        "baseline": model_name(report.baseline, texts),
    }
    backtest = report.backtest
    served = report.scores.get(report.model)
    base = report.scores.get(report.baseline)
    if backtest is None or served is None or served.mae is None:
        return (texts("forecast.baseline_served", **names),)
    days = backtest.horizon_h // 24
    amounts = {"origins": backtest.origins, "days": days, "unit": report.unit}
    mine = amount(served.mae, texts)
    if base is None or base.mae is None or report.model == report.baseline:
        first = texts("forecast.off_alone", mae=mine, **names, **amounts)
        return (first, texts("forecast.baseline_won", **names))
    theirs = amount(base.mae, texts)
    found = [texts("forecast.off", mae=mine, baseline_mae=theirs, **names, **amounts)]
    if served.skill is not None and served.skill_interval is not None:
        low, high = served.skill_interval
        key = "forecast.skill" if low > 0 else "forecast.skill_uncertain"
        shares = {
            name: texts.number(100 * value)
            for name, value in (("skill", served.skill), ("low", low), ("high", high))
        }
        found.append(texts(key, **shares))
    if not backtest.choice.earlier:
        found.append(texts("forecast.optimistic"))
    forest = report.scores.get(RANDOM_FOREST)
    if forest is not None and forest.mae is not None and report.model != RANDOM_FOREST:
        theirs = amount(forest.mae, texts)
        found.append(texts("forecast.forest", mae=theirs, unit=report.unit))
    return tuple(found)


def _days(report: ForecastReport, site: Site, texts: Texts) -> DataTable:
    forest = any(day.random_forest is not None for day in report.daily)
    heads = ["forecast.day", "forecast.mean", "forecast.interval"]
    heads += ["forecast.forest_mean"] if forest else []
    columns = [texts(key, unit=report.unit) for key in heads]
    limits = _limits(report.role, site)
    columns += [texts(f"forecast.chance_{name}", low=low, high=high) for name, low, high in limits]
    rows = []
    for day in report.daily:
        cells = [
            texts.day(datetime.combine(day.date, datetime.min.time())),
            _number(day.mean, texts),
            _range(day.p10, day.p90, texts),
            *([_number(day.random_forest, texts)] if forest else []),
        ]
        hours = [hour for hour in report.hourly if hour.time.date() == day.date]
        cells += [_chance(most_likely(hours, low, high), texts) for _, low, high in limits]
        rows.append(tuple(cells))
    return DataTable(texts("forecast.days"), tuple(columns), tuple(rows))


def _limits(role: str, site: Site) -> list[tuple[str, float, float]]:
    """Ranges that a voltage should stay in [V]: name, lower and upper end."""
    if role not in _VOLTAGES:
        return []
    nominal = site.nominal.voltage_v
    ranges = {"a": site.limits.voltage_a, "b": site.limits.voltage_b}
    return [(name, low * nominal, high * nominal) for name, (low, high) in ranges.items()]


def _chance(chance: Chance | None, texts: Texts) -> str:
    if chance is None:
        return texts("card.undefined")
    if chance.low == 0:
        return texts("forecast.at_most", share=texts.number(100 * chance.high, 1))
    low, high = (texts.number(100 * share, 1) for share in (chance.low, chance.high))
    return f"{low} %" if low == high else texts("forecast.from_to", low=low, high=high)


def _backtest(report: BacktestReport, served: str, texts: Texts) -> DataTable:
    sun = any(score.coverage80_daylight is not None for score in report.models.values())
    daylight = ("coverage80_daylight",) if sun else ()
    keys = ("name", "mae", "bias", "skill", "coverage80", *daylight, "coverage95", "daily_mae")
    order = sorted(report.models.items(), key=lambda item: _rank(item[1]))
    rows = [_score_row(name, score, sun, texts) for name, score in order]
    marked = tuple(i for i, (name, _) in enumerate(order) if name == served)
    title = texts(
        "forecast.backtest",
        origins=report.origins,
        first=texts.day(report.origin_times[0]),
        last=texts.day(report.origin_times[-1]),
        hours=report.hours,
        refit=report.refit_days,
        baseline=model_name(report.best_baseline, texts),
    )
    columns = tuple(texts(f"backtest.{key}", unit=report.unit) for key in keys)
    return DataTable(title, columns, tuple(rows), marked)


def _score_row(name: str, score: ModelScore, sun: bool, texts: Texts) -> tuple[str, ...]:
    skill = texts("card.undefined")
    if score.skill is not None:
        skill = texts.number(score.skill, 2)
        if score.skill_interval is not None:
            low, high = (texts.number(end, 2) for end in score.skill_interval)
            skill = f"{skill} [{low}; {high}]"
    label = model_name(name, texts)
    if score.kind == "baseline":
        label = texts("backtest.baseline", name=label)
    return (
        label,
        _number(score.mae, texts),
        _number(score.bias, texts),
        skill,
        _percent(score.coverage80, texts),
        *((_percent(score.coverage80_daylight, texts),) if sun else ()),
        _percent(score.coverage95, texts),
        _number(score.daily_mae, texts),
    )


def _facts(report: ForecastReport, texts: Texts) -> tuple[tuple[str, str], ...]:
    found = [
        ("fact.served", model_name(report.model, texts)),
        ("fact.origin", texts.moment(report.origin)),
        ("fact.horizon", texts("fact.hours", hours=report.horizon_h)),
        ("fact.data", report.data_hash[:16]),
    ]
    training = report.training
    if training is not None:
        zone = report.origin.tzinfo
        start, end = (texts.day(t.astimezone(zone)) for t in (training.start, training.end))
        trained = texts("fact.from_to", start=start, end=end)
        if training.synthetic:
            trained = f"{trained} ({texts('demo')})"
        versions = texts(
            "fact.versions", library=training.version, scikit_learn=training.scikit_learn
        )
        found += [
            ("fact.trained_on", trained),
            ("fact.training_data", training.data_hash[:16]),
            ("fact.trained_at", texts.day(training.trained_at.astimezone(zone))),
            ("fact.seed", str(training.seed)),
            ("fact.made_with", versions),
        ]
    return tuple((texts(key), text) for key, text in found)


def _rank(score: ModelScore) -> float:
    return float("inf") if score.mae is None else score.mae


def amount(value: float, texts: Texts) -> str:
    """Write a number of a forecast with about three significant digits."""
    return texts.number(value, max(1, min(2, 2 - _magnitude(value))))


def _magnitude(value: float) -> int:
    return 0 if value == 0 else math.floor(math.log10(abs(value)))


def _number(value: float | None, texts: Texts) -> str:
    return texts("card.undefined") if value is None else amount(value, texts)


def _percent(share: float | None, texts: Texts) -> str:
    return texts("card.undefined") if share is None else f"{texts.number(100 * share)} %"


def _range(low: float | None, high: float | None, texts: Texts) -> str:
    if low is None or high is None:
        return texts("card.undefined")
    return texts("forecast.span", low=amount(low, texts), high=amount(high, texts))


def forecast_rows(report: ForecastReport) -> Sequence[tuple[str, ...]]:
    """Hours of a forecast as rows of a CSV file, the first with the names of the columns."""
    names = ("time", "p2_5", "p10", "p50", "p90", "p97_5", "baseline", RANDOM_FOREST)
    rows = [tuple(f"{n} [{report.unit}]" if n != "time" else n for n in names)]
    for hour in report.hourly:
        values = [getattr(hour, name) for name in names[1:]]
        rows.append(
            (hour.time.isoformat(), *("" if value is None else repr(value) for value in values))
        )
    return rows

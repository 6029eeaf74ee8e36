"""Model cards: what a reader should know before trusting a model."""

from __future__ import annotations

from microgrid_lib.forecast.entry import Entry
from microgrid_lib.forecast.models import RANDOM_FOREST
from microgrid_lib.forecast.shapes import ModelScore

_MISSION = (
    "This is the mission's model. What is served is the forecast that won the backtest below, "
    "which may be another one."
)


def card(entry: Entry, name: str) -> str:
    """Write the card of one model, in Markdown."""
    file = entry.models[name]
    made_up = " (synthetic demo data: not measurements)" if entry.synthetic else ""
    versions = entry.versions
    made_with = (
        f"microgrid-monitoring {versions.library}, Python {versions.python}, "
        f"scikit-learn {versions.scikit_learn}, numpy {versions.numpy}, joblib {versions.joblib}"
    )
    report = entry.backtest
    protocol = (
        f"{report.origins} origins from {report.origin_times[0].date()} to "
        f"{report.origin_times[-1].date()}, {report.horizon_h} h each, models trained anew every "
        f"{report.refit_days} days on earlier hours only, {report.hours} observed hours. Skill is "
        f"1 - MAE / MAE of {report.best_baseline}, with a 95 % bootstrap interval over origins. "
        "What is served was chosen on these origins, so its own scores are optimistic."
    )
    rows = [_row(other, score) for other, score in report.models.items()]
    lines = [
        f"# {name}: {entry.role} of {entry.site}",
        "",
        *([_MISSION, ""] if name == RANDOM_FOREST else []),
        "| | |",
        "|---|---|",
        f"| Forecasts | hourly and daily means of {entry.role} [{entry.unit}] |",
        f"| Horizon | {entry.horizon_h} h from a local midnight |",
        f"| Site, profile | {entry.site}, {entry.profile} (fingerprint {entry.fingerprint}) |",
        f"| Trained on | {entry.start.isoformat()} to {entry.end.isoformat()}{made_up} |",
        f"| SHA-256 of the hourly means | {entry.data_hash} |",
        f"| File | {file.file}, {file.size} bytes, SHA-256 {file.sha256} |",
        f"| Features | {', '.join(file.features)} |",
        f"| Settings | {', '.join(f'{k} = {v}' for k, v in file.settings.items())} |",
        f"| Seed, date | {entry.seed}, {entry.trained_at.isoformat()} |",
        f"| Versions | {made_with} |",
        f"| Served for this role | {entry.ranking[0]} |",
        "",
        "## Backtest",
        "",
        protocol,
        "",
        f"| forecast | MAE [{entry.unit}] | RMSE | bias | skill | 80 % | 95 % | daily MAE |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        *(f"- {note.text}" for note in report.notes),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, score: ModelScore) -> str:
    skill = _text(score.skill)
    if score.skill_interval is not None:
        low, high = score.skill_interval
        skill += f" [{low:.2f}, {high:.2f}]"
    cells = [_text(value) for value in (score.mae, score.rmse, score.bias)]
    cells += [skill, _text(score.coverage80), _text(score.coverage95), _text(score.daily_mae)]
    return f"| {name} | " + " | ".join(cells) + " |"


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3g}"

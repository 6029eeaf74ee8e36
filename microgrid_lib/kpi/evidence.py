"""What the data say about doubtful channels: set points, competing readings, and steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from microgrid_lib.kpi.model import Note
from microgrid_lib.site.expression import parse_expression
from microgrid_lib.site.profile import Evidence, Profile
from microgrid_lib.store.engines import Columns, Engine, Scan, joined
from microgrid_lib.store.extent import clipped, month_parts
from microgrid_lib.store.slots import channel_slots, evaluate
from microgrid_lib.store.snapshot import Snapshot
from microgrid_lib.window import Window

if TYPE_CHECKING:
    import ibis

LEAST_STEP_KW = 5.0
DAY_S = 86_400
# Residuals that differ by less than this share of the larger say nothing.
_TIE = 1e-3
_BESIDE = ("pv", "fuel_cell", "genset")


class ReadingResult(BaseModel):
    """How well a reading closes the power balance.

    Attributes
    ----------
    name, residual
        The reading and its expression.
    mean_abs_residual_kw
        Mean absolute residual [kW] over slots in which all readings are valid; None without any.
    n
        Number of these slots.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    residual: str
    mean_abs_residual_kw: float | None
    n: int


class StepSlope(BaseModel):
    """How one channel answers the steps of another.

    Attributes
    ----------
    quarter
        `YYYY-Qn`, local; `all` for the whole window.
    slope
        Step of the answering channel per step of the other [kW/kW], steps of the metered sources
        fitted beside it; None where there are too few steps.
    standard_error
        Robust to unequal variance (HC1).
    n
        Number of steps.
    """

    model_config = ConfigDict(frozen=True)

    quarter: str
    slope: float | None
    standard_error: float | None
    n: int


class EvidenceResult(BaseModel):
    """What the data of a window say about one channel.

    Attributes
    ----------
    channel
        The doubtful channel.
    setpoint, setpoint_mean_abs_kw, setpoint_n
        The channel it may follow, mean absolute difference [kW], number of slots.
    readings
        The competing readings.
    favoured
        The reading with the smallest residual; None where none has one, or where the smallest
        two differ by less than a thousandth.
    slopes
        Answers to steps by quarter of the year, and of the whole window last.
    indicative
        Whether it rests on less than a day of slots.
    note
        The finding in one sentence.
    notes
        Every finding.
    """

    model_config = ConfigDict(frozen=True)

    channel: str
    setpoint: str | None = None
    setpoint_mean_abs_kw: float | None = None
    setpoint_n: int = 0
    readings: list[ReadingResult] = []
    favoured: str | None = None
    slopes: list[StepSlope] = []
    indicative: bool = True
    note: Note
    notes: list[Note]


def evidence(
    engine: Engine,
    snapshot: Snapshot,
    profile: Profile,
    window: Window,
    now: datetime | None = None,
) -> list[EvidenceResult]:
    """Weigh the evidence of a window for each entry of the site file.

    Parameters
    ----------
    engine, snapshot, profile
        What to read; channels are read as stored, without the profile's dead band.
    window
        The window.
    now
        See `store.extent.as_of`.

    Raises
    ------
    NoDataError
        The window lies outside all data.
    """
    part = clipped(snapshot, profile, window, now)
    return [
        _result(engine, snapshot, profile, part, number)
        for number in range(len(profile.site.evidence))
    ]


def _result(
    engine: Engine, snapshot: Snapshot, profile: Profile, window: Window, number: int
) -> EvidenceResult:
    site = profile.site
    entry = site.evidence[number]
    sums = _sums(engine, snapshot, profile, window, number)
    setpoint_kw = _mean(sums, "setpoint")
    readings = [
        ReadingResult(
            name=reading.name,
            residual=reading.residual,
            mean_abs_residual_kw=_mean(sums, f"reading_{i}"),
            n=int(sums.get(f"reading_{i}__n", 0)),
        )
        for i, reading in enumerate(entry.readings)
    ]
    slopes = _slopes(engine, snapshot, profile, window, number) if entry.step_of else []
    counts = [int(sums.get("setpoint__n", 0)), *(r.n for r in readings), *(s.n for s in slopes)]
    indicative = max(counts, default=0) * site.interval_s < DAY_S
    notes = [
        note
        for note in (
            _reading_note(entry.channel, readings, indicative),
            _setpoint_note(entry, setpoint_kw, int(sums.get("setpoint__n", 0)), indicative),
            _step_note(entry, slopes, indicative),
        )
        if note is not None
    ] or [
        Note(
            code="evidence_no_data",
            params={"channel": entry.channel},
            text=f"too few valid data on {entry.channel} in the window to tell",
        )
    ]
    return EvidenceResult(
        channel=entry.channel,
        setpoint=entry.setpoint,
        setpoint_mean_abs_kw=setpoint_kw,
        setpoint_n=int(sums.get("setpoint__n", 0)),
        readings=readings,
        favoured=_favoured(readings),
        slopes=slopes,
        indicative=indicative,
        note=notes[0],
        notes=notes,
    )


def _mean(sums: dict[str, float], name: str) -> float | None:
    n = sums.get(f"{name}__n", 0)
    return sums[f"{name}__sum"] / n if n else None


def _by_residual(readings: Sequence[ReadingResult]) -> list[tuple[float, str]]:
    """Readings with a residual, the smallest first."""
    return sorted(
        (r.mean_abs_residual_kw, r.name) for r in readings if r.mean_abs_residual_kw is not None
    )


def _tied(known: Sequence[tuple[float, str]]) -> bool:
    return len(known) > 1 and math.isclose(known[0][0], known[1][0], rel_tol=_TIE, abs_tol=1e-9)


def _favoured(readings: Sequence[ReadingResult]) -> str | None:
    known = _by_residual(readings)
    return known[0][1] if known and not _tied(known) else None


def _sums(
    engine: Engine, snapshot: Snapshot, profile: Profile, window: Window, number: int
) -> dict[str, float]:
    """Sums over the window; those of whole files are remembered."""
    entry = profile.site.evidence[number]
    if entry.setpoint is None and not entry.readings:
        return {}
    text = entry.model_dump_json()
    scans = _scans(engine, snapshot, profile, window)
    total: dict[str, float] = {}
    missing: list[Scan] = []
    for scan in scans:
        known = engine.results.get(("evidence", profile.fingerprint, text, scan))
        if isinstance(known, dict):
            total = {name: total.get(name, 0.0) + value for name, value in known.items()}
        else:
            missing.append(scan)
    if not missing:
        return total
    unique = all(engine.unique(profile.site, scan.paths) for scan in missing)
    columns = engine.fetch(
        ("evidence", text, unique),
        lambda rows, _: _sums_table(rows, profile, entry, unique=unique),
        profile,
        [replace(scan, part=part) for part, scan in enumerate(missing)],
        (),
    )
    for part, scan in enumerate(missing):
        here = columns["part"] == part
        found = {
            name: float(values[here].sum()) for name, values in columns.items() if name != "part"
        }
        engine.results.put(("evidence", profile.fingerprint, text, scan), found)
        total = {name: total.get(name, 0.0) + value for name, value in found.items()}
    return total


def _scans(engine: Engine, snapshot: Snapshot, profile: Profile, window: Window) -> list[Scan]:
    parts = month_parts(engine, snapshot, profile, window.start, window.end, summed=False)
    return [scan for part in parts for scan in part.measurements]


def _sums_table(rows: ibis.Table, profile: Profile, entry: Evidence, *, unique: bool) -> ibis.Table:
    import ibis

    expressions = {
        f"reading_{i}": parse_expression(r.residual) for i, r in enumerate(entry.readings)
    }
    joint = sorted({name for e in expressions.values() for name in e.names})
    follows = [entry.channel, entry.setpoint] if entry.setpoint else []
    channels = tuple(sorted({*joint, *(c for c in follows if c)}))
    slots = channel_slots(rows, profile.site, channels, unique=unique)
    metrics: dict[str, Any] = {}
    if joint:
        valid = ibis.and_(*(slots[name].notnull() for name in joint))
        values: dict[str, Any] = {name: slots[name] for name in joint}
        for name, expression in expressions.items():
            residual = evaluate(expression, values).abs()
            metrics[f"{name}__sum"] = residual.sum(where=valid).fill_null(0.0)
            metrics[f"{name}__n"] = residual.count(where=valid)
    if entry.setpoint:
        deviation = (slots[entry.channel] - slots[entry.setpoint]).abs()
        metrics["setpoint__sum"] = deviation.sum().fill_null(0.0)
        metrics["setpoint__n"] = deviation.count()
    return slots.group_by("part").aggregate(**metrics)


def _slopes(
    engine: Engine, snapshot: Snapshot, profile: Profile, window: Window, number: int
) -> list[StepSlope]:
    entry = profile.site.evidence[number]
    scans = tuple(_scans(engine, snapshot, profile, window))
    key = ("steps", entry.model_dump_json(), profile.fingerprint, scans)
    known = engine.results.get(key)
    if isinstance(known, tuple):
        return list(known)
    unique = all(engine.unique(profile.site, scan.paths) for scan in scans)
    steps = engine.fetch(
        ("steps", entry.model_dump_json(), unique),
        lambda rows, _: _steps_table(rows, profile, entry, unique=unique),
        profile,
        joined(scans),
        (),
    )
    local = pd.DatetimeIndex(steps["slot"], tz="UTC").tz_convert(profile.site.display_zone)
    labels = np.array([f"{at.year}-Q{(at.month + 2) // 3}" for at in local], dtype=object)
    slopes = [_slope(str(q), steps, labels == q) for q in sorted(set(labels))]
    slopes.append(_slope("all", steps, np.ones(len(labels), dtype=bool)))
    engine.results.put(key, tuple(slopes))
    return slopes


def _steps_table(
    rows: ibis.Table, profile: Profile, entry: Evidence, *, unique: bool
) -> ibis.Table:
    """First differences of neighbouring slots, where the step is large enough to be answered."""
    import ibis

    beside = _beside(profile, entry)
    names = (str(entry.step_of), str(entry.step_with), *beside)
    slots = channel_slots(rows.drop("part"), profile.site, tuple(sorted(set(names))), unique=unique)
    order = ibis.window(order_by=slots.slot)
    apart = ibis.interval(seconds=profile.site.interval_s)
    steps = slots.mutate(
        neighbours=slots.slot.lag().over(order) + apart == slots.slot,
        x=slots[names[0]] - slots[names[0]].lag().over(order),
        y=slots[names[1]] - slots[names[1]].lag().over(order),
        **{f"z{i}": slots[c] - slots[c].lag().over(order) for i, c in enumerate(beside)},
    )
    valid = [steps[f"z{i}"].notnull() for i in range(len(beside))]
    kept = steps.filter(steps.neighbours, steps.x.abs() > LEAST_STEP_KW, steps.y.notnull(), *valid)
    return kept.select("slot", "x", "y", *(f"z{i}" for i in range(len(beside))))


def _beside(profile: Profile, entry: Evidence) -> tuple[str, ...]:
    """Channels of metered sources whose own steps would be taken for answers."""
    found = []
    for role in _BESIDE:
        expression = profile.expressions.get(role)
        if expression is not None and expression.is_name:
            (name,) = expression.names
            if name in profile.site.channels and name not in (entry.step_of, entry.step_with):
                found.append(name)
    return tuple(dict.fromkeys(found))


def _slope(quarter: str, steps: Columns, rows: npt.NDArray[np.bool_]) -> StepSlope:
    """Least squares with an intercept; White's HC1 standard error.

    Source: MacKinnon and White (1985), doi:10.1016/0304-4076(85)90158-7.
    """
    beside = [steps[name][rows] for name in steps if name.startswith("z")]
    x = np.column_stack([steps["x"][rows], *beside, np.ones(int(rows.sum()))])
    n, k = x.shape
    if n <= k or np.linalg.matrix_rank(x) < k:
        return StepSlope(quarter=quarter, slope=None, standard_error=None, n=n)
    y = steps["y"][rows]
    inverse = np.linalg.inv(x.T @ x)
    fitted = inverse @ x.T @ y
    weighted = x * (y - x @ fitted)[:, None]
    covariance = inverse @ (weighted.T @ weighted) @ inverse * n / (n - k)
    return StepSlope(
        quarter=quarter,
        slope=float(fitted[0]),
        standard_error=float(np.sqrt(covariance[0, 0])),
        n=n,
    )


def _hedge(indicative: bool) -> str:
    return "; indicative: less than a day of values" if indicative else ""


def _reading_note(channel: str, readings: Sequence[ReadingResult], indicative: bool) -> Note | None:
    known = _by_residual(readings)
    if len(known) < 2:
        return None
    (best_kw, best), (other_kw, other) = known[:2]
    n = readings[0].n
    if _tied(known):
        return Note(
            code="evidence_undecided",
            params={
                "channel": channel,
                "one": best,
                "other": other,
                "residual_kw": best_kw,
                "n": n,
                "indicative": int(indicative),
            },
            text=(
                f"read as {best} or as {other}, {channel} closes the power balance within "
                f"{best_kw:.1f} kW on average: the data don't tell which it is "
                f"({n} values{_hedge(indicative)})"
            ),
        )
    return Note(
        code="evidence_readings",
        params={
            "channel": channel,
            "better": best,
            "better_kw": best_kw,
            "worse": other,
            "worse_kw": other_kw,
            "n": n,
            "indicative": int(indicative),
        },
        text=(
            f"read as {best}, {channel} closes the power balance within {best_kw:.1f} kW on "
            f"average; read as {other}, within {other_kw:.1f} kW ({n} values{_hedge(indicative)})"
        ),
    )


def _setpoint_note(entry: Evidence, mean_kw: float | None, n: int, indicative: bool) -> Note | None:
    if mean_kw is None or entry.setpoint is None:
        return None
    return Note(
        code="evidence_setpoint",
        params={
            "channel": entry.channel,
            "setpoint": entry.setpoint,
            "mean_kw": mean_kw,
            "n": n,
            "indicative": int(indicative),
        },
        text=(
            f"{entry.channel} is {mean_kw:.1f} kW from {entry.setpoint} on average "
            f"({n} values{_hedge(indicative)})"
        ),
    )


def _step_note(entry: Evidence, slopes: Sequence[StepSlope], indicative: bool) -> Note | None:
    whole = slopes[-1] if slopes else None
    if whole is None or whole.slope is None or whole.standard_error is None:
        return None
    by_quarter = [s.slope for s in slopes[:-1] if s.slope is not None]
    low, high = min(by_quarter, default=whole.slope), max(by_quarter, default=whole.slope)
    return Note(
        code="evidence_steps",
        params={
            "step_of": str(entry.step_of),
            "step_with": str(entry.step_with),
            "slope": whole.slope,
            "standard_error": whole.standard_error,
            "lowest": low,
            "highest": high,
            "n": whole.n,
            "indicative": int(indicative),
        },
        text=(
            f"{entry.step_with} answers steps of {entry.step_of} with slope {whole.slope:+.3f} "
            f"± {whole.standard_error:.3f}, by quarter {low:+.2f} to {high:+.2f} "
            f"({whole.n} steps over {LEAST_STEP_KW:g} kW{_hedge(indicative)})"
        ),
    )

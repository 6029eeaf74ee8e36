"""Rules on what the plant did: production, storage, consumption."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from microgrid_lib.present.monthly.findings import Finding, Saying, Tone, judged_by_season, rule
from microgrid_lib.window import elapsed

SHORTEST_JUDGED = timedelta(days=6, hours=23)
"""A week, of which a change of summer time may have taken an hour."""


def trend(say: Saying, name: str) -> Iterator[Finding]:
    """A KPI, compared with earlier periods; judged against the same season alone."""
    kpi = say.facts.kpi(name)
    if kpi is None:
        return
    if kpi.value is None:
        yield say.unknown(name, kpi)
        return
    said = say.texts(
        f"monthly.say.{name}",
        value=say.value(name, kpi),
        covered=say.covered(kpi),
        when=f" ({say.texts.moment(kpi.time)})" if kpi.time else "",
    )
    compared = say.facts.compared(name)
    # From day to day the weather and who is at work make all the difference.
    short = elapsed(say.facts.window.start, say.facts.until) < SHORTEST_JUDGED
    tone: Tone = "record" if short else judged_by_season(name, compared, say.limit("change"))
    yield say.finding(tone, said + say.comparisons(name, kpi))


@rule("P1", "production", change=0.05)
def pv(say: Saying) -> Iterator[Finding]:
    """PV energy."""
    yield from trend(say, "pv_energy")


@rule("P2", "production", change=0.02)
def renewable(say: Saying) -> Iterator[Finding]:
    """Renewable share."""
    yield from trend(say, "renewable_share")


@rule("P3", "production", well=0.95, bad=0.90)
def fuel_cell(say: Saying) -> Iterator[Finding]:
    """How reliably the fuel cell followed its set point."""
    name = "fuel_cell_reliability"
    kpi = say.facts.kpi(name)
    if kpi is None:
        return
    if kpi.value is None:
        yield say.unknown(name, kpi)
        return
    tone = _level(kpi.value, say.limit("well"), say.limit("bad"))
    said = say.texts(f"monthly.say.{name}", value=say.value(name, kpi), covered=say.covered(kpi))
    yield say.finding(tone, said + say.comparisons(name, kpi))


@rule("P4", "production", well=0.05, bad=0.10)
def tracking(say: Saying) -> Iterator[Finding]:
    """How far battery and fuel cell were from their set points, against rated power."""
    ratings = say.facts.site.ratings
    for role, rated in (("battery", ratings.battery_kw), ("fuel_cell", ratings.fuel_cell_kw)):
        name = f"{role}_tracking_rmse"
        kpi = say.facts.kpi(name)
        if kpi is None:
            continue
        if kpi.value is None:
            yield say.unknown(name, kpi)
            continue
        how = {"value": say.value(name, kpi), "covered": say.covered(kpi)}
        if rated is None:
            yield say.finding("record", say.texts(f"monthly.say.{name}", **how))
            continue
        tone = _level(-kpi.value / rated, -say.limit("well"), -say.limit("bad"))
        share = f"{say.texts.number(100 * kpi.value / rated, 1)}\N{NO-BREAK SPACE}%"
        said = say.texts(f"monthly.say.{name}.rated", share=share, **how)
        yield say.finding(tone, said)


@rule("S1", "storage")
def efficiency(say: Saying) -> Iterator[Finding]:
    """Round-trip efficiency, against what the site file assumes."""
    name = "battery_round_trip_efficiency"
    kpi = say.facts.kpi(name)
    if kpi is None:
        return
    if kpi.value is None:
        yield say.unknown(name, kpi)
        return
    battery = say.facts.site.battery
    assumed = battery.eta_charge * battery.eta_discharge
    enough = kpi.value + (kpi.uncertainty or 0.0) >= assumed - 1e-12
    said = say.texts(
        f"monthly.say.{name}",
        value=say.value(name, kpi),
        covered=say.covered(kpi),
        assumed=f"{say.texts.number(100 * assumed, 1)}\N{NO-BREAK SPACE}%",
    )
    tone: Tone = "well" if enough else "attention"
    yield say.finding(tone, said + say.comparisons(name, kpi))


@rule("S2", "storage")
def charge(say: Saying) -> Iterator[Finding]:
    """State of charge at the end, against the least that is usable."""
    kpi, battery = say.facts.kpi("soc"), say.facts.site.battery
    if kpi is None:
        return
    if kpi.value is None:
        yield say.unknown("soc", kpi)
        return
    spread = kpi.uncertainty or 0.0
    tone: Tone = "record"
    if kpi.value + spread < battery.soc_min:
        tone = "attention"
    elif kpi.value - spread >= battery.soc_min:
        tone = "well"
    said = say.texts(
        "monthly.say.soc",
        value=say.value("soc", kpi),
        covered=say.covered(kpi),
        least=f"{say.texts.number(100 * battery.soc_min)}\N{NO-BREAK SPACE}%",
    )
    if kpi.warning is not None:
        said += f" {say.texts('monthly.beware', what=say.texts.note(kpi.warning))}"
    yield say.finding(tone, said)


@rule("S3", "storage")
def cycles(say: Saying) -> Iterator[Finding]:
    """How much the battery was used; never judged."""
    name = "equivalent_cycles"
    kpi = say.facts.kpi(name)
    if kpi is None:
        return
    if kpi.value is None:
        yield say.unknown(name, kpi)
        return
    said = say.texts(f"monthly.say.{name}", value=say.value(name, kpi), covered=say.covered(kpi))
    yield say.finding("record", f"{said}.")


@rule("D1", "distribution", change=0.05)
def self_sufficiency(say: Saying) -> Iterator[Finding]:
    """Share of the load met without the grid; below zero always needs attention."""
    kpi = say.facts.kpi("self_sufficiency")
    for found in trend(say, "self_sufficiency"):
        below = kpi is not None and kpi.value is not None and kpi.value < 0
        yield say.finding("attention", found.text) if below else found


@rule("D2", "distribution", change=0.10)
def peaks(say: Saying) -> Iterator[Finding]:
    """Highest quarter hours of load and import."""
    for name in ("peak_load", "peak_import"):
        yield from trend(say, name)


@rule("D3", "distribution")
def exchange(say: Saying) -> Iterator[Finding]:
    """Energy over the tie; never judged."""
    for name in ("grid_import_energy", "grid_export_energy"):
        kpi = say.facts.kpi(name)
        if kpi is None:
            continue
        if kpi.value is None:
            yield say.unknown(name, kpi)
            continue
        how = {"value": say.value(name, kpi), "covered": say.covered(kpi)}
        yield say.finding("record", f"{say.texts(f'monthly.say.{name}', **how)}.")


def _level(value: float, well: float, bad: float) -> Tone:
    """Judge a value of which more is better; limits belong to the better side."""
    if value >= well - 1e-12:
        return "well"
    return "record" if value >= bad - 1e-12 else "attention"

"""Facts of a period by hand: what rules are judged on, each part to be replaced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import pandas as pd

from microgrid_lib.ingest.day_coverage import DayCoverage
from microgrid_lib.ingest.inventory import FileEntry
from microgrid_lib.kpi.alerts import Acknowledgement, Alert
from microgrid_lib.kpi.compliance import ComplianceReport, RuleResult
from microgrid_lib.kpi.data_days import DataDays, Outage
from microgrid_lib.kpi.excursions import Excursion
from microgrid_lib.kpi.model import Kpi, Note, WindowModel
from microgrid_lib.kpi.report import definitions
from microgrid_lib.present.monthly.balance import Balance
from microgrid_lib.present.monthly.earlier import Earlier, earlier_windows
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.monthly.findings import Finding
from microgrid_lib.present.monthly.summary import find_all
from microgrid_lib.present.texts import texts_for
from microgrid_lib.resources import resource_path
from microgrid_lib.site.load import read_site_file
from microgrid_lib.site.profile import Site
from microgrid_lib.window import Window, month_window

HOURS = 744.0
REASON = Note(code="no_data", text="no valid data in the window")


@lru_cache
def site_of(name: str) -> Site:
    return read_site_file(resource_path(f"data/sites/{name}.toml"))


def kpi(value: float | None, unit: str = "1", coverage: float | None = 0.99, **more: Any) -> Kpi:
    hours = HOURS * (coverage or 0.0)
    reason = None if value is not None else REASON
    given = {"reason": reason, "covered_h": hours} | more
    return Kpi(value=value, unit=unit, coverage=coverage, **given)


def kpis_of(site: Site, profile: str | None = None, **given: Kpi) -> dict[str, Kpi]:
    """Every KPI of a profile: 0.5 of its unit, or what is given."""
    known = site.profile(profile)
    found = {}
    for name, definition in definitions(known).items():
        missing = definition.missing(known)
        found[name] = (
            Kpi(value=None, unit=definition.unit, reason=missing)
            if missing is not None
            else kpi(0.5, definition.unit)
        )
    return found | given


def facts_of(
    site: str = "mesa_del_sol",
    profile: str | None = None,
    *,
    before: dict[str, Kpi] | None = None,
    season: dict[str, Kpi] | None = None,
    window: Window | None = None,
    **parts: Any,
) -> Facts:
    """A quiet and complete July 2022; `before` and `season` are the KPIs of earlier periods."""
    found = site_of(site)
    period = window or month_window("2022-07", found.display_zone)
    known = {"before": before, "season": season}
    given = {
        "kpis": kpis_of(found, profile),
        "compliance": compliance(found, ["pass"]),
        "excursions": (),
        "alerts": (),
        "days": days_of(found, period),
        "doubts": (),
    } | parts
    return Facts(
        site=found,
        profile=found.profile(profile),
        window=period,
        until=period.end,
        synthetic=False,
        earlier=tuple(Earlier(w, at, known[w]) for w, at in earlier_windows(period)),
        balance=Balance(period, (), (), None, None, "", None, pd.DataFrame()),
        **given,
    )


def days_of(site: Site, window: Window, missing: int = 0, **more: Any) -> DataDays:
    """One day of 8,640 slots, of which the PV's channel misses some."""
    valid = {channel: [8640] for channel in site.channels}
    valid["pv_power"] = [8640 - missing]
    coverage = DayCoverage(days=[date(2022, 7, 1)], expected=[8640], valid=valid)
    return DataDays(coverage=coverage, **({"outages": [], "files": [], "refused": []} | more))


def compliance(site: Site, verdicts: list[str | None]) -> ComplianceReport:
    rules = [
        RuleResult(
            rule="ansi_c84_1_a",
            standard="ANSI",
            point="bus_voltage",
            unit="V",
            state="any",
            statistic="rms",
            interval_s=600,
            inner=(456.0, 504.0),
            outer=None,
            required_inner=1.0,
            required_outer=None,
            n=4400,
            n1=7 if verdict == "fail" else 0,
            n2=None,
            n_invalid=0,
            share_inside=1.0,
            verdict=verdict,  # type: ignore[arg-type]
            periods=[],
        )
        for verdict in verdicts
    ]
    start = datetime(2022, 7, 1, tzinfo=UTC)
    shown = WindowModel(start=start, end=start + timedelta(days=31), timezone="UTC")
    return ComplianceReport(
        site=site.name,
        profile="as_published",
        window=shown,
        island_method=None,
        rules=rules,
        trips=[],
        not_observable=[],
    )


def alert(severity: str, hours: float = 1.0, seen: bool = False) -> Alert:
    start = datetime(2022, 7, 5, 12, tzinfo=UTC)
    by = Acknowledgement(by="ann", at=start, note="") if seen else None
    return Alert(
        id=f"{severity}-{hours}",
        name="fuel_cell_failed",
        severity=severity,  # type: ignore[arg-type]
        start=start,
        end=start + timedelta(hours=hours),
        extreme=0.0,
        unit="kW",
        active=False,
        acknowledged=by,
    )


def excursion(limit: str, extreme: float = 450.0, seconds: int = 40) -> Excursion:
    start = datetime(2022, 7, 5, 12, tzinfo=UTC)
    return Excursion(
        point="bus_voltage",
        limit=limit,
        direction="below",
        threshold=456.0,
        start=start,
        end=start + timedelta(seconds=seconds),
        extreme=extreme,
        unit="V",
    )


def outage(hours: float, day: int = 3) -> Outage:
    start = datetime(2022, 7, day, tzinfo=site_of("mesa_del_sol").display_zone)
    end = start + timedelta(hours=hours)
    return Outage(start=start, end=end, from_start=False, to_end=False)


def file_entry(read: int, rejected: int, out_of_range: int = 0) -> FileEntry:
    return FileEntry(
        file="Jul_2022.csv",
        source="plant",
        sha256="0" * 64,
        start=None,
        end=None,
        coverage=1.0,
        synthetic=False,
        outdated=False,
        notes=[],
        rows_read=read,
        rows_accepted=read - rejected,
        rows_duplicate=0,
        rows_rejected=rejected,
        values_missing=0,
        values_out_of_range=out_of_range,
    )


def found(rule: str, facts: Facts, language: str = "en") -> list[Finding]:
    """Findings of one rule."""
    return [f for f in find_all(facts, texts_for(language)) if f.rule == rule]


def with_kpis(facts: Facts, **given: Kpi) -> Facts:
    return replace(facts, kpis={**facts.kpis, **given})

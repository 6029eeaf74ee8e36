"""Which reports a run makes: of the last whole period before its time, as the site counts days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_lib.report.orders import Kind, period_window
from microgrid_lib.schedule.config import Job
from microgrid_lib.schedule.orders import last_period, orders_of
from microgrid_lib.settings import Settings

DENVER = ZoneInfo("America/Denver")


@pytest.mark.parametrize(
    ("kind", "at", "period"),
    [
        (Kind.monthly, "2026-03-01T00:00", "2026-02"),
        (Kind.monthly, "2026-02-28T23:59", "2026-01"),
        (Kind.monthly, "2026-01-15T12:00", "2025-12"),
        (Kind.weekly, "2026-01-05T00:00", "2026-W01"),
        (Kind.weekly, "2026-01-04T23:59", "2025-W52"),
        (Kind.weekly, "2027-01-04T06:00", "2026-W53"),
        (Kind.daily, "2026-01-01T00:00", "2025-12-31"),
        (Kind.daily, "2026-03-08T03:00", "2026-03-07"),
    ],
)
def test_the_last_whole_period_before_a_time(kind: Kind, at: str, period: str) -> None:
    assert last_period(kind, datetime.fromisoformat(at).replace(tzinfo=DENVER), DENVER) == period


def test_days_are_the_site_s_and_not_those_of_the_job() -> None:
    # Midnight in Paris, the evening before in Denver.
    at = datetime(2026, 5, 1, 0, 30, tzinfo=ZoneInfo("Europe/Paris"))
    assert last_period(Kind.daily, at, DENVER) == "2026-04-29"
    assert last_period(Kind.monthly, at, DENVER) == "2026-03"


@settings(deadline=None)
@given(
    at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    kind=st.sampled_from([Kind.monthly, Kind.weekly, Kind.daily]),
    zone=st.sampled_from(["America/Denver", "Europe/Paris", "Asia/Kathmandu", "UTC"]),
)
def test_the_period_has_ended_and_the_next_one_has_not(at: datetime, kind: Kind, zone: str) -> None:
    moment, local = at.replace(tzinfo=UTC), ZoneInfo(zone)
    window = period_window(last_period(kind, moment, local), local)
    length = {Kind.monthly: 31, Kind.weekly: 7, Kind.daily: 1}[kind]
    assert window.end_utc <= moment
    assert moment < window.end_utc + timedelta(days=length, hours=1)


def test_every_period_and_site_has_its_order_once(tmp_path: Path) -> None:
    job = Job(report=Kind.daily, cron="0 */6 * * *", site=("mesa_del_sol", "trade_street"))
    dues = [datetime(2026, 6, 2, hour, tzinfo=DENVER) for hour in (6, 12, 18)]
    dues.append(datetime(2026, 6, 3, 6, tzinfo=DENVER))
    orders = orders_of(job, dues, "fr", Settings(home=tmp_path))
    assert [(one.site, one.period) for one in orders] == [
        ("mesa_del_sol", "2026-06-01"),
        ("trade_street", "2026-06-01"),
        ("mesa_del_sol", "2026-06-02"),
        ("trade_street", "2026-06-02"),
    ]
    assert {one.language for one in orders} == {"fr"}


def test_a_section_is_about_the_period_asked_for_and_consumers_about_none(tmp_path: Path) -> None:
    home = Settings(home=tmp_path)
    due = [datetime(2026, 6, 3, 6, tzinfo=DENVER)]
    for period, expected in (("day", "2026-06-02"), ("week", "2026-W22"), (None, "2026-05")):
        job = Job.model_validate(
            {"report": "section", "section": "storage", "period": period, "cron": "0 6 * * *"}
            | {"site": "mesa_del_sol"}
        )
        (order,) = orders_of(job, due, "en", home)
        assert (order.period, order.section) == (expected, "storage")
    job = Job(report=Kind.consumers, cron="0 6 * * *", site=("mesa_del_sol",))
    assert [one.period for one in orders_of(job, due, "en", home)] == [""]


def test_all_sites_are_those_with_data(home: Path) -> None:
    job = Job(report=Kind.monthly, cron="0 6 1 * *")
    due = [datetime(2026, 6, 1, 6, tzinfo=DENVER)]
    assert orders_of(job, due, "en", Settings(home=home)) == []
    (home / "sites").mkdir()
    (home / "sites" / "broken.toml").write_text("name = 1", encoding="utf-8")
    # One that can't be read has its order: making it says why.
    assert [one.site for one in orders_of(job, due, "en", Settings(home=home))] == ["broken"]

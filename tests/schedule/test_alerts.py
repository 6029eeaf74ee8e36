"""Who is told of alerts: each when it begins and ends, once, not in quiet hours, together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from microgrid_lib.errors import StoreError
from microgrid_lib.kpi.alert_rules import Severity
from microgrid_lib.kpi.alerts import Alert, AlertReport
from microgrid_lib.kpi.model import WindowModel
from microgrid_lib.site.load import load_site
from microgrid_lib.site.profile import Profile
from microgrid_lib.window import Window
from tests.delivery.servers import Hook, Mailbox, http_server, smtp_server
from tests.schedule.world import World

# The site's clocks are 7 hours behind UTC all year.
NOON = datetime(2026, 6, 10, 19, 0, tzinfo=UTC)
NIGHT = datetime(2026, 6, 11, 6, 0, tzinfo=UTC)  # 23:00 there
MORNING = datetime(2026, 6, 11, 13, 0, tzinfo=UTC)  # 06:00 there


@dataclass
class Source:
    """A site's alerts, as a test has them."""

    site: str = "mesa_del_sol"
    alerts_: list[Alert] = field(default_factory=list)
    until: datetime | None = NOON
    error: Exception | None = None
    synthetic: bool = False

    @property
    def profile(self) -> Profile:
        return load_site(self.site).profile(None)

    def as_of(self) -> datetime | None:
        return self.until

    def alerts(self, window: Window) -> AlertReport:
        if self.error is not None:
            raise self.error
        chosen = [
            one
            for one in self.alerts_
            if one.start < window.end_utc and (one.end is None or one.end > window.start_utc)
        ]
        shown = WindowModel(start=window.start, end=window.end, timezone="UTC")
        return AlertReport(site=self.site, profile="p", window=shown, alerts=chosen)

    def begin(self, name: str, start: datetime, severity: Severity = "warning") -> None:
        zone = self.profile.site.display_zone
        self.alerts_.append(
            Alert(
                id=f"{name}-{start:%Y%m%dT%H%M%SZ}-{severity}",
                name=name,
                severity=severity,
                start=start.astimezone(zone),
                end=None,
                extreme=0.12,
                unit="1",
                active=True,
            )
        )

    def change(self, name: str, **values: object) -> None:
        number = next(n for n, one in enumerate(self.alerts_) if one.name == name)
        if isinstance(end := values.get("end"), datetime):
            values |= {"end": end.astimezone(self.profile.site.display_zone), "active": False}
        self.alerts_[number] = self.alerts_[number].model_copy(update=values)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server(Mailbox()) as served:
        yield served


@pytest.fixture
def source(world: World) -> Source:
    made = Source()
    world.sources["mesa_del_sol"] = made
    return made


def toml(port: int, rule: str = "", more: str = "") -> str:
    return f"""
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "grid@example.org"

[recipients.duty]
mail = "duty@example.org"

[recipients.operations]
mail = "ops@example.org"

[alerts.duty]
site = "mesa_del_sol"
to = "duty"
failure_to = "operations"
{rule}
{more}
"""


def subjects(mailbox: Mailbox, address: str = "duty@example.org") -> list[str]:
    return [str(mail["Subject"]) for mail in mailbox.to(address)]


def bodies(mailbox: Mailbox, address: str = "duty@example.org") -> list[str]:
    found = []
    for mail in mailbox.to(address):
        body = mail.get_body()
        assert body is not None
        found.append(str(body.get_content()))
    return found


def look(world: World, source: Source, text: str, at: datetime) -> None:
    source.until = at
    world.run(text, at)


def test_an_alert_is_told_when_it_begins_and_when_it_ends_and_not_between(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    source.begin("battery_low", NOON)
    for minutes in (5, 10, 15):
        look(world, source, text, NOON + timedelta(minutes=minutes))
    assert subjects(mailbox) == ["Mesa del Sol: Battery low (warning)"]
    assert "since 10 Jun 2026 12:00" in bodies(mailbox)[0]
    assert "worst 12 %" in bodies(mailbox)[0]
    source.change("battery_low", end=NOON + timedelta(minutes=18))
    for minutes in (20, 25):
        look(world, source, text, NOON + timedelta(minutes=minutes))
    assert subjects(mailbox)[1:] == ["Mesa del Sol: ended – Battery low"]
    assert "ended on 10 Jun 2026 12:18, after 18 min" in bodies(mailbox)[1]


def test_the_first_look_tells_what_lasts_and_nothing_of_the_past(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    source.begin("battery_empty", NOON - timedelta(days=30), "critical")
    source.change("battery_empty", end=NOON - timedelta(days=29))
    source.begin("bus_voltage", NOON - timedelta(hours=2))
    look(world, source, toml(mailbox.port), NOON)
    assert subjects(mailbox) == ["Mesa del Sol: Bus voltage out of range (warning)"]


def test_alerts_of_one_look_come_in_one_message_the_worst_first(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    source.begin("battery_low", NOON)
    source.begin("battery_empty", NOON + timedelta(minutes=1), "critical")
    look(world, source, text, NOON + timedelta(minutes=5))
    assert subjects(mailbox) == ["Mesa del Sol: Battery empty (critical) and 1 more"]
    (body,) = bodies(mailbox)
    assert body.index("✖ critical · Battery empty") < body.index("▲ warning · Battery low")


def test_an_alert_that_became_and_ended_between_two_looks_is_one_message(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    source.begin("battery_low", NOON)
    source.change("battery_low", end=NOON + timedelta(minutes=3))
    for minutes in (5, 10):
        look(world, source, text, NOON + timedelta(minutes=minutes))
    assert subjects(mailbox) == ["Mesa del Sol: Battery low (warning), ended already"]


def test_an_alert_that_becomes_worse_is_told_again_and_stays_one_event(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    source.begin("bus_voltage", NOON)
    look(world, source, text, NOON + timedelta(minutes=5))
    source.change("bus_voltage", severity="critical", id="another")
    for minutes in (10, 15):
        look(world, source, text, NOON + timedelta(minutes=minutes))
    source.change("bus_voltage", end=NOON + timedelta(minutes=16))
    look(world, source, text, NOON + timedelta(minutes=20))
    assert subjects(mailbox) == [
        "Mesa del Sol: Bus voltage out of range (warning)",
        "Mesa del Sol: Bus voltage out of range, now critical",
        "Mesa del Sol: ended – Bus voltage out of range",
    ]


def test_only_the_severities_asked_for_are_told(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port, 'severities = ["critical"]')
    look(world, source, text, NOON)
    source.begin("battery_low", NOON)
    source.begin("battery_empty", NOON, "critical")
    look(world, source, text, NOON + timedelta(minutes=5))
    assert subjects(mailbox) == ["Mesa del Sol: Battery empty (critical)"]


def test_in_quiet_hours_only_the_critical_is_told_and_the_rest_together_afterwards(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port, 'quiet = "22:00-06:00"')
    look(world, source, text, NIGHT)
    source.begin("battery_low", NIGHT)
    source.begin("bus_voltage", NIGHT + timedelta(minutes=1))
    source.begin("battery_empty", NIGHT + timedelta(minutes=2), "critical")
    look(world, source, text, NIGHT + timedelta(minutes=5))
    assert subjects(mailbox) == ["Mesa del Sol: Battery empty (critical)"]
    source.change("bus_voltage", end=NIGHT + timedelta(minutes=30))
    look(world, source, text, MORNING - timedelta(minutes=1))
    assert len(mailbox.received) == 1
    look(world, source, text, MORNING)
    assert subjects(mailbox)[1:] == ["Mesa del Sol: Battery low (warning) and 1 more"]
    assert "Bus voltage out of range · from" in bodies(mailbox)[1]
    look(world, source, text, MORNING + timedelta(minutes=5))
    assert len(mailbox.received) == 2


def test_quiet_hours_may_hold_for_the_critical_too(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port, 'quiet = "22:00-06:00"\neven_in_quiet = []')
    look(world, source, text, NIGHT)
    source.begin("battery_empty", NIGHT, "critical")
    look(world, source, text, NIGHT + timedelta(minutes=5))
    assert mailbox.received == []
    look(world, source, text, MORNING)
    assert len(mailbox.received) == 1


def test_what_corrected_data_no_longer_show_is_withdrawn(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    source.begin("battery_low", NOON)
    look(world, source, text, NOON + timedelta(minutes=5))
    source.alerts_.clear()
    for minutes in (10, 15):
        look(world, source, text, NOON + timedelta(minutes=minutes))
    assert subjects(mailbox)[1:] == ["Mesa del Sol: withdrawn – Battery low"]


def test_made_up_data_are_called_so(world: World, source: Source, mailbox: Mailbox) -> None:
    source.synthetic = True
    source.begin("battery_low", NOON - timedelta(minutes=5))
    look(world, source, toml(mailbox.port, 'language = "fr"'), NOON)
    (subject,) = subjects(mailbox)
    label, site, what = subject.split("\N{NO-BREAK SPACE}: ")
    assert (label, site) == ("Données de démonstration synthétiques", "Mesa del Sol")
    assert what == "Batterie faible (avertissement)"


def test_a_webhook_gets_the_events_as_data(world: World, source: Source) -> None:
    with http_server(Hook()) as hook:
        text = f"""
[recipients.duty]
webhook = {{ url = "{hook.url}" }}

[alerts.duty]
site = "mesa_del_sol"
to = "duty"
"""
        source.begin("battery_low", NOON - timedelta(minutes=5))
        look(world, source, text, NOON)
        ((_, body),) = hook.received
        (event,) = json.loads(body)["events"]
        assert (event["phase"], event["severity"], event["end"]) == ("began", "warning", None)
        assert event["id"] == "battery_low-20260610T185500Z-warning"


def test_that_nobody_looks_any_more_is_told_once_until_it_works_again(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    source.error = StoreError("the lake can't be read")
    for minutes in (5, 10, 15):
        look(world, source, text, NOON + timedelta(minutes=minutes))
    assert subjects(mailbox, "ops@example.org") == ["Alerts aren’t watched: duty"]
    assert "the lake can't be read" in bodies(mailbox, "ops@example.org")[0]
    source.error = None
    look(world, source, text, NOON + timedelta(minutes=20))
    source.error = ZeroDivisionError("ours")
    look(world, source, text, NOON + timedelta(minutes=25))
    assert len(subjects(mailbox, "ops@example.org")) == 2
    assert subjects(mailbox) == []


def test_one_site_that_cannot_be_read_hides_no_alert_of_another(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port).replace('"mesa_del_sol"', '["trade_street", "mesa_del_sol"]')
    world.sources["trade_street"] = Source("trade_street", error=StoreError("gone"))
    source.begin("battery_low", NOON - timedelta(minutes=5))
    look(world, source, text, NOON)
    assert subjects(mailbox) == ["Mesa del Sol: Battery low (warning)"]


def test_nobody_looks_before_it_is_time(world: World, source: Source, mailbox: Mailbox) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    source.begin("battery_low", NOON)
    look(world, source, text, NOON + timedelta(minutes=4))
    assert mailbox.received == []
    look(world, source, text, NOON + timedelta(minutes=5))
    assert len(mailbox.received) == 1


def test_a_site_without_data_has_no_alerts(world: World, source: Source, mailbox: Mailbox) -> None:
    source.until = None
    done = world.run(toml(mailbox.port), NOON)
    assert [(one.told, one.error) for one in done.alerts] == [(0, None)]


def test_a_flood_is_one_message_that_counts_what_it_leaves_out(
    world: World, source: Source, mailbox: Mailbox
) -> None:
    text = toml(mailbox.port)
    look(world, source, text, NOON)
    for number in range(60):
        source.begin("battery_low", NOON + timedelta(seconds=number))
    look(world, source, text, NOON + timedelta(minutes=5))
    assert subjects(mailbox) == ["Mesa del Sol: Battery low (warning) and 59 more"]
    assert "and 10 more, which the page of alerts lists" in bodies(mailbox)[0]
    look(world, source, text, NOON + timedelta(minutes=10))
    assert len(mailbox.received) == 1


def test_alerts_are_told_on_postgresql_as_on_sqlite(both_worlds: World, mailbox: Mailbox) -> None:
    world, made = both_worlds, Source()
    world.sources["mesa_del_sol"] = made
    text = toml(mailbox.port)
    made.begin("battery_low", NOON)
    look(world, made, text, NOON + timedelta(minutes=1))
    made.change("battery_low", end=NOON + timedelta(minutes=3))
    for minutes in (5, 10):
        look(world, made, text, NOON + timedelta(minutes=minutes))
    assert len(mailbox.received) == 2

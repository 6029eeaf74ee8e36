"""A mistake in a schedule is named by file, key and value, with what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid_lib.delivery.message import Channel
from microgrid_lib.schedule.errors import ScheduleError
from microgrid_lib.schedule.load import Plan, load_plan

GOOD = """
[mail]
host = "smtp.example.org"
sender = "Microgrid <grid@example.org>"

[recipients.board]
mail = ["ada@example.org", "bob@example.org"]
folder = "shared"

[recipients.ops]
webhook = { url = "https://example.org/hook" }

[jobs.monthly]
report = "monthly"
cron = "0 6 1 * *"
to = ["board", "ops"]

[alerts.duty]
to = "ops"
"""


def load(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "schedule.toml"
    path.write_text(text, encoding="utf-8")
    return load_plan(path, tmp_path / "home")


def test_a_schedule_is_read_with_its_defaults(tmp_path: Path) -> None:
    plan = load(tmp_path, GOOD)
    job = plan.schedule.jobs["monthly"]
    assert (job.site, job.attempts, job.catch_up) == (("all",), 3, 3)
    assert plan.schedule.zone(job).key == "UTC"
    assert plan.schedule.alerts["duty"].severities == ("critical", "warning")
    targets = plan.targets(["board", "ops"])
    assert [one.channel for one in targets] == [
        Channel.mail,
        Channel.mail,
        Channel.folder,
        Channel.webhook,
    ]
    assert targets[2].address == str(tmp_path / "home" / "shared")
    assert targets[3].address == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"0 6 1 * *"', '"0 6 1 *"', "jobs.monthly.cron: must be a cron expression of 5 fields"),
        ('"0 6 1 * *"', '"0 6 1 13 *"', "jobs.monthly.cron: isn't a cron expression: month is"),
        ('"0 6 1 * *"', "6", "jobs.monthly.cron: must be text in quotes, not 6"),
        ('cron = "0 6 1 * *"\n', "", "jobs.monthly.cron: is missing"),
        ('"monthly"', '"yearly"', "jobs.monthly.report: must be 'monthly', 'weekly', 'daily'"),
        ('"monthly"', '"section"', "jobs.monthly: section must be one of overview, production"),
        ('"monthly"\n', '"monthly"\nsection = "storage"\n', "jobs.monthly: section and period are"),
        ('to = ["board", "ops"]', 'to = "bord"', "jobs.monthly.to: there is no recipient 'bord'"),
        (
            'to = ["board", "ops"]',
            'too = "board"',
            "jobs.monthly.too: no such key; did you mean to? al",
        ),
        ('to = "ops"', 'failure_to = "x"\nto = "ops"', "alerts.duty.failure_to: there is no rec"),
        ('to = "ops"', 'quiet = "22-6"\nto = "ops"', "alerts.duty.quiet: must be two times of day"),
        ('to = "ops"', 'severities = "bad"\nto = "ops"', "alerts.duty.severities.0: must be 'inf"),
        ('to = "ops"', "to = []", "alerts.duty.to: must have at least one entry"),
        ('to = "ops"', "", "alerts.duty.to: is missing"),
        ("[jobs.monthly]", '[jobs."1st of month"]', "jobs.'1st of month': must be lower-case"),
        ("[mail]", 'time_zone = "Denver"\n[mail]', "time_zone: must be a time zone such as"),
        ("[mail]", 'language = "de"\n[mail]', "language: must be 'en' or 'fr', not 'de'"),
        ('"bob@example.org"', '"bob"', "recipients.board.mail.1: must be an e-mail address"),
        ("https://example.org", "example.org", "recipients.ops.webhook.url: must be an address"),
        ('webhook = { url = "https://example.org/hook" }', "", "recipients.ops: must have mail, w"),
        ('host = "smtp.example.org"', 'host = "a b"', "mail.host: must be the name of a machine"),
        ("[recipients.board]", 'security = "ssl"\n[recipients.board]', "mail.security: must be 's"),
        ("[jobs.monthly]", "[jobs.monthly]\nattempts = 0", "jobs.monthly.attempts: must be great"),
        ("[jobs.monthly]", "[jobs.monthly", "isn't valid TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(ScheduleError) as wrong:
        load(tmp_path, GOOD.replace(old, new, 1))
    text = str(wrong.value)
    assert text.startswith(f"{tmp_path / 'schedule.toml'}: ")
    assert said in text
    assert "\n" not in text


def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="MICROGRID_SMTP_PASSWORD") as wrong:
        load(tmp_path, GOOD.replace("[mail]", '[mail]\npassword = "hunter2"'))
    assert "hunter2" not in str(wrong.value)


def test_mail_needs_a_server(tmp_path: Path) -> None:
    text = GOOD[GOOD.index("[recipients.board]") :]
    with pytest.raises(ScheduleError, match=r"mail: is missing: host and sender .*'board' needs"):
        load(tmp_path, text)


def test_a_schedule_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="has neither jobs nor alerts"):
        load(tmp_path, "")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match=r"none\.toml: no such file"):
        load_plan(tmp_path / "none.toml", tmp_path)

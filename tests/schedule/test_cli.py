"""`microgrid schedule`: check, once, history, mistakes; and real reports by mail."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microgrid_lib.api import open_site
from microgrid_lib.report.batch import make_all
from microgrid_lib.schedule.alert_messages import MOST_LISTED
from microgrid_lib.schedule.context import Surroundings, now_utc
from microgrid_lib.schedule.journal import Journal
from microgrid_lib.schedule.load import load_plan
from microgrid_lib.schedule.opening import open_state
from microgrid_lib.schedule.runner import Runner
from microgrid_lib.schedule.shapes import CheckReport, HistoryReport, OnceReport
from microgrid_lib.schedule.store import ScheduleStore
from microgrid_lib.schedule.watch import WatchStore
from microgrid_lib.settings import Settings, load_settings
from tests.cli.outcome import call
from tests.delivery.servers import Mailbox, smtp_server

ROOT = Path(__file__).resolve().parents[2]
JOB = """
[jobs.monthly]
report = "monthly"
cron = "0 6 1 * *"
time_zone = "America/Denver"
site = "mesa_del_sol"
"""


def write(home: Path, text: str) -> None:
    (home / "schedule.toml").write_text(text, encoding="utf-8")


def known_since(settings: Settings, name: str, ago: timedelta) -> None:
    """As if a scheduler had run before."""
    database = open_state(settings)
    ScheduleStore(database).since(name, now_utc() - ago)
    database.close()


def test_check_says_when_what_runs(home: Path) -> None:
    write(home, JOB)
    said = call("schedule", "--check").done()
    assert "job monthly: At 06:00 on the first day of every month" in said
    report = call("schedule", "--check", "--json").shaped(CheckReport)
    (job,) = report.planned
    assert (job.name, job.kind, job.sites, job.problem) == (
        "monthly",
        "job",
        ["mesa_del_sol"],
        None,
    )
    assert len(job.next) == 3
    assert {(at.day, f"{at:%H:%M}") for at in job.next} == {(1, "06:00")}


def test_check_tells_what_will_be_caught_up(home: Path, settings: Settings) -> None:
    write(home, JOB)
    known_since(settings, "monthly", timedelta(days=62))
    assert call("schedule", "--check", "--json").shaped(CheckReport).planned[0].missed >= 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"mesa_del_sol"', '"nowhere"', "unknown site 'nowhere'; known: mesa_del_sol"),
        ('"mesa_del_sol"', '"mesa_del_sol"\nprofile = "x"', "unknown profile of site mesa_del_sol"),
        ('"mesa_del_sol"', '"all"', "no site has data yet"),
    ],
)
def test_check_finds_what_will_keep_a_job_from_working(
    home: Path, old: str, new: str, said: str
) -> None:
    write(home, JOB.replace(old, new))
    checked = call("schedule", "--check", "--json")
    assert checked.code == 2
    assert said in json.loads(checked.out)["planned"][0]["problem"]


def test_check_asks_for_the_secrets_of_webhooks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, JOB + 'to = "ops"\n[recipients.ops]\nwebhook = { url_env = "HOOK" }\n')
    assert "neither HOOK nor HOOK_FILE is set" in call("schedule", "--check").out
    monkeypatch.setenv("HOOK", "https://example.org/hook")
    assert call("schedule", "--check").code == 0


def test_check_says_who_is_told_and_who_of_failures(home: Path) -> None:
    write(home, JOB + 'failure_to = "ops"\n[recipients.ops]\nfolder = "copies"\n')
    said = call("schedule", "--check").done()
    assert "  to: nobody\n  if it fails: ops\n" in said
    assert not (home / "copies").exists()


def test_check_looks_at_the_folders_of_copies(home: Path) -> None:
    (home / "file").write_text("in the way", encoding="utf-8")
    write(home, JOB + 'folder = "file/reports"\n')
    checked = call("schedule", "--check")
    assert checked.code == 2
    assert f"! folder {home / 'file/reports'}: {home / 'file'} isn't a folder" in checked.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--file", "none.toml"], "none.toml: no such file; docs/schedule.md has a complete"),
        (["--once", "--check"], "give --once or --check, not both"),
        (["--json"], "--json goes with --once or --check"),
    ],
)
def test_wrong_usage_is_one_line(home: Path, arguments: list[str], said: str) -> None:
    assert said in call("schedule", *arguments).refused(2)


def test_a_mistake_in_the_file_is_one_line(home: Path) -> None:
    write(home, JOB.replace("0 6 1 * *", "0 6 1 * mon-xyz"))
    assert "jobs.monthly.cron: isn't a cron expression" in call("schedule").refused(2)


def test_a_job_that_fails_shows_in_the_exit_code_the_log_and_the_history(
    home: Path, settings: Settings
) -> None:
    fails = JOB.replace("mesa_del_sol", "nowhere") + 'failure_to = "ops"\n'
    other = JOB.replace("monthly]", "other]")
    write(home, fails + other + '[recipients.ops]\nfolder = "told"\n')
    for name in ("monthly", "other"):
        known_since(settings, name, timedelta(days=32))
    once = call("schedule", "--once", "--json")
    assert once.code == 1
    runs = {run.job: run for run in once.shaped(OnceReport).runs}
    assert runs["monthly"].state == "failed"
    assert "unknown site 'nowhere'" in runs["monthly"].reason
    # The other went on: it says that there are no data.
    assert runs["other"].attempt == 1
    assert runs["other"].state != "failed" or "no data" in runs["other"].reason
    events = [json.loads(line)["event"] for line in once.err.splitlines()]
    assert events.count("run.started") == 2
    assert "run.failed" in events

    history = call("schedule", "history", "--json").shaped(HistoryReport)
    assert {run.job for run in history.runs} == {"monthly", "other"}
    assert {one.origin for one in history.deliveries} == {"job:monthly"}
    times = [at for run in history.runs for at in (run.due, run.started_at, run.ended_at)]
    times += [at for one in history.deliveries for at in (one.created_at, one.ended_at)]
    denver = {timedelta(hours=-6), timedelta(hours=-7)}
    assert {at.utcoffset() for at in times if at is not None} <= denver
    assert "failed   monthly, attempt 1: nowhere: unknown site" in call("schedule", "history").out
    with_log = call("schedule", "history", "--job", "monthly").done()
    assert "| " in with_log
    assert "run.failed job=monthly" in with_log
    assert call("schedule", "--once").code == 0


def test_history_stays_when_the_file_is_gone(home: Path, settings: Settings) -> None:
    assert call("schedule", "history").done() == "nothing has run yet\n"


@pytest.fixture(scope="module")
def june(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a demo month, June 2022."""
    folder = tmp_path_factory.mktemp("june")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROGRID_HOME", str(folder))
        patch.delenv("MICROGRID_CONFIG", raising=False)
        assert call("demo", "--start", "2022-06", "--months", "1", "--json").code == 0
    return folder


@pytest.fixture
def june_runner(june: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, datetime], Runner]:
    """Makes a scheduler over June, at a time, with reports and sites as they really are."""
    monkeypatch.setenv("MICROGRID_HOME", str(june))
    monkeypatch.delenv("MICROGRID_CONFIG", raising=False)
    settings = load_settings()

    def runner(port: int, now: datetime) -> Runner:
        write(
            june,
            f"""
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "grid@example.org"
[recipients.board]
mail = "board@example.org"
[jobs.june]
report = "consumers"
cron = "0 6 1 * *"
time_zone = "America/Denver"
to = "board"
folder = "shared"
[jobs.brief]
report = "daily"
cron = "0 6 1 * *"
time_zone = "America/Denver"
to = "board"
[alerts.all]
severities = ["info", "warning", "critical"]
to = "board"
""",
        )
        around = Surroundings(
            make=make_all,
            open_site=lambda name, profile: open_site(name, profile, settings),
            clock=lambda: now,
            sleep=lambda _seconds: None,
        )
        journal = Journal(io.StringIO(), True, lambda: now)
        plan = load_plan(june / "schedule.toml", june)
        return Runner(plan, settings, open_state(settings), journal, around)

    return runner


def test_a_real_report_arrives_by_mail_with_the_alerts_of_real_data(
    june: Path, june_runner: Callable[[int, datetime], Runner]
) -> None:
    settings = load_settings()
    before = datetime(2022, 6, 30, 12, 0, tzinfo=UTC)
    database = open_state(settings)
    # The rule has been looking since the middle of the month.
    profile = open_site("mesa_del_sol", settings=settings).profile
    WatchStore(database, "all").since(profile, datetime(2022, 6, 15, tzinfo=UTC))
    with smtp_server(Mailbox()) as mailbox:
        june_runner(mailbox.port, before).run_due()
        mails = mailbox.to("board@example.org")
        expected = (
            open_site("mesa_del_sol", settings=settings).alerts("2022-06-15", "2022-07").alerts
        )
        assert len(expected) > 0
        (mail,) = mails
        assert str(mail["Subject"]).startswith("Synthetic demo data: Mesa del Sol: ")
        body = mail.get_body()
        assert body is not None
        listed = [line for line in body.get_content().splitlines() if " · " in line]
        assert len(listed) == min(len(expected), MOST_LISTED)
        mailbox.received.clear()

        done = june_runner(mailbox.port, before + timedelta(days=1)).run_due()
        assert {run.job: (run.state, run.reason) for run in done.runs} == {
            "june": ("done", None),
            "brief": ("done", None),
        }
        assert done.alerts[0].told == 0
        found = {str(mail["Subject"]): mail for mail in mailbox.to("board@example.org")}
        assert set(found) == {
            "Synthetic demo data: Mesa del Sol: list of consumers",
            "Synthetic demo data: Mesa del Sol: daily brief, 30 Jun 2022",
        }
        for mail in found.values():
            (pdf,) = mail.iter_attachments()
            content = pdf.get_payload(decode=True)
            assert isinstance(content, bytes)
            assert content.startswith(b"%PDF")
        (copied,) = (june / "shared").iterdir()
        (attached,) = found[
            "Synthetic demo data: Mesa del Sol: list of consumers"
        ].iter_attachments()
        assert copied.read_bytes() == attached.get_payload(decode=True)
    database.close()

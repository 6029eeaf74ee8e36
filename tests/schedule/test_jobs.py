"""Runs of jobs: when due, caught up once, tried again, told of, never twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microgrid_lib.delivery.outbox import Outbox
from microgrid_lib.report.orders import ReportOrder, ReportResult
from microgrid_lib.schedule.jobs import AT_ONCE
from microgrid_lib.schedule.store import Run, ScheduleStore
from tests.delivery.servers import Mailbox, free_port, smtp_server
from tests.schedule.world import BROKEN, EMPTY, MADE, START, WRONG, Outcome, World, manifest

FIRST = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)  # 06:00 in Denver


def toml(port: int, job: str = "", more: str = "") -> str:
    return f"""
time_zone = "America/Denver"

[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "Microgrid <grid@example.org>"

[recipients.board]
mail = "board@example.org"

[recipients.operations]
mail = ["ops@example.org"]

[jobs.monthly]
report = "monthly"
cron = "0 6 1 * *"
site = "mesa_del_sol"
to = ["board"]
failure_to = ["operations"]
{job}
{more}
"""


QUIET = toml(1).replace('to = ["board"]\nfailure_to = ["operations"]', "")


def always(outcome: Outcome) -> object:
    return lambda _order: outcome


def test_a_new_job_runs_at_its_next_time_and_not_before(both_worlds: World) -> None:
    world = both_worlds
    assert world.run(QUIET).runs == []
    assert world.run(QUIET, FIRST - timedelta(seconds=1)).runs == []
    (run,) = world.run(QUIET, FIRST).runs
    assert (run.state, run.due, run.missed, run.attempt) == ("done", FIRST, 0, 1)
    assert world.periods() == ["2026-02"]
    assert world.run(QUIET, FIRST).runs == []
    assert world.run(QUIET, FIRST + timedelta(hours=1)).runs == []
    assert len(world.runs()) == 1


def test_a_missed_time_runs_once_and_is_about_its_own_period(both_worlds: World) -> None:
    world = both_worlds
    world.run(QUIET)
    (run,) = world.run(QUIET, FIRST + timedelta(days=40)).runs
    # Off on 1 March and on 1 April: one run, which makes both reports.
    assert world.periods() == ["2026-02", "2026-03"]
    assert (run.missed, f"{run.due:%Y-%m-%d}") == (1, "2026-04-01")
    assert world.run(QUIET, FIRST + timedelta(days=41)).runs == []
    assert "run.catching_up" in world.events()


def test_catching_up_ends_at_the_newest_periods(world: World) -> None:
    daily = QUIET.replace('"monthly"', '"daily"').replace("0 6 1 * *", "0 6 * * *")
    world.run(daily, START)
    (run,) = world.run(daily, START + timedelta(days=10, hours=2)).runs
    assert world.periods() == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert run.missed == 10
    world.run(
        daily.replace("\n\n[jobs", "\n[jobs") + "\ncatch_up = 1\n",
        START + timedelta(days=13, hours=2),
    )
    assert world.periods() == ["2026-03-04"]


def test_a_report_that_fails_is_tried_again_with_growing_waits_and_then_told(
    world: World, tmp_path: Path
) -> None:
    world.outcome = always(BROKEN)  # type: ignore[assignment]
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port, "attempts = 3\nretry_minutes = 10")
        world.run(text)
        (run,) = world.run(text, FIRST).runs
        assert (run.state, run.attempt, run.next_at) == (
            "waiting",
            1,
            FIRST + timedelta(minutes=10),
        )
        assert world.run(text, FIRST + timedelta(minutes=9)).runs == []
        (run,) = world.run(text, FIRST + timedelta(minutes=10)).runs
        assert (run.state, run.attempt) == ("waiting", 2)
        assert run.next_at == FIRST + timedelta(minutes=30)
        assert mailbox.received == []
        (run,) = world.run(text, FIRST + timedelta(minutes=30)).runs
        assert (run.state, run.attempt) == ("failed", 3)
        assert run.reason == "mesa_del_sol: the disk is full"

        assert mailbox.to("board@example.org") == []
        (told,) = mailbox.to("ops@example.org")
        assert told["Subject"] == "Failed: monthly – mesa_del_sol: the disk is full"
        body = told.get_body()
        assert body is not None
        said = body.get_content()
        assert "Attempts: 3" in said
        assert said.count("report.failed") == 3
        assert said.count("run.retry") == 2
        assert "due on 1 Mar 2026 06:00 (MST)" in said
        assert world.run(text, FIRST + timedelta(hours=9)).runs == []
        assert len(mailbox.received) == 1


def test_whatever_a_reason_holds_is_kept_and_told_in_one_line(both_worlds: World) -> None:
    world = both_worlds
    world.outcome = always((BROKEN[0], "a\0b\r\nBcc: eve@example.org", 1))  # type: ignore[assignment]
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port, "attempts = 1")
        world.run(text)
        (run,) = world.run(text, FIRST).runs
        assert run.reason == "mesa_del_sol: a\N{REPLACEMENT CHARACTER}b Bcc: eve@example.org"
        (told,) = mailbox.to("ops@example.org")
        assert told["Bcc"] is None


def test_a_report_that_succeeds_at_the_second_attempt_is_sent_and_nobody_is_alarmed(
    world: World,
) -> None:
    outcomes = [BROKEN, MADE]
    world.outcome = lambda _order: outcomes.pop(0)
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port)
        world.run(text)
        world.run(text, FIRST)
        (run,) = world.run(text, FIRST + timedelta(minutes=5)).runs
        assert (run.state, run.attempt, run.reason) == ("done", 2, None)
        assert mailbox.to("ops@example.org") == []
        (sent,) = mailbox.to("board@example.org")
        assert sent["Subject"] == "Mesa del Sol: monthly report, Feb 2026"
        (pdf,) = sent.iter_attachments()
        assert pdf.get_payload(decode=True) == b"%PDF 2026-02"


def test_wrong_input_is_told_at_once_because_trying_again_is_vain(world: World) -> None:
    text = QUIET.replace('"mesa_del_sol"', '"nowhere"')
    world.outcome = always(WRONG)  # type: ignore[assignment]
    world.run(text)
    (run,) = world.run(text, FIRST).runs
    assert (run.state, run.attempt) == ("failed", 1)
    assert run.reports[0].period == "2026-02"


def test_one_site_that_fails_keeps_no_other_from_its_report(world: World) -> None:
    def outcome(order: ReportOrder) -> Outcome:
        return BROKEN if order.site == "trade_street" else MADE

    world.outcome = outcome
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port, "attempts = 1").replace(
            '"mesa_del_sol"', '["mesa_del_sol", "trade_street"]'
        )
        world.run(text)
        (run,) = world.run(text, FIRST).runs
        assert run.state == "failed"
        assert [one.status for one in run.reports] == ["made", "failed"]
        (sent,) = mailbox.to("board@example.org")
        assert len(list(sent.iter_attachments())) == 1
        assert len(mailbox.to("ops@example.org")) == 1


def test_one_job_that_breaks_keeps_no_other_from_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = QUIET + '\n[jobs.weekly]\nreport = "weekly"\ncron = "0 6 * * *"\nsite = "trade_street"\n'

    def outcome(order: ReportOrder) -> Outcome:
        if order.kind == "monthly":
            raise ZeroDivisionError("a fault of ours")
        return MADE

    world.outcome = outcome
    world.run(both)
    runs = {run.job: run for run in world.run(both, FIRST).runs}
    assert runs["weekly"].state == "done"
    assert runs["monthly"].state == "waiting"
    assert "ZeroDivisionError: a fault of ours" in (runs["monthly"].reason or "")


def test_a_fault_of_the_scheduler_itself_stays_with_its_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = QUIET + '\n[jobs.other]\nreport = "monthly"\ncron = "0 6 1 * *"\nsite = "trade_street"\n'
    world.run(both)

    def message(run: Run, *_rest: object) -> None:
        if run.job == "monthly":
            raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("microgrid_lib.schedule.jobs.report_message", message)
    done = world.run(both, FIRST)
    assert [(run.job, run.state) for run in done.runs] == [("other", "done")]
    assert done.faults == 1
    assert "scheduler.fault" in world.events()
    # Once it is mended, the run is taken up.
    monkeypatch.undo()
    for minute in range(5):
        world.run(both, FIRST + timedelta(minutes=minute))
    assert {run.job: run.state for run in world.runs()} == {"monthly": "done", "other": "done"}


def test_a_month_without_data_goes_to_both_sides(world: World) -> None:
    world.outcome = always(EMPTY)  # type: ignore[assignment]
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port)
        world.run(text)
        (run,) = world.run(text, FIRST).runs
        assert (run.state, run.attempt) == ("empty", 1)
        (sent,) = mailbox.to("board@example.org")
        assert len(list(sent.iter_attachments())) == 1
        (told,) = mailbox.to("ops@example.org")
        assert told["Subject"].startswith("No data: monthly – ")


def test_mail_that_is_down_holds_up_no_report_and_is_delivered_by_the_next_run(
    world: World, tmp_path: Path
) -> None:
    port = free_port()
    text = toml(port, f'folder = "{(tmp_path / "out").as_posix()}"')
    world.run(text)
    done = world.run(text, FIRST)
    assert [run.state for run in done.runs] == ["done"]
    states = {one.delivery.target.channel: one.state for one in done.deliveries}
    assert states == {"folder": "sent", "mail": "undelivered"}
    assert len(list((tmp_path / "out").iterdir())) == 1
    with smtp_server(Mailbox(), port=port) as mailbox:
        done = world.run(text, FIRST + timedelta(minutes=1), everything=True)
        assert done.runs == []
        assert {one.state for one in done.deliveries} == {"sent"}
        assert len(mailbox.to("board@example.org")) == 1
        # That it wasn't delivered needn't be told any more.
        assert mailbox.to("ops@example.org") == []
        assert world.run(text, FIRST + timedelta(minutes=2), everything=True).deliveries == []


def test_the_mail_says_what_needs_attention_and_that_the_data_are_synthetic(world: World) -> None:
    findings = tuple(f"Data: finding {number}" for number in range(1, 11))

    def make(orders: Sequence[ReportOrder]) -> list[ReportResult]:
        results = World.make(world, orders)
        for one in results:
            assert one.file is not None
            known = manifest(one.file, attention=findings, label="Synthetic demo data")
            one.file.with_suffix(".json").write_text(known.model_dump_json(), encoding="utf-8")
        return results

    world.make = make  # type: ignore[method-assign]
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port)
        world.run(text)
        world.run(text, FIRST)
        (mail,) = mailbox.to("board@example.org")
    assert mail["Subject"] == "Synthetic demo data: Mesa del Sol: monthly report, Feb 2026"
    body = mail.get_body()
    assert body is not None
    lines = body.get_content().splitlines()
    begin = lines.index("  Needs attention:")
    assert lines[begin - 1].startswith("• Mesa del Sol: monthly report, Feb 2026 · ")
    shown = [f"  – {finding}" for finding in findings[:8]]
    assert lines[begin + 1 : begin + 10] == [*shown, "  and 2 more, in the report"]


def test_that_one_mailbox_refuses_is_told_to_others(world: World) -> None:
    with smtp_server(Mailbox(rcpt_refusals=["550 no such mailbox"])) as mailbox:
        text = toml(mailbox.port)
        world.run(text)
        done = world.run(text, FIRST)
        assert [run.state for run in done.runs] == ["done"]
        assert [one.state for one in done.deliveries] == ["refused", "sent"]
        (told,) = mailbox.to("ops@example.org")
        assert told["Subject"] == (
            "Not delivered to mail board@example.org: Mesa del Sol: monthly report, Feb 2026"
        )
        body = told.get_body()
        assert body is not None
        assert "refused (550 no such mailbox)" in body.get_content()
        assert "It won’t be tried again." in body.get_content()


def test_a_folder_that_cannot_be_written_is_told_and_the_mail_goes_out(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port, f'folder = "{(tmp_path / "file" / "out").as_posix()}"')
        world.run(text)
        done = world.run(text, FIRST)
        assert [run.state for run in done.runs] == ["done"]
        assert len(mailbox.to("board@example.org")) == 1
        (told,) = mailbox.to("ops@example.org")
        body = told.get_body()
        assert body is not None
        assert "can't be written" in body.get_content()
        (tmp_path / "file").unlink()
        world.run(text, FIRST + timedelta(minutes=5))
        assert len(list((tmp_path / "file" / "out").iterdir())) == 1


def test_a_scheduler_that_died_while_running_is_taken_up_and_nothing_is_sent_twice(
    world: World,
) -> None:
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port)
        world.run(text)
        ScheduleStore(world.database).claim("monthly", [FIRST], 0, FIRST)
        (run,) = world.run(text, FIRST + timedelta(minutes=1)).runs
        assert (run.state, run.attempt) == ("done", 2)
        assert "run.taken_up" in run.log
        world.run(text, FIRST + timedelta(minutes=2))
        assert len(mailbox.to("board@example.org")) == 1


def test_a_run_that_kills_the_scheduler_every_time_is_given_up(world: World) -> None:
    world.run(QUIET)
    store = ScheduleStore(world.database)
    run = store.claim("monthly", [FIRST], 0, FIRST)
    store.take_up(run, 3)
    (run,) = world.run(QUIET, FIRST).runs
    assert run.state == "failed"
    assert run.reason == "the scheduler ended 3 times while it was running"
    assert world.orders == []


def test_stopping_in_the_middle_leaves_the_run_to_the_next_scheduler(world: World) -> None:
    many = ", ".join(f'"site_{number}"' for number in range(2 * AT_ONCE))
    text = QUIET.replace('"mesa_del_sol"', f"[{many}]")
    world.run(text)
    world.stop_after = 1
    (run,) = world.run(text, FIRST).runs
    assert run.state == "waiting"
    assert len(world.orders) == AT_ONCE
    assert world.deliveries() == []
    world.stop_after = None
    (run,) = world.run(text, FIRST + timedelta(seconds=1)).runs
    assert (run.state, run.attempt, len(run.reports)) == ("done", 1, 2 * AT_ONCE)


def test_a_time_that_comes_while_a_run_waits_is_caught_up_afterwards(world: World) -> None:
    daily = QUIET.replace('"monthly"', '"daily"').replace("0 6 1 * *", "0 6 * * *")
    daily += "\nretry_minutes = 1440\nattempts = 2\n"
    world.run(daily, START + timedelta(hours=2))
    world.outcome = always(BROKEN)  # type: ignore[assignment]
    (run,) = world.run(daily, START + timedelta(days=1, hours=2)).runs
    assert run.state == "waiting"
    assert world.periods() == ["2026-02-20"]
    world.outcome = always(MADE)  # type: ignore[assignment]
    (run,) = world.run(daily, START + timedelta(days=2, hours=2)).runs
    assert (run.state, world.periods()) == ("done", ["2026-02-20"])
    (run,) = world.run(daily, START + timedelta(days=2, hours=2)).runs
    assert (run.state, world.periods()) == ("done", ["2026-02-21"])


def test_messages_are_queued_with_the_end_of_the_run_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = toml(free_port())
    world.run(text)

    def dies(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("microgrid_lib.schedule.jobs.queue", dies)
        with pytest.raises(KeyboardInterrupt):
            world.run(text, FIRST)
    assert [run.state for run in world.runs()] == ["running"]
    assert Outbox(world.database).open() == []


def test_clocks_that_change_cost_no_daily_report(world: World) -> None:
    daily = QUIET.replace('"monthly"', '"daily"').replace("0 6 1 * *", "30 2 * * *")
    for start, days in (("2026-03-06", 4), ("2026-10-30", 4)):
        first = datetime.fromisoformat(f"{start}T18:00+00:00")
        world.run(daily, first)
        world.periods()
        found = []
        for minutes in range(0, days * 24 * 60, 10):
            world.run(daily, first + timedelta(minutes=minutes))
            found += world.periods()
        begin = first.date()
        assert found == [str(begin + timedelta(days=number)) for number in range(days)]


def test_a_french_job_writes_in_french(world: World) -> None:
    with smtp_server(Mailbox()) as mailbox:
        text = toml(mailbox.port, 'language = "fr"')
        world.run(text)
        world.run(text, FIRST + timedelta(hours=5))
        (sent,) = mailbox.to("board@example.org")
        assert sent["Subject"] == "Mesa del Sol\N{NO-BREAK SPACE}: rapport mensuel, févr. 2026"
        assert sent["Content-Language"] == "fr"
        body = sent.get_body()
        assert body is not None
        assert "Ce message est en retard" in body.get_content()
    assert {order.language for order in world.orders} == {"fr"}

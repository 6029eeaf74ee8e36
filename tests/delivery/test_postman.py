"""What is queued is sent once, tried again while it fails, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from microgrid_lib.database.connections import Database, open_database
from microgrid_lib.delivery.folder import copy_into
from microgrid_lib.delivery.message import Channel, Message, Target
from microgrid_lib.delivery.outbox import KEPT, Outbox, queue
from microgrid_lib.delivery.postman import GIVEN_UP, TRIES, Postman
from microgrid_lib.delivery.servers import MailServer, Webhook
from microgrid_lib.delivery.tables import SCHEMA, deliveries
from microgrid_lib.settings import Settings
from tests.delivery.servers import Hook, Mailbox, free_port, http_server, smtp_server

AT = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)
ADA = Target(channel=Channel.mail, recipient="board", address="ada@example.org")
BOB = Target(channel=Channel.mail, recipient="board", address="bob@example.org")
OPS = Target(channel=Channel.webhook, recipient="ops")


@pytest.fixture
def database(database_settings: Settings) -> Iterator[Database]:
    opened = open_database(database_settings, SCHEMA)
    yield opened
    opened.close()


class Clock:
    def __init__(self) -> None:
        self.now = AT
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def message(key: str = "k", *files: Path) -> Message:
    return Message(key=key, subject=key, body="b", language="en", files=files, created=AT)


def put(database: Database, *targets: Target, what: Message | None = None) -> int:
    with database.writing() as connection:
        return queue(connection, what or message(), targets, "job:monthly")


def postman(
    database: Database, clock: Clock, port: int = 0, hooks: dict[str, Webhook] | None = None
) -> Postman:
    mail = MailServer(
        host="127.0.0.1", port=port or free_port(), security="none", sender="grid@example.org"
    )
    return Postman(Outbox(database), mail, hooks or {}, sleep=clock.sleep)


def states(database: Database) -> dict[str, str]:
    found = Outbox(database).latest("job:monthly", 100)
    return {d.target.address or d.target.recipient: d.state for d in found}


def test_a_message_reaches_every_target_once_however_often_it_is_queued(
    database: Database, tmp_path: Path
) -> None:
    pdf = tmp_path / "a.pdf"
    pdf.write_bytes(b"%PDF")
    folder = Target(channel=Channel.folder, recipient="", address=str(tmp_path / "out"))
    clock = Clock()
    with smtp_server(Mailbox()) as mailbox, http_server(Hook()) as hook:
        sender = postman(database, clock, mailbox.port, {"ops": Webhook(url=hook.url)})
        what = message("k", pdf)
        assert put(database, ADA, BOB, OPS, folder, ADA, what=what) == 4
        assert [o.state for o in sender.deliver(clock)] == ["sent"] * 4
        assert put(database, ADA, BOB, OPS, folder, what=what) == 0
        assert sender.deliver(clock, everything=True) == []
        assert len(mailbox.to("ada@example.org")) == len(mailbox.to("bob@example.org")) == 1
        assert len(hook.received) == 1
        assert (tmp_path / "out" / "a.pdf").read_bytes() == b"%PDF"
        assert set(states(database).values()) == {"sent"}


def test_nothing_is_sent_for_a_change_that_was_rolled_back(database: Database) -> None:

    def change() -> None:
        with database.writing() as connection:
            queue(connection, message(), [ADA], "job:monthly")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()
    assert Outbox(database).open() == []


def test_a_busy_server_is_tried_again_with_growing_waits(database: Database) -> None:
    clock = Clock()
    with smtp_server(Mailbox(rcpt_refusals=["451 later", "451 later"])) as mailbox:
        put(database, ADA)
        (outcome,) = postman(database, clock, mailbox.port).deliver(clock)
        assert outcome.state == "sent"
        assert len(mailbox.received) == 1
    (delivery,) = Outbox(database).latest("job:monthly", 1)
    assert (delivery.attempts, delivery.error) == (TRIES, None)
    first, second = clock.slept
    assert 1 <= first <= 2 <= second <= 3


def test_a_server_that_is_down_leaves_all_undelivered_until_the_next_run(
    database: Database,
) -> None:
    clock, port = Clock(), free_port()
    put(database, ADA, BOB)
    outcomes = postman(database, clock, port).deliver(clock)
    assert [(o.state, o.first) for o in outcomes] == [("undelivered", True)] * 2
    # The second wasn't even tried: the server had just been found down.
    assert sorted(d.attempts for d in Outbox(database).open()) == [0, TRIES]
    assert all("can't be reached" in (d.error or "") for d in Outbox(database).open())
    with smtp_server(Mailbox(), port=port) as mailbox:
        again = postman(database, clock, port)
        assert again.deliver(clock) == []
        assert [o.state for o in again.deliver(clock, everything=True)] == ["sent"] * 2
        assert len(mailbox.received) == 2


def test_rounds_are_further_and_further_apart_and_end_after_a_week(database: Database) -> None:
    clock, port = Clock(), free_port()
    put(database, ADA)
    sender, rounds = postman(database, clock, port), []
    for _ in range(100):
        (outcome,) = sender.deliver(clock)
        if outcome.state == "given_up":
            break
        assert outcome.state == "undelivered"
        (left,) = Outbox(database).open()
        rounds.append(left.next_at - clock.now)
        clock.now = left.next_at
    assert rounds[:4] == [timedelta(minutes=m) for m in (5, 10, 20, 40)]
    assert set(rounds[7:]) == {timedelta(hours=6)}
    assert GIVEN_UP <= clock.now - AT < GIVEN_UP + timedelta(hours=7)
    assert Outbox(database).open() == []
    assert states(database) == {"ada@example.org": "given_up"}


def test_ever_so_many_rounds_do_not_overflow(database: Database) -> None:
    clock, port = Clock(), free_port()
    put(database, ADA)
    with database.writing() as connection:
        connection.execute(sa.update(deliveries).values(rounds=5000, state="undelivered"))
    postman(database, clock, port).deliver(clock)
    (left,) = Outbox(database).open()
    assert left.next_at - clock.now == timedelta(hours=6)


def test_an_unknown_mailbox_is_refused_and_the_others_get_theirs(database: Database) -> None:
    clock = Clock()
    with smtp_server(Mailbox(rcpt_refusals=["550 no such mailbox"])) as mailbox:
        put(database, ADA, BOB)
        outcomes = postman(database, clock, mailbox.port).deliver(clock)
        assert sorted(o.state for o in outcomes) == ["refused", "sent"]
        assert len(mailbox.received) == 1
    assert clock.slept == []
    assert Outbox(database).open() == []


def test_what_a_dead_process_was_sending_is_sent_again_under_the_same_id(
    database: Database,
) -> None:
    clock = Clock()
    with smtp_server(Mailbox()) as mailbox:
        put(database, ADA)
        (delivery,) = Outbox(database).open()
        Outbox(database).begin(delivery)
        (outcome,) = postman(database, clock, mailbox.port).deliver(clock)
        assert (outcome.state, outcome.repeated) == ("sent", True)
        ((_, mail),) = mailbox.received
        assert mail["Message-ID"] == f"<{delivery.id}@example.org>"


def test_a_recipient_that_is_gone_from_the_schedule_waits(database: Database) -> None:
    clock = Clock()
    put(database, OPS)
    (outcome,) = postman(database, clock).deliver(clock)
    assert (outcome.state, outcome.error) == ("undelivered", "recipient 'ops' has no webhook")


def test_one_webhook_that_is_down_does_not_hold_up_another(database: Database) -> None:
    clock = Clock()
    other = Target(channel=Channel.webhook, recipient="other")
    with http_server(Hook()) as hook:
        hooks = {
            "ops": Webhook(url=f"http://127.0.0.1:{free_port()}/"),
            "other": Webhook(url=hook.url),
        }
        put(database, OPS, other)
        sent = postman(database, clock, hooks=hooks).deliver(clock)
        assert {o.delivery.target.recipient: o.state for o in sent} == {
            "ops": "undelivered",
            "other": "sent",
        }


def test_a_fault_that_nobody_thought_of_holds_up_no_other_message(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()

    def copy(folder: Path, files: tuple[Path, ...]) -> None:
        if folder == Path("bad"):
            raise ValueError("embedded null byte")
        copy_into(folder, files)

    monkeypatch.setattr("microgrid_lib.delivery.postman.copy_into", copy)
    bad = Target(channel=Channel.folder, recipient="a", address="bad")
    good = Target(channel=Channel.folder, recipient="b", address=str(tmp_path / "out"))
    pdf = tmp_path / "a.pdf"
    pdf.write_bytes(b"%PDF")
    put(database, bad, good, what=message("k", pdf))
    outcomes = {o.delivery.target.recipient: o for o in postman(database, clock).deliver(clock)}
    assert (outcomes["a"].state, outcomes["b"].state) == ("undelivered", "sent")
    assert "unexpected fault: ValueError: " in (outcomes["a"].error or "")


def test_stopping_leaves_the_rest_queued(database: Database) -> None:
    clock = Clock()
    put(database, ADA, BOB)
    assert postman(database, clock).deliver(clock, stopping=lambda: True) == []
    assert {d.state for d in Outbox(database).open()} == {"pending"}


def test_what_ended_long_ago_is_forgotten_and_what_is_open_never(database: Database) -> None:
    put(database, ADA, BOB)
    box = Outbox(database)
    ada = next(d for d in box.open() if d.target == ADA)
    box.end(ada, "sent", AT)
    box.prune(AT + KEPT)
    assert len(states(database)) == 2
    box.prune(AT + KEPT + timedelta(seconds=1))
    assert states(database) == {"bob@example.org": "pending"}

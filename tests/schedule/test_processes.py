"""Real schedulers, two at once, stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from microgrid_lib.errors import StoreError
from microgrid_lib.schedule.context import now_utc
from microgrid_lib.schedule.errors import AnotherSchedulerError
from microgrid_lib.schedule.lock import only_scheduler
from microgrid_lib.schedule.opening import open_state
from microgrid_lib.schedule.store import ScheduleStore
from microgrid_lib.settings import Settings
from tests.delivery.servers import Mailbox, smtp_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
ROOT = Path(__file__).resolve().parents[2]


class Scheduler:
    """A process, and what it says."""

    def __init__(self, file: Path, folder: Path, settings: Settings) -> None:
        url = settings.database_url
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.schedule.scheduler", str(file), str(folder)],
            cwd=ROOT,
            env=os.environ
            | {"MICROGRID_HOME": str(settings.home)}
            | ({"MICROGRID_DATABASE_URL": url.get_secret_value()} if url else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_making(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "making\n", self.process.communicate()[1]

    def wait_for(self, event: str) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if json.loads(line)["event"] == event:
                return
        raise AssertionError(f"{event} wasn't logged")

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@pytest.fixture
def started() -> Iterator[list[Scheduler]]:
    """Schedulers of the test; none outlives it."""
    found: list[Scheduler] = []
    yield found
    for one in found:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server(Mailbox()) as served:
        yield served


@pytest.fixture
def file(database_settings: Settings, tmp_path: Path, mailbox: Mailbox) -> Path:
    """A schedule with one job, which was missed an hour ago."""
    path = tmp_path / "schedule.toml"
    path.write_text(
        f"""
[mail]
host = "127.0.0.1"
port = {mailbox.port}
security = "none"
sender = "grid@example.org"

[recipients.board]
mail = "board@example.org"

[jobs.monthly]
report = "monthly"
cron = "0 * * * *"
catch_up = 1
site = "mesa_del_sol"
to = "board"
""",
        encoding="utf-8",
    )
    database_settings.home.mkdir(exist_ok=True)
    database = open_state(database_settings)
    ScheduleStore(database).since("monthly", now_utc() - timedelta(hours=2))
    database.close()
    return path


def test_two_schedulers_at_once_one_works_and_the_other_says_so(
    database_settings: Settings, file: Path, tmp_path: Path, started: list[Scheduler]
) -> None:
    started.append(Scheduler(file, tmp_path, database_settings))
    started[0].wait_for_making()
    command = [sys.executable, "-m", "microgrid_lib", "schedule", "--file", str(file)]
    url = database_settings.database_url
    environment = os.environ | {"MICROGRID_HOME": str(database_settings.home)}
    environment |= {"MICROGRID_DATABASE_URL": url.get_secret_value()} if url else {}
    for more in ([], ["--once"]):
        second = subprocess.run(
            [*command, *more], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert second.returncode == 2
        assert second.stderr.startswith(
            f"microgrid: a scheduler runs already (process {started[0].process.pid} on "
        )
        assert second.stderr.endswith("; this one does nothing\n")
        assert second.stdout == ""


def test_after_kill_9_the_next_scheduler_takes_the_run_up_and_mails_once(
    database_settings: Settings,
    file: Path,
    tmp_path: Path,
    started: list[Scheduler],
    mailbox: Mailbox,
) -> None:
    started.append(Scheduler(file, tmp_path, database_settings))
    started[0].wait_for_making()
    started[0].process.kill()
    started[0].process.wait()
    assert mailbox.received == []

    started.append(Scheduler(file, tmp_path, database_settings))
    started[1].wait_for_making()
    started[1].go_on()
    started[1].wait_for("delivery.sent")
    started[1].process.send_signal(signal.SIGTERM)
    assert started[1].process.wait(30) == 0
    assert len(mailbox.to("board@example.org")) == 1

    database = open_state(database_settings)
    (run,) = ScheduleStore(database).history("monthly", 10)
    database.close()
    assert (run.state, run.attempt) == ("done", 2)
    assert "run.taken_up" in run.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_report_that_is_being_made_ends_before_the_scheduler_does(
    number: signal.Signals,
    database_settings: Settings,
    file: Path,
    tmp_path: Path,
    started: list[Scheduler],
    mailbox: Mailbox,
) -> None:
    started.append(Scheduler(file, tmp_path, database_settings))
    started[0].wait_for_making()
    started[0].process.send_signal(number)
    started[0].go_on()
    assert started[0].process.wait(30) == 0
    assert (tmp_path / "report.pdf").is_file()
    database = open_state(database_settings)
    (run,) = ScheduleStore(database).history("monthly", 10)
    database.close()
    # Its message is left to the next scheduler.
    assert run.state == "done"
    assert mailbox.received == []


def test_a_lock_is_free_again_after_an_error(database_settings: Settings) -> None:
    database = open_state(database_settings)

    def fail() -> None:
        with only_scheduler(database_settings, database):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with only_scheduler(database_settings, database) as still_alone:
        still_alone()
        with (
            pytest.raises(AnotherSchedulerError, match=f"process {os.getpid()} on"),
            only_scheduler(database_settings, database),
        ):
            pass
    database.close()


def test_a_lock_that_postgresql_lost_is_noticed(
    postgres: Callable[[], str], tmp_path: Path
) -> None:
    url = postgres()
    settings = Settings(home=tmp_path, database_url=SecretStr(url))
    database = open_state(settings)
    with only_scheduler(settings, database) as still_alone:
        still_alone()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
        with pytest.raises(StoreError):
            still_alone()
    database.close()


def test_homes_with_databases_of_their_own_have_schedulers_of_their_own(tmp_path: Path) -> None:
    first = Settings(home=tmp_path / "one")
    second = Settings(home=tmp_path / "two", database_url=SecretStr(f"sqlite:///{tmp_path}/x.db"))
    one, two = open_state(first), open_state(second)
    with only_scheduler(first, one), only_scheduler(second, two):
        pass
    one.close()
    two.close()

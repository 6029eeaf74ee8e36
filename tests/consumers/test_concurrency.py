"""Several processes on one database, for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from microgrid_lib.consumers.access import Action, Actor
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import Settings
from tests.consumers.drafts import SITE, draft

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 4
CHANGES = 15

# Each process waits for the go, so that all open, and so make the tables, at once.
ADD = """
import json, sys
from microgrid_lib.consumers.access import Actor, Role
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import load_settings
from tests.consumers.drafts import SITE, draft
print("ready", flush=True)
sys.stdin.readline()
with ConsumerStore.open(load_settings()) as store:
    me = Actor(f"p{sys.argv[1]}", Role.operator)
    ids = [store.add(SITE, draft(name=f"{me.name} {n}"), me).id for n in range(int(sys.argv[2]))]
print(json.dumps(ids))
"""
# Each process adds ones to a counter in the notes; a lost update would lose a count. All have read
# the same first version before any of them writes.
COUNT = """
import sys
from microgrid_lib.consumers.access import Actor, Role
from microgrid_lib.consumers.errors import VersionConflictError
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import load_settings
from tests.consumers.drafts import draft
me = Actor(f"p{sys.argv[1]}", Role.operator)
conflicts = done = 0
key = sys.argv[3]
with ConsumerStore.open(load_settings()) as store:
    seen = store.get(key)
    print("ready", flush=True)
    sys.stdin.readline()
    while done < int(sys.argv[2]):
        try:
            store.update(key, seen.version, draft(notes=str(int(seen.notes) + 1)), me)
            done += 1
        except VersionConflictError as error:
            assert error.current > error.expected
            conflicts += 1
        seen = store.get(key)
print(conflicts)
"""


def run_together(code: str, settings: Settings, *arguments: str) -> list[str]:
    """Run the code in several processes that start their work at once; what each prints last."""
    environment = {"MICROGRID_HOME": str(settings.home), "PYTHONPATH": str(ROOT)}
    if settings.database_url is not None:
        environment["MICROGRID_DATABASE_URL"] = settings.database_url.get_secret_value()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(number), str(CHANGES), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    results = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        results.append(out.strip())
    return results


def test_processes_that_open_a_new_database_at_once_all_get_their_rows_in(
    settings: Settings,
) -> None:
    ids = [key for out in run_together(ADD, settings) for key in json.loads(out)]
    assert len(set(ids)) == PROCESSES * CHANGES
    with ConsumerStore.open(settings) as store:
        assert {one.id for one in store.select()} == set(ids)
        assert len(store.log(limit=1000)) == PROCESSES * CHANGES


def test_no_update_is_lost_when_processes_change_one_consumer_at_once(
    settings: Settings, operator: Actor
) -> None:
    with ConsumerStore.open(settings) as store:
        added = store.add(SITE, draft(notes="0"), operator)
        conflicts = [int(out) for out in run_together(COUNT, settings, added.id)]
        after = store.get(added.id)
        history = store.history(added.id)
    assert after.notes == str(PROCESSES * CHANGES)
    assert after.version == 1 + PROCESSES * CHANGES
    assert [entry.version for entry in reversed(history)] == list(range(1, after.version + 1))
    assert [entry.action for entry in history[:-1]] == [Action.update] * PROCESSES * CHANGES
    assert sum(conflicts) >= PROCESSES - 1

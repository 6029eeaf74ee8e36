from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from microgrid_lib.access import AccessDeniedError
from microgrid_lib.consumers.access import Action, Actor
from microgrid_lib.consumers.audit import Change
from microgrid_lib.consumers.errors import (
    ConsumerNotFoundError,
    VersionConflictError,
)
from microgrid_lib.consumers.model import CONTENT_FIELDS
from microgrid_lib.consumers.query import ConsumerQuery
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.consumers.tables import SCHEMA
from microgrid_lib.database.connections import open_database
from microgrid_lib.errors import StoreError
from microgrid_lib.settings import Settings
from tests.consumers.drafts import HOSTILE, SITE, draft


def test_what_is_added_is_read_back_with_who_and_when(settings: Settings, operator: Actor) -> None:
    at = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
    with ConsumerStore(open_database(settings, SCHEMA), clock=lambda: at) as store:
        added = store.add(SITE, draft(notes="basement\npumps"), operator)
        assert store.get(added.id) == added
    with ConsumerStore.open(settings) as store:
        found = store.get(added.id)
    assert found == added
    assert found.draft == draft(notes="basement\npumps")
    assert (found.site, found.version, found.deleted) == (SITE, 1, False)
    assert (found.created_by, found.updated_by) == ("olga", "olga")
    assert found.created_at == found.updated_at == at
    assert found.created_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_stored_as_they_are(
    sqlite_store: ConsumerStore, operator: Actor, name: str
) -> None:
    added = sqlite_store.add(SITE, draft(name=name, notes=name), operator)
    found = sqlite_store.find(name, SITE)
    assert (found.id, found.name, found.notes) == (added.id, name, name)


def test_hostile_names_are_stored_as_they_are_everywhere(
    store: ConsumerStore, operator: Actor
) -> None:
    for name in HOSTILE:
        store.add(SITE, draft(name=name), operator)
    assert sorted(one.name for one in store.select()) == sorted(HOSTILE)


def test_an_update_raises_the_version_and_keeps_who_made_it(
    store: ConsumerStore, operator: Actor, admin: Actor
) -> None:
    added = store.add(SITE, draft(), operator)
    changed = store.update(added.id, 1, draft(name="Ward", rated_power_kw=None), admin)
    assert store.get(added.id) == changed
    assert (changed.name, changed.rated_power_kw, changed.version) == ("Ward", None, 2)
    assert (changed.created_by, changed.updated_by) == ("olga", "ada")
    assert changed.created_at == added.created_at
    assert changed.updated_at >= added.updated_at


def test_an_update_that_changes_nothing_writes_nothing(
    store: ConsumerStore, operator: Actor, admin: Actor
) -> None:
    added = store.add(SITE, draft(), operator)
    assert store.update(added.id, 1, draft(), admin) == added
    assert len(store.history(added.id)) == 1


def test_a_whole_consumer_may_stand_for_its_draft(store: ConsumerStore, operator: Actor) -> None:
    first, second = (store.add(SITE, draft(name=name), operator) for name in ("A", "B"))
    changed = store.update(first.id, 1, second, operator)
    assert (changed.id, changed.name, changed.version) == (first.id, "B", 2)
    assert store.get(first.id) == changed


def test_a_change_of_an_old_version_is_refused_and_says_who_was_first(
    store: ConsumerStore, operator: Actor, admin: Actor
) -> None:
    added = store.add(SITE, draft(), operator)
    store.update(added.id, 1, draft(name="Ada's"), admin)
    with pytest.raises(VersionConflictError) as caught:
        store.update(added.id, 1, draft(name="Olga's"), operator)
    assert (caught.value.expected, caught.value.current, caught.value.by) == (1, 2, "ada")
    text = str(caught.value)
    assert "changed by 'ada'" in text
    assert "version 2, yours 1" in text
    with pytest.raises(VersionConflictError):
        store.delete(added.id, 1, operator)
    assert store.get(added.id).name == "Ada's"
    assert [entry.action for entry in store.history(added.id)] == [Action.update, Action.add]


def test_a_change_of_what_someone_deleted_says_so(
    store: ConsumerStore, operator: Actor, admin: Actor
) -> None:
    added = store.add(SITE, draft(), operator)
    store.delete(added.id, 1, admin)
    with pytest.raises(VersionConflictError, match="was deleted by 'ada'"):
        store.update(added.id, 1, draft(name="x"), operator)


def test_undo_of_a_delete_brings_back_id_content_and_history(
    store: ConsumerStore, operator: Actor
) -> None:
    added = store.add(SITE, draft(), operator)
    gone = store.delete(added.id, 1, operator)
    assert gone.deleted
    assert store.select() == []
    assert [one.id for one in store.select(ConsumerQuery(deleted=True))] == [added.id]
    back = store.restore(added.id, operator)
    assert (back.id, back.draft, back.version, back.deleted) == (added.id, draft(), 3, False)
    assert back.created_at == added.created_at
    assert store.select() == [back]
    actions = [entry.action for entry in reversed(store.history(added.id))]
    assert actions == [Action.add, Action.delete, Action.restore]


def test_each_state_allows_only_its_changes(
    store: ConsumerStore, operator: Actor, admin: Actor
) -> None:
    added = store.add(SITE, draft(), operator)
    with pytest.raises(ConsumerNotFoundError, match="isn't deleted"):
        store.restore(added.id, operator)
    with pytest.raises(ConsumerNotFoundError, match="delete it first"):
        store.purge(added.id, admin)
    store.delete(added.id, 1, operator)
    with pytest.raises(ConsumerNotFoundError, match="restore it first"):
        store.update(added.id, 2, draft(name="x"), operator)
    with pytest.raises(ConsumerNotFoundError, match="deleted already"):
        store.delete(added.id, 2, operator)


def test_a_purge_leaves_only_the_log(store: ConsumerStore, operator: Actor, admin: Actor) -> None:
    added = store.add(SITE, draft(), operator)
    store.delete(added.id, 1, operator)
    store.purge(added.id, admin)
    with pytest.raises(ConsumerNotFoundError):
        store.get(added.id)
    newest = store.history(added.id)[0]
    assert (newest.action, newest.actor, newest.version) == (Action.purge, "ada", 3)


def test_the_log_has_each_field_before_and_after(
    store: ConsumerStore, operator: Actor, admin: Actor
) -> None:
    added = store.add(SITE, draft(notes=None), operator)
    changed = store.update(added.id, 1, draft(name="Ward", notes="new"), admin)
    store.delete(added.id, 2, operator)
    deleted, updated, first = store.history(added.id)
    assert first.changes == {
        "name": Change(before=None, after="Clinic"),
        "type": Change(before=None, after="critical"),
        "kind": Change(before=None, after="hospital"),
        "latitude": Change(before=None, after=35.0),
        "longitude": Change(before=None, after=-106.6),
        "rated_power_kw": Change(before=None, after=120.0),
    }
    assert updated.changes == {
        "name": Change(before="Clinic", after="Ward"),
        "notes": Change(before=None, after="new"),
    }
    assert (updated.actor, updated.role, updated.version) == ("ada", "admin", 2)
    assert updated.at == changed.updated_at
    assert set(deleted.changes) == set(CONTENT_FIELDS)
    assert all(change.after is None for change in deleted.changes.values())
    assert [entry.site for entry in store.log()] == [SITE] * 3
    assert store.log("elsewhere") == []
    assert store.log(limit=1) == [deleted]


@pytest.mark.parametrize(
    "write",
    [
        lambda store, key, actor: store.add(SITE, draft(), actor),
        lambda store, key, actor: store.update(key, 1, draft(name="x"), actor),
        lambda store, key, actor: store.delete(key, 1, actor),
        lambda store, key, actor: store.restore(key, actor),
        lambda store, key, actor: store.purge(key, actor),
    ],
    ids=["add", "update", "delete", "restore", "purge"],
)
def test_a_viewer_is_refused_even_when_the_store_is_called_straight(
    sqlite_store: ConsumerStore,
    operator: Actor,
    viewer: Actor,
    write: Callable[[ConsumerStore, str, Actor], object],
) -> None:
    added = sqlite_store.add(SITE, draft(), operator)
    with pytest.raises(AccessDeniedError, match="victor"):
        write(sqlite_store, added.id, viewer)
    assert sqlite_store.select() == [added]
    assert len(sqlite_store.log()) == 1


def test_an_operator_may_not_purge(sqlite_store: ConsumerStore, operator: Actor) -> None:
    added = sqlite_store.add(SITE, draft(), operator)
    sqlite_store.delete(added.id, 1, operator)
    with pytest.raises(AccessDeniedError, match="needs the role admin"):
        sqlite_store.purge(added.id, operator)
    assert sqlite_store.get(added.id).deleted


def test_a_consumer_is_found_by_id_by_its_beginning_and_by_a_name_of_its_own(
    store: ConsumerStore, operator: Actor
) -> None:
    first = store.add(SITE, draft(name="Clinic"), operator)
    for twin in range(2):
        store.add(SITE, draft(name="Twin", notes=str(twin)), operator)
    for reference in (first.id, first.id[:13], first.id.upper(), "Clinic"):
        assert store.find(reference, SITE) == first
    with pytest.raises(ConsumerNotFoundError, match="several answer"):
        store.find("Twin", SITE)
    for reference, site in (("Clinic", "elsewhere"), (first.id[:3], SITE), ("%", SITE)):
        with pytest.raises(ConsumerNotFoundError, match="no such consumer"):
            store.find(reference, site)
    with pytest.raises(ConsumerNotFoundError, match="among the deleted ones"):
        store.find(first.id, SITE, deleted=True)


def test_a_change_whose_log_entry_fails_is_not_made(store: ConsumerStore, operator: Actor) -> None:
    added = store.add(SITE, draft(), operator)
    with store.transaction() as (connection, _):
        connection.exec_driver_sql("DROP TABLE consumers_audit")
    for change in (
        lambda: store.add(SITE, draft(name="x"), operator),
        lambda: store.update(added.id, 1, draft(name="x"), operator),
        lambda: store.delete(added.id, 1, operator),
    ):
        with pytest.raises(StoreError, match="consumers_audit"):
            change()
    assert store.select() == [added]


def test_the_state_of_a_site_grows_with_every_change_there_and_only_then(
    store: ConsumerStore, operator: Actor, admin: Actor
) -> None:
    states = [store.state(SITE)]
    added = store.add(SITE, draft(), operator)
    states.append(store.state(SITE))
    store.update(added.id, 1, draft(name="B"), operator)
    states.append(store.state(SITE))
    gone = store.delete(added.id, 2, operator)
    states.append(store.state(SITE))
    store.purge(gone.id, admin)
    states.append(store.state(SITE))
    assert states == sorted(set(states))
    store.add("trade_street", draft(), operator)
    assert store.state(SITE) == states[-1]

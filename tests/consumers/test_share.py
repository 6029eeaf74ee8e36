"""The critical share of the load by rated power."""

from __future__ import annotations

from microgrid_lib.consumers.access import Actor, Role
from microgrid_lib.consumers.model import ConsumerDraft, ConsumerKind, ConsumerType
from microgrid_lib.consumers.share import rated_share
from microgrid_lib.consumers.store import ConsumerStore

OPERATOR = Actor("ada", Role.operator)


def add(store: ConsumerStore, kind: ConsumerType, kw: float | None, site: str = "here") -> None:
    draft = ConsumerDraft(
        name="one",
        type=kind,
        kind=ConsumerKind.other,
        latitude=35.0,
        longitude=-106.6,
        rated_power_kw=kw,
        notes="",
    )
    store.add(site, draft, OPERATOR)


def test_the_share_is_of_the_rated_power_of_those_that_state_one(
    sqlite_store: ConsumerStore,
) -> None:
    add(sqlite_store, ConsumerType.critical, 30.0)
    add(sqlite_store, ConsumerType.non_critical, 50.0)
    add(sqlite_store, ConsumerType.critical, None)
    add(sqlite_store, ConsumerType.critical, 500.0, site="elsewhere")
    found = rated_share(sqlite_store, "here")
    assert found is not None
    assert (found.share, found.rated_kw) == (0.375, 80.0)
    assert (found.counted, found.without) == (2, 1)


def test_without_any_rated_power_there_is_no_share(sqlite_store: ConsumerStore) -> None:
    assert rated_share(sqlite_store, "here") is None
    add(sqlite_store, ConsumerType.critical, None)
    add(sqlite_store, ConsumerType.critical, 0.0)
    assert rated_share(sqlite_store, "here") is None

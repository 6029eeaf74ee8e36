"""Accounts: who may change them, what a password must be, and that an admin is always left."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from argon2 import PasswordHasher

from microgrid_lib.access import AccessDeniedError, Actor, Role
from microgrid_lib.accounts.errors import (
    AccountExistsError,
    AccountFieldError,
    AccountNotFoundError,
    LastAdminError,
)
from microgrid_lib.accounts.store import AccountStore
from microgrid_lib.accounts.tables import SCHEMA, accounts
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.database.connections import open_database
from microgrid_lib.settings import Settings
from tests.cli.outcome import call

ADMIN = Actor("root", Role.admin)
PASSWORD = "correct horse battery"  # noqa: S105  of a test


@pytest.fixture
def store(database_settings: Settings) -> Iterator[AccountStore]:
    """Accounts on each database there is."""
    with AccountStore.open(database_settings) as opened:
        yield opened


@pytest.fixture
def local(settings: Settings) -> Iterator[AccountStore]:
    """Accounts in the home that commands of the test use."""
    with AccountStore.open(settings) as opened:
        yield opened


def test_the_migrations_make_exactly_the_table_of_the_code(database_settings: Settings) -> None:
    opened = open_database(database_settings, SCHEMA)
    with opened.writing() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": SCHEMA.version_table, "compare_type": True}
        )
        assert compare_metadata(context, SCHEMA.metadata) == []
    opened.close()


def test_accounts_and_consumers_share_a_database_and_leave_each_other_alone(
    database_settings: Settings,
) -> None:
    with AccountStore.open(database_settings) as first:
        first.add("ada", Role.admin, PASSWORD, ADMIN)
    with ConsumerStore.open(database_settings) as consumers:
        assert consumers.select() == []
    with AccountStore.open(database_settings) as again:
        assert [account.name for account in again.all(ADMIN)] == ["ada"]


def test_only_the_right_password_opens_an_account(store: AccountStore) -> None:
    store.add("Zoë", Role.operator, PASSWORD, ADMIN)
    found = store.verify("ZOË", PASSWORD)
    assert found is not None
    assert found.actor == Actor("Zoë", Role.operator)
    for name, typed in (("Zoë", PASSWORD + "x"), ("Zoë", ""), ("nobody", PASSWORD), ("", "")):
        assert store.verify(name, typed) is None


def test_what_is_stored_is_an_argon2id_hash(store: AccountStore, tmp_path: Path) -> None:
    store.add("ada", Role.admin, PASSWORD, ADMIN)
    with store._database.reading() as connection:
        (stored,) = connection.scalars(sa.select(accounts.c.password_hash))
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


def test_a_password_of_a_proxy_account_is_none_at_all(store: AccountStore) -> None:
    store.add("proxied", Role.viewer, None, ADMIN)
    assert store.verify("proxied", "") is None
    assert store.verify("proxied", "the password of nobody") is None
    assert not store.any()


def test_accents_may_be_composed_either_way(store: AccountStore) -> None:
    store.add("ada", Role.admin, "caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", ADMIN)
    assert store.verify("ada", "cafe\u0301 cre\u0300me bru\u0302le\u0301e")


def test_a_hash_of_weaker_parameters_is_renewed_at_the_next_login(store: AccountStore) -> None:
    added = store.add("ada", Role.admin, PASSWORD, ADMIN)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with store._database.writing() as connection:
        connection.execute(sa.update(accounts).values(password_hash=weak))
    found = store.verify("ada", PASSWORD)
    assert found is not None
    assert found.stamp == added.stamp
    with store._database.reading() as connection:
        (stored,) = connection.scalars(sa.select(accounts.c.password_hash))
    assert "m=65536,t=3,p=4" in stored
    assert store.verify("ada", PASSWORD)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("elevenchars", "at least 12 characters"),
        ("x" * 1001, "at most 1000"),
        ("a" * 12, "a single character"),
        ("ADA.LOVELACE@example.org", "the account's name"),
    ],
)
def test_a_password_that_will_not_do_is_refused_without_repeating_it(
    local: AccountStore, password: str, problem: str
) -> None:
    with pytest.raises(AccountFieldError, match=problem) as caught:
        local.add("ada.lovelace@example.org", Role.viewer, password, ADMIN)
    assert password not in str(caught.value)
    assert local.all(ADMIN) == []


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 101, "a\x1b[31m", "a\u202eb"])
def test_a_name_can_stand_in_a_log(local: AccountStore, name: str) -> None:
    with pytest.raises(AccountFieldError, match="account name"):
        local.add(name, Role.viewer, PASSWORD, ADMIN)


def test_a_name_is_taken_whatever_its_case(store: AccountStore) -> None:
    store.add("Ada", Role.viewer, PASSWORD, ADMIN)
    with pytest.raises(AccountExistsError):
        store.add("aDA", Role.admin, PASSWORD, ADMIN)
    assert [account.role for account in store.all(ADMIN)] == [Role.viewer]


@pytest.mark.parametrize("role", [Role.viewer, Role.operator])
def test_only_an_admin_sees_and_changes_accounts(local: AccountStore, role: Role) -> None:
    local.add("ada", Role.admin, PASSWORD, ADMIN)
    other = Actor("mallory", role)
    with pytest.raises(AccessDeniedError):
        local.all(other)
    with pytest.raises(AccessDeniedError):
        local.add("x", Role.admin, PASSWORD, other)
    with pytest.raises(AccessDeniedError):
        local.set_role("mallory", Role.admin, other)
    with pytest.raises(AccessDeniedError):
        local.set_password("ada", PASSWORD + "!", other)
    with pytest.raises(AccessDeniedError):
        local.remove("ada", other)
    assert local.verify("ada", PASSWORD)


def test_everyone_may_change_their_own_password(local: AccountStore) -> None:
    local.add("victor", Role.viewer, PASSWORD, ADMIN)
    local.set_password("Victor", PASSWORD + "!", Actor("victor", Role.viewer))
    assert local.verify("victor", PASSWORD) is None
    assert local.verify("victor", PASSWORD + "!")


def test_every_change_of_role_or_password_gives_another_stamp(local: AccountStore) -> None:
    stamps = [local.add("ada", Role.operator, PASSWORD, ADMIN).stamp]
    stamps.append(local.set_role("ada", Role.viewer, ADMIN).stamp)
    stamps.append(local.set_password("ada", PASSWORD, ADMIN).stamp)
    local.remove("ada", ADMIN)
    stamps.append(local.add("ada", Role.operator, PASSWORD, ADMIN).stamp)
    assert len(set(stamps)) == len(stamps)


def test_the_last_admin_stays_unless_asked_for_by_name(store: AccountStore) -> None:
    store.add("ada", Role.admin, PASSWORD, ADMIN)
    store.add("proxied", Role.admin, None, ADMIN)
    store.add("olga", Role.operator, PASSWORD, ADMIN)
    with pytest.raises(LastAdminError):
        store.remove("ada", ADMIN)
    with pytest.raises(LastAdminError):
        store.set_role("ADA", Role.viewer, ADMIN)
    store.set_role("ada", Role.admin, ADMIN)
    store.set_role("olga", Role.admin, ADMIN)
    store.set_role("ada", Role.viewer, ADMIN)
    store.remove("olga", ADMIN, even_last_admin=True)
    assert {account.name for account in store.all(ADMIN)} == {"ada", "proxied"}


def test_two_admins_who_remove_each_other_at_once_leave_one(database_settings: Settings) -> None:
    with (
        AccountStore.open(database_settings) as first,
        AccountStore.open(database_settings) as second,
    ):
        first.add("ada", Role.admin, PASSWORD, ADMIN)
        first.add("bob", Role.admin, PASSWORD, ADMIN)
        refused: list[str] = []
        go = threading.Barrier(2)

        def remove(store: AccountStore, name: str) -> None:
            go.wait()
            try:
                store.remove(name, ADMIN)
            except LastAdminError:
                refused.append(name)

        work = [
            threading.Thread(target=remove, args=pair) for pair in ((first, "ada"), (second, "bob"))
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        assert [account.name for account in first.all(ADMIN)] == refused


def test_an_unknown_account_is_named(local: AccountStore) -> None:
    for change in (
        lambda: local.set_role("nobody", Role.admin, ADMIN),
        lambda: local.set_password("nobody", PASSWORD, ADMIN),
        lambda: local.remove("nobody", ADMIN),
    ):
        with pytest.raises(AccountNotFoundError, match="nobody"):
            change()


def test_a_name_like_sql_is_a_name(store: AccountStore) -> None:
    hostile = "x' OR '1'='1"
    assert store.verify(hostile, PASSWORD) is None
    store.add("ada", Role.admin, PASSWORD, ADMIN)
    assert store.find(hostile) is None
    store.add(hostile, Role.viewer, PASSWORD, ADMIN)
    store.remove(hostile, ADMIN)
    assert [account.name for account in store.all(ADMIN)] == ["ada"]


def test_commands_go_through_the_life_of_an_account(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\r\nsecond line\n", encoding="utf-8")
    assert "no accounts" in call("users", "list").done()
    added = call("users", "add", "ada", "admin", "--password-file", str(secret))
    assert added.done().startswith("added: ada, admin\na dashboard that runs already")
    assert call("users", "add", "prox", "--no-password").done() == "added: prox, viewer\n"
    assert call("users", "role", "prox", "operator").done() == "changed: prox, operator\n"
    assert call("users", "password", "ada", "--password-file", str(secret)).done()
    listed = call("users", "list", "--json").done()
    assert '"ada"' in listed
    assert "stamp" not in listed
    assert "argon2" not in listed
    assert "last admin" in call("users", "remove", "ada").refused(2)
    assert call("users", "remove", "ada", "--even-last-admin").done() == "removed: ada, admin\n"
    assert "operator  prox  (no password" in call("users", "list").done()


def test_a_password_is_never_an_argument(home: Path) -> None:
    assert "unexpected" in call("users", "add", "ada", "admin", PASSWORD).refused(2).lower()
    assert call("users", "add", "ada", "--password", PASSWORD).refused(2)


def test_a_password_file_that_cannot_be_used_is_one_line(home: Path, tmp_path: Path) -> None:
    assert "can't be read" in call(
        "users", "add", "ada", "--password-file", str(tmp_path / "none")
    ).refused(2)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe" * 20)
    assert "UTF-8" in call("users", "add", "ada", "--password-file", str(binary)).refused(2)
    empty = tmp_path / "empty"
    empty.write_text("")
    assert "too short" in call("users", "add", "ada", "--password-file", str(empty)).refused(2)


def test_the_file_of_accounts_is_for_its_owner_only(home: Path) -> None:
    call("users", "add", "prox", "--no-password").done()
    with sqlite3.connect(home / "consumers.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (1,)
    connection.close()
    assert (home / "consumers.sqlite").stat().st_mode & 0o077 == 0

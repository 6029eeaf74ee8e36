"""The accounts: list and change them, check a password."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from microgrid_lib.access import AccessDeniedError, Actor, Role, require_role
from microgrid_lib.accounts.errors import (
    AccountExistsError,
    AccountNotFoundError,
    LastAdminError,
)
from microgrid_lib.accounts.hashing import hash_password, is_outdated, matches
from microgrid_lib.accounts.model import Account, fold_name, parse_name, parse_password
from microgrid_lib.accounts.tables import SCHEMA, accounts
from microgrid_lib.database.connections import Database, open_database
from microgrid_lib.errors import ConflictError
from microgrid_lib.settings import Settings, load_settings

_STAMP_BYTES = 16
_COLUMNS = [column for column in accounts.c if column.name != "name_folded"]


def _now() -> datetime:
    return datetime.now(UTC)


class AccountStore:
    """Accounts in a database.

    Every list and change takes an actor, whose role is checked here.

    Parameters
    ----------
    database
        From `open_database`.
    clock
        Gives the time of a change [UTC].
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Open the database of the settings, making or upgrading it where needed.

        Raises
        ------
        SettingsError, StoreError, BusyError
            See `open_database`.
        """
        return cls(open_database(settings or load_settings(), SCHEMA))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def all(self, actor: Actor) -> list[Account]:
        """Every account, by name.

        Raises
        ------
        AccessDeniedError
            The actor isn't an admin.
        """
        require_role(actor, Role.admin, "list accounts")
        statement = sa.select(*_COLUMNS).order_by(accounts.c.name_folded)
        with self._database.reading() as connection:
            return [_account(row) for row in connection.execute(statement).mappings()]

    def any(self) -> bool:
        """Whether there are accounts that can log in with a password."""
        statement = sa.select(sa.exists().where(accounts.c.password_hash.is_not(None)))
        with self._database.reading() as connection:
            return bool(connection.scalar(statement))

    def find(self, name: str) -> Account | None:
        """The account of a name, whatever its case; for the server, which asks for nobody."""
        with self._database.reading() as connection:
            row = _row(connection, name)
        return None if row is None else _account(row)

    def verify(self, name: str, password: str) -> Account | None:
        """The account of a name if the password is its own, else None.

        Takes some 50 ms and 64 MiB whoever asks. A hash of older parameters is renewed.
        """
        with self._database.reading() as connection:
            row = _row(connection, name)
        stored = None if row is None else row["password_hash"]
        if not matches(stored, password) or row is None:
            return None
        if is_outdated(row["password_hash"]):
            self._renew(row["password_hash"], password)
        return _account(row)

    def add(self, name: str, role: Role, password: str | None, actor: Actor) -> Account:
        """Add an account.

        Parameters
        ----------
        password
            None: only an authenticating proxy lets it in.

        Raises
        ------
        AccessDeniedError
            The actor isn't an admin.
        AccountFieldError
            The name or password can't be accepted.
        AccountExistsError
            There is one of that name.
        """
        require_role(actor, Role.admin, "add accounts")
        name = parse_name(name)
        hashed = None if password is None else hash_password(parse_password(password, name))
        now = self._clock()
        values = {
            "name_folded": fold_name(name),
            "name": name,
            "role": str(Role(role)),
            "password_hash": hashed,
            "stamp": secrets.token_hex(_STAMP_BYTES),
            "created_by": actor.name,
            "created_at": now,
            "updated_by": actor.name,
            "updated_at": now,
        }
        try:
            with self._database.writing() as connection:
                if _row(connection, name) is not None:
                    raise AccountExistsError(name)
                connection.execute(sa.insert(accounts).values(values))
                return _account(values)
        except AccountExistsError:
            raise
        except ConflictError:
            if self.find(name) is None:
                raise
            raise AccountExistsError(name) from None

    def set_role(
        self, name: str, role: Role, actor: Actor, even_last_admin: bool = False
    ) -> Account:
        """Give an account another role; its sessions end.

        Raises
        ------
        AccessDeniedError
            The actor isn't an admin.
        AccountNotFoundError
            There is no such account.
        LastAdminError
            No admin would be left.
        """
        require_role(actor, Role.admin, "change accounts")
        with self._database.writing() as connection:
            if Role(role) is not Role.admin and not even_last_admin:
                _require_other_admin(connection, name)
            return self._change(connection, name, actor, {"role": str(Role(role))})

    def set_password(self, name: str, password: str, actor: Actor) -> Account:
        """Give an account another password; its sessions end.

        Raises
        ------
        AccessDeniedError
            The actor is neither an admin nor the account's owner.
        AccountNotFoundError
            There is no such account.
        AccountFieldError
            The password can't be accepted.
        """
        own = fold_name(actor.name) == fold_name(name)
        if not own and not actor.is_at_least(Role.admin):
            action = "change the passwords of others"
            raise AccessDeniedError(actor.name, actor.role, action, Role.admin)
        hashed = hash_password(parse_password(password, name))
        with self._database.writing() as connection:
            return self._change(connection, name, actor, {"password_hash": hashed})

    def remove(self, name: str, actor: Actor, even_last_admin: bool = False) -> Account:
        """Remove an account; its sessions end.

        Raises
        ------
        AccessDeniedError
            The actor isn't an admin.
        AccountNotFoundError
            There is no such account.
        LastAdminError
            No admin would be left.
        """
        require_role(actor, Role.admin, "remove accounts")
        with self._database.writing() as connection:
            if not even_last_admin:
                _require_other_admin(connection, name)
            row = _row(connection, name)
            if row is None:
                raise AccountNotFoundError(name)
            connection.execute(sa.delete(accounts).where(accounts.c.name_folded == fold_name(name)))
            return _account(row)

    def _change(
        self, connection: sa.Connection, name: str, actor: Actor, values: dict[str, str]
    ) -> Account:
        row = _row(connection, name)
        if row is None:
            raise AccountNotFoundError(name)
        changed = values | {
            "stamp": secrets.token_hex(_STAMP_BYTES),
            "updated_by": actor.name,
            "updated_at": self._clock(),
        }
        where = accounts.c.name_folded == fold_name(name)
        connection.execute(sa.update(accounts).where(where).values(changed))
        return _account({**row, **changed})

    def _renew(self, old: str, password: str) -> None:
        """Hash anew; where the hash was replaced meanwhile, nothing is written."""
        where = accounts.c.password_hash == old
        new = hash_password(password)
        with self._database.writing() as connection:
            connection.execute(sa.update(accounts).where(where).values(password_hash=new))


def _row(connection: sa.Connection, name: str) -> Any:
    statement = sa.select(accounts).where(accounts.c.name_folded == fold_name(name))
    return connection.execute(statement).mappings().one_or_none()


def _require_other_admin(connection: sa.Connection, name: str) -> None:
    """Refuse where the account is the only admin who can log in; others wait meanwhile."""
    statement = (
        sa.select(accounts.c.name_folded)
        .where(accounts.c.role == str(Role.admin), accounts.c.password_hash.is_not(None))
        .order_by(accounts.c.name_folded)
        .with_for_update()
    )
    if list(connection.scalars(statement)) == [fold_name(name)]:
        raise LastAdminError(name)


def _account(row: Any) -> Account:
    return Account(
        name=row["name"],
        role=Role(row["role"]),
        has_password=row["password_hash"] is not None,
        stamp=row["stamp"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_by=row["updated_by"],
        updated_at=row["updated_at"],
    )

"""The consumers of every site: read them, change them, undo a delete."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from microgrid_lib.consumers import changes
from microgrid_lib.consumers.access import Action, Actor, require
from microgrid_lib.consumers.audit import AuditEntry, differences, entries
from microgrid_lib.consumers.errors import ConsumerNotFoundError
from microgrid_lib.consumers.model import Consumer, ConsumerDraft
from microgrid_lib.consumers.query import ConsumerPage, ConsumerQuery, ConsumerTotals
from microgrid_lib.consumers.sql import conditions, order, totals
from microgrid_lib.consumers.tables import SCHEMA, audit, consumers
from microgrid_lib.database.connections import Database, open_database
from microgrid_lib.settings import Settings, load_settings

MIN_PREFIX = 4
_PREFIX = re.compile(r"[0-9a-fA-F-]+", re.ASCII)


def _now() -> datetime:
    return datetime.now(UTC)


class ConsumerStore:
    """Consumers in a database.

    Reading takes no actor: whoever can open the store may read. Every change takes one, whose role
    is checked here, and is written together with its audit entry.

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

    def page(self, query: ConsumerQuery | None = None) -> ConsumerPage:
        """One page of a list, and how many consumers match."""
        query = query or ConsumerQuery()
        where = conditions(query)
        with self._database.reading() as connection:
            total = connection.scalar(
                sa.select(sa.func.count()).where(*where).select_from(consumers)
            )
            statement = (
                sa.select(*changes.COLUMNS)
                .where(*where)
                .order_by(*order(query))
                .limit(query.page_size)
                .offset((query.page - 1) * query.page_size)
            )
            found = [changes.to_consumer(r) for r in connection.execute(statement).mappings()]
        count = int(total or 0)
        return ConsumerPage.model_construct(
            consumers=tuple(found),
            total=count,
            pages=max(1, -(-count // query.page_size)),
            page=query.page,
            page_size=query.page_size,
        )

    def select(self, query: ConsumerQuery | None = None) -> list[Consumer]:
        """Everything that matches, whatever the page: for the map and for files."""
        query = query or ConsumerQuery()
        statement = sa.select(*changes.COLUMNS).where(*conditions(query)).order_by(*order(query))
        with self._database.reading() as connection:
            return [changes.to_consumer(r) for r in connection.execute(statement).mappings()]

    def totals(self, query: ConsumerQuery | None = None) -> ConsumerTotals:
        """Totals by type and kind of everything that matches, whatever the page."""
        c = consumers.c
        statement = (
            sa.select(
                c.type,
                c.kind,
                sa.func.count(),
                sa.func.count(c.rated_power_kw),
                sa.func.sum(c.rated_power_kw),
            )
            .where(*conditions(query or ConsumerQuery()))
            .group_by(c.type, c.kind)
            .order_by(c.type, c.kind)
        )
        with self._database.reading() as connection:
            return totals([(t, k, n, m, p) for t, k, n, m, p in connection.execute(statement)])

    def get(self, consumer_id: str) -> Consumer:
        """One consumer by its id, a deleted one too.

        Raises
        ------
        ConsumerNotFoundError
            No consumer has the id.
        """
        statement = sa.select(*changes.COLUMNS).where(consumers.c.id == consumer_id)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            raise ConsumerNotFoundError(consumer_id)
        return changes.to_consumer(row)

    def find(self, reference: str, site: str, deleted: bool = False) -> Consumer:
        """One consumer by what a person types.

        Parameters
        ----------
        reference
            An id, its first four or more characters, or a name that only one consumer has.
        site
            Site to look in.
        deleted
            Look in the bin instead.

        Raises
        ------
        ConsumerNotFoundError
            None answers to it, or several do.
        """
        c = consumers.c
        answers = c.name == reference
        if len(reference) >= MIN_PREFIX and _PREFIX.fullmatch(reference):
            answers = sa.or_(answers, c.id.startswith(reference.lower(), autoescape=True))
        statement = (
            sa.select(*changes.COLUMNS)
            .where(c.site == site, c.deleted.is_(deleted), answers)
            .order_by(c.id)
            .limit(MIN_PREFIX)
        )
        with self._database.reading() as connection:
            found = [changes.to_consumer(r) for r in connection.execute(statement).mappings()]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(consumer.id for consumer in found)
            raise ConsumerNotFoundError(reference, f"several answer to it: {several}, ...")
        where = f"at site {site} among the deleted ones" if deleted else f"at site {site}"
        raise ConsumerNotFoundError(reference, f"there is no such consumer {where}")

    def history(self, consumer_id: str) -> list[AuditEntry]:
        """Every change of one consumer, newest first."""
        with self._database.reading() as connection:
            return entries(connection, consumer_id, None, None)

    def log(self, site: str | None = None, limit: int = 100) -> list[AuditEntry]:
        """The last changes at a site or everywhere, newest first."""
        with self._database.reading() as connection:
            return entries(connection, None, site, limit)

    def state(self, site: str) -> int:
        """A number that grows with every change at a site, whoever makes it."""
        # Counted, not the largest id: PostgreSQL may commit a smaller id after a larger one.
        statement = sa.select(sa.func.count()).select_from(audit).where(audit.c.site == site)
        with self._database.reading() as connection:
            return int(connection.scalar(statement) or 0)

    def add(self, site: str, draft: ConsumerDraft, actor: Actor) -> Consumer:
        """Add a consumer to a site.

        Raises
        ------
        AccessDeniedError
            The actor is a viewer.
        """
        require(actor, Action.add)
        with self._database.writing() as connection:
            return changes.add(connection, str(uuid.uuid4()), site, draft, actor, self._clock())

    def update(
        self, consumer_id: str, version: int, draft: ConsumerDraft, actor: Actor
    ) -> Consumer:
        """Replace what a user decides about a consumer.

        Nothing is written where nothing differs.

        Parameters
        ----------
        version
            Of the consumer as it was read.

        Raises
        ------
        AccessDeniedError
            The actor is a viewer.
        ConsumerNotFoundError
            No consumer has the id, or it is deleted.
        VersionConflictError
            It was changed since.
        """
        require(actor, Action.update)
        with self._database.writing() as connection:
            before = changes.current(connection, consumer_id, version)
            if before.deleted:
                raise ConsumerNotFoundError(consumer_id, "is deleted; restore it first")
            if not differences(before, draft):
                return before
            return changes.change(connection, before, draft, actor, self._clock())

    def delete(self, consumer_id: str, version: int, actor: Actor) -> Consumer:
        """Put a consumer into the bin, from where `restore` brings it back.

        Raises
        ------
        AccessDeniedError, ConsumerNotFoundError, VersionConflictError
            See `update`.
        """
        require(actor, Action.delete)
        with self._database.writing() as connection:
            before = changes.current(connection, consumer_id, version)
            if before.deleted:
                raise ConsumerNotFoundError(consumer_id, "is deleted already")
            return changes.delete(connection, before, actor, self._clock())

    def restore(self, consumer_id: str, actor: Actor) -> Consumer:
        """Undo a delete: the same id, content and history.

        Raises
        ------
        AccessDeniedError
            The actor is a viewer.
        ConsumerNotFoundError
            No consumer has the id, or it isn't deleted.
        """
        require(actor, Action.restore)
        with self._database.writing() as connection:
            before = changes.current(connection, consumer_id, None)
            if not before.deleted:
                raise ConsumerNotFoundError(consumer_id, "isn't deleted")
            return changes.change(
                connection, before, before.draft, actor, self._clock(), Action.restore
            )

    def purge(self, consumer_id: str, actor: Actor) -> None:
        """Remove a deleted consumer for good; only its log stays.

        Raises
        ------
        AccessDeniedError
            The actor isn't an admin.
        ConsumerNotFoundError
            No consumer has the id, or it isn't deleted.
        """
        require(actor, Action.purge)
        with self._database.writing() as connection:
            before = changes.current(connection, consumer_id, None)
            if not before.deleted:
                raise ConsumerNotFoundError(consumer_id, "isn't deleted; delete it first")
            changes.purge(connection, before, actor, self._clock())

    @contextmanager
    def transaction(self) -> Iterator[tuple[sa.Connection, datetime]]:
        """For imports: a connection whose changes come together or not at all, and their time."""
        with self._database.writing() as connection:
            yield connection, self._clock()

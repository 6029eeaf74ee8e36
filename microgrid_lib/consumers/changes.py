"""The single changes, each with its audit entry, within a transaction of the caller.

Everything that writes consumers, by hand or from a file, goes through here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from microgrid_lib.consumers.access import Action, Actor
from microgrid_lib.consumers.audit import content, differences, record
from microgrid_lib.consumers.errors import ConsumerNotFoundError, VersionConflictError
from microgrid_lib.consumers.model import (
    CONTENT_FIELDS,
    Consumer,
    ConsumerDraft,
    ConsumerKind,
    ConsumerType,
)
from microgrid_lib.consumers.query import fold
from microgrid_lib.consumers.tables import consumers

COLUMNS = [consumers.c[name] for name in Consumer.model_fields]


def to_consumer(row: sa.RowMapping) -> Consumer:
    """A row as a consumer; what is stored was checked when it came in."""
    values: dict[str, Any] = dict(row)
    values["type"] = ConsumerType(values["type"])
    values["kind"] = ConsumerKind(values["kind"])
    return Consumer.model_construct(**values)


def locked(connection: sa.Connection, ids: list[str]) -> dict[str, Consumer]:
    """Read consumers, deleted ones too, and keep others from changing them meanwhile."""
    # In one order everywhere, so that two writers never wait for each other.
    statement = (
        sa.select(*COLUMNS)
        .where(consumers.c.id.in_(ids))
        .order_by(consumers.c.id)
        .with_for_update()
    )
    found = (to_consumer(row) for row in connection.execute(statement).mappings())
    return {consumer.id: consumer for consumer in found}


def current(connection: sa.Connection, consumer_id: str, version: int | None) -> Consumer:
    """Read the consumer that is to be changed.

    Parameters
    ----------
    version
        The version the change starts from; None to take whatever there is.

    Raises
    ------
    ConsumerNotFoundError
        No consumer has the id.
    VersionConflictError
        It was changed or deleted since that version.
    """
    consumer = locked(connection, [consumer_id]).get(consumer_id)
    if consumer is None:
        raise ConsumerNotFoundError(consumer_id)
    if version is not None and consumer.version != version:
        raise VersionConflictError(
            consumer.name,
            version,
            consumer.version,
            consumer.updated_by,
            consumer.updated_at,
            consumer.deleted,
        )
    return consumer


def add(
    connection: sa.Connection,
    consumer_id: str,
    site: str,
    draft: ConsumerDraft,
    actor: Actor,
    at: datetime,
    source: str | None = None,
) -> Consumer:
    """Add a consumer as version 1."""
    values = {
        **content(draft),
        "id": consumer_id,
        "site": site,
        "created_by": actor.name,
        "created_at": at,
        "updated_by": actor.name,
        "updated_at": at,
        "version": 1,
        "deleted": False,
    }
    connection.execute(sa.insert(consumers).values(**values, **_folded(draft)))
    record(connection, actor, Action.add, values, differences(None, draft), source)
    return Consumer.model_validate(values)


def change(
    connection: sa.Connection,
    before: Consumer,
    draft: ConsumerDraft,
    actor: Actor,
    at: datetime,
    action: Action = Action.update,
    source: str | None = None,
) -> Consumer:
    """Write new content, or restore a deleted consumer, or both; the version grows by one."""
    old = None if before.deleted else before
    values = {**_touched(before, actor, at), "deleted": False}
    _write(connection, before, {**content(draft), **_folded(draft), **values})
    record(connection, actor, action, _log(before, values), differences(old, draft), source)
    return before.model_copy(update={**draft.model_dump(include=set(CONTENT_FIELDS)), **values})


def delete(connection: sa.Connection, before: Consumer, actor: Actor, at: datetime) -> Consumer:
    """Put a consumer into the bin."""
    values = {**_touched(before, actor, at), "deleted": True}
    _write(connection, before, values)
    changes = differences(before, None)
    record(connection, actor, Action.delete, _log(before, values), changes, None)
    return before.model_copy(update=values)


def purge(connection: sa.Connection, before: Consumer, actor: Actor, at: datetime) -> None:
    """Remove a consumer for good; its log stays."""
    connection.execute(sa.delete(consumers).where(consumers.c.id == before.id))
    record(connection, actor, Action.purge, _log(before, _touched(before, actor, at)), {}, None)


def _touched(before: Consumer, actor: Actor, at: datetime) -> dict[str, Any]:
    return {"updated_by": actor.name, "updated_at": at, "version": before.version + 1}


def _log(before: Consumer, values: dict[str, Any]) -> dict[str, Any]:
    return {"id": before.id, "site": before.site, **values}


def _write(connection: sa.Connection, before: Consumer, values: dict[str, Any]) -> None:
    connection.execute(sa.update(consumers).where(consumers.c.id == before.id).values(**values))


def _folded(draft: ConsumerDraft) -> dict[str, str]:
    return {
        "name_folded": fold(draft.name),
        "text_folded": fold(f"{draft.name}\n{draft.notes or ''}"),
    }

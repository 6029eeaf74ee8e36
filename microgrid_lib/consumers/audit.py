"""The audit log: who changed what, when; written in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from microgrid_lib.consumers.access import Action, Actor, Role
from microgrid_lib.consumers.model import CONTENT_FIELDS, ConsumerDraft
from microgrid_lib.consumers.tables import audit

Value = float | str | None


class Change(BaseModel):
    """One field before and after; None where there was or is nothing."""

    model_config = ConfigDict(frozen=True)

    before: Value
    after: Value


class AuditEntry(BaseModel):
    """One change of one consumer.

    Attributes
    ----------
    id
        Grows with every entry.
    at
        When [UTC].
    actor, role
        Who, and in which role.
    action
        What was done.
    consumer_id, site, version
        To which consumer; its version after the change.
    changes
        By field, only what differs; a deletion keeps all of the content as `before`.
    source
        Name of the imported file, None for a change by hand.
    """

    id: int
    at: datetime
    actor: str
    role: Role
    action: Action
    consumer_id: str
    site: str
    version: int
    changes: dict[str, Change]
    source: str | None


def content(draft: ConsumerDraft | None) -> dict[str, Value]:
    """Fields of a draft as JSON values; all None without one."""
    if draft is None:
        return dict.fromkeys(CONTENT_FIELDS)
    return draft.model_dump(mode="json", include=set(CONTENT_FIELDS))


def differences(
    before: ConsumerDraft | None, after: ConsumerDraft | None
) -> dict[str, dict[str, Value]]:
    """Fields that differ, each with its value before and after."""
    old, new = content(before), content(after)
    return {
        name: {"before": old[name], "after": new[name]}
        for name in CONTENT_FIELDS
        if old[name] != new[name]
    }


def record(
    connection: sa.Connection,
    actor: Actor,
    action: Action,
    consumer: Mapping[str, Any],
    changes: dict[str, dict[str, Value]],
    source: str | None,
) -> None:
    """Add an entry.

    Parameters
    ----------
    consumer
        `id`, `site`, `version` after the change, `updated_at`.
    """
    connection.execute(
        sa.insert(audit).values(
            at=consumer["updated_at"],
            actor=actor.name,
            role=str(actor.role),
            action=str(action),
            consumer_id=consumer["id"],
            site=consumer["site"],
            version=consumer["version"],
            changes=changes,
            source=source,
        )
    )


def entries(
    connection: sa.Connection, consumer_id: str | None, site: str | None, limit: int | None
) -> list[AuditEntry]:
    """Read entries of a consumer, a site or everything, newest first."""
    statement = sa.select(audit).order_by(audit.c.id.desc())
    if consumer_id is not None:
        statement = statement.where(audit.c.consumer_id == consumer_id)
    if site is not None:
        statement = statement.where(audit.c.site == site)
    if limit is not None:
        statement = statement.limit(limit)
    return [
        AuditEntry.model_validate(dict(row)) for row in connection.execute(statement).mappings()
    ]

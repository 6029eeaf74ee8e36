"""The record of deliveries: what is to be sent, what was, and why something wasn't."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from microgrid_lib.database.connections import Database
from microgrid_lib.delivery.message import Channel, Message, Target
from microgrid_lib.delivery.tables import deliveries

State = Literal["pending", "sending", "sent", "undelivered", "refused", "given_up"]
OPEN: tuple[State, ...] = ("pending", "sending", "undelivered")
"""States of what is still to be sent."""
KEPT = timedelta(days=400)
"""How long a delivery stays on record once it has ended."""


@dataclass(frozen=True)
class Delivery:
    """One message on its way to one target.

    Attributes
    ----------
    id
        Same message, same target, same id.
    origin
        What it tells of: `job:monthly`, `alerts:duty`.
    state
        `sending` outside of a running process: it died meanwhile, and the message may have left.
    attempts, rounds
        Tries so far, and how many times it was left undelivered.
    error
        Why the last try failed.
    next_at
        Before it nothing is tried [UTC].
    ended_at
        When it was sent, refused or given up [UTC].
    """

    id: str
    origin: str
    target: Target
    message: Message
    state: State
    attempts: int
    rounds: int
    error: str | None
    created_at: datetime
    next_at: datetime
    ended_at: datetime | None


class Outbox:
    """Deliveries in a database.

    Parameters
    ----------
    database
        Opened with `delivery.tables.SCHEMA`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, before: datetime | None = None) -> list[Delivery]:
        """List what is to be sent, the oldest first.

        Parameters
        ----------
        before
            Only what is to be tried by then; default: all of it.
        """
        statement = sa.select(deliveries).where(deliveries.c.state.in_(OPEN))
        if before is not None:
            statement = statement.where(deliveries.c.next_at <= before)
        statement = statement.order_by(deliveries.c.created_at, deliveries.c.id)
        with self._database.reading() as connection:
            return [_delivery(row) for row in connection.execute(statement).mappings()]

    def latest(self, origin: str | None, limit: int) -> list[Delivery]:
        """List deliveries, the latest first; of one origin, or of all."""
        statement = sa.select(deliveries).order_by(deliveries.c.created_at.desc(), deliveries.c.id)
        if origin is not None:
            statement = statement.where(deliveries.c.origin == origin)
        with self._database.reading() as connection:
            rows = connection.execute(statement.limit(limit)).mappings()
            return [_delivery(row) for row in rows]

    def among(self, ids: Sequence[str]) -> list[Delivery]:
        """List some deliveries as they stand, in the order of their ids given."""
        statement = sa.select(deliveries).where(deliveries.c.id.in_(ids))
        with self._database.reading() as connection:
            rows = connection.execute(statement).mappings()
            found = {row["id"]: _delivery(row) for row in rows}
        return [found[one] for one in ids if one in found]

    def begin(self, delivery: Delivery) -> bool:
        """Write down that it is being sent; what dies now is sent again.

        Returns
        -------
        bool
            False where it was withdrawn meanwhile.
        """
        return self._update(delivery, {"state": "sending"})

    def end(
        self,
        delivery: Delivery,
        state: State,
        at: datetime,
        *,
        attempts: int = 0,
        error: str | None = None,
        next_at: datetime | None = None,
    ) -> None:
        """Write down what became of it.

        Parameters
        ----------
        attempts
            Tries to add.
        next_at
            When it is to be tried again, for `undelivered`.
        """
        left = state == "undelivered"
        if state == "sent":
            self._withdraw_about(delivery)
        self._update(
            delivery,
            {
                "state": state,
                "attempts": delivery.attempts + attempts,
                "rounds": delivery.rounds + left,
                "error": error,
                "next_at": next_at or delivery.next_at,
                "ended_at": None if left else at,
            },
        )

    def prune(self, now: datetime) -> None:
        """Forget what ended long ago."""
        ended = deliveries.c.ended_at
        with self._database.writing() as connection:
            connection.execute(sa.delete(deliveries).where(ended < now - KEPT))

    def _withdraw_about(self, delivery: Delivery) -> None:
        """Take back what would say that it didn't arrive, where that hasn't left yet."""
        waiting = deliveries.c.state.in_(("pending", "undelivered"))
        with self._database.writing() as connection:
            connection.execute(
                sa.delete(deliveries).where(deliveries.c.about == delivery.id, waiting)
            )

    def _update(self, delivery: Delivery, values: dict[str, Any]) -> bool:
        statement = sa.update(deliveries).where(deliveries.c.id == delivery.id).values(values)
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount > 0


def queue(
    connection: sa.Connection,
    message: Message,
    targets: Iterable[Target],
    origin: str,
    about: Delivery | None = None,
) -> int:
    """Queue a message, within the transaction of what it tells of.

    Parameters
    ----------
    connection
        A writing one; the message is queued when its transaction ends.
    targets
        One that has this message already doesn't get it again.
    about
        The delivery that the message says didn't arrive: when that one does after all, the message
        is taken back where it hasn't left yet.

    Returns
    -------
    int
        How many deliveries were added.
    """
    added = 0
    for target in dict.fromkeys(targets):
        found = message.id_for(target)
        there = sa.select(sa.exists().where(deliveries.c.id == found))
        if connection.scalar(there):
            continue
        connection.execute(
            sa.insert(deliveries).values(
                id=found,
                origin=origin,
                channel=str(target.channel),
                recipient=target.recipient,
                address=target.address,
                message=message.model_dump_json(),
                state="pending",
                attempts=0,
                rounds=0,
                about=None if about is None else about.id,
                created_at=message.created,
                next_at=message.created,
            )
        )
        added += 1
    return added


def _delivery(row: Any) -> Delivery:
    target = Target(
        channel=Channel(row["channel"]), recipient=row["recipient"], address=row["address"]
    )
    return Delivery(
        id=row["id"],
        origin=row["origin"],
        target=target,
        message=Message.model_validate_json(row["message"]),
        state=row["state"],
        attempts=row["attempts"],
        rounds=row["rounds"],
        error=row["error"],
        created_at=row["created_at"],
        next_at=row["next_at"],
        ended_at=row["ended_at"],
    )

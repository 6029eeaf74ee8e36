"""Carries out what is queued: tries, tries again, and writes down what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from microgrid_lib.delivery.errors import DeliveryError, Hope
from microgrid_lib.delivery.folder import copy_into
from microgrid_lib.delivery.mail import compose, send
from microgrid_lib.delivery.message import Channel
from microgrid_lib.delivery.outbox import Delivery, Outbox, State
from microgrid_lib.delivery.servers import MailServer, Webhook
from microgrid_lib.delivery.webhook import post

TRIES = 3
"""At once, for what may pass in seconds."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 20.0
FIRST_ROUND, LONGEST_ROUND = timedelta(minutes=5), timedelta(hours=6)
_MOST_DOUBLED = 10
GIVEN_UP = timedelta(days=7)
"""Age at which an undelivered message is given up."""


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery.

    Attributes
    ----------
    state
        `sent`, `undelivered` (tried again later), `refused` or `given_up`.
    error
        Why it wasn't sent.
    first
        Whether this is the first time it failed.
    repeated
        Whether a process died while sending it: it may arrive twice.
    """

    delivery: Delivery
    state: State
    error: str | None = None
    first: bool = False
    repeated: bool = False


class Postman:
    """Sends what is queued.

    Parameters
    ----------
    outbox
        The queue.
    mail
        Server for e-mail; None where there is none.
    webhooks
        By name of the recipient.
    sleep
        How to wait between tries [s].
    """

    def __init__(
        self,
        outbox: Outbox,
        mail: MailServer | None,
        webhooks: Mapping[str, Webhook],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._outbox = outbox
        self._mail = mail
        self._webhooks = webhooks
        self._sleep = sleep

    def deliver(
        self,
        clock: Callable[[], datetime],
        *,
        everything: bool = False,
        stopping: Callable[[], bool] = lambda: False,
    ) -> list[Outcome]:
        """Try what is to be tried by now.

        A server that can't be reached is tried once: what else is for it stays for the next time.

        Parameters
        ----------
        clock
            Gives the time [UTC].
        everything
            Also what was left undelivered and isn't to be tried again yet.
        stopping
            Asked before each delivery; what is left stays queued.
        """
        down: dict[str, DeliveryError] = {}
        outcomes = []
        for delivery in self._outbox.open(None if everything else clock()):
            if stopping():
                break
            if outcome := self._carry(delivery, clock, down):
                outcomes.append(outcome)
        return outcomes

    def _carry(
        self, delivery: Delivery, clock: Callable[[], datetime], down: dict[str, DeliveryError]
    ) -> Outcome | None:
        way = self._way(delivery)
        repeated = delivery.state == "sending"
        if way in down:
            return self._failed(delivery, down[way], 0, clock(), repeated)
        if not self._outbox.begin(delivery):
            return None
        retrying = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential_jitter(initial=FIRST_WAIT_S, max=LONGEST_WAIT_S),
            retry=retry_if_exception(
                lambda e: isinstance(e, DeliveryError) and e.hope is Hope.soon
            ),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            retrying(self._send, delivery, clock)
        except Exception as fault:
            error = fault if isinstance(fault, DeliveryError) else _unexpected(fault)
            if error.server:
                down[way] = error
            tries = int(retrying.statistics["attempt_number"])
            return self._failed(delivery, error, tries, clock(), repeated)
        tries = int(retrying.statistics["attempt_number"])
        self._outbox.end(delivery, "sent", clock(), attempts=tries)
        return Outcome(delivery, "sent", repeated=repeated)

    def _way(self, delivery: Delivery) -> str:
        channel = delivery.target.channel
        return channel if channel is Channel.mail else f"{channel}:{delivery.target.recipient}"

    def _send(self, delivery: Delivery, clock: Callable[[], datetime]) -> None:
        target, message = delivery.target, delivery.message
        if target.channel is Channel.folder:
            copy_into(Path(target.address), message.files)
        elif target.channel is Channel.mail:
            if self._mail is None:
                raise DeliveryError("no mail server is configured", Hope.later)
            send(compose(message, target.address, delivery.id, self._mail), self._mail)
        else:
            hook = self._webhooks.get(target.recipient)
            if hook is None:
                raise DeliveryError(f"recipient {target.recipient!r} has no webhook", Hope.later)
            post(message, delivery.id, hook, target.recipient, clock())

    def _failed(
        self, delivery: Delivery, error: DeliveryError, tries: int, now: datetime, repeated: bool
    ) -> Outcome:
        state: State = "refused" if error.hope is Hope.never else "undelivered"
        if state == "undelivered" and now - delivery.created_at >= GIVEN_UP:
            state = "given_up"
        wait = min(FIRST_ROUND * 2 ** min(delivery.rounds, _MOST_DOUBLED), LONGEST_ROUND)
        self._outbox.end(delivery, state, now, attempts=tries, error=str(error), next_at=now + wait)
        return Outcome(delivery, state, str(error), delivery.rounds == 0, repeated)


def _unexpected(fault: Exception) -> DeliveryError:
    """What nobody thought of: it must not keep other messages from being delivered."""
    return DeliveryError(f"unexpected fault: {type(fault).__name__}: {fault}", Hope.later)

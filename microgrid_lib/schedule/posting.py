"""Delivers what is queued, and tells of what doesn't arrive."""

from __future__ import annotations

from microgrid_lib.delivery.outbox import Delivery, Outbox, queue
from microgrid_lib.delivery.postman import Outcome, Postman
from microgrid_lib.schedule.config import AlertRule, Job
from microgrid_lib.schedule.context import Context
from microgrid_lib.schedule.messages import undelivered_message

_TOLD_OF = ("report", "alerts")
"""Messages whose failure is told; of what goes to those who are told, it would go round."""


class Posting:
    """Delivers.

    Parameters
    ----------
    context
        Plan, state, log, surroundings.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        plan = context.plan
        self._postman = Postman(
            Outbox(context.database), plan.schedule.mail, plan.webhooks, context.around.sleep
        )

    def deliver(self, *, everything: bool = False) -> list[Outcome]:
        """Deliver what is to be delivered by now.

        Parameters
        ----------
        everything
            Also what was left undelivered and isn't to be tried again yet.
        """
        found = self._sent(everything)
        queued = [outcome for outcome in found if self._tell(outcome)]
        return [*found, *self._sent(everything=False)] if queued else found

    def _sent(self, everything: bool) -> list[Outcome]:
        around = self._context.around
        sent = self._postman.deliver(around.clock, everything=everything, stopping=around.stopping)
        for outcome in sent:
            self._note(outcome)
        return sent

    def _note(self, outcome: Outcome) -> None:
        delivery, log = outcome.delivery, self._context.journal
        target = delivery.target
        if outcome.repeated:
            log("delivery.repeated", "warning", origin=delivery.origin, id=delivery.id)
        log(
            f"delivery.{outcome.state}",
            "info" if outcome.state == "sent" else "error",
            origin=delivery.origin,
            recipient=target.recipient or None,
            channel=target.channel,
            address=target.address or None,
            reason=outcome.error,
            id=delivery.id,
        )

    def _tell(self, outcome: Outcome) -> bool:
        """Tell those who are told of failures that a message didn't arrive."""
        news = outcome.first or outcome.state == "given_up"
        if outcome.error is None or not news:
            return False
        delivery, plan = outcome.delivery, self._context.plan
        planned = self._origin(delivery)
        if planned is None or delivery.message.data.get("kind") not in _TOLD_OF:
            return False
        others = [one for one in plan.targets(planned.failure_to) if one != delivery.target]
        message = undelivered_message(
            delivery,
            outcome.state,
            outcome.error,
            self._context.texts(planned),
            self._context.around.clock(),
        )
        with self._context.database.writing() as connection:
            return queue(connection, message, others, delivery.origin, about=delivery) > 0

    def _origin(self, delivery: Delivery) -> Job | AlertRule | None:
        return self._context.plan.schedule.planned(delivery.origin)

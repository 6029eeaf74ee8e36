"""Runs and deliveries as they are printed."""

from __future__ import annotations

from datetime import UTC, tzinfo

from microgrid_lib.delivery.outbox import Delivery
from microgrid_lib.schedule.load import Plan
from microgrid_lib.schedule.shapes import DeliveryEntry, RunEntry
from microgrid_lib.schedule.store import Run


def run_entry(run: Run, plan: Plan | None = None, log: bool = False) -> RunEntry:
    """Show a run.

    Parameters
    ----------
    plan
        Gives the time zone of all times; UTC without it.
    log
        With its lines.
    """
    zone = _zone(plan, f"job:{run.job}")
    return RunEntry(
        job=run.job,
        due=run.due.astimezone(zone),
        missed=run.missed,
        state=run.state,
        attempt=run.attempt,
        next_at=run.next_at and run.next_at.astimezone(zone),
        started_at=run.started_at.astimezone(zone),
        ended_at=run.ended_at and run.ended_at.astimezone(zone),
        reason=run.reason,
        reports=list(run.reports),
        log=run.log.splitlines() if log else None,
    )


def delivery_entry(delivery: Delivery, plan: Plan | None = None) -> DeliveryEntry:
    """Show a delivery.

    Parameters
    ----------
    plan
        Gives the time zone of all times; UTC without it.
    """
    zone = _zone(plan, delivery.origin)
    return DeliveryEntry(
        id=delivery.id,
        origin=delivery.origin,
        recipient=delivery.target.recipient,
        channel=str(delivery.target.channel),
        address=delivery.target.address,
        subject=delivery.message.subject,
        state=delivery.state,
        attempts=delivery.attempts,
        error=delivery.error,
        created_at=delivery.created_at.astimezone(zone),
        ended_at=delivery.ended_at and delivery.ended_at.astimezone(zone),
    )


def _zone(plan: Plan | None, origin: str) -> tzinfo:
    return UTC if plan is None else plan.schedule.zone(plan.schedule.planned(origin))

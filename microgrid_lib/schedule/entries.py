"""Runs and deliveries as they are printed."""

from __future__ import annotations

from microgrid_lib.delivery.outbox import Delivery
from microgrid_lib.schedule.load import Plan
from microgrid_lib.schedule.shapes import DeliveryEntry, RunEntry
from microgrid_lib.schedule.store import Run


def run_entry(run: Run, plan: Plan | None = None, log: bool = False) -> RunEntry:
    """Show a run.

    Parameters
    ----------
    plan
        Gives the time zone; UTC without it.
    log
        With its lines.
    """
    job = plan.schedule.jobs.get(run.job) if plan is not None else None
    zone = plan.schedule.zone(job) if plan is not None and job is not None else None
    return RunEntry(
        job=run.job,
        due=run.due.astimezone(zone) if zone else run.due,
        missed=run.missed,
        state=run.state,
        attempt=run.attempt,
        next_at=run.next_at.astimezone(zone) if run.next_at and zone else run.next_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        reason=run.reason,
        reports=list(run.reports),
        log=run.log.splitlines() if log else None,
    )


def delivery_entry(delivery: Delivery) -> DeliveryEntry:
    """Show a delivery."""
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
        created_at=delivery.created_at,
        ended_at=delivery.ended_at,
    )

"""Looks for alerts, and queues one message for all that is news."""

from __future__ import annotations

from microgrid_lib.delivery.outbox import queue
from microgrid_lib.schedule.alert_messages import alerts_message
from microgrid_lib.schedule.context import Context, said_of
from microgrid_lib.schedule.cron import due_times
from microgrid_lib.schedule.messages import unwatched_message
from microgrid_lib.schedule.orders import sites_of
from microgrid_lib.schedule.shapes import AlertsEntry
from microgrid_lib.schedule.watch import News, WatchStore, news_of


def look_for_alerts(context: Context, name: str) -> AlertsEntry | None:
    """Look for alerts where it is time to.

    Parameters
    ----------
    name
        Of the rule.

    Returns
    -------
    AlertsEntry or None
        None where it isn't time. A site that can't be read keeps no other from being looked at.
    """
    around, store, log = context.around, context.store, context.journal
    rule, now = context.plan.schedule.alerts[name], around.clock()
    key, origin = f"alerts.{name}", f"alerts:{name}"
    fresh = store.known_since(key) is None
    since = store.since(key, now)
    zone = context.plan.schedule.zone(rule)
    if around.stopping() or not (fresh or due_times(rule.cron, zone, since, now, 1)[0]):
        return None
    log.begin()
    watched = WatchStore(context.database, name)
    news: list[News] = []
    errors = []
    for site in sites_of(rule.site, context.settings):
        try:
            source = around.open_site(site, rule.profile)
            news += news_of(rule, watched, source, now)
        except Exception as error:
            errors.append(f"{site}: {said_of(error)}")
            log("alerts.failed", "error", rule=name, site=site, reason=said_of(error))
    texts, problem = context.texts(rule), "; ".join(errors) or None
    with context.database.writing() as connection:
        if news:
            message = alerts_message(name, news, texts, now)
            queue(connection, message, context.plan.targets(rule.to), origin)
            watched.write(connection, news)
        changed = store.set_failing(connection, key, problem is not None)
        if changed and problem is not None:
            message = unwatched_message(name, problem, log.kept, texts, now)
            queue(connection, message, context.plan.targets(rule.failure_to), origin)
    store.deal_with(key, now)
    if news:
        log("alerts.told", rule=name, events=len(news))
    return AlertsEntry(rule=name, told=len(news), error=problem)

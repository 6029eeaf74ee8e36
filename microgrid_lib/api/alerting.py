"""Alerts of one version of the data, with who has acknowledged them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_lib.api.source import View
from microgrid_lib.errors import UnknownNameError
from microgrid_lib.kpi.alert_log import AlertLog
from microgrid_lib.kpi.alert_states import AlertStates, states_of
from microgrid_lib.kpi.alerts import Acknowledgement, Alert, AlertReport, alerts_of
from microgrid_lib.store.extent import clipped
from microgrid_lib.window import Window

if TYPE_CHECKING:
    from microgrid_lib.access import Actor

_NAMED = 5
"""How many alerts an error names."""


def alert_report(view: View, window: Window) -> AlertReport:
    """Alerts that last for some of a window; see `SiteData.alerts`."""
    source = view.source
    return AlertReport(
        site=source.site.name,
        profile=source.profile.name,
        window=view.shown(window),
        alerts=_with_log(view, _alerts(view, window)),
    )


def alert_states(view: View) -> AlertStates:
    """Where every kind of alert stands; see `SiteData.alert_states`."""
    span, until = view.span(), view.as_of()
    if span is None or until is None:
        raise view.nothing()
    found = alerts_of(view.access, Window(span[0], max(span[1], until)), until)
    lasting = _with_log(view, [alert for alert in found if alert.active])
    return states_of(view.access, lasting, until)


def acknowledge(
    view: View, alert_id: str, actor: Actor, note: str, window: Window | None
) -> Window:
    """Write down that someone has seen an alert; see `SiteData.acknowledge`."""
    span = view.span()
    if span is None:
        raise view.nothing()
    where = window or Window(span[0], max(span[1], view.as_of() or span[1]))
    found = {alert.id: alert for alert in _alerts(view, where)}
    if alert_id not in found:
        introduced = "known:" if len(found) <= _NAMED else "the latest are:"
        raise UnknownNameError("alert", alert_id, list(found)[-_NAMED:], introduced)
    alert = found[alert_id]
    AlertLog(view.source.settings, view.source.profile).acknowledge(alert, actor, note)
    return Window(alert.start, alert.end or max(where.end, span[1]))


def acknowledgements(view: View) -> dict[str, Acknowledgement]:
    """Who has seen which alert; see `SiteData.acknowledgements`."""
    return AlertLog(view.source.settings, view.source.profile).known()


def _with_log(view: View, alerts: list[Alert]) -> list[Alert]:
    known = acknowledgements(view) if alerts else {}
    return [alert.model_copy(update={"acknowledged": known.get(alert.id)}) for alert in alerts]


def _alerts(view: View, window: Window) -> list[Alert]:
    clipped(view.snapshot, view.source.profile, window)
    until = view.as_of()
    return [] if until is None else alerts_of(view.access, window, until)

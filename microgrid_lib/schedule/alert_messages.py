"""What a message on alerts says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from microgrid_lib.delivery.message import Message
from microgrid_lib.kpi.alert_kinds import kinds_of
from microgrid_lib.kpi.alert_rules import SEVERITIES
from microgrid_lib.present.alert_texts import kind_title, lasting_text, state_text, worst_text
from microgrid_lib.present.texts import Texts
from microgrid_lib.schedule.watch import News
from microgrid_lib.window import elapsed

MOST_LISTED = 50
"""Events of a site that a message lists; the others are counted."""


def alerts_message(rule: str, news: Sequence[News], texts: Texts, now: datetime) -> Message:
    """Write one message for all that a look found.

    Parameters
    ----------
    rule
        Name of the rule.
    news
        At least one.
    """
    ordered = sorted(news, key=_urgency)
    lines: list[str] = []
    for title, mine in _by_site(ordered).items():
        lines += [title, ""]
        lines += [_line(one, texts) for one in mine[:MOST_LISTED]]
        if len(mine) > MOST_LISTED:
            lines.append(texts("notice.alerts.more", count=len(mine) - MOST_LISTED))
        lines.append("")
    return Message(
        key=f"alerts:{rule}:{now.isoformat()}",
        subject=_subject(ordered, texts),
        body="\n".join((*lines, texts("notice.signature"), "")),
        language=texts.language,
        data={"kind": "alerts", "rule": rule, "events": [_machine(one) for one in ordered]},
        created=now,
    )


def _urgency(one: News) -> tuple[bool, int, datetime]:
    return one.told.ended, -SEVERITIES.index(one.told.severity), one.told.start


def _by_site(news: Sequence[News]) -> dict[str, list[News]]:
    found: dict[str, list[News]] = {}
    for one in news:
        found.setdefault(_site(one), []).append(one)
    return found


def _site(one: News) -> str:
    site = one.profile.site
    return f"{site.title} ({one.profile.name})"


def _subject(news: Sequence[News], texts: Texts) -> str:
    first = news[0]
    what = texts(
        f"notice.alerts.subject.{first.phase}",
        severity=texts(f"alert.state.{first.told.severity}"),
        kind=kind_title(first.told.name, texts),
        site=first.profile.site.title,
    )
    if len(news) > 1:
        what = texts("notice.alerts.subject.more", what=what, count=len(news) - 1)
    return (
        texts("notice.demo", label=texts("report.synthetic"), what=what)
        if first.synthetic
        else what
    )


def _line(one: News, texts: Texts) -> str:
    alert, zone = one.alert, one.profile.site.display_zone
    state = state_text(one.told.severity, texts)
    said = [
        f"{state.mark} {state.word}",
        kind_title(one.told.name, texts),
        texts(
            f"notice.alerts.{one.phase}",
            start=texts.moment(one.told.start.astimezone(zone)),
            end=texts.moment(alert.end) if alert and alert.end else "",
            lasted=lasting_text(elapsed(alert.start, alert.end), texts)
            if alert and alert.end
            else "",
        ),
    ]
    if alert is not None:
        kinds = {kind.name: kind for kind in kinds_of(one.profile)}
        said.append(worst_text(alert, kinds.get(alert.name), texts))
    return " · ".join(said)


def _machine(one: News) -> dict[str, Any]:
    alert = one.alert
    return {
        "site": one.profile.site.name,
        "profile": one.profile.name,
        "phase": one.phase,
        "id": alert.id if alert else None,
        "name": one.told.name,
        "severity": one.told.severity,
        "start": one.told.start.isoformat(),
        "end": alert.end.isoformat() if alert and alert.end else None,
        "extreme": alert.extreme if alert else None,
        "unit": alert.unit if alert else None,
        "synthetic": one.synthetic,
    }

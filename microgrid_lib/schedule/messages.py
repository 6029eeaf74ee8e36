"""What messages say: reports, failures, what couldn't be delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from microgrid_lib.delivery.mail import MOST_ATTACHED
from microgrid_lib.delivery.message import Message
from microgrid_lib.delivery.outbox import Delivery
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.manifest import Manifest, read_manifest
from microgrid_lib.schedule.shapes import ScheduledReport
from microgrid_lib.schedule.store import Run
from microgrid_lib.site.load import load_site

LINES_SENT = 200
"""Lines of a run's log that a message has, the newest."""
FINDINGS_SENT = 8
"""Findings of a report that its message has."""
LATE = timedelta(hours=1)
"""Age of a run's time from which its message says that it is late."""
_SENT = ("made", "unchanged", "empty")


def report_message(
    run: Run, reports: Sequence[ScheduledReport], texts: Texts, now: datetime
) -> Message | None:
    """Write the message that carries the reports of a run; None where there are none."""
    sent = [one for one in reports if one.status in _SENT and one.file is not None]
    if not sent:
        return None
    files = tuple(Path(one.file) for one in sent if one.file is not None)
    lines = [texts("notice.report.intro"), ""]
    made = [_manifest(one) for one in sent]
    for one, known in zip(sent, made, strict=True):
        lines += [_line(one, texts), *_found(known, texts)]
    if now - run.due > LATE:
        lines += ["", texts("notice.report.late", due=_moment(run.due, texts))]
    if _too_large(files):
        lines += ["", texts("notice.report.large")]
    return Message(
        key=f"report:{run.job}:{run.due.isoformat()}",
        subject=_labelled(_what(sent, texts), made, texts),
        body=_body(lines, texts),
        language=texts.language,
        files=files,
        data={
            "kind": "report",
            "job": run.job,
            "due": run.due.isoformat(),
            "reports": [_machine(one) for one in sent],
        },
        created=now,
    )


def failure_message(
    run: Run, reports: Sequence[ScheduledReport], reason: str, log: str, texts: Texts, now: datetime
) -> Message:
    """Write the message of a run that failed, or whose reports have no data: reason and log."""
    wrong = [one for one in reports if one.status in ("failed", "empty")]
    empty = all(one.status == "empty" for one in wrong) and bool(wrong)
    head = "notice.empty" if empty else "notice.failure"
    lines = [
        texts(f"{head}.intro", job=run.job, due=_moment(run.due, texts)),
        texts("notice.reason", reason=reason),
        "",
        *(_line(one, texts) for one in wrong),
    ]
    if not empty:
        lines += ["", texts("notice.failure.attempts", count=run.attempt)]
    lines += ["", texts("notice.log"), "", *log.splitlines()[-LINES_SENT:]]
    return Message(
        key=f"failure:{run.job}:{run.due.isoformat()}",
        subject=texts(f"{head}.subject", job=run.job, reason=reason),
        body=_body(lines, texts),
        language=texts.language,
        data={
            "kind": "no_data" if empty else "failure",
            "job": run.job,
            "due": run.due.isoformat(),
            "reason": reason,
            "attempts": run.attempt,
            "reports": [_machine(one) for one in reports],
            "log": log.splitlines()[-LINES_SENT:],
        },
        created=now,
    )


def undelivered_message(
    delivery: Delivery, state: str, error: str, texts: Texts, now: datetime
) -> Message:
    """Write the message that another one didn't arrive."""
    subject = delivery.message.subject
    final = state != "undelivered"
    lines = [
        texts("notice.undelivered.intro", subject=subject, target=delivery.target.text),
        texts("notice.reason", reason=error),
        "",
        texts("notice.undelivered.final" if final else "notice.undelivered.again"),
        *(f"  {path}" for path in delivery.message.files),
    ]
    return Message(
        key=f"undelivered:{delivery.id}:{state}",
        subject=texts("notice.undelivered.subject", subject=subject, target=delivery.target.text),
        body=_body(lines, texts),
        language=texts.language,
        data={
            "kind": "undelivered",
            "origin": delivery.origin,
            "recipient": delivery.target.recipient,
            "channel": str(delivery.target.channel),
            "state": state,
            "reason": error,
        },
        created=now,
    )


def unwatched_message(rule: str, error: str, log: str, texts: Texts, now: datetime) -> Message:
    """Write the message that nobody looks for alerts any more."""
    lines = [
        texts("notice.unwatched.intro", rule=rule),
        texts("notice.reason", reason=error),
        "",
        texts("notice.log"),
        "",
        *log.splitlines()[-LINES_SENT:],
    ]
    return Message(
        key=f"unwatched:{rule}:{now.isoformat()}",
        subject=texts("notice.unwatched.subject", rule=rule),
        body=_body(lines, texts),
        language=texts.language,
        data={"kind": "unwatched", "rule": rule, "reason": error},
        created=now,
    )


def _body(lines: Sequence[str], texts: Texts) -> str:
    return "\n".join((*lines, "", texts("notice.signature"), ""))


def _what(reports: Sequence[ScheduledReport], texts: Texts) -> str:
    """Name the reports in a subject."""
    names = list(dict.fromkeys(_title(one, texts) for one in reports))
    if len(names) == 1:
        return names[0]
    return texts("notice.report.several", first=names[0], count=len(names) - 1)


def _title(one: ScheduledReport, texts: Texts) -> str:
    kind = texts(f"notice.kind.{one.kind}")
    if one.section:
        kind = f"{kind} {texts(f'section.{one.section}')}"
    if not one.period:
        return texts("notice.title.plain", site=_site_title(one.site), kind=kind)
    period = period_text(one.period, texts)
    return texts("notice.title", site=_site_title(one.site), kind=kind, period=period)


def _manifest(one: ScheduledReport) -> Manifest | None:
    return read_manifest(Path(one.file).with_suffix(".json")) if one.file else None


def _found(manifest: Manifest | None, texts: Texts) -> list[str]:
    """What of a report needs attention, so that nobody must open it to learn that."""
    if manifest is None or not manifest.attention:
        return []
    shown, more = manifest.attention[:FINDINGS_SENT], manifest.attention[FINDINGS_SENT:]
    lines = [texts("notice.report.attention"), *(f"– {text}" for text in shown)]
    if more:
        lines.append(texts("notice.report.more", count=len(more)))
    return [f"  {line}" for line in lines]


def _labelled(what: str, manifests: Sequence[Manifest | None], texts: Texts) -> str:
    """Say in the subject what must be said of the data, such as that they are synthetic."""
    labels = {known.label for known in manifests if known and known.label}
    return texts("notice.demo", label=labels.pop(), what=what) if len(labels) == 1 else what


def _site_title(name: str) -> str:
    """Title of a site; its name where its file can't be read."""
    try:
        return load_site(name).title
    except MicrogridError:
        return name


def period_text(period: str, texts: Texts) -> str:
    """Write a period as people do: `Jun 2022`, `week 23 of 2022`, `5 Jun 2022`."""
    if "W" in period:
        year, _, week = period.partition("-W")
        return texts("notice.week", week=str(int(week)), year=year)
    parts = [int(part) for part in period.split("-") if part]
    if len(parts) == 2:
        return texts.month(datetime(parts[0], parts[1], 1))
    if len(parts) == 3:
        day = date(parts[0], parts[1], parts[2])
        return texts.day(datetime(day.year, day.month, day.day))
    return period


def _line(one: ScheduledReport, texts: Texts) -> str:
    # That a report was made is said by its being there.
    well = one.status in ("made", "unchanged")
    status = "" if well else f" – {texts(f'notice.status.{one.status}')}"
    reason = f" ({one.reason})" if one.reason else ""
    name = f" · {Path(one.file).name}" if one.file else ""
    return f"• {_title(one, texts)}{status}{reason}{name}"


def _too_large(files: Sequence[Path]) -> bool:
    return sum(path.stat().st_size for path in files if path.is_file()) > MOST_ATTACHED


def _moment(at: datetime, texts: Texts) -> str:
    return f"{texts.moment(at)} ({at.tzname()})"


def _machine(one: ScheduledReport) -> dict[str, Any]:
    found = one.model_dump(mode="json", exclude={"file"})
    path = Path(one.file) if one.file else None
    there = path is not None and path.is_file()
    found["file"] = path.name if path is not None else None
    found["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest() if path and there else None
    return found

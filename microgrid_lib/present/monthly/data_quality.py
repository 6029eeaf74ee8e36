"""The data of a period: coverage by channel and day, outages, files, refusals."""

from __future__ import annotations

import math

from microgrid_lib.ingest.day_coverage import DayCoverage
from microgrid_lib.kpi.registry import FULL_COVERAGE
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.pictures import HeatMap, HeatStep
from microgrid_lib.present.tables import DataTable
from microgrid_lib.present.texts import Texts
from microgrid_lib.site.profile import Profile

_NBSP = "\N{NO-BREAK SPACE}"
_STEPS = (
    HeatStep(1, 0.0, 0.5),
    HeatStep(2, 0.5, 0.8),
    HeatStep(3, 0.8, FULL_COVERAGE),
    HeatStep(5, FULL_COVERAGE, 1.0),
    HeatStep(6, 1.0, math.inf),
)
MOST_OUTAGES = 40
MOST_FILES = 40


def read_channels(profile: Profile, days: DayCoverage) -> list[str]:
    """Channels that the profile reads; all where it names none of them."""
    used = {name for e in profile.expressions.values() for name in e.names}
    return [channel for channel in days.valid if channel in used] or list(days.valid)


def channel_title(channel: str, profile: Profile, texts: Texts) -> str:
    """What a channel is: the role that is just this channel, else its title, else its name."""
    for role, expression in profile.expressions.items():
        if expression.names == {channel} and texts.has(f"role.{role}"):
            return texts(f"role.{role}")
    return texts(f"channel.{channel}") if texts.has(f"channel.{channel}") else channel


def coverage_map(facts: Facts, texts: Texts) -> HeatMap:
    """Coverage of every channel on every day, as a table of colours."""
    days = facts.days.coverage
    shares = {
        channel: [v / e if e else math.nan for v, e in zip(valid, days.expected, strict=True)]
        for channel, valid in days.valid.items()
    }
    names = [f"{channel_title(channel, facts.profile, texts)}" for channel in shares]
    low = sum(share < FULL_COVERAGE for row in shares.values() for share in row)
    return HeatMap(
        name="coverage_days",
        title=texts("monthly.coverage_days"),
        subtitle=texts("monthly.coverage_days.what"),
        summary=texts(
            "monthly.coverage_days.summary",
            low=texts.number(low),
            of=texts.number(len(names) * len(days.days)),
            full=texts.share(FULL_COVERAGE, 0),
        ),
        unit="%",
        row_names=tuple(names),
        column_names=tuple(str(day.day) for day in days.days),
        colours=tuple(tuple(_colour(share) for share in row) for row in shares.values()),
        texts=tuple(tuple(_said(share, texts) for share in row) for row in shares.values()),
        steps=_STEPS,
        step_ticks=(
            *(texts.number(100 * step.low) for step in _STEPS),
            "",
        ),
    )


def _colour(share: float) -> int:
    if not share > 0:
        return -1
    return next(step.colour for step in _STEPS if share < step.high)


def _said(share: float, texts: Texts) -> str:
    """Per cent where it is low: colour alone says nothing."""
    return texts.share(share, 0) if 0 < share < FULL_COVERAGE else ""


def channel_table(facts: Facts, texts: Texts) -> DataTable:
    """Coverage of every channel over the period."""
    days = facts.days.coverage
    expected = sum(days.expected)
    hours = facts.site.interval_s / 3600
    rows = []
    for channel, valid in days.valid.items():
        full = sum(v >= FULL_COVERAGE * e for v, e in zip(valid, days.expected, strict=True))
        title = channel_title(channel, facts.profile, texts)
        rows.append(
            (
                title if title == channel else f"{title} ({channel})",
                f"{texts.share(days.share(channel))}{_NBSP}%",
                texts.number((expected - sum(valid)) * hours, 1),
                texts.number(len(valid) - full),
            )
        )
    heads = ("channel", "coverage", "missing", "low_days")
    return DataTable(
        texts("monthly.channels"),
        tuple(texts(f"monthly.head.{head}") for head in heads),
        tuple(rows),
    )


def outage_table(facts: Facts, texts: Texts) -> DataTable:
    """Outages of more than an hour, the earliest first, with a cut-off."""
    found = facts.days.outages
    rows = []
    for outage in found[:MOST_OUTAGES]:
        start, end = texts.moment(outage.start, True), texts.moment(outage.end, True)
        rows.append(
            (
                texts("monthly.or_before", moment=start) if outage.from_start else start,
                texts("monthly.or_later", moment=end) if outage.to_end else end,
                texts.number(outage.hours, 1),
            )
        )
    heads = ("begin", "end", "hours")
    title = texts("monthly.outages")
    return DataTable(title, tuple(texts(f"monthly.head.{h}") for h in heads), tuple(rows))


def file_table(facts: Facts, texts: Texts) -> DataTable:
    """Files with rows of the period, and what became of their rows."""
    rows = [
        (
            entry.file,
            texts.number(entry.rows_read),
            texts.number(entry.rows_accepted),
            texts.number(entry.rows_duplicate),
            texts.number(entry.rows_rejected),
            texts.number(entry.values_missing),
            texts.number(entry.values_out_of_range),
        )
        for entry in facts.days.files[:MOST_FILES]
    ]
    heads = ("file", "read", "accepted", "duplicate", "rejected", "missing_values", "out_of_range")
    title = texts("monthly.files")
    return DataTable(title, tuple(texts(f"monthly.head.{h}") for h in heads), tuple(rows))


def refused_table(facts: Facts, texts: Texts) -> DataTable:
    """What was refused, by reason and channel."""
    rows = tuple(
        (
            reason_text(entry.reason, texts),
            channel_title(entry.channel, facts.profile, texts) if entry.channel else "–",
            texts.number(entry.count),
        )
        for entry in facts.days.refused
    )
    heads = ("reason", "channel", "count")
    title = texts("monthly.refused")
    return DataTable(title, tuple(texts(f"monthly.head.{h}") for h in heads), rows)


def reason_text(reason: str, texts: Texts) -> str:
    """Why something was refused; the code itself where it has no words yet."""
    key = f"monthly.reason.{reason}"
    return texts(key) if texts.has(key) else reason.replace("_", " ")

"""Rules on grid quality, alerts, the data themselves, and forecasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from microgrid_lib.kpi.alerts import Alert
from microgrid_lib.kpi.excursions import Excursion
from microgrid_lib.present.alert_texts import kind_title, lasting_text
from microgrid_lib.present.forecast import amount
from microgrid_lib.present.monthly.data_quality import channel_title, read_channels
from microgrid_lib.present.monthly.doubts import doubt_texts
from microgrid_lib.present.monthly.findings import NBSP, Finding, Saying, Tone, rule
from microgrid_lib.window import elapsed

OUTER = frozenset({"voltage_b", "frequency_critical"})
_MOST_NAMED = 3
_DECIMALS = {"V": 1, "Hz": 3}


@rule("Q1", "quality")
def verdicts(say: Saying) -> Iterator[Finding]:
    """Verdicts of the compliance rules."""
    report, texts = say.facts.compliance, say.texts
    if report is None:
        return
    counts = Counter(result.verdict for result in report.rules)
    numbers = {
        "passed": counts["pass"],
        "indicative": counts["indicative"],
        "unjudged": counts[None],
        "count": len(report.rules),
    }
    if failed := [result for result in report.rules if result.verdict == "fail"]:
        named = [
            texts(
                "monthly.say.failed",
                rule=texts(f"rule.{result.rule}"),
                point=texts(f"role.{result.point}"),
                outside=texts.number(result.n1),
                of=texts.number(result.n),
            )
            for result in failed[:_MOST_NAMED]
        ]
        if len(failed) > _MOST_NAMED:
            named.append(texts("monthly.say.and_more", count=len(failed) - _MOST_NAMED))
        names = texts.clauses(named)
        said = texts("monthly.say.fails", failed=len(failed), names=names, **numbers)
        yield say.finding("attention", said)
    elif counts["pass"]:
        yield say.finding("well", texts("monthly.say.passes", **numbers))
    elif counts["indicative"]:
        yield say.finding("record", texts("monthly.say.indicative", **numbers))
    else:
        yield say.finding("unjudged", texts("monthly.say.no_verdict", **numbers))


@rule("Q2", "quality")
def outside(say: Saying) -> Iterator[Finding]:
    """Samples outside of the site's limits."""
    if say.facts.compliance is None:
        return
    found = say.facts.excursions
    if not found:
        yield say.finding("well", say.texts("monthly.say.no_excursion"))
        return
    outer = sum(one.limit in OUTER for one in found)
    worst = max(found, key=_depth)
    said = say.texts(
        "monthly.say.excursions",
        count=len(found),
        outer=outer,
        lasted=lasting_text(_outside_for(found), say.texts).replace(" ", NBSP),
        extreme=f"{say.texts.number(worst.extreme, _DECIMALS[worst.unit])}{NBSP}{worst.unit}",
        point=say.texts(f"role.{worst.point}"),
        moment=say.texts.moment(worst.start),
    )
    yield say.finding("attention" if outer else "record", said)


def _outside_for(found: Sequence[Excursion]) -> timedelta:
    """How long at least one value was outside: what is so at once counts once."""
    whole = timedelta()
    until = datetime.min.replace(tzinfo=UTC)
    for start, end in sorted((one.start.astimezone(UTC), one.end.astimezone(UTC)) for one in found):
        whole += max(end - max(start, until), timedelta())
        until = max(until, end)
    return whole


def _depth(one: Excursion) -> float:
    """How far outside of its limit, per unit of the limit."""
    return abs(one.extreme - one.threshold) / one.threshold


@rule("A1", "alerts")
def critical(say: Saying) -> Iterator[Finding]:
    """Critical alerts."""
    texts, alerts = say.texts, say.facts.alerts
    counts = Counter(alert.severity for alert in alerts)
    rest = {"warnings": counts["warning"], "infos": counts["info"]}
    worst = [alert for alert in alerts if alert.severity == "critical"]
    if not worst:
        key = "monthly.say.no_critical" if alerts else "monthly.say.no_alert"
        yield say.finding("well", texts(key, **rest))
        return
    kinds = Counter(kind_title(alert.name, texts) for alert in worst)
    longest = max(worst, key=lambda alert: _length(alert, say))
    said = texts(
        "monthly.say.critical",
        count=len(worst),
        kinds=texts.listing(
            [texts("monthly.times", name=n, count=c) if c > 1 else n for n, c in kinds.items()]
        ),
        longest=kind_title(longest.name, texts),
        lasted=lasting_text(_length(longest, say), texts).replace(" ", NBSP),
        moment=texts.moment(longest.start),
        **rest,
    )
    yield say.finding("attention", said)


def _length(alert: Alert, say: Saying) -> timedelta:
    return elapsed(alert.start, alert.end or say.facts.until)


@rule("A2", "alerts")
def acknowledged(say: Saying) -> Iterator[Finding]:
    """Critical alerts and warnings that nobody has acknowledged."""
    asked = [alert for alert in say.facts.alerts if alert.severity != "info"]
    if not asked:
        return
    unseen = sum(alert.acknowledged is None for alert in asked)
    key = "monthly.say.unseen" if unseen else "monthly.say.seen"
    said = say.texts(key, unseen=unseen, count=len(asked))
    yield say.finding("attention" if unseen else "well", said)


@rule("C1", "data", least=0.95)
def coverage(say: Saying) -> Iterator[Finding]:
    """How complete the data are, of the channel that is missing most."""
    days, texts = say.facts.days.coverage, say.texts
    channels = read_channels(say.facts.profile, days)
    least = min(channels, key=days.share)
    expected = sum(days.expected)
    interval_h = say.facts.site.interval_s / 3600
    valid = sum(sum(days.valid[channel]) for channel in channels)
    said = texts(
        "monthly.say.coverage",
        share=say.percent(valid / (expected * len(channels))),
        channel=channel_title(least, say.facts.profile, texts),
        least=say.percent(days.share(least)),
        missing=f"{texts.number((expected - sum(days.valid[least])) * interval_h, 1)}{NBSP}h",
        of=f"{texts.number(expected * interval_h, 1)}{NBSP}h",
    )
    enough = days.share(least) >= say.limit("least") - 1e-12
    yield say.finding("well" if enough else "attention", said)


@rule("C2", "data", hours=1.0)
def outages(say: Saying) -> Iterator[Finding]:
    """Stretches without any data."""
    found, texts = say.facts.days.outages, say.texts
    if not found:
        yield say.finding("well", texts("monthly.say.no_outage"))
        return
    longest = max(found, key=lambda outage: outage.hours)
    said = texts(
        "monthly.say.outages",
        count=len(found),
        hours=f"{texts.number(sum(outage.hours for outage in found), 1)}{NBSP}h",
        longest=f"{texts.number(longest.hours, 1)}{NBSP}h",
        start=texts.moment(longest.start),
        end=texts.moment(longest.end),
    )
    yield say.finding("attention", said)


@rule("C3", "data", most=0.01)
def refused(say: Saying) -> Iterator[Finding]:
    """Rows and values that were refused, of the files with data of the period."""
    files, texts = say.facts.days.files, say.texts
    read = sum(entry.rows_read for entry in files)
    if not read:
        return
    rows = sum(entry.rows_rejected for entry in files)
    values = sum(entry.values_out_of_range for entry in files)
    said = texts(
        "monthly.say.refused",
        rows=texts.number(rows),
        read=texts.number(read),
        values=texts.number(values),
        files=len(files),
    )
    tone: Tone = "attention" if rows > say.limit("most") * read else "record"
    yield say.finding(tone, said)


@rule("C4", "data")
def outdated(say: Saying) -> Iterator[Finding]:
    """Files that were read under older rules of the site file."""
    if say.facts.outdated:
        names = say.texts.listing(list(say.facts.outdated[:_MOST_NAMED]))
        count = len(say.facts.outdated)
        said = say.texts("monthly.say.outdated", count=count, names=names)
        yield say.finding("attention", said)


@rule("C5", "data", most=0.05)
def implausible(say: Saying) -> Iterator[Finding]:
    """A critical load that is larger than the whole."""
    kpi = say.facts.kpi("critical_share")
    if kpi is None or kpi.warning is None or "slots" not in kpi.warning.params:
        return
    params = kpi.warning.params
    slots, of = float(params["slots"]), float(params["of"])
    said = say.texts(
        "monthly.say.exceeds",
        slots=say.texts.number(slots),
        of=say.texts.number(of),
        excess=f"{say.texts.number(float(params['mean_excess_kw']), 1)}{NBSP}kW",
    )
    yield say.finding("attention" if slots > say.limit("most") * of else "record", said)


@rule("C6", "data")
def doubtful(say: Saying) -> Iterator[Finding]:
    """Channels that the profile reads otherwise than the data do."""
    for text in doubt_texts(say.facts, say.texts):
        yield say.finding("attention", text)


@rule("F1", "forecast", skill=-0.10, low=0.70, high=0.90)
def forecasts(say: Saying) -> Iterator[Finding]:
    """How the forecasts of the period did."""
    texts = say.texts
    for review in say.facts.reviews:
        role = texts(f"role.{review.role}")
        best, skill = review.best_baseline, review.skill
        if review.mae is None or best is None or skill is None:
            yield say.finding("unjudged", texts("monthly.say.no_review", role=role))
            continue
        said = texts(
            "monthly.say.review",
            role=role,
            count=len(review.origins),
            mae=f"{amount(review.mae, texts)}{NBSP}{review.unit}",
            hours=texts.number(review.hours),
            base=f"{amount(review.baselines[best], texts)}{NBSP}{review.unit}",
        )
        if review.coverage80 is None:
            said += " " + texts("monthly.say.no_interval")
            yield say.finding("record", said)
            continue
        inside = f"{texts.number(100 * review.coverage80, 1)}{NBSP}%"
        said += " " + texts("monthly.say.interval", share=inside)
        held = say.limit("low") <= review.coverage80 <= say.limit("high")
        good = skill >= say.limit("skill") - 1e-12
        yield say.finding("well" if held and good else "attention", said)

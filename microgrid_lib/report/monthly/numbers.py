"""Indicators with coverage and comparisons, and the energy balance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from microgrid_lib.kpi.model import SECTIONS, Kpi
from microgrid_lib.present.cards import change_amount, make_card
from microgrid_lib.present.monthly.balance import Balance, Flow, balance_chart, flow_name
from microgrid_lib.present.monthly.earlier import Compared
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.bars import bars_block
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.pages import Passage

_NBSP = "\N{NO-BREAK SPACE}"


def indicators_passage(facts: Facts, texts: Texts) -> Passage:
    """All KPIs of the profile by section, with coverage and comparisons."""
    blocks: list[Block] = [
        Heading(texts("monthly.kpis"), new_page=True),
        Paragraph(texts("monthly.kpis.note"), "note"),
    ]
    shares: list[float] = []
    for section in SECTIONS:
        names = [n for n, d in facts.definitions.items() if d.section == section and facts.kpi(n)]
        if names:
            blocks += indicator_blocks(facts, names, texts, texts(f"section.{section}"))
            shares += [
                c for n in names if (c := facts.kpis[n].coverage) is not None and facts.kpi(n)
            ]
    absent = [texts(f"kpi.{n}") for n in facts.definitions if facts.kpi(n) is None]
    if absent:
        names_text = texts.listing(absent)
        blocks.append(Paragraph(texts("monthly.missing", names=names_text), "note"))
    return Passage(tuple(blocks), tuple(shares))


def indicator_blocks(
    facts: Facts, names: Sequence[str], texts: Texts, title: str = ""
) -> Iterator[Block]:
    """Some KPIs as a table, and what is to be known about them below it."""
    notes: dict[str, list[str]] = {}
    rows = []
    for name in names:
        kpi = facts.kpis[name]
        card = make_card(name, kpi, texts, hours=facts.window.hours)
        if card.reason or card.warning:
            reason = texts("monthly.na", reason=card.reason) if card.reason else card.warning
            notes.setdefault(reason, []).append(card.title)
        value = f"{card.value_text}{_NBSP}{card.unit_text}".strip()
        rows.append(
            (
                f"{card.title} ({card.when})" if card.when else card.title,
                value,
                "" if kpi.coverage is None else f"{texts.share(kpi.coverage)}{_NBSP}%",
                *(
                    change_cell(kpi, compared, texts)
                    for compared in facts.compared(name)
                    if compared.earlier.kpis is not None
                ),
            )
        )
    known = [earlier for earlier in facts.earlier if earlier.kpis is not None]
    heads = [texts("monthly.head.against", period=earlier.short(texts)) for earlier in known]
    yield TableBlock(
        columns=(
            Column(texts("monthly.head.kpi"), wide=True),
            Column(texts("monthly.head.value"), "right"),
            Column(texts("monthly.head.coverage"), "right"),
            *(Column(head, "right") for head in heads),
        ),
        rows=tuple(rows),
        title=title,
        level=3,
    )
    for reason, titles in notes.items():
        said = texts("monthly.note", names=texts.listing(titles), note=reason)
        yield Paragraph(said, "note")


def change_cell(kpi: Kpi, compared: Compared, texts: Texts) -> str:
    """A comparison in few signs."""
    change = compared.change
    if change is None or change.value is None:
        share = f"{texts.share(compared.coverage or 0.0)}{_NBSP}%"
        return texts(f"monthly.change.{compared.refused or 'not_known'}", share=share)
    amount = change_amount(kpi, change, texts)
    if not amount:
        return "="
    arrow = "▲" if change.value > 0 else "▼"
    return f"{arrow}{_NBSP}{amount}".replace(" ", _NBSP)


def balance_passage(facts: Facts, texts: Texts) -> Passage:
    """Where energy came from and went, what is left over, as a table and day by day."""
    balance = facts.balance
    blocks: list[Block] = [
        Heading(texts("monthly.balance")),
        TableBlock(
            columns=(
                Column(texts("balance.source"), wide=True),
                Column(texts("balance.kwh"), "right"),
                Column(texts("balance.mean"), "right"),
                Column(texts("balance.share"), "right"),
                Column(texts("monthly.head.coverage"), "right"),
            ),
            rows=(
                *_rows(balance, balance.sources, texts("balance.sources"), texts),
                *_rows(balance, balance.sinks, texts("balance.sinks"), texts),
            ),
        ),
        *(Paragraph(text) for text in balance_texts(facts, texts)),
        bars_block(balance_chart(balance, texts), texts, level=3),
    ]
    return Passage(tuple(blocks), tuple(flow.coverage for flow in balance.flows))


def _rows(
    balance: Balance, flows: Sequence[Flow], total_name: str, texts: Texts
) -> Iterator[tuple[str, ...]]:
    known = [flow.kwh for flow in flows if flow.kwh is not None]
    total = sum(known) if len(known) == len(flows) else None
    undefined = texts("card.undefined")
    for flow in flows:
        hours = balance.hours(flow)
        share = undefined
        if flow.kwh is not None and total:
            share = f"{texts.number(100 * flow.kwh / total, 1)}{_NBSP}%"
        yield (
            flow_name(flow.name, texts),
            undefined if flow.kwh is None else texts.quantity(flow.kwh, "kWh")[0],
            undefined if flow.kwh is None else texts.quantity(flow.kwh / hours, "kW")[0],
            share,
            f"{texts.share(flow.coverage)}{_NBSP}%",
        )
    if flows:
        sum_text = undefined if total is None else texts.quantity(total, "kWh")[0]
        yield (total_name, sum_text, "", "", "")


def balance_texts(facts: Facts, texts: Texts) -> Iterator[str]:
    """What is left over, and what the battery kept and lost."""
    balance = facts.balance
    if balance.gap_kwh is None or balance.spread_kwh is None:
        yield texts("balance.unknown")
    else:
        gap, spread = _kwh(balance.gap_kwh, texts), _kwh(balance.spread_kwh, texts)
        said = texts("balance.spread", gap=gap, spread=spread)
        key = f"closed.{balance.closed_by}" if balance.closed_by else "open"
        if not balance.closed_by and not facts.profile.has("load"):
            key = "own_use"
        yield f"{said} {texts(f'balance.{key}')}"
    stored = balance.stored
    charge, discharge = (facts.kpis.get(f"battery_{w}_energy") for w in ("charge", "discharge"))
    if stored is None or charge is None or discharge is None:
        return
    yield texts(
        "balance.stored" if stored.change_kwh >= 0 else "balance.stored.less",
        charge=_kwh(charge.value or 0.0, texts),
        discharge=_kwh(discharge.value or 0.0, texts),
        change=_kwh(abs(stored.change_kwh), texts),
        spread=_kwh(stored.spread_kwh, texts),
        lost=_kwh(stored.lost_kwh, texts),
    )


def _kwh(value: float, texts: Texts) -> str:
    number, unit = texts.quantity(value, "kWh")
    return f"{number}{_NBSP}{unit}"

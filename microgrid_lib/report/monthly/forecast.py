"""The forecast after the period, and how the forecasts of the period did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from microgrid_lib.errors import MicrogridError
from microgrid_lib.forecast.review import ForecastReview
from microgrid_lib.present.forecast import (
    amount,
    describe_forecast,
    model_name,
    refusal_text,
)
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.texts import Texts
from microgrid_lib.report.blocks import Block, Column, Heading, Paragraph, TableBlock
from microgrid_lib.report.figures import figure_block
from microgrid_lib.report.forecast import table_block
from microgrid_lib.report.pages import Passage

if TYPE_CHECKING:
    from microgrid_lib.forecast.history import HourlyHistory
    from microgrid_lib.forecast.shapes import ForecastReport

REFUSED = "model_refused"
_NBSP = "\N{NO-BREAK SPACE}"


class ForecastData(Protocol):
    """What forecasts are asked of."""

    def history(self, role: str) -> HourlyHistory:
        """Hourly means of a role."""

    def forecast(self, role: str, days: int = 5, origin: datetime | None = None) -> ForecastReport:
        """Forecast a role."""


def forecast_passage(data: ForecastData, facts: Facts, texts: Texts) -> Passage:
    """The next five days of each role looked at, then how the period's forecasts did."""
    blocks: list[Block] = [Heading(texts("monthly.forecast"))]
    for review in facts.reviews:
        blocks += _ahead(data, review.role, facts, texts)
    if facts.reviews:
        blocks += _past(facts, texts)
    return Passage(tuple(blocks) if len(blocks) > 1 else ())


def _ahead(data: ForecastData, role: str, facts: Facts, texts: Texts) -> Iterator[Block]:
    origin = facts.window.end if facts.until >= facts.window.end else None
    try:
        report = data.forecast(role, origin=origin)
    except MicrogridError as error:
        said = texts(
            "monthly.forecast.none", role=texts(f"role.{role}"), reason=refusal_text(error, texts)
        )
        yield Paragraph(said, "note")
        return
    # What a refused model's note says is for whoever runs the site: files, commands.
    refused = any(note.code == REFUSED for note in report.notes)
    notes = [note for note in report.notes if note.code != REFUSED]
    shown = report.model_copy(update={"notes": notes})
    content = describe_forecast(shown, data.history(role), facts.site, texts)
    yield figure_block(content.chart, texts, level=3)
    made = texts("monthly.forecast.from", moment=texts.moment(report.origin))
    why = (texts("monthly.forecast.refused"),) if refused else ()
    yield Paragraph(" ".join((made, *content.words, *why, *content.warnings)))
    yield table_block(content.days)


def _past(facts: Facts, texts: Texts) -> Iterator[Block]:
    heads = ("role", "served", "made", "scored", "mae", "bias", "best", "in80", "in95")
    wide = {"served", "best"}
    yield TableBlock(
        columns=tuple(
            Column(
                texts(f"monthly.head.{head}"),
                "left" if head in wide or head == "role" else "right",
                head in wide,
            )
            for head in heads
        ),
        rows=tuple(_row(review, texts) for review in facts.reviews),
        title=texts("monthly.forecast.past"),
        caption=texts("monthly.forecast.past.what"),
        level=3,
    )


def _row(review: ForecastReview, texts: Texts) -> tuple[str, ...]:
    undefined = texts("card.undefined")
    best = review.best_baseline
    if review.mae is None or review.bias is None or best is None:
        return (texts(f"role.{review.role}"), *[undefined] * 8)
    served = [
        texts("monthly.served", name=model_name(name, texts), count=count)
        for name, count in review.served.items()
    ]

    def of(value: float) -> str:
        return f"{amount(value, texts)}{_NBSP}{review.unit}"

    def inside(share: float | None) -> str:
        return undefined if share is None else f"{texts.number(100 * share, 1)}{_NBSP}%"

    return (
        texts(f"role.{review.role}"),
        texts.listing(served),
        texts.number(len(review.origins)),
        texts.number(review.hours),
        of(review.mae),
        of(review.bias),
        texts("monthly.best", name=model_name(best, texts), error=of(review.baselines[best])),
        inside(review.coverage80),
        inside(review.coverage95),
    )

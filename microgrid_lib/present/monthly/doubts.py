"""Doubtful channels of a report's own period, in words."""

from __future__ import annotations

from microgrid_lib.present.banner import doubt_text
from microgrid_lib.present.monthly.facts import Facts
from microgrid_lib.present.texts import Texts


def doubt_texts(facts: Facts, texts: Texts) -> tuple[str, ...]:
    """What the data say against the profile's reading, a text per channel."""
    reading = facts.profile.spec.reading
    return tuple(
        doubt_text(result, str(reading), texts)
        for result in facts.doubts
        if reading is not None and result.favoured not in (None, reading)
    )

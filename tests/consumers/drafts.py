"""Consumers for the tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from microgrid_lib.consumers.fields import MAX_NAME, MAX_NOTES, MAX_RATED_POWER_KW
from microgrid_lib.consumers.model import (
    Consumer,
    ConsumerDraft,
    ConsumerKind,
    ConsumerType,
    check_draft,
    parse_draft,
)

SITE = "mesa_del_sol"
HOSTILE = (
    "=cmd()",
    "'=cmd()",
    "''=cmd()",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝cmd()",
    "'t Hof",
    'say "hi", twice',
    '"=1+1"',
    "a;=1+1",
    "a,b;c",
    '=HYPERLINK("http://x","y")',
    "🏥 العيادة",
    "\u202eمستشفى\u202c",
    "𝔐𝔢𝔰𝔞 𠜎",
    "e\u0301cole",
    "NULL",
    "nan",
    "007",
    "1e3",
    "TRUE",
    "_x0041_",
    "'); DROP TABLE consumers;--",
    "100%_\\",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "| pipe | `code`",
    "\\",
    "x" * MAX_NAME,
    "🏥" * MAX_NAME,
)


def draft(**given: Any) -> ConsumerDraft:
    values = {
        "name": "Clinic",
        "type": "critical",
        "kind": "hospital",
        "latitude": 35.0,
        "longitude": -106.6,
        "rated_power_kw": 120.0,
    }
    return parse_draft({**values, **given})


def consumer(number: int = 0, **given: Any) -> Consumer:
    """A consumer as it is stored."""
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    return Consumer(
        **draft(**given).model_dump(),
        id=f"00000000-0000-4000-8000-{number:012d}",
        site=SITE,
        created_by="olga",
        created_at=at,
        updated_by="ada",
        updated_at=at,
        version=1,
    )


def _accepted(name: str) -> bool:
    return not check_draft({**draft().model_dump(), "name": name})


def _accepted_notes(notes: str) -> bool:
    return not check_draft({**draft().model_dump(), "notes": notes})


# Mostly what breaks files and spreadsheets, sometimes anything.
_tricky = st.text(st.sampled_from("=+-@＝'\"`;,|\t\n\r \\aé🏥م\u202e\u0301_%x0041"), max_size=30)
names = st.one_of(st.sampled_from(HOSTILE), _tricky, st.text(min_size=1, max_size=MAX_NAME)).filter(
    _accepted
)
all_notes = st.one_of(
    st.none(), st.sampled_from(HOSTILE), _tricky, st.text(max_size=MAX_NOTES // 10)
).filter(lambda notes: notes is None or _accepted_notes(notes))
drafts = st.builds(
    draft,
    name=names,
    type=st.sampled_from(ConsumerType),
    kind=st.sampled_from(ConsumerKind),
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    rated_power_kw=st.none() | st.floats(0, MAX_RATED_POWER_KW),
    notes=all_notes,
)

"""Charts and sections to put on paper: made-up samples with a gap, a band and an envelope."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from pypdf import PdfReader

from microgrid_lib.present.charts import Band, Chart
from microgrid_lib.present.production import PRODUCTION
from microgrid_lib.present.sections import SectionContent, prepare_section
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report.pages import About, about
from tests.dashboard.fakes import FakeLibrary

GENERATED = datetime(2022, 8, 1, 15, 30, tzinfo=UTC)
HOSTILE = (
    '#read("/etc/passwd")',
    "]]} ) #panic() [x",
    "\\ $x^2$ *b* _i_ `c` @ref <l> // /* ~ --- = - +",
    '"; sys.inputs // "',
    "<script>alert(1)</script> & &amp;",
    "=cmd()|' /C calc'!A0",
    "漢字 かな 한국어",
    "😀 👩‍👩‍👧 🏭 🇫🇷",
    "العربية مستشفى",
    "שלום עולם",
    "ไทย हिन्दी",
    "e\u0301\u0302\u0303 \u200d\u200d\ufe0f",
    "a\x00b\x07c\ud800d\ue000e\ufffef\U0010ffff\ufeff",
    "\u202etxet desrever\u2066x",
    "W" * 200,
    "",
)


@lru_cache
def section(
    language: str = "en",
    start: str = "2022-07-05",
    end: str = "2022-07-08",
    profile: str = "as_published",
) -> tuple[SectionContent, About]:
    texts = texts_for(language)
    data = FakeLibrary().open_site("mesa_del_sol", profile)
    window = data.window(start, end)
    content = prepare_section(PRODUCTION, data, window, texts, texts("against.7d"))
    return content, about(data, window, texts)


def chart(language: str = "en", name: str = "battery") -> Chart:
    content, _ = section(language)
    found = next(c for c in content.charts if c.name == name)
    return replace(found, bands=(Band(-10.0, 10.0, "limit_a $x$"),))


def pages(pdf: bytes) -> list[str]:
    """Text of each page; every blank is a plain one, as breaks and widths differ."""
    reader = PdfReader(io.BytesIO(pdf))
    return [" ".join(page.extract_text().split()) for page in reader.pages]

"""Reports on the page: what is offered, who may make one, and which files can be taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from microgrid_lib.access import AccessDeniedError, Actor, Role
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.page import Page
from microgrid_lib.dashboard.parts.reports import ROWS, ReportsPart
from microgrid_lib.dashboard.reporting.job import Outcome, make_beside
from microgrid_lib.dashboard.reporting.model import ReportsModel, period_looked_at
from microgrid_lib.errors import UnknownNameError
from microgrid_lib.present.texts import texts_for
from microgrid_lib.report import Kind, ReportOrder, make
from microgrid_lib.report.errors import ReportError
from microgrid_lib.report.shelf import past_reports, read_report
from microgrid_lib.settings import Settings, load_settings
from microgrid_lib.window import Window
from tests.dashboard.fakes import FakeLibrary

VIEWER, OPERATOR = Actor("vera", Role.viewer), Actor("otto", Role.operator)
SITE = "mesa_del_sol"


@dataclass(frozen=True)
class FakePage:
    visitor: Actor = OPERATOR

    @property
    def settings(self) -> Settings:
        return load_settings()


def page(actor: Actor = OPERATOR) -> Page:
    return cast(Page, FakePage(actor))


def view(start: str = "2022-07-01", end: str = "2022-08-01", language: str = "en") -> Loaded:
    data: Any = FakeLibrary().open_site(SITE, "as_published")
    window = data.window(start, end)
    return Loaded(data, window, texts_for(language), "", window.end, synthetic=True)


def put(home: Path, name: str, **changes: Any) -> Path:
    """Lay a report and its manifest into the folder."""
    folder = home / "reports"
    folder.mkdir(exist_ok=True)
    manifest = {
        "file": f"{name}.pdf",
        "sha256": "",
        "pages": 3,
        "kind": "daily",
        "site": SITE,
        "status": "made",
        "parameters": {"period": "2022-07-05", "language": "en"},
        "window": None,
        "inputs": {
            "state": "",
            "version": 1,
            "files": {},
            "site": "",
            "profile": "",
            "models": "",
            "acknowledgements": "",
            "consumers": None,
        },
        "software": {"microgrid": "", "python": "", "code": None, "template": "", "packages": {}},
        "seed": 1,
        "made": "2022-08-01T00:00:00Z",
        "seconds": 1.0,
        **changes,
    }
    (folder / f"{name}.json").write_text(json.dumps(manifest), encoding="utf-8")
    path = folder / f"{name}.pdf"
    path.write_bytes(b"%PDF-1.7 " + name.encode())
    return path


def maker(outcome: Outcome | Exception, seen: list[ReportOrder]) -> Any:
    async def make_it(order: ReportOrder, told: Callable[[int, int], None]) -> Outcome:
        seen.append(order)
        told(1, 2)
        await asyncio.sleep(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return make_it


@pytest.mark.parametrize(
    ("start", "end", "kind", "period"),
    [
        ("2022-07-01", "2022-08-01", Kind.monthly, "2022-07"),
        ("2022-07-03", "2022-08-02", Kind.monthly, "2022-07"),
        ("2022-07-04", "2022-07-11", Kind.weekly, "2022-W27"),
        ("2022-07-05", "2022-07-12", Kind.weekly, "2022-W27"),
        ("2022-07-05", "2022-07-06", Kind.daily, "2022-07-05"),
        ("2022-07-05T12:00", "2022-07-06T12:00", Kind.daily, "2022-07-06"),
    ],
)
def test_the_report_offered_first_is_the_one_on_the_period_looked_at(
    home: Path, start: str, end: str, kind: Kind, period: str
) -> None:
    model = ReportsModel(page())
    loaded = view(start, end, "fr")
    model.show(loaded)
    assert model.kind == kind
    offered = model.offers()[kind].order
    assert (offered.site, offered.period, offered.language) == (SITE, period, "fr")
    assert period_looked_at(kind, loaded.window) == period


def test_an_operator_makes_a_report_and_sees_how_far_it_is(home: Path) -> None:
    seen: list[ReportOrder] = []
    model = ReportsModel(page(), maker(Outcome("made", "new.pdf", ""), seen))
    part = ReportsPart(page(), model)
    part.load(view())
    steps: list[tuple[str, int, int]] = []
    model.observe(
        lambda _: steps.append((model.status, model.done, model.of)), names=["done", "status"]
    )
    assert not part.button.disabled
    put(home, "new")
    asyncio.run(model.make())
    assert ("making", 1, 2) in steps
    assert (model.status, model.file) == ("made", "new.pdf")
    assert [one.file for one in model.past] == ["new.pdf"]
    assert seen == [model.offers()["monthly"].order]


def test_a_viewer_may_take_reports_but_not_make_them(home: Path) -> None:
    put(home, "there")
    seen: list[ReportOrder] = []
    model = ReportsModel(page(VIEWER), maker(Outcome("made", "", ""), seen))
    part = ReportsPart(page(VIEWER), model)
    part.load(view())
    assert part.button.disabled
    asyncio.run(model.make())
    assert (model.status, seen) == ("failed", [])
    assert "'vera' (viewer) may not make reports" in model.reason
    part.rows[0].download.button.click()
    assert part.rows[0].download.model.file.content == b"%PDF-1.7 there"


def test_what_goes_wrong_is_one_escaped_line(home: Path) -> None:
    model = ReportsModel(page(), maker(ReportError("<b>cell\n3"), []))
    part = ReportsPart(page(), model)
    part.load(view())
    asyncio.run(model.make())
    assert (model.status, model.reason) == ("failed", "<b>cell 3")
    assert "&lt;b&gt;cell 3" in part._said.value
    assert not part.button.disabled


def test_the_list_has_its_pages_and_both_languages(home: Path) -> None:
    for number in range(ROWS + 3):
        put(home, f"r{number:02d}", made=f"2022-08-{number + 1:02d}T00:00:00Z")
    put(home, "other", site="trade_street")
    part = ReportsPart(page())
    part.load(view(language="fr"))
    assert len(part._list.children) == ROWS
    assert f"1–{ROWS} sur {ROWS + 3}" in part._where.value
    assert "Bulletin journalier, 5 juil. 2022" in part.rows[0]._text.value
    assert 'data-report="r12.pdf"' in part.rows[0]._text.value
    part.later.click()
    assert len(part._list.children) == 3
    assert 'data-report="r02.pdf"' in part.rows[0]._text.value


def test_only_files_of_the_folder_with_a_manifest_of_their_own_can_be_read(
    home: Path, tmp_path: Path
) -> None:
    settings = load_settings()
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(b"secret")
    put(home, "good")
    put(home, "lying", file="../../secret.pdf")
    put(home, "linked").unlink()
    (home / "reports" / "linked.pdf").symlink_to(secret)
    (home / "reports" / "bare.pdf").write_bytes(b"no manifest")
    (home / "reports" / "broken.json").write_text("{", encoding="utf-8")
    assert [one.file for one in past_reports(settings, VIEWER, SITE)] == ["good.pdf"]
    for name in ("../../secret.pdf", "linked.pdf", "bare.pdf", str(secret), "", "good.json"):
        with pytest.raises(UnknownNameError):
            read_report(settings, VIEWER, SITE, name)
    with pytest.raises(UnknownNameError):
        read_report(settings, VIEWER, "trade_street", "good.pdf")
    assert read_report(settings, VIEWER, SITE, "good.pdf").startswith(b"%PDF")


def test_making_is_checked_where_it_is_done(home: Path) -> None:
    from microgrid_lib.report.shelf import require_making

    with pytest.raises(AccessDeniedError):
        require_making(VIEWER)
    require_making(OPERATOR)


def test_a_report_is_made_in_a_process_of_its_own(home: Path) -> None:
    steps: list[tuple[int, int]] = []
    order = ReportOrder(Kind.consumers, SITE, language="fr")
    done = asyncio.run(make_beside(order, lambda *step: steps.append(step)))
    assert (done.status, done.reason) == ("made", "")
    assert (home / "reports" / done.file).read_bytes().startswith(b"%PDF")
    assert steps[-1][0] == steps[-1][1] > 1
    (past,) = past_reports(load_settings(), VIEWER, SITE)
    assert (past.kind, past.period, past.language, past.pages) == ("consumers", "", "fr", 1)


def test_a_report_that_cannot_be_made_beside_says_why(home: Path) -> None:
    order = ReportOrder(Kind.daily, SITE, "2199-01-01")
    done = asyncio.run(make_beside(order, lambda *_: None))
    assert (done.status, done.reason) == ("failed", "the period 2199-01-01 is in the future")


def test_a_process_that_dies_is_told_apart(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgrid_lib.dashboard.reporting.job._WORKER", "microgrid_lib.errors")
    with pytest.raises(ReportError, match="ended early"):
        asyncio.run(make_beside(ReportOrder(Kind.consumers, SITE), lambda *_: None))


def test_reports_made_by_the_library_are_on_the_list(home: Path) -> None:
    made = make(ReportOrder(Kind.consumers, SITE), now=datetime(2026, 1, 1, tzinfo=UTC))
    assert made.file is not None
    (past,) = past_reports(load_settings(), VIEWER, SITE)
    assert past.file == made.file.name
    assert past.made == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_week_of_the_window_needs_a_zone() -> None:
    window = Window(datetime(2022, 7, 4, tzinfo=UTC), datetime(2022, 7, 11, tzinfo=UTC))
    assert period_looked_at(Kind.weekly, window) == "2022-W27"

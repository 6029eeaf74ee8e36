"""The life of consumers in a real browser, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from microgrid_lib.access import Actor, Role
from microgrid_lib.api import SiteData
from microgrid_lib.consumers.importing import import_content
from microgrid_lib.consumers.model import Consumer
from microgrid_lib.consumers.reading import ImportFormat
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.settings import Settings
from tests.browser.conftest import START, TOKEN
from tests.consumers.drafts import SITE, draft

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ADA = Actor("ada", Role.admin)
HOSTILE = "<img src=x onerror=document.title='hacked'>"
WAIT_MS = 150_000
FILE = f"""name,type,kind,latitude,longitude,rated_power_kw
Pump,critical,water,35.001,-106.601,7.5
"{HOSTILE}",non-critical,office,34.999,-106.599,
"""


@dataclass
class Place:
    """A dashboard that the machine's owner looks at, and its store."""

    address: str
    store: ConsumerStore


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, chromium: str, demo_site: SiteData, tmp_path_factory: Any
) -> Iterator[Place]:
    settings = Settings(home=demo_site.settings.home)
    environment = os.environ | {
        "MICROGRID_HOME": str(settings.home),
        "MICROGRID_TOKEN": TOKEN,
    }
    environment.pop("MICROGRID_CONFIG", None)
    url = f"sqlite:///{tmp_path_factory.mktemp('consumers') / 'consumers.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres")()
    environment["MICROGRID_DATABASE_URL"] = url
    settings = settings.model_copy(update={"database_url": SecretStr(url)})
    with (
        ConsumerStore.open(settings) as store,
        subprocess.Popen(
            [sys.executable, "-c", START],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        address = process.stdout.readline().strip().removeprefix("Dashboard: ").partition("?")[0]
        yield Place(f"{address}voila/render/consumers.ipynb?lang=en&token={TOKEN}", store)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def stored(place: Place) -> dict[str, Consumer]:
    return {one.name: one for one in place.store.select()}


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def said(page: Any, text: str) -> None:
    """Wait until the page says it."""
    page.locator("[data-message], [data-undo]").filter(has_text=text).wait_for()


def field(page: Any, name: str) -> Any:
    return page.locator(".mg-form").get_by_label(name, exact=True)


def test_the_life_of_a_consumer(visit: Any, place: Place, tmp_path: Path) -> None:
    page = visit.page
    page.set_default_timeout(WAIT_MS)
    page.goto(place.address)
    page.locator("[data-list='empty']").filter(has_text="No consumers yet").wait_for()

    # Placed by a click on the map.
    page.locator(".leaflet-container .mg-outline").click()
    page.wait_for_function("() => document.querySelectorAll('.mg-form input')[1].value !== ''")
    assert abs(float(field(page, "Latitude [°]").input_value()) - 35) < 0.001
    field(page, "Name").fill("Clinic")
    field(page, "Type").select_option(label="Critical")
    press(page, "Save")
    page.locator("[data-problem='kind']").wait_for()
    assert stored(place) == {}
    field(page, "Kind").select_option(label="Hospital")
    press(page, "Save")
    said(page, "“Clinic” is added.")
    assert stored(place)["Clinic"].version == 1
    page.locator("path.mg-spot").wait_for(state="attached")

    # Moved by dragging its pin.
    before = stored(place)["Clinic"]
    pin = page.locator(".leaflet-marker-icon").bounding_box()
    page.mouse.move(pin["x"] + 16, pin["y"] + 15)
    page.mouse.down()
    page.mouse.move(pin["x"] + 66, pin["y"] + 15, steps=5)
    page.mouse.up()
    page.wait_for_function(
        "before => document.querySelectorAll('.mg-form input')[2].value !== before",
        arg=repr(before.longitude),
    )
    press(page, "Save")
    said(page, "“Clinic” is saved.")
    moved = stored(place)["Clinic"]
    assert moved.version == 2
    assert moved.longitude > before.longitude

    # Edited, while Ada changes it as well: a conflict, overwritten knowingly.
    place.store.update(moved.id, 2, moved.draft.model_copy(update={"name": "Ada's"}), ADA)
    field(page, "Name").fill("Olga's")
    press(page, "Save")
    page.locator("[data-conflict='changed']").filter(has_text="ada changed this").wait_for()
    assert list(stored(place)) == ["Ada's"]
    press(page, "Overwrite it with mine")
    said(page, "“Olga's” is saved.")
    assert stored(place)["Olga's"].version == 4

    # Deleted after a question, and back again.
    press(page, "Delete")
    page.locator(".mg-question").get_by_role("button", name="Delete").click()
    said(page, "“Olga's” is deleted.")
    assert stored(place) == {}
    press(page, "Undo")
    said(page, "“Olga's” is back.")
    assert stored(place)["Olga's"].version == 6

    # Imported: first the report, then everything.
    with page.expect_file_chooser() as chooser:
        press(page, "Choose a file")
    content = {"name": "list.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    chooser.value.set_files(content)
    page.locator("[data-import='dry']").filter(has_text="2 new").wait_for()
    assert len(stored(place)) == 1
    press(page, "Import all (2)")
    said(page, "list.csv is imported (2 rows).")
    assert set(stored(place)) == {"Olga's", "Pump", HOSTILE}

    # A name is text, in the list by keyboard as in the form.
    button = page.locator("[data-consumer]").get_by_role("button", name=HOSTILE)
    button.focus()
    page.keyboard.press("Enter")
    page.locator("[aria-current] button:focus").wait_for()
    playwright.expect(field(page, "Name")).to_have_value(HOSTILE, timeout=WAIT_MS)
    assert page.locator(".mg-app img").count() == 0
    assert page.title() != "hacked"

    # Exported as filtered; what comes back is what is stored.
    page.get_by_label("Search").fill("pump")
    page.keyboard.press("Enter")
    page.locator("[data-total='all'][data-count='1']").wait_for()
    press(page, "Download CSV")
    with page.expect_download() as download:
        page.locator("a.mg-save").click()
    download.value.save_as(tmp_path / "list.csv")
    report = import_content(
        place.store, (tmp_path / "list.csv").read_bytes(), ImportFormat.csv, "list.csv", SITE, ADA
    )
    assert [(row.name, str(row.action)) for row in report.rows] == [("Pump", "unchanged")]


sqlite_alone = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


@sqlite_alone
def test_a_file_too_large_for_the_connection_is_refused_by_the_page(
    visit: Any, place: Place, tmp_path: Path
) -> None:
    page = visit.page
    page.set_default_timeout(WAIT_MS)
    page.goto(place.address)
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 11_000_000)
    with page.expect_file_chooser() as chooser:
        press(page, "Choose a file")
    chooser.value.set_files(large)
    said(page, "large.csv is larger than 8 MB")
    press(page, "New consumer")
    field(page, "Name").wait_for()


@sqlite_alone
def test_a_thousand_consumers_are_on_the_map(visit: Any, place: Place) -> None:
    with place.store.transaction() as (connection, at):
        from microgrid_lib.consumers import changes

        for n in range(1000):
            spread = {"latitude": 35 + n % 37 / 5000, "longitude": -106.6 + n % 41 / 5000}
            changes.add(connection, f"{n:036d}", SITE, draft(name=f"N{n}", **spread), ADA, at)
    page = visit.page
    page.set_default_timeout(WAIT_MS)
    page.goto(place.address)
    page.locator("path.mg-spot").first.wait_for(state="attached")
    looks = page.locator("path.mg-spot").evaluate_all("all => all.map(e => e.getAttribute('fill'))")
    shown = sum(int(look.split("-")[2]) for look in looks)
    assert shown == len(place.store.select())
    assert page.locator("[data-consumer]").count() == 25

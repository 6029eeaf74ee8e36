"""A real Voilà on demo data, and a real Chromium that may talk to nobody else."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from microgrid_lib.api import SiteData, open_site
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import Settings

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

START = "import sys; from microgrid_lib.dashboard.serve import serve; sys.exit(serve())"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
READY_MS = 180_000
TOKEN = "token-of-the-browser-tests"  # noqa: S105  of a test


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium; a missing one is a failure where the browser is required."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    message = "no Chromium on the PATH: apt-get install chromium"
    if os.environ.get("MICROGRID_REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory, demo_month: Path) -> SiteData:
    """Mesa del Sol with a month of demo data, in a home of its own with another site, empty."""
    settings = Settings(home=tmp_path_factory.mktemp("browser-home"))
    mesa = resource_path("data/sites/mesa_del_sol.toml").read_text("utf-8")
    empty = mesa.replace('"mesa_del_sol"', '"empty"', 1)
    (settings.home / "sites").mkdir()
    (settings.home / "sites/empty.toml").write_text(
        re.sub("^title = .*", 'title = "Nothing yet"', empty, count=1, flags=re.MULTILINE), "utf-8"
    )
    data = open_site("mesa_del_sol", settings=settings)
    data.ingest([demo_month])
    return data


@pytest.fixture(scope="session")
def address(chromium: str, demo_site: SiteData) -> Iterator[str]:
    """Address of a dashboard on that home."""
    environment = os.environ | {"MICROGRID_HOME": str(demo_site.settings.home)}
    environment |= {"MICROGRID_TOKEN": TOKEN}
    environment.pop("MICROGRID_CONFIG", None)
    with subprocess.Popen(
        [sys.executable, "-c", START],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.endswith(f"/?token={TOKEN}")
        yield line.removeprefix("Dashboard: ").partition("?")[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@dataclass
class Visit:
    """A page, and what went wrong on it."""

    page: playwright.Page
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, url: str, section: str = "production") -> None:
        """Open an address at a section, as the machine's owner, and wait for it."""
        joined = "&" if "?" in url else "?"
        self.page.goto(f"{url}{joined}section={section}&token={TOKEN}", timeout=READY_MS)
        assert "token" not in self.page.url
        self.page.wait_for_selector(f"[data-section='{section}']", timeout=READY_MS)
        self.page.wait_for_selector(".mg-chart .bqplot .tick", state="attached", timeout=READY_MS)

    def begin(self) -> None:
        """Go to where a visitor begins, in the page that is open: a new kernel takes seconds."""
        self.page.evaluate(
            """() => {
                const field = document.querySelector('.mg-bridge-in input');
                const query =
                    'site=mesa_del_sol&profile=as_published&period=24h&section=production&lang=en';
                field.value = new URLSearchParams({ query, at: Date.now() });
                field.dispatchEvent(new Event('change', { bubbles: true }));
            }"""
        )
        self.page.wait_for_url("**profile=as_published&period=24h&section=production&lang=en")
        self.page.wait_for_selector("[data-section='production'][data-profile='as_published']")

    def value(self, kpi: str) -> str:
        """`data-value` of a card."""
        return str(self.page.get_attribute(f"[data-kpi='{kpi}']:visible", "data-value"))

    def check(self) -> None:
        """Fail on requests to other machines, errors of the page's scripts, and failed cells."""
        assert self.outside == []
        assert self.errors == []
        assert "There was an error when executing cell" not in self.page.inner_text("body")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as runner:
        opened = runner.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


def _visitor(browser: playwright.Browser, options: dict[str, Any]) -> Visit:
    """Make a fresh visitor; every request that leaves this machine is blocked and counted."""
    context = browser.new_context(**({"viewport": {"width": 1440, "height": 1000}} | options))
    visited = Visit(context.new_page())

    def check(route: playwright.Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "data:")):
            route.continue_()
        else:
            visited.outside.append(route.request.url)
            route.abort()

    context.route("**/*", check)
    visited.page.on("pageerror", lambda error: visited.errors.append(str(error)))
    return visited


@pytest.fixture
def visit(browser: playwright.Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A fresh visitor; options of the browser's context by `@pytest.mark.parametrize(indirect)`."""
    visited = _visitor(browser, getattr(request, "param", {}))
    yield visited
    visited.check()
    visited.page.context.close()


@pytest.fixture(scope="session")
def _opened(browser: playwright.Browser, address: str) -> Iterator[Visit]:
    visited = _visitor(browser, {})
    visited.open(address)
    yield visited
    visited.page.context.close()


@pytest.fixture
def shared(_opened: Visit) -> Iterator[Visit]:
    """A visitor who has been here before, back where visitors begin."""
    _opened.begin()
    yield _opened
    _opened.check()

"""The server: one line when it can be reached, our pages only, a clean end."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from microgrid_lib.dashboard.listen import DEFAULT_PORT, ServeError, bind
from microgrid_lib.dashboard.serve import serve

Running = tuple[subprocess.Popen[str], int, str]
START = "import sys; from microgrid_lib.dashboard.serve import serve; sys.exit(serve())"


def test_a_port_asked_for_and_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {port} is in use") as caught:
            bind(port)
    assert "\n" not in str(caught.value)


def test_a_port_that_cannot_be_is_one_line() -> None:
    with pytest.raises(ServeError, match="99999 isn't a port"):
        bind(99999)


def test_without_a_wish_the_next_free_port_is_taken() -> None:
    first, port = bind(None)
    second, other = bind(None)
    try:
        assert DEFAULT_PORT <= port < other
        assert first[0].getsockname()[0] == "127.0.0.1"
    finally:
        for listening in (*first, *second):
            listening.close()


def test_a_notebook_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="no such notebook"):
        serve(None, tmp_path / "none.ipynb")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("home")
    process = subprocess.Popen(
        [sys.executable, "-c", START],
        env=os.environ | {"MICROGRID_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"Dashboard: http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n", line)
    assert found
    yield process, int(found[1]), found[2]
    if process.poll() is None:
        process.kill()
    process.communicate()


def get(port: int, path: str, host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/voila/tree",
        "/voila/files/dashboard.ipynb",
        "/voila/render/explore.txt",
        "/voila/render/../pyproject.toml",
        "/voila/api/contents/dashboard.ipynb",
        "/api/contents",
        "/api/kernels",
        "/lab",
        "/etc/passwd",
    ],
)
def test_nothing_else_can_be_reached(server: Running, path: str) -> None:
    status, text = get(server[1], path)
    assert status == 404
    assert "There is no such page here." in text


def test_a_name_of_another_machine_is_refused(server: Running) -> None:
    assert get(server[1], "/nothing", host="attacker.example")[0] == 403


def test_style_and_script_are_served(server: Running) -> None:
    for name in ("tokens.css", "microgrid.css", "microgrid.js", "favicon.svg"):
        assert get(server[1], f"/voila/templates/microgrid/static/{name}")[0] == 200


def enter(port: int, token: str) -> tuple[str, bool]:
    """Come with a token; where it leads, and whether a session began."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", f"/?token={token}&lang=fr&period=7d")
        answer = connection.getresponse()
        # An answer that isn't read keeps its socket, whatever becomes of the connection.
        answer.read()
        assert answer.status == 302
        cookies = answer.headers.get_all("Set-Cookie") or []
        return answer.headers["Location"], any(c.startswith("microgrid-") for c in cookies)
    finally:
        connection.close()


def test_the_address_printed_lets_one_browser_in_and_then_another_is_printed(
    server: Running,
) -> None:
    process, port, token = server
    assert enter(port, "guess") == ("/?lang=fr&period=7d", False)
    assert enter(port, token) == ("/?lang=fr&period=7d", True)
    assert enter(port, token) == ("/?lang=fr&period=7d", False)
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"for another browser: http://127\.0\.0\.1:\d+/\?token=([\w-]{43})$", line)
    assert found
    assert enter(port, found[1]) == ("/?lang=fr&period=7d", True)


def test_an_interrupt_ends_it_without_a_word(server: Running) -> None:
    process, *_ = server
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err

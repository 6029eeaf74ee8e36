"""Attacks on a running server: by strangers, by other sites, and by people who are inside."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import websocket

from microgrid_lib.access import Actor, Role
from microgrid_lib.accounts.store import AccountStore
from microgrid_lib.dashboard.visitor import VISITOR_HEADER, visitor_text
from microgrid_lib.settings import Settings
from tests.guard.server import Client, Server, message, send, wait_for_reply

ADMIN = Actor("root", Role.admin)
PASSWORD = "correct horse battery"  # noqa: S105  of a test


@dataclass
class Page:
    """Someone who is inside, with a page open."""

    client: Client
    kernel: str
    text: str

    @property
    def channels(self) -> str:
        return f"/api/kernels/{self.kernel}/channels?session_id={uuid.uuid4().hex}"


@dataclass
class Scene:
    """The server, its accounts, and two people inside."""

    server: Server
    accounts: AccountStore
    folder: Path
    olga: Page
    victor: Page
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(2, 250)))

    def stranger(self) -> Client:
        return Client(self.server.port, f"203.0.113.{next(self.numbers)}")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("attacks")
    home = folder / "home"
    accounts = AccountStore.open(Settings(home=home))
    accounts.add("olga", Role.operator, PASSWORD, ADMIN)
    accounts.add("victor", Role.viewer, PASSWORD, ADMIN)
    server = Server(folder, HOME=str(home), TRUSTED_PROXIES="127.0.0.1", KERNELS="5")
    pages = []
    for number, name in enumerate(("olga", "victor")):
        client = Client(server.port, f"198.51.100.{number}")
        assert client.log_in(name, PASSWORD).status == 303
        pages.append(Page(client, *client.open_page(f"who={name}")))
    yield Scene(server, accounts, folder, pages[0], pages[1])
    log = server.stop()
    accounts.close()
    assert "Traceback" not in log
    assert log.count("\n") < 60, log


def refused(client: Client, path: str, **headers: str) -> int:
    """Status of a websocket that is refused."""
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        client.socket(path, **headers)
    return int(caught.value.status_code)


def test_a_stranger_is_led_to_the_login_and_sees_nothing(scene: Scene) -> None:
    stranger = scene.stranger()
    for path in ("/", "/?period=7d", "/voila/render/page.ipynb"):
        answer = stranger.get(path)
        assert answer.status == 302
        assert answer.location.startswith("/login?next=")
        assert answer.text == ""
    assert stranger.get(f"/api/kernels/{scene.olga.kernel}").status == 403
    assert stranger.post(f"/voila/api/shutdown/{scene.olga.kernel}", {}).status == 403
    assert refused(stranger, scene.olga.channels) == 403
    assert stranger.get("/logout").status == 302


CLOSED = [
    *("/api", "/api/kernels", "/api/sessions", "/api/terminals", "/api/contents", "/api/status"),
    *("/api/kernelspecs", "/api/me", "/api/config/x", "/api/nbconvert", "/metrics", "/tree"),
    *("/terminals/1", "/terminals/websocket/1", "/files/page.ipynb", "/lab", "/doc", "/hub"),
    *("/nbconvert/html/page.ipynb", "/notebooks/page.ipynb", "/static/", "/custom/custom.css"),
    *("/voila/tree", "/voila/files/page.ipynb", "/voila/files/secret.txt", "/voila/static/"),
    *("/voila/api/contents/", "/voila/api/themes/", "/voila/execution/", "/voila/labextensions/"),
    *("/voila/templates/", "/voila/templates/lab/static/index.css", "/voila/render/"),
    *("/voila/render/secret.txt", "/voila/render/other.ipynb", "/api/security/csp-report"),
    *("/voila/render/../notebooks/page.ipynb", "/voila/render/%2e%2e/page.ipynb"),
    *("/voila/render/..%2fpage.ipynb", "/voila/render//etc/passwd.ipynb", "/etc/passwd"),
    *("/voila/static/../../../../etc/passwd", "/voila/static/%2e%2e/%2e%2e/etc/passwd"),
    *("/voila/static/..%2f..%2f..%2fetc%2fpasswd", "/voila/static//etc/passwd"),
    *("/voila/templates/microgrid/static/../index.html.j2", "/voila/templates/microgrid/conf.json"),
    *("/voila/templates/microgrid/static/%2e%2e/index.html.j2", "/voila/static/.hidden"),
    *("/voila/labextensions/../../../etc/passwd", "/voila/labextensions/%2e%2e/%2e%2e/x"),
    *("//evil.example/", "/\\evil.example", "/voila/static/%00", "/login/", "/voila/static/a\\b"),
]


def test_nothing_else_is_there_for_anyone(scene: Scene) -> None:
    for client in (scene.olga.client, scene.stranger()):
        found = {path: client.get(path).status for path in CLOSED}
        assert set(found.values()) <= {400, 404}, found
    for path in ("/api/kernels", "/api/sessions", "/api/terminals", f"/api/kernels/{uuid.uuid4()}"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            form = {"_xsrf": scene.olga.client.cookies["_xsrf"]}
            assert scene.olga.client.ask(method, path, form).status in {404, 405}
    kernel = f"/api/kernels/{scene.olga.kernel}"
    for path in (f"{kernel}/restart", f"{kernel}/interrupt"):
        assert scene.olga.client.post(path, {}).status == 404
    form = {"_xsrf": scene.olga.client.cookies["_xsrf"]}
    assert scene.olga.client.ask("DELETE", kernel, form).status == 405


def test_a_kernel_is_told_who_came_by_the_server_alone(scene: Scene) -> None:
    assert "Role.operator" in scene.olga.text
    assert "name=&#39;olga&#39;" in scene.olga.text
    assert "who=olga" in scene.olga.text
    forged = visitor_text(Actor("root", Role.admin))
    client = Client(scene.server.port, "198.51.100.77")
    assert client.log_in("victor", PASSWORD).status == 303
    answer = client.get("/?HTTP_X_MICROGRID_VISITOR=x", **{VISITOR_HEADER: forged})
    assert "Role.viewer" in answer.text
    assert "Role.admin" not in answer.text
    assert client.post("/logout", {}).status == 303


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("channel", ["shell", "control", "stdin", "iopub", "nothing"])
def test_code_sent_to_a_kernel_is_never_run(scene: Scene, binary: bool, channel: str) -> None:
    target = scene.folder / f"pwned-{channel}-{binary}"
    code = f"open({str(target)!r}, 'w').close()"
    socket = scene.victor.client.socket(scene.victor.channels, binary=binary)
    try:
        requests = [
            ("execute_request", {"code": code, "silent": False, "store_history": False}),
            ("inspect_request", {"code": "field", "cursor_pos": 1, "detail_level": 1}),
            ("complete_request", {"code": "open", "cursor_pos": 4}),
            ("history_request", {"hist_access_type": "tail", "n": 9, "output": True, "raw": True}),
            ("debug_request", {"command": "evaluate", "arguments": {"expression": code}}),
            ("create_subshell_request", {}),
            ("input_reply", {"value": code}),
            ("interrupt_request", {}),
            ("shutdown_request", {"restart": False}),
        ]
        for kind, content in requests:
            send(socket, message(kind, content, channel), binary)
        last = message("kernel_info_request", {}, "shell")
        send(socket, last, binary)
        received = "".join(wait_for_reply(socket, last))
    finally:
        socket.close()
    for answer in ("execute_reply", "inspect_reply", "complete_reply", "shutdown_reply"):
        assert answer not in received
    assert not target.exists()
    assert scene.victor.client.get(f"/api/kernels/{scene.victor.kernel}").status == 200


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_rubbish_on_the_socket_is_dropped(scene: Scene, binary: bool) -> None:
    socket = scene.victor.client.socket(scene.victor.channels, binary=binary)
    try:
        for rubbish in ("", "x", "[]", "null", '{"header": 1}', '{"channel": "shell"}'):
            socket.send(rubbish)
        for rubbish in (b"", b"\x00", b"\xff" * 64, (2**62).to_bytes(8, "little"), b"\x01" * 8):
            socket.send_binary(rubbish)
        last = message("kernel_info_request", {}, "shell")
        send(socket, last, binary)
        assert wait_for_reply(socket, last)
    finally:
        socket.close()


def test_two_types_in_one_header_do_not_slip_through(scene: Scene) -> None:
    target = scene.folder / "pwned-twice"
    sent = message("comm_info_request", {}, "shell")
    code = {"code": f"open({str(target)!r}, 'w').close()", "silent": True}
    text = json.dumps(sent | {"content": code, "msg_type": "execute_request"})
    twice = text.replace(
        '"msg_type": "comm_info_request"',
        '"msg_type": "comm_info_request", "msg_type": "execute_request"',
    )
    reverse = text.replace(
        '"msg_type": "comm_info_request"',
        '"msg_type": "execute_request", "msg_type": "comm_info_request"',
    )
    socket = scene.victor.client.socket(scene.victor.channels)
    try:
        for attack in (text, twice, reverse):
            socket.send(attack)
        last = message("kernel_info_request", {}, "shell")
        send(socket, last, binary=False)
        assert "execute_reply" not in "".join(wait_for_reply(socket, last))
    finally:
        socket.close()
    assert not target.exists()


def test_the_kernel_of_another_session_is_not_there(scene: Scene) -> None:
    for thief, page in ((scene.victor, scene.olga), (scene.olga, scene.victor)):
        assert thief.client.get(f"/api/kernels/{page.kernel}").status == 404
        assert thief.client.post(f"/voila/api/shutdown/{page.kernel}", {}).status == 404
        assert refused(thief.client, page.channels) == 404
        assert page.client.get(f"/api/kernels/{page.kernel}").status == 200


def test_another_session_of_the_same_account_is_another_session(scene: Scene) -> None:
    again = Client(scene.server.port, "198.51.100.50")
    again.log_in("victor", PASSWORD)
    assert refused(again, scene.victor.channels) == 404


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Microgrid-Kernel-Key": ""}, {"X-Microgrid-Kernel-Key": "guess"}, {"Origin": ""}],
)
def test_what_a_kernel_is_told_is_for_that_kernel(scene: Scene, headers: dict[str, str]) -> None:
    for client in (scene.stranger(), scene.victor.client, scene.olga.client):
        assert refused(client, f"/voila/query/{scene.olga.kernel}", **headers) in {403, 404}
    assert refused(scene.stranger(), f"/voila/query/{uuid.uuid4()}", **headers) in {403, 404}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"]
)
def test_a_socket_from_a_page_elsewhere_is_refused(scene: Scene, origin: str) -> None:
    assert refused(scene.victor.client, scene.victor.channels, Origin=origin) == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1"])
def test_a_name_that_was_rebound_to_this_machine_is_refused(scene: Scene, host: str) -> None:
    for path in ("/", "/login", "/nothing", "/voila/static/voila.js", "/api/kernels"):
        assert scene.victor.client.get(path, Host=host).status == 403
    assert refused(scene.victor.client, scene.victor.channels, Host=host) == 403
    assert scene.victor.client.post("/login", {"name": "x"}, Host=host).status == 403


def test_what_a_proxy_would_say_counts_for_nothing_without_one(scene: Scene) -> None:
    stranger = scene.stranger()
    answer = stranger.get(
        "/",
        X_Forwarded_User="olga",
        X_Forwarded_Email="olga",
        X_Microgrid_Proxy_Secret="",
        Remote_User="olga",
        Authorization="token olga",
        Cf_Access_Jwt_Assertion="eyJhbGciOiJub25lIn0.eyJlbWFpbCI6Im9sZ2EifQ.",
    )
    assert answer.status == 302
    assert stranger.get("/?token=").location == "/"
    assert stranger.get("/?token=guess").location == "/"


def test_a_cookie_that_was_tampered_with_opens_nothing(scene: Scene) -> None:
    name = f"microgrid-{scene.server.port}"
    good = scene.victor.client.cookies[name]
    parts = good.strip('"').split("|")
    flipped = parts[-1][:-1] + ("0" if parts[-1][-1] != "0" else "1")
    for cookie in (
        "",
        "x",
        "|".join([*parts[:-1], flipped]),
        "|".join([*parts[:-2], "6:b2xnYQ==", parts[-1]]),
        good.replace("2|", "1|", 1),
    ):
        thief = scene.stranger()
        thief.cookies[name] = cookie
        assert thief.get("/").status == 302
    assert scene.victor.client.get("/login").status == 302


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites(scene: Scene) -> None:
    client = scene.stranger()
    answer = client.log_in("victor", PASSWORD)
    lines = answer.headers.get_all("Set-Cookie") or []
    (line,) = [line for line in lines if line.startswith("microgrid-")]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "expires" not in line.lower()


def test_a_new_login_in_the_same_browser_ends_the_session_before(scene: Scene) -> None:
    client = scene.stranger()
    client.log_in("victor", PASSWORD)
    before = dict(client.cookies)
    client.log_in("victor", PASSWORD)
    client.cookies = before
    assert client.get("/").status == 302


def test_forms_of_other_sites_log_nobody_in_or_out(scene: Scene) -> None:
    stranger = scene.stranger()
    form = {"name": "victor", "password": PASSWORD}
    assert stranger.post("/login", form, xsrf=False).status == 403
    stranger.get("/login")
    assert stranger.post("/login", form, xsrf=False).status == 403
    assert stranger.post("/login", form | {"_xsrf": "2|a|b|1"}, xsrf=False).status == 403
    assert stranger.post("/login", form, Origin="https://evil.example").status in {403, 404}
    victor = scene.victor.client
    assert victor.post("/logout", {}, xsrf=False).status == 403
    assert victor.get("/logout").status == 200
    assert victor.post("/logout", {}, Origin="https://evil.example").status in {403, 404}
    shutdown = f"/voila/api/shutdown/{scene.victor.kernel}"
    assert victor.post(shutdown, {}, xsrf=False).status == 403
    assert victor.get(f"/api/kernels/{scene.victor.kernel}").status == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_a_login_leads_nowhere_else(scene: Scene, target: str) -> None:
    stranger = scene.stranger()
    assert "evil.example" not in stranger.get("/login?next=" + target.replace("/", "%2F")).text
    answer = stranger.log_in("victor", PASSWORD, next=target)
    assert (answer.status, answer.location) == (303, "/")


def test_guessing_is_slowed_down_and_says_how_long(scene: Scene) -> None:
    scene.accounts.add("target", Role.viewer, PASSWORD, ADMIN)
    stranger = scene.stranger()
    answers = [stranger.log_in("target", f"guess {n}") for n in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert stranger.log_in("target", PASSWORD).status == 429
    assert "target" in answers[0].text
    assert "guess 0" not in answers[0].text
    elsewhere = scene.stranger()
    assert elsewhere.log_in("victor", PASSWORD).status == 303


def test_an_answer_does_not_tell_who_has_an_account(scene: Scene) -> None:
    known, unknown = scene.stranger(), scene.stranger()
    first, second = known.log_in("olga", "wrong"), unknown.log_in("nobody", "wrong")
    assert first.status == second.status == 401
    strip = str.maketrans("", "", "0123456789abcdef|")
    assert first.text.replace("olga", "nobody").translate(strip) == second.text.translate(strip)


def test_what_was_typed_is_shown_as_text(scene: Scene) -> None:
    hostile = '"><script>alert(1)</script>'
    answer = scene.stranger().log_in(hostile, "wrong")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text
    page = scene.stranger().get("/login?lang=%3Cscript%3E&next=%22%3E%3Cscript%3E").text
    assert "<script>" not in page


def test_every_answer_tells_browsers_what_never_happens(scene: Scene) -> None:
    for client, path in (
        (scene.stranger(), "/login"),
        (scene.stranger(), "/"),
        (scene.victor.client, "/nothing"),
        (scene.victor.client, "/voila/static/voila.js"),
        (scene.victor.client, "/voila/templates/microgrid/static/tokens.css"),
        (scene.victor.client, f"/api/kernels/{scene.victor.kernel}"),
        (scene.victor.client, "/logout"),
    ):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "same-origin", path
        assert "Server" not in headers, path
        assert "Access-Control-Allow-Origin" not in headers, path


def test_pages_have_no_script_of_their_own_in_them(scene: Scene) -> None:
    for text in (scene.olga.text, scene.stranger().get("/login").text):
        tags = [tag.split(">")[0] for tag in text.split("<script")[1:]]
        assert tags
        assert all("src=" in tag or "application/" in tag for tag in tags), tags
        assert "javascript:" not in text


def test_a_page_cannot_be_part_of_another(scene: Scene) -> None:
    for destination in ("iframe", "image", "script", "object"):
        answer = scene.victor.client.get("/", Sec_Fetch_Dest=destination)
        assert answer.status == 403


def test_pages_beyond_what_fits_are_told_to_wait(scene: Scene) -> None:
    first, opened = inside(scene, "hungry")
    kernel, _ = first.client.open_page()
    other = first.client.socket(Page(first.client, kernel, "").channels)
    answer = first.client.get("/")
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Toutes les places sont prises" in answer.text
    assert first.client.post(f"/voila/api/shutdown/{kernel}", {}).status == 204
    assert first.client.get(f"/api/kernels/{kernel}").status == 404
    assert wait_until_closed(other, 30)
    opened.close()


def wait_until_closed(socket: websocket.WebSocket, within_s: float) -> bool:
    """Whether the server closes a socket in time."""
    end = time.monotonic() + within_s
    socket.settimeout(within_s)
    try:
        while time.monotonic() < end:
            if socket.recv_frame().opcode == websocket.ABNF.OPCODE_CLOSE:
                return True
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        return True
    except websocket.WebSocketTimeoutException:
        return False
    finally:
        socket.shutdown()
    return False


def inside(scene: Scene, name: str) -> tuple[Page, Any]:
    scene.accounts.add(name, Role.viewer, PASSWORD, ADMIN)
    client = scene.stranger()
    assert client.log_in(name, PASSWORD).status == 303
    page = Page(client, *client.open_page())
    return page, client.socket(page.channels)


def test_a_session_and_its_pages_end_when_the_account_is_removed(scene: Scene) -> None:
    page, socket = inside(scene, "leaver")
    scene.accounts.remove("leaver", ADMIN)
    assert wait_until_closed(socket, 30)
    assert page.client.get("/").status == 302
    assert refused(page.client, page.channels) in {403, 404}


def test_a_logout_ends_the_session_and_its_pages(scene: Scene) -> None:
    page, socket = inside(scene, "goer")
    stolen = dict(page.client.cookies)
    answer = page.client.post("/logout", {})
    assert (answer.status, answer.location) == (303, "/login")
    assert wait_until_closed(socket, 30)
    page.client.cookies = stolen
    assert page.client.get("/").status == 302

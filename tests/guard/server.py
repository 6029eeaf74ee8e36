"""A real dashboard server on a small notebook, and clients that are no browsers."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import nbformat
import websocket

START = (
    "import sys; from pathlib import Path; from microgrid_lib.dashboard.serve import serve; "
    "sys.exit(serve(notebook=Path(sys.argv[1])))"
)
CELL = """\
import ipywidgets
from microgrid_lib.dashboard.request import requested_query
from microgrid_lib.dashboard.visitor import current_visitor
field = ipywidgets.Text(disabled=True)
display(field)
print("visitor", current_visitor(), "query", requested_query(), "end")
"""
BINARY = "v1.kernel.websocket.jupyter.org"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


class Server:
    """A server process; its log is kept in memory."""

    def __init__(self, folder: Path, **settings: str) -> None:
        notebooks = folder / "notebooks"
        notebooks.mkdir()
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        page = nbformat.v4.new_notebook(
            metadata={"kernelspec": kernelspec}, cells=[nbformat.v4.new_code_cell(CELL)]
        )
        nbformat.write(page, notebooks / "page.ipynb")
        (notebooks / "secret.txt").write_text("the content of a file")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MICROGRID_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(notebooks / "page.ipynb")],
            env=environment | {f"MICROGRID_{name}": value for name, value in settings.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, (line, self.log)
        self.announced = line
        self.port = int(found[1])

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)

    def stop(self) -> str:
        """End it; what it has written to its log."""
        self.process.terminate()
        assert self.process.wait(60) == 0
        self._reader.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return "".join(self.log)


@dataclass
class Client:
    """Someone at an address of their own, with cookies."""

    port: int
    address: str = "203.0.113.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        """Make a request, without following where it leads."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            body = urlencode(form).encode() if form is not None else b""
            for name, value in (self._headers() | headers).items():
                connection.putheader(name.replace("_", "-"), value)
            if form is not None:
                connection.putheader("Content-Type", "application/x-www-form-urlencoded")
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return Answer(answer.status, answer.headers, text)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, form: dict[str, str], xsrf: bool = True, **headers: str) -> Answer:
        token = {"_xsrf": self.cookies.get("_xsrf", "").strip('"')} if xsrf else {}
        return self.ask("POST", path, form | token, **headers)

    def log_in(self, name: str, password: str, **form: str) -> Answer:
        self.get("/login")
        return self.post("/login", {"name": name, "password": password, **form})

    def open_page(self, query: str = "") -> tuple[str, str]:
        """Open the page; its kernel's id and its text."""
        answer = self.get(f"/?{query}")
        assert answer.status == 200, (answer.status, answer.location, answer.text)
        found = re.search(r'"kernelId": "([0-9a-f-]+)"', answer.text)
        assert found
        return found[1], answer.text

    def socket(self, path: str, binary: bool = False, **headers: str) -> websocket.WebSocket:
        """Open a websocket.

        Raises
        ------
        WebSocketBadStatusException
            The server refuses it.
        """
        sent = self._headers() | {"Origin": f"http://127.0.0.1:{self.port}"} | headers
        origin = sent.pop("Origin")
        host = sent.pop("Host")
        opened = websocket.WebSocket()
        try:
            opened.connect(
                f"ws://127.0.0.1:{self.port}{path}",
                header=[f"{name.replace('_', '-')}: {value}" for name, value in sent.items()],
                host=host,
                suppress_origin=not origin,
                origin=origin or None,
                subprotocols=[BINARY] if binary else [],
                timeout=60,
            )
        except BaseException:
            opened.shutdown()
            raise
        return opened

    def _headers(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {
            "Host": f"127.0.0.1:{self.port}",
            "X-Forwarded-For": self.address,
            **({"Cookie": cookie} if cookie else {}),
        }


def message(kind: str, content: dict[str, Any], channel: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "username": "",
        "session": uuid.uuid4().hex,
        "version": "5.3",
        "date": "2026-01-01T00:00:00Z",
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": channel,
        "buffers": [],
    }


def packed(sent: dict[str, Any]) -> bytes:
    """A message in the binary protocol."""
    parts = [sent["channel"].encode()]
    parts += [
        json.dumps(sent[n]).encode() for n in ("header", "parent_header", "metadata", "content")
    ]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    numbers = [len(offsets), *offsets]
    return b"".join(n.to_bytes(8, "little") for n in numbers) + b"".join(parts)


def send(socket: websocket.WebSocket, sent: dict[str, Any], binary: bool) -> None:
    if binary:
        socket.send_binary(packed(sent))
    else:
        socket.send(json.dumps(sent))


def wait_for_reply(socket: websocket.WebSocket, sent: dict[str, Any]) -> list[str]:
    """Everything received until the reply to a message has come."""
    received = []
    wanted = sent["header"]["msg_id"].encode()
    while True:
        raw = socket.recv()
        data = raw if isinstance(raw, bytes) else raw.encode()
        received.append(data.decode("utf-8", "replace"))
        if wanted in data and b"kernel_info_reply" in data:
            return received

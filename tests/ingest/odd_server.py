"""A web server on 127.0.0.1 that misbehaves as told, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        odd = self.server.odd
        odd.requests.append((path, dict(self.headers)))
        planned = odd.routes.get(path, [status(404)])
        # One behaviour for each request; the last one stays.
        behaviour = planned.pop(0) if len(planned) > 1 else planned[0]
        self.close_connection = True
        behaviour(self)

    def head(self, code: int, headers: dict[str, str | None]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    odd: OddServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up is part of the tests.
        pass


class OddServer:
    """Routes: path -> behaviours, one for each request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.routes: dict[str, list[Behaviour]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()

    def on(self, path: str, *behaviours: Behaviour) -> str:
        self.routes[path] = list(behaviours)
        return self.url + path

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers of each request for a path."""
        return [headers for there, headers in self.requests if there == path]


@contextmanager
def odd_server() -> Iterator[OddServer]:
    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.odd = OddServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.odd
    finally:
        server.odd.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def sends(
    body: bytes,
    *,
    etag: str | None = '"v1"',
    modified: str | None = None,
    ranges: bool = True,
    heeds_if_range: bool = True,
    cut: int | None = None,
    declared: int | None = None,
    length: bool = True,
    kind: str = "text/csv",
    encoding: str | None = None,
    piece: int = 1 << 20,
    stalls: bool = False,
) -> Behaviour:
    """A file.

    cut: hangs up after so many bytes of the answer; declared: what Content-Length says instead;
    piece: bytes at a time; stalls: says nothing more, instead of hanging up.
    """

    def behaviour(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        condition = handler.headers.get("If-Range")
        fits = condition is None or condition in (etag, modified) or not heeds_if_range
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and ranges and fits else 0
        if start >= len(body) > 0:
            handler.head(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
            return
        rest = body[start:]
        size = str(len(rest) if declared is None else declared)
        headers: dict[str, str | None] = {
            "Content-Type": kind,
            "Content-Encoding": encoding,
            "ETag": etag,
            "Last-Modified": modified,
            "Content-Length": size if length else None,
        }
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.head(206 if start else 200, headers)
        sent = rest[:cut]
        for at in range(0, len(sent), piece):
            handler.wfile.write(sent[at : at + piece])
            handler.wfile.flush()
        if stalls:
            handler.server.odd.released.wait(30)

    return behaviour


def status(code: int, **headers: str) -> Behaviour:
    def behaviour(handler: Handler) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.head(code, {"Content-Length": "0", **named})

    return behaviour


def redirects(target: str) -> Behaviour:
    return status(302, Location=target)


def hangs_up(handler: Handler) -> None:
    """Closes the connection without a word."""
    handler.close_connection = True

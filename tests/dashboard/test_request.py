"""The visitor's address reaches a kernel of the pool when the visitor arrives."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket

from microgrid_lib.dashboard.request import requested_query


class Teller(tornado.websocket.WebSocketHandler):
    """Says what Voilà says when a visitor arrives."""

    def open(self, kernel: str) -> None:
        self.write_message(json.dumps({"QUERY_STRING": f"site={kernel}", "SERVER_NAME": "x"}))


@pytest.fixture
def port() -> Iterator[int]:
    ready, stop = threading.Event(), threading.Event()
    found: list[int] = []

    async def run() -> None:
        server = tornado.httpserver.HTTPServer(
            tornado.web.Application([(r"/voila/query/(.+)", Teller)])
        )
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        found.append(sockets[0].getsockname()[1])
        server.add_sockets(sockets)
        ready.set()
        await asyncio.to_thread(stop.wait)
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    stop.set()
    thread.join()


def test_a_pooled_kernel_hears_the_address(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOILA_PREHEAT", "True")
    monkeypatch.setenv("VOILA_APP_PORT", str(port))
    monkeypatch.setenv("VOILA_KERNEL_ID", "trade_street")
    assert requested_query() == "site=trade_street"


def test_a_server_that_is_gone_leaves_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOILA_PREHEAT", "True")
    monkeypatch.setenv("VOILA_APP_PORT", "1")
    assert requested_query() == ""


def test_a_kernel_of_its_own_reads_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOILA_PREHEAT", "False")
    monkeypatch.setenv("QUERY_STRING", "period=7d")
    assert requested_query() == "period=7d"

"""The address the page was asked for, as Voilà tells a kernel."""

from __future__ import annotations

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor

_LONGEST_WAIT_S = 5.0


def requested_query() -> str:
    """Return the URL query of the visitor; empty outside Voilà.

    In a kernel from Voilà's pool this waits until a visitor arrives.
    """
    if os.environ.get("VOILA_PREHEAT") == "True":
        # A thread of its own: the kernel's loop is busy with the cell that calls this.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _arrival(_socket_address())).result()
    return os.environ.get("QUERY_STRING", "")


def under_voila() -> bool:
    """Whether the page is Voilà's, which brings its own style sheet."""
    return "VOILA_PREHEAT" in os.environ


def _socket_address() -> str:
    """Where Voilà tells about visitors; as `voila.utils.wait_for_request` finds it.

    That function itself would bring the whole server into the kernel: 40 MB.
    """
    get = os.environ.get
    base = get("VOILA_WS_BASE_URL", get("VOILA_SERVER_URL", "/"))
    host = f"{get('VOILA_APP_IP', '127.0.0.1')}:{get('VOILA_APP_PORT', '8866')}"
    kernel = get("VOILA_KERNEL_ID", "")
    return f"{get('VOILA_WS_PROTOCOL', 'ws')}://{host}{base}voila/query/{kernel}"


async def _arrival(address: str) -> str:
    from tornado.websocket import websocket_connect

    try:
        connection = await websocket_connect(address, connect_timeout=_LONGEST_WAIT_S)
    except OSError:
        return ""
    message = await connection.read_message()
    connection.close()
    told = json.loads(message) if message else {}
    return str(told.get("QUERY_STRING", ""))

"""What the server tells a kernel about its visitor: the address asked for, and who it is.

A kernel of Voilà's pool runs before anyone has come; it asks for both over a socket of the server,
with a key that only this kernel was given. A kernel started for a visitor has both in its
environment.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache

KEY_VARIABLE = "MICROGRID_KERNEL_KEY"
KEY_HEADER = "X-Microgrid-Kernel-Key"
_LONGEST_WAIT_S = 5.0


def requested_query() -> str:
    """Return the URL query of the visitor; empty outside Voilà.

    In a kernel from Voilà's pool this waits until a visitor arrives.
    """
    return visit_details().get("QUERY_STRING", "")


def visit_details() -> Mapping[str, str]:
    """What the server says about the visit, by the names of CGI variables.

    In a kernel from Voilà's pool the first call waits until a visitor arrives; later ones don't
    ask again.
    """
    if pooled():
        return _told(_socket_address(), os.environ.get(KEY_VARIABLE, ""))
    return os.environ


def pooled() -> bool:
    """Whether this is a kernel from Voilà's pool, which is ready before its visitor comes."""
    return os.environ.get("VOILA_PREHEAT") == "True"


def under_voila() -> bool:
    """Whether the page is Voilà's, which brings its own style sheet."""
    return "VOILA_PREHEAT" in os.environ


@cache
def _told(address: str, key: str) -> Mapping[str, str]:
    # A thread of its own: the kernel's loop is busy with the cell that calls this.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _arrival(address, key)).result()


def _socket_address() -> str:
    """Where Voilà tells about visitors; as `voila.utils.wait_for_request` finds it.

    That function itself would bring the whole server into the kernel: 40 MB.
    """
    get = os.environ.get
    base = get("VOILA_WS_BASE_URL", get("VOILA_SERVER_URL", "/"))
    host = f"{get('VOILA_APP_IP', '127.0.0.1')}:{get('VOILA_APP_PORT', '8866')}"
    kernel = get("VOILA_KERNEL_ID", "")
    return f"{get('VOILA_WS_PROTOCOL', 'ws')}://{host}{base}voila/query/{kernel}"


async def _arrival(address: str, key: str) -> Mapping[str, str]:
    from tornado.httpclient import HTTPClientError, HTTPRequest
    from tornado.websocket import websocket_connect

    request = HTTPRequest(address, headers={KEY_HEADER: key}, connect_timeout=_LONGEST_WAIT_S)
    try:
        connection = await websocket_connect(request)
    except (OSError, HTTPClientError):
        return {}
    message = await connection.read_message()
    connection.close()
    told = json.loads(message) if message else {}
    return {str(name): str(value) for name, value in told.items()}

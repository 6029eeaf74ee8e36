"""Kernels as a browser sees them: its own only, and only the messages of widgets."""

from __future__ import annotations

import json
import struct
from typing import Any

import tornado.web
from jupyter_server.base.handlers import APIHandler
from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
)
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from microgrid_lib.dashboard.guard.plain import Plain

ALLOWED = {
    "shell": frozenset(
        {"comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request"}
    ),
    "control": frozenset({"kernel_info_request"}),
}
"""Messages a browser may send, by channel: none of them runs code."""

_BINARY = "v1.kernel.websocket.jupyter.org"
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, struct.error)
_JSON_PARTS = 4
"""Header, parent header, metadata, content; buffers follow."""


def require_own(handler: Any, kernel_id: str) -> None:
    """Refuse a kernel that wasn't given to the session; as if there were none.

    Raises
    ------
    HTTPError
        404
    """
    session = handler.settings["identity_provider"].session_of(handler)
    if handler.kernel_manager.visits.owner(kernel_id) != session.id:
        raise tornado.web.HTTPError(404)


class OwnConnection(ZMQChannelsWebsocketConnection):
    """Drops whatever a browser may not send, without a word in the log for each."""

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Hand on the messages of widgets."""
        if not self.channels:
            return
        try:
            channel, kind = self._read(incoming_msg)
        except _UNREADABLE:
            self.log.debug("Dropped a message that can't be read")
            return
        if kind not in ALLOWED.get(channel, frozenset()):
            self.log.debug("Dropped a message that isn't allowed: %.40r on %.40r", kind, channel)
            return
        super().handle_incoming_message(incoming_msg)

    def _read(self, message: Any) -> tuple[str, str]:
        """Channel and type of a message, in either protocol."""
        if isinstance(message, bytes):
            _require_honest_count(message, binary=self.subprotocol == _BINARY)
        if self.subprotocol == _BINARY:
            channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
            header, *_ = [json.loads(bytes(part)) for part in parts[:_JSON_PARTS]]
            if len(parts) < _JSON_PARTS:
                raise ValueError("parts are missing")
        else:
            read = (
                deserialize_binary_message(message)  # type: ignore[no-untyped-call]
                if isinstance(message, bytes)
                else json.loads(message)
            )
            channel, header = read["channel"], read["header"]
        return str(channel), str(header["msg_type"])


def _require_honest_count(message: bytes, binary: bool) -> None:
    """Refuse a message that claims more parts than it has bytes for.

    Jupyter believes the number, and would count to 2 ** 63 with everybody waiting.
    """
    width = 8 if binary else 4
    count = int.from_bytes(message[:width], "little" if binary else "big")
    if count * width > len(message):
        raise ValueError("more parts than bytes")


class OwnChannels(Plain, VoilaKernelWebsocketHandler):  # type: ignore[misc]  # untyped base
    """The socket between a page and its kernel."""

    async def pre_get(self) -> None:
        """Refuse strangers before anything connects."""
        require_own(self, self.kernel_id)
        await super().pre_get()

    async def open(self, kernel_id: str) -> None:
        """Connect; the socket closes when the kernel ends."""
        self.settings["kernel_manager"].visits.when_it_ends(kernel_id, self.close)
        await super().open(kernel_id)

    def on_message(self, message: Any) -> None:
        """Take a message, unless the socket is closing."""
        if self.connection is not None:
            super().on_message(message)

    def on_close(self) -> None:
        """Disconnect, unless it never connected."""
        if getattr(self, "connection", None) is not None:
            super().on_close()


class OwnKernel(Plain, APIHandler):
    """Whether a page's kernel still lives."""

    @tornado.web.authenticated
    async def get(self, kernel_id: str) -> None:
        """Tell the owner about the kernel."""
        require_own(self, kernel_id)
        model = self.kernel_manager.kernel_model(kernel_id)  # type: ignore[no-untyped-call]
        self.finish(json.dumps(model))


class EndKernel(Plain, APIHandler):
    """Ends a kernel when its page is left."""

    @tornado.web.authenticated
    async def post(self, kernel_id: str) -> None:
        """End the kernel for its owner."""
        require_own(self, kernel_id)
        await self.settings["kernel_manager"].shutdown_kernel(kernel_id, now=True)
        self.set_status(204)
        self.finish()

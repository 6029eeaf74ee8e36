"""Kernels and their visitors: whose each one is, and telling it who has come."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import tornado.web
from tornado.websocket import WebSocketHandler

from microgrid_lib.dashboard.guard.plain import Plain
from microgrid_lib.dashboard.request import KEY_HEADER

_KEY_BYTES = 32


class Visits:
    """What the server knows of each kernel: its key, its owner, what it is to be told."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._details: dict[str, str] = {}
        self._waiting: dict[str, VisitSocket] = {}
        self._at_end: dict[str, list[Callable[[], None]]] = {}

    def new_key(self, kernel_id: str) -> str:
        """Make the key by which a kernel proves to be itself."""
        self._keys[kernel_id] = secrets.token_urlsafe(_KEY_BYTES)
        return self._keys[kernel_id]

    def is_key(self, kernel_id: str, given: str) -> bool:
        """Whether this is the key of the kernel."""
        key = self._keys.get(kernel_id, "")
        return bool(key) and hmac.compare_digest(given.encode(), key.encode())

    def hand_over(self, kernel_id: str, session_id: str, details: Mapping[str, str]) -> None:
        """Give a kernel to a session, and tell it who has come; for good."""
        self._owners[kernel_id] = session_id
        self._details[kernel_id] = json.dumps(dict(details))
        waiting = self._waiting.get(kernel_id)
        if waiting is not None:
            waiting.tell(self._details[kernel_id])

    def owner(self, kernel_id: str) -> str | None:
        """Id of the session a kernel was given to; None for one of the pool."""
        return self._owners.get(kernel_id)

    def owned(self) -> dict[str, str]:
        """Session id by kernel, of every kernel that was given to someone."""
        return dict(self._owners)

    def listen(self, kernel_id: str, socket: VisitSocket) -> None:
        """Tell a kernel as soon as there is something to tell."""
        self._waiting[kernel_id] = socket
        if kernel_id in self._details:
            socket.tell(self._details[kernel_id])

    def stop_listening(self, kernel_id: str, socket: VisitSocket) -> None:
        """Forget a socket that was closed."""
        if self._waiting.get(kernel_id) is socket:
            del self._waiting[kernel_id]

    def when_it_ends(self, kernel_id: str, call: Callable[[], None]) -> None:
        """Have something called once a kernel has ended."""
        self._at_end.setdefault(kernel_id, []).append(call)

    def forget(self, kernel_id: str) -> None:
        """Forget a kernel that has ended."""
        for known in (self._keys, self._owners, self._details):
            known.pop(kernel_id, None)
        for call in self._at_end.pop(kernel_id, ()):
            call()


class VisitSocket(Plain, WebSocketHandler):
    """Where a kernel of the pool waits for its visitor; for that kernel alone.

    A kernel's id is no secret: its page knows it. So the kernel shows a key that only it was given
    at its start.
    """

    def initialize(self, visits: Visits) -> None:
        """Take what is known of the kernels."""
        self._visits = visits
        self._kernel_id = ""

    def check_origin(self, origin: str) -> bool:
        """Refuse every browser: they send an origin, kernels don't."""
        return False

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Refuse whoever hasn't the key, before anything is opened."""
        key = self.request.headers.get(KEY_HEADER, "")
        if not self._visits.is_key(str(kwargs["kernel_id"]), key):
            raise tornado.web.HTTPError(404)
        await super().get(*args, **kwargs)

    def open(self, *_: str, **kwargs: str) -> None:
        """Begin to wait."""
        self._kernel_id = kwargs["kernel_id"]
        self._visits.listen(self._kernel_id, self)

    def tell(self, details: str) -> None:
        """Say who has come."""
        self.write_message(details)

    def on_message(self, message: str | bytes) -> None:
        """Ignore: kernels only listen."""

    def on_close(self) -> None:
        """Stop waiting."""
        self._visits.stop_listening(self._kernel_id, self)

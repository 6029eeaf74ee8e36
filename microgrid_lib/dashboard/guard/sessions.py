"""Sessions: who has come in, kept in memory. A restart of the server ends them all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from microgrid_lib.access import Actor

_ID_BYTES = 32
MOST = 10_000


class Way(StrEnum):
    """How someone came in."""

    account = "account"
    owner = "owner"
    proxy = "proxy"
    open = "open"


@dataclass(frozen=True)
class Session:
    """Someone's stay, in one browser.

    Attributes
    ----------
    id
        What the cookie carries; also whom kernels belong to.
    stamp
        Of the account when the session began; another one ends it. Empty without an account.
    ends
        When it ends anyway, on the clock of `Sessions` [s].
    """

    id: str
    actor: Actor
    way: Way
    stamp: str
    ends: float


class Sessions:
    """All sessions; the oldest go where there are more than `most`.

    Parameters
    ----------
    lifetime_s
        How long a session lasts, used or not [s].
    clock
        A clock that only goes forward [s].
    """

    def __init__(
        self, lifetime_s: float, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.lifetime_s = lifetime_s
        self._most = most
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def begin(self, actor: Actor, way: Way, stamp: str = "") -> Session:
        """Begin a session, under an id that nobody has seen before."""
        now = self._clock()
        while self._sessions:
            oldest = next(iter(self._sessions.values()))
            if len(self._sessions) < self._most and oldest.ends > now:
                break
            del self._sessions[oldest.id]
        ends = now + self.lifetime_s
        session = Session(secrets.token_urlsafe(_ID_BYTES), actor, way, stamp, ends)
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str) -> Session | None:
        """The session of an id, if it hasn't ended."""
        session = self._sessions.get(session_id)
        if session is not None and session.ends <= self._clock():
            self.end(session_id)
            return None
        return session

    def end(self, session_id: str) -> None:
        """End a session; nothing happens where it has ended already."""
        self._sessions.pop(session_id, None)

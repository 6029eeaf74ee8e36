"""Who a request is from, as Jupyter's handlers ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tornado.web
from jupyter_server.auth.identity import IdentityProvider, User
from traitlets import Instance

from microgrid_lib.dashboard.guard.door import Door
from microgrid_lib.dashboard.guard.sessions import Session
from microgrid_lib.errors import MicrogridError

_SECONDS_A_DAY = 86_400


@dataclass
class SessionUser(User):
    """A user of Jupyter's, with the session they came by."""

    session: Session | None = None


class DashboardIdentity(IdentityProvider):
    """Identity from our sessions; Jupyter's own tokens and passwords play no part.

    The cookie holds a signed session id. Scripts can't read it, other sites' forms don't send it,
    and over TLS it has the prefix that keeps other hosts of the domain from setting it.
    """

    door = Instance(Door)

    def get_user(self, handler: tornado.web.RequestHandler) -> Any:
        """User of a request, or None; a coroutine."""
        return self._identify(handler)

    def session_of(self, handler: tornado.web.RequestHandler) -> Session:
        """Session of a request that has passed the check.

        Raises
        ------
        HTTPError
            403: there is none.
        """
        user = handler.current_user
        if not isinstance(user, SessionUser) or user.session is None:
            raise tornado.web.HTTPError(403)
        return user.session

    def begin(self, handler: tornado.web.RequestHandler, session: Session) -> None:
        """Give the browser the cookie of a session."""
        handler.set_signed_cookie(
            self._cookie(handler),
            session.id,
            expires_days=None,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=handler.request.protocol == "https",
        )

    def forget(self, handler: tornado.web.RequestHandler) -> None:
        """Take the cookie back."""
        handler.clear_cookie(
            self._cookie(handler), path="/", secure=handler.request.protocol == "https"
        )

    def should_check_origin(self, handler: tornado.web.RequestHandler) -> bool:
        """Origins are always checked: every browser comes by cookie."""
        return True

    def is_token_authenticated(self, handler: tornado.web.RequestHandler) -> bool:
        """Never: Jupyter's tokens would switch checks off."""
        return False

    async def _identify(self, handler: tornado.web.RequestHandler) -> User | None:
        known = getattr(handler, "_jupyter_current_user", None)
        if isinstance(known, SessionUser):
            return known
        days = self.door.sessions.lifetime_s / _SECONDS_A_DAY
        cookie = handler.get_signed_cookie(self._cookie(handler), max_age_days=days)
        session_id = cookie.decode("ascii", "replace") if cookie else None
        begin = bool(getattr(handler, "begins_sessions", False))
        try:
            session = await self.door.who(handler.request.headers, session_id, begin)
        except MicrogridError as error:
            raise tornado.web.HTTPError(503, log_message=str(error)) from None
        if session is None:
            return None
        if session.id != session_id:
            self.begin(handler, session)
        name = session.actor.name
        return SessionUser(username=name, name=name, display_name=name, session=session)

    @staticmethod
    def _cookie(handler: tornado.web.RequestHandler) -> str:
        """Name of the cookie; browsers don't keep the ports of a host apart."""
        if handler.request.protocol == "https":
            return "__Host-microgrid"
        return f"microgrid-{handler.settings['port']}"

"""Coming in and going out: forms that work without scripts."""

from __future__ import annotations

import math
import re
from urllib.parse import urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated

from microgrid_lib.dashboard.guard.door import Refusal
from microgrid_lib.dashboard.guard.pages import Page
from microgrid_lib.dashboard.guard.sessions import Way
from microgrid_lib.dashboard.language import pick_language
from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.texts import LANGUAGES, texts_for

_OURS = re.compile(r"/(?:voila/render/[\w-]+\.ipynb)?", re.ASCII)


def safe_next(text: str) -> str:
    """Where to go after the login: one of our pages, whatever was asked for."""
    if not text.isprintable() or "\\" in text:
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or not _OURS.fullmatch(parts.path):
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


class _FormPage(Page):
    def language(self) -> str:
        """Language of this page."""
        return pick_language(
            self.get_argument("lang", None),
            self.request.headers.get("Accept-Language", ""),
            self.settings["default_language"],
        )

    def show(self, template: str, **values: object) -> None:
        """Render a form."""
        language = self.language()
        texts = texts_for(language)
        self.keep_out_of_caches()
        others = {name: texts_for(name)(f"language.{name}") for name in LANGUAGES}
        others.pop(language)
        self.finish(
            self.render_template(template, language=language, texts=texts, others=others, **values)
        )


class LoginPage(_FormPage):
    """The login form, or the one for the owner's token."""

    @allow_unauthenticated
    def get(self) -> None:
        """Show the form; who is inside already goes on."""
        if self.current_user is not None:
            self.redirect(self._next())
            return
        self._form()

    @allow_unauthenticated
    async def post(self) -> None:
        """Let someone in, or show the form again."""
        door = self.identity.door
        address = self.request.remote_ip or ""
        name = self.get_body_argument("name", "")
        password = self.get_body_argument("password", "", strip=False)
        try:
            if door.way is Way.owner:
                found = door.exchange(self.get_body_argument("token", ""), address)
            elif door.way is Way.account:
                found = await door.log_in(name, password, address)
            else:
                found = Refusal()
        except MicrogridError as error:
            self.log.error("Login: %s", error)
            self._form("login.broken", name, status=503)
            return
        if not isinstance(found, Refusal):
            if self.current_user is not None:
                door.sessions.end(self.identity.session_of(self).id)
            self.identity.begin(self, found)
            self.redirect(self._next(), status=303)
            return
        # An address is enough to act on; what was typed as a name may be a password.
        self.log.warning("Login refused from %s", address)
        if found.wait_s > 0:
            seconds = math.ceil(found.wait_s)
            self.set_header("Retry-After", str(seconds))
            self._form("login.wait", name, status=429, seconds=seconds)
        else:
            wrong = "login.wrong_token" if door.way is Way.owner else "login.wrong"
            self._form(wrong, name, status=401)

    def _form(self, problem: str = "", name: str = "", status: int = 200, seconds: int = 0) -> None:
        text = texts_for(self.language())(problem, seconds=seconds) if problem else ""
        self.set_status(status)
        way = self.identity.door.way
        self.show("login.html", way=str(way), problem=text, user=name[:100], next=self._next())

    def _next(self) -> str:
        return safe_next(self.get_argument("next", "/"))


class LogoutPage(_FormPage):
    """Asks before it ends a session: a link alone must not."""

    def get(self) -> None:
        """Ask."""
        self.show("logout.html", user=self.identity.session_of(self).actor.name)

    async def post(self) -> None:
        """End the session and its kernels."""
        session = self.identity.session_of(self)
        self.identity.door.sessions.end(session.id)
        self.identity.forget(self)
        for kernel_id, owner in self.kernels.visits.owned().items():
            if owner == session.id:
                await self.kernels.shutdown_kernel(kernel_id, now=True)
        self.redirect(self.settings["proxy_logout_url"] or "/login", status=303)

"""The pages themselves: a notebook, rendered by a kernel that then belongs to one session."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import tornado.web
from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.iostream import StreamClosedError
from voila.handler import BaseVoilaHandler

from microgrid_lib.dashboard.guard.identity import DashboardIdentity
from microgrid_lib.dashboard.guard.sessions import Session, Way
from microgrid_lib.dashboard.kernels import NoRoomError
from microgrid_lib.dashboard.visitor import visitor_text

_RETRY_S = 30
_LOGOUT = "/logout"


class Page(BaseVoilaHandler):  # type: ignore[misc]  # untyped base
    """What all our pages share."""

    def set_default_headers(self) -> None:
        """Security headers, and nothing about the server's software."""
        super().set_default_headers()
        self.clear_header("Server")

    @property
    def identity(self) -> DashboardIdentity:
        """Our identity provider."""
        provider: DashboardIdentity = self.settings["identity_provider"]
        return provider

    @property
    def kernels(self) -> Any:
        """The kernels, as Voilà has extended them."""
        return self.settings["kernel_manager"]

    def keep_out_of_caches(self) -> None:
        """Say that nobody may keep this page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")


class NothingHere(Page):
    """Every address that isn't ours."""

    @allow_unauthenticated
    def get(self, *_: str) -> None:
        """Answer with the error page."""
        raise tornado.web.HTTPError(404)

    head = post = put = patch = delete = options = get

    def check_xsrf_cookie(self) -> None:
        """Nothing is done here that could be forged."""


class NotebookPage(Page):
    """A notebook of ours for someone who is inside."""

    begins_sessions = True

    def initialize(self, voila_configuration: Any, notebook_path: str | None = None) -> None:
        """Take the notebook of the root address; the others are named in theirs."""
        super().initialize(voila_configuration=voila_configuration)
        self._root_notebook = notebook_path

    async def prepare(self) -> None:
        """Exchange the owner's token for a session before anything else is looked at."""
        given = self.get_query_argument("token", None)
        if given is None:
            await super().prepare()
            return
        door = self.identity.door
        if door.way is Way.owner:
            session = door.exchange(given, self.request.remote_ip or "")
            if isinstance(session, Session):
                self.identity.begin(self, session)
        self.redirect(self._without_token())

    @tornado.web.authenticated
    async def get(self, path: str | None = None) -> None:
        """Render the notebook."""
        if self.request.headers.get("Sec-Fetch-Dest", "document") not in ("document", "empty"):
            raise tornado.web.HTTPError(403, "only as a page of its own")
        notebook = self._root_notebook or path
        session = self.identity.session_of(self)
        self.keep_out_of_caches()
        # Voilà's script sends this token back when the page is left, to end its kernel.
        _ = self.xsrf_token
        try:
            async with self.kernels.place(session.id):
                parts = await self._hand_over(str(notebook), session)
        except NoRoomError:
            self.set_status(503)
            self.set_header("Retry-After", str(_RETRY_S))
            self.finish(self.render_template("busy.html", seconds=_RETRY_S))
            return
        try:
            async for part in parts:
                self.write(part)
                await self.flush()
        except StreamClosedError:
            self.log.info("The visitor left before the page was there")

    async def _hand_over(self, notebook: str, session: Session) -> AsyncIterator[str]:
        """Give a kernel to the session; the parts of its page follow."""
        details = self._details(session)
        if self.kernels.get_pool_size(notebook) and notebook in self.kernels.notebook_data:
            task, ready, kernel_id = await self.kernels.get_rendered_notebook(notebook)
            self.kernels.hand_over(kernel_id, session.id, details)
            return _rest(list(ready), task)
        renderer = self.kernels._notebook_renderer_factory(notebook)
        await renderer.initialize()
        environment = os.environ | details
        environment |= {
            "VOILA_PREHEAT": "False",
            "VOILA_BASE_URL": self.base_url,
            "VOILA_SERVER_URL": self.settings.get("server_url", "/"),
        }
        kernel_id = await self.kernels.start_kernel(
            kernel_name=renderer.notebook.metadata.kernelspec.name, path="", env=environment
        )
        self.kernels.hand_over(kernel_id, session.id, details)
        kernel = self.kernels.get_kernel(kernel_id)
        return _texts(renderer.generate_content_generator(kernel_id, kernel))

    def _details(self, session: Session) -> dict[str, str]:
        """What the kernel is told, by the names of CGI variables."""
        logout = _LOGOUT if session.way is not Way.open else None
        return {
            "QUERY_STRING": self.request.query,
            "HTTP_ACCEPT_LANGUAGE": self.request.headers.get("Accept-Language", ""),
            "HTTP_X_MICROGRID_VISITOR": visitor_text(session.actor, logout),
        }

    def _without_token(self) -> str:
        kept = [
            (name, value)
            for name in self.request.query_arguments
            if name != "token"
            for value in self.get_query_arguments(name)
        ]
        path = "/" + self.request.path.lstrip("/")
        return f"{path}?{urlencode(kept)}" if kept else path


async def _rest(ready: list[str], task: Any) -> AsyncIterator[str]:
    """A page of the pool: what is rendered already, then what the kernel still renders."""
    yield "".join(ready)
    rendered, rendering = await task
    yield "".join(rendered[len(ready) :])
    async for part, _ in rendering:
        yield part


async def _texts(parts: Any) -> AsyncIterator[str]:
    async for part, _ in parts:
        yield part

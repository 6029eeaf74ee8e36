"""Serving the dashboard: plain Voilà, our notebooks and nothing else, to whom the door lets in."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import tornado.httpserver
import tornado.ioloop
from jupyter_core.utils import run_sync
from jupyter_server.auth.authorizer import AllowAllAuthorizer
from jupyter_server.utils import url_path_join
from traitlets.config import Config
from voila.app import Voila

from microgrid_lib.access import Role
from microgrid_lib.dashboard.guard.channels import OwnConnection
from microgrid_lib.dashboard.guard.door import Door
from microgrid_lib.dashboard.guard.entrance import make_door
from microgrid_lib.dashboard.guard.front import Front
from microgrid_lib.dashboard.guard.headers import security_headers
from microgrid_lib.dashboard.guard.identity import DashboardIdentity
from microgrid_lib.dashboard.guard.routes import routes
from microgrid_lib.dashboard.guard.settings import ServerSettings
from microgrid_lib.dashboard.kernels import DashboardKernels, OwnKernelSpecs
from microgrid_lib.dashboard.listen import ServeError, bind, reachable_host
from microgrid_lib.dashboard.logs import quiet_logs
from microgrid_lib.errors import MicrogridError
from microgrid_lib.resources import resource_path
from microgrid_lib.settings import read_settings

_CULL_EVERY_S = 15
_REFILL_AFTER_S = 8.0
_LONGEST_START_S = 300
_LOOK_AROUND_MS = 5000
_LARGEST_BODY = 1_000_000
_LONGEST_SOCKET_FOLDER = 40
_SECONDS_A_MINUTE = 60
_ROOT_NOTEBOOK = "dashboard.ipynb"


class DashboardServer(Voila):  # type: ignore[misc]  # untyped base
    """Voilà that serves named notebooks from sockets already bound, through a door."""

    name = "voila"
    sockets: list[socket.socket]
    root_notebook = _ROOT_NOTEBOOK
    server_settings: ServerSettings
    door: Door

    def init_settings(self) -> dict[str, Any]:
        """Who may come in, and what browsers are told; Jupyter's own logins are replaced."""
        settings: dict[str, Any] = super().init_settings()
        ours = self.server_settings
        identity = DashboardIdentity(parent=self, log=self.log, token="", door=self.door)
        return settings | {
            "identity_provider": identity,
            # What there is to authorize is in the routes, and in whose kernel it is.
            "authorizer": AllowAllAuthorizer(parent=self, log=self.log, identity_provider=identity),
            "kernel_websocket_connection_class": OwnConnection,
            "allow_unauthenticated_access": False,
            "allow_origin": ours.public_url or "",
            # `Front` has checked the host before any handler is asked.
            "allow_remote_access": True,
            "headers": security_headers(ours),
            "xsrf_cookies": True,
            "xsrf_cookie_kwargs": {"samesite": "Strict", "secure": ours.is_https, "path": "/"},
            "mathjax_url": "",
            "port": self.port,
            "default_language": ours.language,
            "proxy_logout_url": ours.proxy_logout_url,
            "log_function": lambda _: None,
        }

    def init_handlers(self) -> list[Any]:
        """Our routes, instead of Voilà's."""
        return routes(
            self.server_url,
            self.root_notebook,
            [path.stem for path in Path(self.root_dir).glob("*.ipynb")],
            self.voila_configuration,
            self.static_paths,
            self.labextensions_path,
            self.kernel_manager.visits,
        )

    def listen(self) -> None:
        """Serve until interrupted."""
        front = Front(self.app, self.server_settings)
        server = tornado.httpserver.HTTPServer(front, max_body_size=_LARGEST_BODY)
        server.add_sockets(self.sockets)
        self.ioloop = tornado.ioloop.IOLoop.current()
        self.ioloop.add_callback(self._announce)
        rounds = tornado.ioloop.PeriodicCallback(self._look_around, _LOOK_AROUND_MS)
        self.ioloop.add_callback(rounds.start)
        signal.signal(signal.SIGINT, self._handle_signal_stop)
        signal.signal(signal.SIGTERM, self._handle_signal_stop)
        try:
            self.ioloop.start()
        finally:
            rounds.stop()
            server.stop()
            self.stop()

    def stop(self) -> None:
        """End all kernels at once: one that waits for a visitor wouldn't listen."""
        run_sync(self.kernel_manager.shutdown_all)(now=True)
        self.door.close()
        shutil.rmtree(self.connection_dir, ignore_errors=True)

    def address(self, token: str | None = None) -> str:
        """What people type to come here."""
        host = reachable_host(self.server_settings.host)
        url = self.server_settings.public_url or f"http://{host}:{self.port}"
        return f"{url}/?token={token}" if token else f"{url}/"

    async def _look_around(self) -> None:
        """End the kernels of sessions that have ended, or whose account has changed."""
        for kernel_id, owner in self.kernel_manager.visits.owned().items():
            session = self.door.sessions.find(owner)
            try:
                stays = session is not None and await self.door.is_valid(session)
            except MicrogridError as error:
                self.log.error("Accounts: %s", error)
                return
            if not stays and kernel_id in self.kernel_manager:
                await self.kernel_manager.shutdown_kernel(kernel_id, now=True)

    def _announce(self) -> None:
        url = self.address(self.door.token.text if self.door.token else None)
        sys.stdout.write(f"Dashboard: {url}\n")
        sys.stdout.flush()
        if self.open_browser:
            webbrowser.open(url)


def server_config(settings: ServerSettings, port: int, root: str = _ROOT_NOTEBOOK) -> Config:
    """Voilà's settings for the dashboard."""
    config = Config()
    config.Voila.port = port
    config.Voila.ip = settings.host
    config.Voila.log_level = logging.ERROR
    config.Voila.config_file_paths = []
    config.VoilaConfiguration.template = "microgrid"
    config.VoilaConfiguration.theme = "light"
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    config.VoilaConfiguration.strip_sources = True
    config.VoilaConfiguration.show_tracebacks = False
    config.VoilaConfiguration.page_config_hook = local_mathjax
    config.VoilaConfiguration.preheat_kernel = True
    config.VoilaConfiguration.multi_kernel_manager_class = DashboardKernels
    config.VoilaConfiguration.kernel_spec_manager_class = OwnKernelSpecs
    # On a busy machine a page comes late; given up after seconds, it would stay empty.
    config.VoilaExecutor.startup_timeout = _LONGEST_START_S
    config.VoilaExecutor.iopub_timeout = _LONGEST_START_S
    # A dropped message would leave a widget showing what is no longer so.
    config.ZMQChannelsWebsocketConnection.limit_rate = False
    if sys.platform == "linux" and len(tempfile.gettempdir()) < _LONGEST_SOCKET_FOLDER:
        # Sockets in a private folder instead of TCP ports that any local user could connect to.
        config.KernelManager.transport = "ipc"
    config.DashboardKernels.most = settings.kernels
    config.VoilaKernelManager.kernel_pools_config = {
        "default": {"pool_size": 0},
        root: {"pool_size": settings.warm_kernels},
    }
    config.VoilaKernelManager.cull_idle_timeout = max(
        1, round(settings.idle_minutes * _SECONDS_A_MINUTE)
    )
    config.VoilaKernelManager.cull_interval = _CULL_EVERY_S
    # The next kernel starts once the page is there and its visitor has found their way: all at once
    # take each other the processor.
    config.VoilaKernelManager.fill_delay = _REFILL_AFTER_S
    return config


def local_mathjax(page_config: dict[str, Any], *, base_url: str, **_: Any) -> dict[str, Any]:
    """Give the page's formula plugin an address of our own: it insists on one, and loads nothing.

    No text on these pages has formulas.
    """
    url = url_path_join(base_url, "voila/templates/microgrid/static/no-mathjax.js")
    return page_config | {"fullMathjaxUrl": url, "mathjaxConfig": "none"}


def serve(
    port: int | None = None,
    notebook: Path | None = None,
    open_browser: bool = False,
    host: str | None = None,
    login: bool = True,
    role: Role = Role.viewer,
) -> int:
    """Serve the dashboard until interrupted.

    Prints one line, `Dashboard: URL`, once it can be reached.

    Parameters
    ----------
    port
        None: the default port, or the next that is free.
    notebook
        What the root address shows; default: the dashboard. Its folder is what can be reached.
    open_browser
        Open the page too.
    host
        Address to listen at; default: that of the settings.
    login, role
        Without login everybody on this machine comes in, in that role.

    Returns
    -------
    int
        0.

    Raises
    ------
    ServeError
        The port asked for is taken, or the notebook doesn't exist.
    EntranceError
        The server would be open to the network without a login.
    SettingsError, StoreError
        A setting can't be used; the accounts can't be read.
    """
    shown = Path(notebook) if notebook else resource_path(f"notebooks/{_ROOT_NOTEBOOK}")
    if not shown.is_file():
        raise ServeError(f"no such notebook: {shown}")
    settings = read_settings(ServerSettings)
    if host is not None:
        settings = settings.model_copy(update={"host": host})
    door = make_door(settings, login, role, lambda token: _say_next(server, token))
    sockets, free = bind(port, settings.host)
    _prepare_kernels(settings.host)
    quiet_logs()
    server = DashboardServer(config=server_config(settings, free, shown.name))
    server.server_settings, server.door = settings, door
    server.sockets = sockets
    server.root_notebook = shown.name
    server.root_dir = str(shown.resolve().parent)
    server.open_browser = open_browser
    server.initialize([])
    if not settings.is_local and not settings.is_https:
        sys.stderr.write(
            "Passwords cross the network unencrypted: put a TLS proxy in front and set "
            "MICROGRID_PUBLIC_URL (docs/security.md)\n"
        )
    server.start()
    return 0


def _say_next(server: DashboardServer, token: str) -> None:
    sys.stderr.write(f"That address was used; for another browser: {server.address(token)}\n")
    sys.stderr.flush()


def _prepare_kernels(host: str) -> None:
    """Let Voilà find our template, and its kernels our library and this server."""
    _prepend("JUPYTER_PATH", resource_path("share/jupyter"))
    _prepend("PYTHONPATH", Path(__file__).resolve().parents[2])
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    os.environ["VOILA_APP_IP"] = reachable_host(host)


def _prepend(variable: str, folder: Path) -> None:
    before = os.environ.get(variable, "")
    if str(folder) not in before.split(os.pathsep):
        os.environ[variable] = os.pathsep.join(filter(None, (str(folder), before)))

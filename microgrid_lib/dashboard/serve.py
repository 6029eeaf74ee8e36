"""Serving the dashboard: plain Voilà on this machine, our notebooks and nothing else."""

from __future__ import annotations

import errno
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
import tornado.web
from jupyter_core.utils import run_sync
from jupyter_server.utils import url_path_join
from traitlets.config import Config
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.tornado.handler import TornadoVoilaHandler

from microgrid_lib.dashboard.kernels import DashboardKernels, OwnKernelSpecs
from microgrid_lib.errors import MicrogridError
from microgrid_lib.resources import resource_path

HOST = "127.0.0.1"
DEFAULT_PORT = 8866
_TRIES = 50
_BACKLOG = 128
_LAST_PORT = 65535
_POOL_SIZE = 1
_CULL_S = 300
_CULL_EVERY_S = 60
_LONGEST_SOCKET_FOLDER = 40
_ROOT_NOTEBOOK = "dashboard.ipynb"


class ServeError(MicrogridError):
    """The server can't start: port taken, or nothing to serve."""


class NothingHere(BaseVoilaHandler):  # type: ignore[misc]  # untyped base
    """Every address that isn't ours."""

    def get(self, *_: str) -> None:
        """Answer with the error page."""
        raise tornado.web.HTTPError(404)


class DashboardServer(Voila):  # type: ignore[misc]  # untyped base
    """Voilà that serves named notebooks from sockets already bound."""

    name = "voila"
    sockets: list[socket.socket]
    root_notebook = _ROOT_NOTEBOOK

    def init_settings(self) -> dict[str, Any]:
        """Only requests that name this machine are answered: no page elsewhere can borrow us."""
        settings: dict[str, Any] = super().init_settings()
        return settings | {
            "allow_remote_access": False,
            "local_hostnames": ["localhost", HOST],
            "mathjax_url": "",
        }

    def init_handlers(self) -> list[Any]:
        """Our notebooks, and what their pages need; no tree, no files, no contents."""
        base = self.server_url
        kept = [
            handler
            for handler in super().init_handlers()
            if not any(part in handler[0] for part in ("/voila/tree", "/voila/render", "/files/"))
            and "/api/contents" not in handler[0]
            and handler[0] != base
        ]
        options = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        root = options | {"notebook_path": self.root_notebook}
        names = "|".join(path.stem for path in sorted(Path(self.root_dir).glob("*.ipynb")))
        pages = [
            (url_path_join(base, "/?"), TornadoVoilaHandler, root),
            (
                url_path_join(base, rf"/voila/render/((?:{names})\.ipynb)"),
                TornadoVoilaHandler,
                options,
            ),
        ]
        nothing = (".*", NothingHere, {"voila_configuration": self.voila_configuration})
        return [*pages, *kept, nothing]

    def listen(self) -> None:
        """Serve until interrupted."""
        server = tornado.httpserver.HTTPServer(self.app)
        server.add_sockets(self.sockets)
        self.ioloop = tornado.ioloop.IOLoop.current()
        self.ioloop.add_callback(self._announce)
        signal.signal(signal.SIGINT, self._handle_signal_stop)
        signal.signal(signal.SIGTERM, self._handle_signal_stop)
        try:
            self.ioloop.start()
        finally:
            server.stop()
            self.stop()

    def stop(self) -> None:
        """End all kernels at once: one that waits for a visitor wouldn't listen."""
        run_sync(self.kernel_manager.shutdown_all)(now=True)
        shutil.rmtree(self.connection_dir, ignore_errors=True)

    def _announce(self) -> None:
        url = f"http://{HOST}:{self.port}/"
        sys.stdout.write(f"Dashboard: {url}\n")
        sys.stdout.flush()
        if self.open_browser:
            webbrowser.open(url)


def bind(port: int | None) -> tuple[list[socket.socket], int]:
    """Sockets on this machine only.

    Parameters
    ----------
    port
        The port asked for; None: the default one, or the next that is free.

    Raises
    ------
    ServeError
        The port asked for is taken or not allowed.
    """
    if port is not None and not 0 < port <= _LAST_PORT:
        raise ServeError(f"{port} isn't a port; use 1-{_LAST_PORT}")
    last = min(DEFAULT_PORT + _TRIES, _LAST_PORT)
    problem = ""
    for candidate in (port,) if port is not None else range(DEFAULT_PORT, last):
        try:
            listening = socket.create_server((HOST, candidate), backlog=_BACKLOG)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            problem = "is in use by another program" if taken else f"can't be used ({error})"
            continue
        listening.setblocking(False)
        return [listening], candidate
    asked = f"port {port}" if port is not None else f"every port {DEFAULT_PORT}-{last - 1}"
    raise ServeError(f"{asked} {problem}; choose another with --port")


def server_config(port: int, pool_size: int = _POOL_SIZE, root: str = _ROOT_NOTEBOOK) -> Config:
    """Voilà's settings for the dashboard."""
    config = Config()
    config.Voila.port = port
    config.Voila.ip = HOST
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
    if sys.platform == "linux" and len(tempfile.gettempdir()) < _LONGEST_SOCKET_FOLDER:
        # Sockets in a private folder instead of TCP ports that any local user could connect to.
        config.KernelManager.transport = "ipc"
    config.VoilaKernelManager.kernel_pools_config = {
        "default": {"pool_size": 0},
        root: {"pool_size": pool_size},
    }
    config.VoilaKernelManager.cull_idle_timeout = _CULL_S
    config.VoilaKernelManager.cull_interval = _CULL_EVERY_S
    return config


def local_mathjax(page_config: dict[str, Any], *, base_url: str, **_: Any) -> dict[str, Any]:
    """Give the page's formula plugin an address of our own: it insists on one, and loads nothing.

    No text on these pages has formulas.
    """
    url = url_path_join(base_url, "voila/templates/microgrid/static/no-mathjax.js")
    return page_config | {"fullMathjaxUrl": url, "mathjaxConfig": "none"}


def serve(port: int | None = None, notebook: Path | None = None, open_browser: bool = False) -> int:
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

    Returns
    -------
    int
        0.

    Raises
    ------
    ServeError
        The port asked for is taken, or the notebook doesn't exist.
    """
    shown = Path(notebook) if notebook else resource_path(f"notebooks/{_ROOT_NOTEBOOK}")
    if not shown.is_file():
        raise ServeError(f"no such notebook: {shown}")
    sockets, free = bind(port)
    _find_template()
    # Tornado warns of jupyter_server's own ping times at every visit.
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    server = DashboardServer(config=server_config(free, root=shown.name))
    server.sockets = sockets
    server.root_notebook = shown.name
    server.root_dir = str(shown.resolve().parent)
    server.open_browser = open_browser
    server.initialize([])
    server.start()
    return 0


def _find_template() -> None:
    """Let Voilà find our template, and its kernels our library, wherever both are installed."""
    _prepend("JUPYTER_PATH", resource_path("share/jupyter"))
    _prepend("PYTHONPATH", Path(__file__).resolve().parents[2])
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"


def _prepend(variable: str, folder: Path) -> None:
    before = os.environ.get(variable, "")
    if str(folder) not in before.split(os.pathsep):
        os.environ[variable] = os.pathsep.join(filter(None, (str(folder), before)))

"""Sockets to listen at, bound before anything slow is loaded."""

from __future__ import annotations

import errno
import socket

from microgrid_lib.errors import MicrogridError

HOST = "127.0.0.1"
DEFAULT_PORT = 8866
_TRIES = 50
_BACKLOG = 128
_LAST_PORT = 65535
_ANYWHERE = {"": HOST, "0.0.0.0": HOST, "::": "[::1]"}  # noqa: S104  names, nothing is bound here


class ServeError(MicrogridError):
    """The server can't start: port taken, or nothing to serve."""


def bind(port: int | None, host: str = HOST) -> tuple[list[socket.socket], int]:
    """Sockets of one address.

    Parameters
    ----------
    port
        The port asked for; None: the default one, or the next that is free.
    host
        Address or name to listen at.

    Raises
    ------
    ServeError
        The port asked for is taken or not allowed, or the address isn't this machine's.
    """
    if port is not None and not 0 < port <= _LAST_PORT:
        raise ServeError(f"{port} isn't a port; use 1-{_LAST_PORT}")
    last = min(DEFAULT_PORT + _TRIES, _LAST_PORT)
    problem = ""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (port,) if port is not None else range(DEFAULT_PORT, last):
        try:
            listening = socket.create_server((host, candidate), family=family, backlog=_BACKLOG)
        except socket.gaierror:
            raise ServeError(f"--host {host}: no such address or name") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise ServeError(f"--host {host}: isn't an address of this machine") from None
            taken = error.errno == errno.EADDRINUSE
            problem = "is in use by another program" if taken else f"can't be used ({error})"
            continue
        listening.setblocking(False)
        return [listening], candidate
    asked = f"port {port}" if port is not None else f"every port {DEFAULT_PORT}-{last - 1}"
    raise ServeError(f"{asked} {problem}; choose another with --port")


def reachable_host(host: str) -> str:
    """Where this machine itself reaches a server that listens at an address, as URLs write it."""
    if host in _ANYWHERE:
        return _ANYWHERE[host]
    return f"[{host}]" if ":" in host else host

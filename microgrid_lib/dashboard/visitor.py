"""Who looks at the page: set by the server, never by the browser."""

from __future__ import annotations

import getpass
import json

from microgrid_lib.access import Actor, Role
from microgrid_lib.dashboard.request import under_voila, visit_details
from microgrid_lib.errors import MicrogridError

VISITOR_HEADER = "X-Microgrid-Visitor"
"""What the server tells the kernel, as JSON; a header of this name from outside is thrown away."""
_VARIABLE = "HTTP_X_MICROGRID_VISITOR"
NOBODY = Actor("visitor", Role.viewer)


def current_visitor() -> Actor:
    """Say who looks at this page, and in which role.

    In a kernel from Voilà's pool the first call waits until a visitor arrives: build the page
    first. The answer never changes in the life of a kernel.

    Returns
    -------
    Actor
        Under Voilà whom the server let in; a viewer where it doesn't say. In JupyterLab the local
        user as admin: who can run code there can open the files as well.
    """
    if not under_voila():
        return Actor(_local_name(), Role.admin)
    told = _told()
    try:
        return Actor(str(told["name"]), Role(str(told["role"])))
    except (KeyError, ValueError, MicrogridError):
        return NOBODY


def logout_address() -> str | None:
    """Where the visitor can log out, relative to the server; None where there is no session.

    Waits as `current_visitor` does.
    """
    if not under_voila():
        return None
    address = _told().get("logout")
    return str(address) if address else None


def visitor_text(actor: Actor, logout: str | None = None) -> str:
    """Write for the kernel who its visitor is: ASCII, fit for a header."""
    return json.dumps({"name": actor.name, "role": str(actor.role), "logout": logout})


def _told() -> dict[str, object]:
    try:
        told = json.loads(visit_details().get(_VARIABLE, "{}"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _local_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "local"

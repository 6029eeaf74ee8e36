"""Which way people come in at this server, from its settings and accounts."""

from __future__ import annotations

import getpass
from collections.abc import Callable

from microgrid_lib.access import Actor, Role
from microgrid_lib.accounts.store import AccountStore
from microgrid_lib.dashboard.guard.door import Door
from microgrid_lib.dashboard.guard.proxy import proxy_identity
from microgrid_lib.dashboard.guard.sessions import Sessions, Way
from microgrid_lib.dashboard.guard.settings import ServerSettings
from microgrid_lib.dashboard.guard.token import OwnerToken
from microgrid_lib.dashboard.visitor import NOBODY
from microgrid_lib.errors import MicrogridError

_SECONDS_AN_HOUR = 3600


class EntranceError(MicrogridError):
    """Settings under which anybody on the network could come in."""


def make_door(
    settings: ServerSettings,
    login: bool = True,
    role: Role = Role.viewer,
    on_token: Callable[[str], None] | None = None,
) -> Door:
    """Make the door of a server.

    An authenticating proxy comes before accounts, and accounts before the owner's token.

    Parameters
    ----------
    login, role
        Without login everybody is a visitor of that role, on this machine alone.
    on_token
        Called with the next token when the owner's was used up.

    Raises
    ------
    EntranceError
        The server would be open to the network without anybody having to say who they are.
    SettingsError, StoreError
        A setting is missing; the accounts can't be read.
    """
    accounts = AccountStore.open(settings)
    try:
        way = _way(settings, accounts, login)
        return Door(
            way,
            Sessions(settings.session_hours * _SECONDS_AN_HOUR),
            accounts,
            proxy=proxy_identity(settings) if way is Way.proxy else None,
            proxy_role=settings.default_role,
            token=OwnerToken(settings.fixed_token(), on_token) if way is Way.owner else None,
            owner=_owner(),
            visitor=Actor(NOBODY.name, role),
        )
    except BaseException:
        accounts.close()
        raise


def _way(settings: ServerSettings, accounts: AccountStore, login: bool) -> Way:
    if not login:
        if not settings.is_local or settings.public_url is not None:
            raise EntranceError(
                "--no-login is for this machine alone: leave out --host and MICROGRID_PUBLIC_URL"
            )
        return Way.open
    if settings.auth_proxy != "none":
        return Way.proxy
    if accounts.any():
        return Way.account
    if not settings.is_local or settings.public_url is not None:
        raise EntranceError(
            "others could come in, and nobody has an account: `microgrid users add NAME admin`, "
            "or set MICROGRID_AUTH_PROXY, or leave out --host and MICROGRID_PUBLIC_URL"
        )
    return Way.owner


def _owner() -> Actor:
    try:
        return Actor(getpass.getuser(), Role.admin)
    except (OSError, KeyError, ImportError, MicrogridError):
        return Actor("owner", Role.admin)

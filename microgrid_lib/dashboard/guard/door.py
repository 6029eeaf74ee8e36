"""Decides who a request is from, and lets people in; knows nothing of handlers and pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tornado.httputil import HTTPHeaders

from microgrid_lib.access import MAX_ACTOR_NAME, Actor, Role
from microgrid_lib.accounts.model import Account, fold_name
from microgrid_lib.accounts.store import AccountStore
from microgrid_lib.dashboard.guard.attempts import Attempts, address_key
from microgrid_lib.dashboard.guard.proxy import ProxyIdentity
from microgrid_lib.dashboard.guard.sessions import Session, Sessions, Way
from microgrid_lib.dashboard.guard.token import OwnerToken
from microgrid_lib.errors import MicrogridError

_KNOWN_FOR_S = 2.0
_MOST_KNOWN = 1000
_CHECKS_AT_ONCE = 2
_MOST_WAITING = 20
_LONGEST_ACCOUNT_WAIT_S = 60.0
_LONGEST_ADDRESS_WAIT_S = 900.0
_BUSY_WAIT_S = 5.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Refusal:
    """Someone who wasn't let in; `wait_s` says for how long not to try again [s], 0: at once."""

    wait_s: float = 0.0


class Door:
    """Lets people in by one way, and knows them again by their session.

    Parameters
    ----------
    way
        How people come in at this server.
    sessions, accounts
        Who is inside; who may log in.
    proxy
        For `Way.proxy`: reads the proxy's word.
    proxy_role
        Role of someone the proxy lets in who has no account; None: they stay outside.
    token, owner
        For `Way.owner`: the secret, and who comes in by it.
    visitor
        For `Way.open`: who everybody is.
    clock
        A clock that only goes forward [s].
    """

    def __init__(
        self,
        way: Way,
        sessions: Sessions,
        accounts: AccountStore,
        proxy: ProxyIdentity | None = None,
        proxy_role: Role | None = None,
        token: OwnerToken | None = None,
        owner: Actor | None = None,
        visitor: Actor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.way = way
        self.sessions = sessions
        self.token = token
        self._accounts = accounts
        self._proxy = proxy
        self._proxy_role = proxy_role
        self._owner = owner
        self._visitor = visitor
        self._clock = clock
        self._by_account = Attempts(_LONGEST_ACCOUNT_WAIT_S, clock=clock)
        self._by_address = Attempts(_LONGEST_ADDRESS_WAIT_S, clock=clock)
        self._known: dict[str, tuple[float, Account | None]] = {}
        self._threads = ThreadPoolExecutor(_CHECKS_AT_ONCE, "accounts")
        self._waiting = 0

    async def who(
        self, headers: HTTPHeaders, session_id: str | None, begin: bool
    ) -> Session | None:
        """Session of a request; None: a stranger's.

        Parameters
        ----------
        session_id
            From the signed cookie.
        begin
            Whether a session may begin here, where the way in asks for no login page.

        Raises
        ------
        StoreError, BusyError
            The accounts can't be read.
        """
        session = self.sessions.find(session_id) if session_id else None
        if self.way is Way.proxy:
            return await self._proxied(headers, session, begin)
        if session is not None:
            return session if await self.is_valid(session) else None
        if self.way is Way.open and begin and self._visitor is not None:
            return self.sessions.begin(self._visitor, Way.open)
        return None

    async def is_valid(self, session: Session) -> bool:
        """Whether a session still stands: not ended, and its account as it was; else it ends."""
        if self.sessions.find(session.id) is None:
            return False
        if session.way in (Way.open, Way.owner):
            return True
        if session.way is Way.proxy:
            stands = await self._admitted(session.actor.name) == (session.actor, session.stamp)
        else:
            account = await self._account(session.actor.name)
            stands = account is not None and account.stamp == session.stamp
        if not stands:
            self.sessions.end(session.id)
        return stands

    async def log_in(self, name: str, password: str, address: str) -> Session | Refusal:
        """Let someone in by name and password.

        A failure is counted before the password is looked at: many guesses at once gain nothing.
        """
        by_name = fold_name(name[: 2 * MAX_ACTOR_NAME])
        by_address = address_key(address)
        wait = max(self._by_account.wait_s(by_name), self._by_address.wait_s(by_address))
        if wait > 0:
            return Refusal(wait)
        if self._waiting >= _MOST_WAITING:
            return Refusal(_BUSY_WAIT_S)
        self._by_account.fail(by_name)
        self._by_address.fail(by_address)
        self._waiting += 1
        try:
            account = await self._in_thread(partial(self._accounts.verify, name, password))
        finally:
            self._waiting -= 1
        if account is None or self.way is not Way.account:
            return Refusal()
        self._by_account.succeed(by_name)
        self._by_address.forgive(by_address)
        self._known[account.name] = (self._clock(), account)
        return self.sessions.begin(account.actor, Way.account, account.stamp)

    def exchange(self, given: str, address: str) -> Session | Refusal:
        """Let the owner of the machine in by the token."""
        by_address = address_key(address)
        wait = self._by_address.wait_s(by_address)
        if wait > 0:
            return Refusal(wait)
        if self.token is None or self._owner is None or not self.token.use(given):
            self._by_address.fail(by_address)
            return Refusal()
        return self.sessions.begin(self._owner, Way.owner)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._accounts.close()

    async def _proxied(
        self, headers: HTTPHeaders, session: Session | None, begin: bool
    ) -> Session | None:
        name = await self._proxy.user(headers) if self._proxy is not None else None
        admitted = None if name is None else await self._admitted(name)
        if admitted is None:
            return None
        if session is not None and (session.actor, session.stamp) == admitted:
            return session
        if not begin:
            return None
        if session is not None:
            self.sessions.end(session.id)
        return self.sessions.begin(admitted[0], Way.proxy, admitted[1])

    async def _admitted(self, name: str) -> tuple[Actor, str] | None:
        """Who someone the proxy names is here, and the stamp of their account."""
        account = await self._account(name)
        if account is not None:
            return account.actor, account.stamp
        if self._proxy_role is None:
            return None
        try:
            return Actor(name, self._proxy_role), ""
        except MicrogridError:
            return None

    async def _account(self, name: str) -> Account | None:
        """The account of a name, as it was at most two seconds ago."""
        now = self._clock()
        found = self._known.get(name)
        if found is not None and now - found[0] < _KNOWN_FOR_S:
            return found[1]
        account = await self._in_thread(partial(self._accounts.find, name))
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[name] = (now, account)
        return account

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

"""Kernels of the dashboard server: pooled, counted, and ended when nobody looks any more."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Int

from microgrid_lib.dashboard.guard.visits import Visits
from microgrid_lib.dashboard.request import KEY_VARIABLE
from microgrid_lib.errors import MicrogridError

_SECRETS = ("MICROGRID_TOKEN", "MICROGRID_PROXY_SECRET")
"""Settings of the server that pages have no business with."""
_QUIET = ["--IPKernelApp.log_level=50"]
"""What a browser sends can make a kernel complain; its complaints end up in the server's log."""
_LEFT_FOR_GOOD = timedelta(seconds=30)


class NoRoomError(MicrogridError):
    """As many pages are open as may be."""


class OwnKernelSpecs(KernelSpecManager):
    """Only this interpreter, whatever else is installed on the machine under the same name."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


class DashboardKernels(AsyncMappingKernelManager):
    """Ends kernels by when their last viewer left, not by when they last said something.

    A kernel just taken from the pool still has the time of its start as last activity, and a page
    on live data is never idle: neither says whether anyone looks.
    """

    most = Int(20, config=True, help="How many kernels may be given to visitors at once.")

    def __init__(self, **kwargs: Any) -> None:
        self.visits = Visits()
        self._alone_since: dict[str, datetime] = {}
        self._taken: dict[str, int] = {}
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]

    async def start_kernel(  # type: ignore[override]  # as Jupyter's own, which isn't annotated
        self, *, kernel_id: str | None = None, **kwargs: Any
    ) -> str:
        """Start a kernel with a key of its own and without the server's secrets."""
        kernel_id = kernel_id or str(uuid.uuid4())
        environment = {k: v for k, v in kwargs.pop("env", {}).items() if k not in _SECRETS}
        environment[KEY_VARIABLE] = self.visits.new_key(kernel_id)
        kwargs |= {"kernel_id": kernel_id, "env": environment, "extra_arguments": _QUIET}
        try:
            return str(await super().start_kernel(**kwargs))
        except BaseException:
            self.visits.forget(kernel_id)
            raise

    async def shutdown_kernel(  # type: ignore[override]  # as Jupyter's own
        self, kernel_id: str, *args: Any, **kwargs: Any
    ) -> None:
        """End a kernel, and forget whose it was."""
        self.visits.forget(kernel_id)
        self._alone_since.pop(kernel_id, None)
        await super().shutdown_kernel(kernel_id, *args, **kwargs)  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def place(self, session_id: str) -> AsyncIterator[None]:
        """Keep a place for one more page while its kernel is being handed over.

        Where all are taken, kernels that nobody looks at go first. One session gets half of all
        places at most.

        Raises
        ------
        NoRoomError
            None is free.
        """
        if self._is_full():
            await self._reclaim(list(self.visits.owned()))
        elif self._has_its_share(session_id):
            owned = self.visits.owned().items()
            await self._reclaim([kernel for kernel, owner in owned if owner == session_id])
        if self._is_full() or self._has_its_share(session_id):
            raise NoRoomError("as many pages are open as this server may hold")
        self._taken[session_id] = self._taken.get(session_id, 0) + 1
        try:
            yield
        finally:
            self._taken[session_id] -= 1
            if not self._taken[session_id]:
                del self._taken[session_id]

    def hand_over(self, kernel_id: str, session_id: str, details: dict[str, str]) -> None:
        """Give a kernel to a session; its clock runs until the page connects."""
        self._alone_since[kernel_id] = datetime.now(UTC)
        self.visits.hand_over(kernel_id, session_id, details)

    def _is_full(self) -> bool:
        return len(self.visits.owned()) + sum(self._taken.values()) >= self.most

    def _has_its_share(self, session_id: str) -> bool:
        owners = list(self.visits.owned().values())
        own = owners.count(session_id) + self._taken.get(session_id, 0)
        return own >= max(1, self.most // 2)

    async def _reclaim(self, kernel_ids: list[str]) -> None:
        """End those of the kernels whose page was left a while ago."""
        before = datetime.now(UTC) - _LEFT_FOR_GOOD
        for kernel_id in kernel_ids:
            since = self._alone_since.get(kernel_id)
            if since and since < before and not self._kernel_connections.get(kernel_id):
                await self.shutdown_kernel(kernel_id)

    def notify_disconnect(self, kernel_id: str) -> None:
        """Note when the last viewer left."""
        super().notify_disconnect(kernel_id)  # type: ignore[no-untyped-call]
        if not self._kernel_connections.get(kernel_id):
            self._alone_since[kernel_id] = datetime.now(UTC)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End the kernel if nobody has been connected for `cull_idle_timeout` seconds.

        Called for kernels outside the pool only. One that never had a viewer counts from when it
        was first seen here.
        """
        if self._kernel_connections.get(kernel_id):
            self._alone_since.pop(kernel_id, None)
            return
        now = datetime.now(UTC)
        since = self._alone_since.setdefault(kernel_id, now)
        if now - since > timedelta(seconds=self.cull_idle_timeout):
            self._alone_since.pop(kernel_id, None)
            self.log.info("Ending kernel %s: nobody looks", kernel_id)
            await self.shutdown_kernel(kernel_id)

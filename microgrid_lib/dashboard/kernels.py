"""Kernels of the dashboard server: pooled, and ended when nobody looks any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager


class OwnKernelSpecs(KernelSpecManager):
    """Only this interpreter, whatever else is installed on the machine under the same name."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


class DashboardKernels(AsyncMappingKernelManager):
    """Ends kernels by when their last viewer left, not by when they last said something.

    A kernel just taken from the pool still has the time of its start as last activity, and a page
    on live data is never idle: neither says whether anyone looks.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._alone_since: dict[str, datetime] = {}

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
            await ensure_async(
                self.shutdown_kernel(kernel_id)  # type: ignore[no-untyped-call]
            )

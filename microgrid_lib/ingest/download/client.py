"""HTTP with limits: safe addresses, few redirects, timeouts, patience that ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import responses
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3

from microgrid_lib import __version__
from microgrid_lib.ingest.download.address import address_problem, is_local
from microgrid_lib.ingest.download.errors import MirrorError

MAX_REDIRECTS = 5
MAX_JSON_BYTES = 8 << 20
_BLOCK = 1 << 16
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class TryAgainError(Exception):
    """Something that may pass; `wait_s` [s] is what the server asked for, if it did."""

    def __init__(self, problem: str, wait_s: float | None = None) -> None:
        self.wait_s = wait_s
        super().__init__(problem)


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how often to try again.

    Attributes
    ----------
    attempts
        In a row without progress.
    connect_s, read_s
        For a connection; for the next byte [s].
    first_wait_s, longest_wait_s
        Before the second attempt, doubled before each further one; a server that asks for more than
        the longest is given up [s].
    slowest_bytes_per_s, judged_after_s
        A slower transfer is given up, judged over this time [B/s], [s].
    pause, clock
        What waits, and what tells the time [s].
    """

    attempts: int = 5
    connect_s: float = 10.0
    read_s: float = 30.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    slowest_bytes_per_s: float = 1024.0
    judged_after_s: float = 60.0
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def wait(self, failures: int, error: TryAgainError) -> None:
        """Wait before the next attempt.

        Raises
        ------
        MirrorError
            These were all attempts, or the server asks for more patience than there is.
        """
        if failures >= self.attempts:
            raise MirrorError(f"{error} ({failures} attempts)") from None
        asked = error.wait_s
        if asked is not None and asked > self.longest_wait_s:
            raise MirrorError(f"{error} and asks to wait {asked:.0f} s") from None
        doubled = self.first_wait_s * 2.0 ** (failures - 1)
        self.pause(min(max(doubled, asked or 0.0), self.longest_wait_s))


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: requests would read a redirect's whole body; `Client` follows instead."""
        return None


class Client:
    """Requests to one mirror.

    Parameters
    ----------
    address
        The mirror's own; only a mirror on this machine may use plain HTTP and addresses here.
    patience
        How long to wait, and how often to try again.
    """

    def __init__(self, address: str, patience: Patience) -> None:
        self.patience = patience
        self._local = is_local(address)
        self._session = _Session()
        self._session.trust_env = not self._local
        self._session.headers["User-Agent"] = f"microgrid-monitoring/{__version__}"
        # Sizes, ranges and checksums are those of the bytes as published.
        self._session.headers["Accept-Encoding"] = "identity"
        self._answered = False

    def close(self) -> None:
        """Give up the connections."""
        self._session.close()

    @contextmanager
    def get(self, url: str, headers: dict[str, str] | None = None) -> Iterator[requests.Response]:
        """One attempt; gives the answer if its status is 200, 206 or 416.

        Raises
        ------
        TryAgainError
            What may pass.
        MirrorError
            What won't.
        """
        with self._final_answer(url, headers) as response:
            _check_status(response)
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise MirrorError("sends compressed data that weren't asked for")
            yield response

    def _final_answer(self, url: str, headers: dict[str, str] | None) -> requests.Response:
        """Follow redirects, as long as they lead to acceptable addresses."""
        for _ in range(1 + MAX_REDIRECTS):
            if problem := address_problem(url, local=self._local):
                raise MirrorError(f"leads to where nothing is fetched from: {problem}")
            response = self._answer(url, headers)
            if not response.is_redirect:
                return response
            response.close()
            url = urljoin(url, response.headers["Location"])
        raise MirrorError(f"redirects more than {MAX_REDIRECTS} times")

    def _answer(self, url: str, headers: dict[str, str] | None) -> requests.Response:
        patience = self.patience
        limits = (patience.connect_s, patience.read_s)
        try:
            response = self._session.get(url, headers=headers, stream=True, timeout=limits)
        except requests.exceptions.SSLError:
            raise MirrorError("can't be trusted (TLS certificate)") from None
        except requests.ReadTimeout:
            raise TryAgainError(f"doesn't answer within {patience.read_s:g} s") from None
        except requests.ConnectionError as error:
            cause = error.args[0] if error.args else None
            unreachable = isinstance(cause, urllib3.exceptions.MaxRetryError)
            # Who was never reached won't be in a few seconds; a line that broke may come back.
            if self._answered or not unreachable:
                raise TryAgainError("loses the connection") from None
            reason = getattr(cause, "reason", None)
            unnamed = isinstance(reason, urllib3.exceptions.NameResolutionError)
            raise MirrorError(
                "can't be reached" + (" (no such host, or offline)" if unnamed else "")
            ) from None
        except requests.RequestException as error:
            raise MirrorError(f"gives no usable answer ({type(error).__name__})") from None
        self._answered = True
        return response

    def blocks(self, response: requests.Response) -> Iterator[bytes]:
        """The bytes of an answer as they come.

        Raises
        ------
        TryAgainError
            They break off, or come too slowly.
        """
        clock = self.patience.clock
        since, received = clock(), 0
        try:
            while block := response.raw.read1(_BLOCK, decode_content=False):
                yield block
                received += len(block)
                passed = clock() - since
                if passed >= self.patience.judged_after_s:
                    if received < passed * self.patience.slowest_bytes_per_s:
                        raise TryAgainError(f"sends only {received / passed:.0f} bytes per second")
                    since, received = clock(), 0
        except urllib3.exceptions.ReadTimeoutError:
            raise TryAgainError(f"sends nothing for {self.patience.read_s:g} s") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise TryAgainError("breaks off") from None

    def json(self, url: str) -> Any:
        """What a JSON document says.

        Raises
        ------
        MirrorError
            It can't be had, or isn't JSON.
        """
        failures = 0
        while True:
            try:
                with self.get(url) as response:
                    return self._parsed(response)
            except TryAgainError as error:
                failures += 1
                self.patience.wait(failures, error)

    def _parsed(self, response: requests.Response) -> Any:
        content = b""
        for block in self.blocks(response):
            content += block
            if len(content) > MAX_JSON_BYTES:
                raise MirrorError("sends a list of files that is too long")
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and len(content) != int(declared):
            raise TryAgainError("breaks off")
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise MirrorError("sends no list of files (not JSON)") from None


def _check_status(response: requests.Response) -> None:
    code = response.status_code
    if code in (
        HTTPStatus.OK,
        HTTPStatus.PARTIAL_CONTENT,
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    ):
        return
    problem = f"answers {code} ({responses.get(code, 'unknown status')})"
    if code in _TRY_AGAIN:
        raise TryAgainError(problem, _asked_wait(response.headers.get("Retry-After")))
    raise MirrorError(problem)


def _asked_wait(text: str | None) -> float | None:
    """Seconds that `Retry-After` asks for: a number or a date."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)

"""What an authenticating proxy says about who is there: believed only with proof."""

from __future__ import annotations

import hmac
import json
import time
from pathlib import Path
from typing import Any, Protocol

import jwt
from tornado.httpclient import AsyncHTTPClient, HTTPError
from tornado.httputil import HTTPHeaders

from microgrid_lib.dashboard.guard.settings import ServerSettings
from microgrid_lib.errors import SettingsError

SECRET_HEADER = "X-Microgrid-Proxy-Secret"  # noqa: S105  a header's name
ACCESS_HEADER = "Cf-Access-Jwt-Assertion"
_ALGORITHM = "RS256"
_LEEWAY_S = 10
_KEEP_KEYS_S = 3600.0
_LOOK_AGAIN_S = 60.0
_LONGEST_TOKEN = 16_384
_KEYS_TIMEOUT_S = 10.0


class ProxyIdentity(Protocol):
    """Reads who is there from the headers of a request."""

    async def user(self, headers: HTTPHeaders) -> str | None:
        """Name of who is there; None where there is no proof."""


def proxy_identity(settings: ServerSettings) -> ProxyIdentity | None:
    """Make what reads the proxy's word; None where there is no authenticating proxy.

    Raises
    ------
    SettingsError
        Something it needs is missing.
    """
    if settings.auth_proxy == "headers":
        return SecretHeaders(settings.shared_secret(), settings.proxy_user_header)
    if settings.auth_proxy == "cloudflare":
        issuer = (settings.access_issuer or "").rstrip("/")
        if not issuer or not settings.access_audience:
            raise SettingsError(
                "MICROGRID_AUTH_PROXY=cloudflare needs MICROGRID_ACCESS_ISSUER "
                "(https://TEAM.cloudflareaccess.com) and MICROGRID_ACCESS_AUDIENCE (the AUD tag)"
            )
        keys = Keys(settings.access_keys or f"{issuer}/cdn-cgi/access/certs")
        return AccessToken(issuer, settings.access_audience, keys)
    return None


class SecretHeaders:
    """A user's name in a header, and beside it a secret only the proxy knows (oauth2-proxy)."""

    def __init__(self, secret: str, user_header: str) -> None:
        self._secret = secret.encode()
        self._user_header = user_header

    async def user(self, headers: HTTPHeaders) -> str | None:
        """Name of who is there; None without the secret, or with anything sent twice."""
        given = headers.get_list(SECRET_HEADER)
        names = headers.get_list(self._user_header)
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self._secret):
            return None
        if len(names) != 1:
            return None
        return names[0].strip() or None


class Keys:
    """Public keys of the issuer (JWKS), from a file or an address."""

    def __init__(self, source: str) -> None:
        self._remote = source.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))
        if "://" in source and not self._remote:
            raise SettingsError("MICROGRID_ACCESS_KEYS: give a file or an https:// address")
        self._source = source
        self._keys: dict[str, Any] = {}
        self._read_at: float | None = None

    async def find(self, key_id: str) -> Any:
        """The key of an id; None where the issuer has none. Unknown ids are looked up again."""
        now = time.monotonic()
        age = None if self._read_at is None else now - self._read_at
        unknown = key_id not in self._keys
        if age is None or age > _KEEP_KEYS_S or (unknown and age > _LOOK_AGAIN_S):
            self._read_at = now
            self._keys = _parse_keys(await self._read()) or self._keys
        return self._keys.get(key_id)

    async def _read(self) -> bytes:
        try:
            if not self._remote:
                return Path(self._source).read_bytes()
            answer = await AsyncHTTPClient().fetch(
                self._source, request_timeout=_KEYS_TIMEOUT_S, follow_redirects=False
            )
        except (OSError, HTTPError):
            return b""
        return answer.body


def _parse_keys(content: bytes) -> dict[str, Any]:
    try:
        found = jwt.PyJWKSet.from_dict(json.loads(content))
    except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
        return {}
    return {str(k.key_id): k.key for k in found.keys if k.key_type == "RSA" and k.key_id}


class AccessToken:
    """A signed token in a header (Cloudflare Access): signature, issuer, audience, expiry."""

    def __init__(self, issuer: str, audience: str, keys: Keys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    async def user(self, headers: HTTPHeaders) -> str | None:
        """E-mail address, or name of a service token; None where anything isn't as it must be."""
        given = headers.get_list(ACCESS_HEADER)
        if len(given) != 1 or len(given[0]) > _LONGEST_TOKEN:
            return None
        try:
            head = jwt.get_unverified_header(given[0])
            if head.get("alg") != _ALGORITHM:
                return None
            key = await self._keys.find(str(head.get("kid", "")))
            if key is None:
                return None
            claims = jwt.decode(
                given[0],
                key,
                algorithms=[_ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except jwt.PyJWTError:
            return None
        name = claims.get("email") or claims.get("common_name")
        return name if isinstance(name, str) else None

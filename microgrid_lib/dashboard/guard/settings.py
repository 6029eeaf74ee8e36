"""Settings of the dashboard server, read as all others are."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from microgrid_lib.access import Role
from microgrid_lib.errors import SettingsError
from microgrid_lib.settings import Settings

MIN_TOKEN = 16
_LOOPBACK = ("127.0.0.0/8", "::1/128")
Network = IPv4Network | IPv6Network
TextList = Annotated[tuple[str, ...], NoDecode]


class ServerSettings(Settings):
    """What the machine decides about the dashboard server.

    `host` is the address to listen at; `public_url` the one people type, where a proxy is in
    front. `proxy_role` is the role of someone the proxy lets in who has no account.
    """

    host: str = "127.0.0.1"
    public_url: str | None = None
    allowed_hosts: TextList = ()
    trusted_proxies: TextList = ()
    token: SecretStr | None = None
    token_file: Path | None = None
    session_hours: float = Field(default=12, gt=0, le=24 * 31)
    kernels: int = Field(default=20, ge=1, le=1000)
    warm_kernels: int = Field(default=1, ge=0, le=20)
    idle_minutes: float = Field(default=5, ge=1)
    auth_proxy: Literal["none", "cloudflare", "headers"] = "none"
    proxy_secret: SecretStr | None = None
    proxy_secret_file: Path | None = None
    proxy_user_header: Literal["X-Forwarded-Email", "X-Forwarded-User"] = "X-Forwarded-Email"
    proxy_role: Literal["viewer", "operator", "admin", "none"] = "viewer"
    proxy_logout_url: str | None = None
    access_issuer: str | None = None
    access_audience: str | None = None
    access_keys: str | None = None

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Take lists separated by commas."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_network(text, strict=False)
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        """Only an origin: the dashboard is at the root of its host."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("isn't an address like https://grid.example.org")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("the dashboard is at the root of its host: give no path")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_https(self) -> bool:
        """Whether people come by TLS, through a proxy."""
        return (self.public_url or "").startswith("https://")

    @property
    def networks(self) -> tuple[Network, ...]:
        """Addresses whose word on a client's own address counts."""
        local = _LOOPBACK if self.public_url else ()
        return tuple(ip_network(text, strict=False) for text in (self.trusted_proxies or local))

    def fixed_token(self) -> str | None:
        """The token of the settings, if there is one.

        Raises
        ------
        SettingsError
            Its file can't be read, or it is short enough to be guessed.
        """
        found = _secret("token", self.token, self.token_file)
        if found is not None and len(found) < MIN_TOKEN:
            raise SettingsError(f"MICROGRID_TOKEN: too short: at least {MIN_TOKEN} characters")
        return found

    def shared_secret(self) -> str:
        """The secret an authenticating proxy sends along.

        Raises
        ------
        SettingsError
            There is none, its file can't be read, or it is short enough to be guessed.
        """
        found = _secret("proxy_secret", self.proxy_secret, self.proxy_secret_file)
        if found is None or len(found) < MIN_TOKEN:
            raise SettingsError(
                "MICROGRID_AUTH_PROXY=headers needs MICROGRID_PROXY_SECRET, "
                f"at least {MIN_TOKEN} characters that only the proxy knows"
            )
        return found

    @property
    def default_role(self) -> Role | None:
        """Role of someone the proxy lets in who has no account; None: they stay outside."""
        return None if self.proxy_role == "none" else Role(self.proxy_role)


def _secret(name: str, value: SecretStr | None, file: Path | None) -> str | None:
    if value is not None:
        return value.get_secret_value().strip() or None
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "isn't UTF-8 text"
        raise SettingsError(f"MICROGRID_{name.upper()}_FILE: {file}: {reason}") from None

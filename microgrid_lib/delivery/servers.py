"""What is known of the ways: the mail server, a webhook."""

from __future__ import annotations

import re
from email.headerregistry import Address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LONGEST_ADDRESS = 254
_NAMED = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]+)>")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def check_address(text: str) -> str:
    """Check an e-mail address.

    Raises
    ------
    ValueError
        It isn't one, or could break out of a header.
    """
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise ValueError(f"must be an e-mail address such as ada@example.org, not {text[:60]!r}")
    return text


def _check_sender(text: str) -> str:
    named = _NAMED.fullmatch(text)
    check_address(named["address"] if named else text)
    if not text.isprintable():
        raise ValueError("must be one line of text")
    return text


def _check_host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(
            f"must be the name of a machine such as smtp.example.org, not {text[:60]!r}"
        )
    return text


def _check_variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(
            f"must be the name of an environment variable such as MICROGRID_HOOK, not {text[:20]!r}"
        )
    return text


def check_url(text: str) -> str:
    """Check the address of a webhook.

    Raises
    ------
    ValueError
        It isn't http or https, or names no host. The address isn't repeated: it may be a secret.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable()
        usable = usable and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be an address such as https://example.org/hook")
    return text


MailAddress = Annotated[str, AfterValidator(check_address)]
Variable = Annotated[str, AfterValidator(_check_variable)]


class MailServer(BaseModel):
    """The SMTP server that takes our mail.

    Attributes
    ----------
    host, port
        Default port: 587, 465 or 25, by `security`.
    security
        `starttls` and `tls` check the server's certificate; `none` sends no password, except to
        this machine itself.
    sender
        `name@example.org` or `Name <name@example.org>`.
    user_env, password_env
        Variables that hold the login; `<variable>_FILE` names a file instead. Without them, none.
    ca_file
        Certificates to trust instead of the system's.
    timeout_s
        How long an answer is waited for [s].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, AfterValidator(_check_host)]
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[str, AfterValidator(_check_sender)]
    user_env: Variable = "MICROGRID_SMTP_USER"
    password_env: Variable = "MICROGRID_SMTP_PASSWORD"  # noqa: S105  the variable's name
    ca_file: str | None = None
    timeout_s: float = Field(default=30.0, gt=0, le=600)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or _PORTS[self.security]

    @property
    def from_(self) -> Address:
        """The sender as a header has it."""
        named = _NAMED.fullmatch(self.sender)
        if named is None:
            return Address(addr_spec=self.sender)
        return Address(display_name=named["name"].strip('"'), addr_spec=named["address"])


class Webhook(BaseModel):
    """A web address that takes messages as JSON.

    Attributes
    ----------
    url, url_env
        The address, or the variable that holds it, where it is a secret itself.
    secret_env
        Variable with the key of the signature; without it, none.
    timeout_s
        How long an answer is waited for [s].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(check_url)] | None = None
    url_env: Variable | None = None
    secret_env: Variable | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=600)

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("must have url or url_env, one of them")
        return self

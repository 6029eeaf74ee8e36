"""Real servers on this machine: SMTP with TLS and login, HTTP."""

from __future__ import annotations

import datetime as dt
import email
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "microgrid", "correct horse battery"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and its key; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, private


@dataclass
class Mailbox:
    """What an SMTP server got; `refusals` are its next answers to RCPT and DATA."""

    received: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    rcpt_refusals: list[str] = field(default_factory=list)
    data_refusals: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.rcpt_refusals:
            return self.rcpt_refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data_refusals:
            return self.data_refusals.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.received.append((list(envelope.rcpt_tos), mail))
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, how: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = given == LoginPassword(USER.encode(), PASSWORD.encode())
        self.logins.append(given.login.decode())
        return AuthResult(success=right, handled=right)

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for rcpt, mail in self.received if rcpt == [address]]


@contextmanager
def smtp_server(
    mailbox: Mailbox, tls: ssl.SSLContext | None = None, implicit: bool = False, port: int = 0
) -> Iterator[Mailbox]:
    """Serve a mailbox; with TLS it asks for a login."""
    secure = {}
    if tls is not None:
        secure = {"authenticator": mailbox.authenticate, "auth_required": True}
        secure |= {"ssl_context": tls} if implicit else {"tls_context": tls}
        if implicit:
            secure["auth_require_tls"] = False
        else:
            secure["require_starttls"] = True
    controller = Controller(mailbox, hostname="127.0.0.1", port=port or free_port(), **secure)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Hook:
    """What an HTTP server got; `answers` are its next status codes, 200 where there are none."""

    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    silent: threading.Event | None = None


@contextmanager
def http_server(hook: Hook) -> Iterator[Hook]:
    """Serve a webhook."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.paths.append(self.path)
            if hook.silent is not None:
                hook.silent.wait(30)
            code = hook.answers.pop(0) if hook.answers else 200
            if code < 300:
                hook.received.append((dict(self.headers.items()), body))
            self.send_response(code)
            if 300 <= code < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield hook
    finally:
        if hook.silent is not None:
            hook.silent.set()
        server.shutdown()
        thread.join()
        server.server_close()

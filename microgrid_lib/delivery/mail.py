"""E-mail over SMTP, with PDF files attached."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from microgrid_lib.delivery.errors import DeliveryError, Hope
from microgrid_lib.delivery.message import Message
from microgrid_lib.delivery.secrets import read_secret
from microgrid_lib.delivery.servers import MailServer
from microgrid_lib.errors import SettingsError

MOST_ATTACHED = 20_000_000
"""Files beyond this are named, not attached [B]: many servers refuse 25 MB with its encoding."""
_LONGEST_SUBJECT = 200
_PERMANENT = 500
_UNKNOWN_MAILBOX = (550, 551, 553)


def compose(message: Message, to: str, delivery: str, server: MailServer) -> EmailMessage:
    """Write a message as an e-mail.

    Parameters
    ----------
    to
        Address; one recipient doesn't see another.
    delivery
        Id of the delivery, which becomes the Message-ID.

    Raises
    ------
    DeliveryError
        A file to attach is gone.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = server.from_
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = one_line(message.subject)[:_LONGEST_SUBJECT]
    mail["Date"] = message.created
    mail["Message-ID"] = f"<{delivery}@{server.from_.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    attached = attachable(message.files)
    mail.set_content(message.body)
    for path, content in attached:
        mail.add_attachment(content, maintype="application", subtype="pdf", filename=path.name)
    # The content just set would have taken this header with it.
    mail["Content-Language"] = message.language
    return mail


def one_line(text: str) -> str:
    """Text without line ends and control characters, which could begin another header."""
    return re.sub(r"[\x00-\x20\x7f\x85\u2028\u2029]+", " ", text).strip()


def attachable(files: tuple[Path, ...]) -> list[tuple[Path, bytes]]:
    """Read the files that fit, the first ones first.

    Raises
    ------
    DeliveryError
        One is gone.
    """
    found, total = [], 0
    for path in files:
        try:
            size = path.stat().st_size
            if total + size > MOST_ATTACHED:
                continue
            found.append((path, path.read_bytes()))
        except OSError as error:
            raise DeliveryError(
                f"{path}: can't be attached ({error.strerror})", Hope.never
            ) from None
        total += size
    return found


def send(mail: EmailMessage, server: MailServer) -> None:
    """Hand an e-mail to the server.

    Raises
    ------
    DeliveryError
        The server can't be reached, refuses the login, the recipient or the message.
    """
    try:
        with _session(server) as session:
            session.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refused(code, text, "") from None
    except smtplib.SMTPAuthenticationError as error:
        raise _refused(error.smtp_code, error.smtp_error, _name(server), "login refused") from None
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(f"{_name(server)}: {error}", Hope.later, _name(server)) from None
    except smtplib.SMTPResponseException as error:
        whole = "" if isinstance(error, smtplib.SMTPDataError) else _name(server)
        raise _refused(error.smtp_code, error.smtp_error, whole) from None
    except ssl.SSLError as error:
        problem = f"{_name(server)}: no safe connection ({error.reason or error})"
        raise DeliveryError(problem, Hope.later, _name(server)) from None
    except (OSError, smtplib.SMTPException) as error:
        problem = f"{_name(server)}: can't be reached ({error})"
        raise DeliveryError(problem, Hope.soon, _name(server)) from None


@contextmanager
def _session(server: MailServer) -> Iterator[smtplib.SMTP]:
    host, port = server.address
    context = None if server.security == "none" else _trust(server)
    if server.security == "tls":
        opened: smtplib.SMTP = smtplib.SMTP_SSL(
            host, port, timeout=server.timeout_s, context=context
        )
    else:
        opened = smtplib.SMTP(host, port, timeout=server.timeout_s)
    with opened as session:
        if server.security == "starttls":
            session.starttls(context=context)
        _log_in(session, server)
        yield session


def _trust(server: MailServer) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        problem = f"mail.ca_file {server.ca_file!r}: {error.strerror or error}"
        raise DeliveryError(problem, Hope.later, _name(server)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _log_in(session: smtplib.SMTP, server: MailServer) -> None:
    try:
        user, password = read_secret(server.user_env), read_secret(server.password_env)
    except SettingsError as error:
        raise DeliveryError(str(error), Hope.later, _name(server)) from None
    if user is None and password is None:
        return
    if user is None or password is None:
        missing = server.user_env if user is None else server.password_env
        raise DeliveryError(f"{missing} isn't set", Hope.later, _name(server))
    if server.security == "none" and server.host not in ("localhost", "127.0.0.1", "::1"):
        problem = "a password isn't sent without encryption: set mail.security to starttls or tls"
        raise DeliveryError(problem, Hope.later, _name(server))
    session.login(user, password)


def _refused(code: int, text: bytes | str, whole: str, what: str = "refused") -> DeliveryError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    problem = f"{whole}: {what}" if whole else what
    if code < _PERMANENT:
        hope = Hope.soon
    else:
        hope = Hope.never if code in _UNKNOWN_MAILBOX and not whole else Hope.later
    return DeliveryError(f"{problem} ({code} {said})", hope, whole)


def _name(server: MailServer) -> str:
    return "mail server {}:{}".format(*server.address)

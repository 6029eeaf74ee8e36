"""E-mail through a real SMTP server: STARTTLS, TLS, login, refusals, hostile text."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from microgrid_lib.delivery import mail as module
from microgrid_lib.delivery.errors import DeliveryError, Hope
from microgrid_lib.delivery.mail import compose, one_line, send
from microgrid_lib.delivery.message import Message
from microgrid_lib.delivery.servers import MailServer, check_address
from tests.delivery.servers import (
    PASSWORD,
    USER,
    Mailbox,
    certificate,
    free_port,
    smtp_server,
)

AT = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)
SENDER = "Microgrid, Site 1 <microgrid@example.org>"


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "février.pdf"
    path.write_bytes(b"%PDF-1.7 \x00\xff report")
    return path


def message(
    *files: Path, subject: str = "Rapport de février", body: str = "Été à Nîmes\n"
) -> Message:
    return Message(
        key="k", subject=subject, body=body, language="fr", files=tuple(files), created=AT
    )


def plain(port: int, **more: object) -> MailServer:
    return MailServer.model_validate(
        {"host": "127.0.0.1", "port": port, "security": "none", "sender": SENDER} | more
    )


def post(server: MailServer, *files: Path, **more: str) -> None:
    send(compose(message(*files, **more), "ada@example.org", "id1", server), server)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server(Mailbox()) as served:
        yield served


def test_a_report_arrives_with_its_pdf_as_it_is_on_disk(mailbox: Mailbox, pdf: Path) -> None:
    post(plain(mailbox.port), pdf)
    ((rcpt, mail),) = mailbox.received
    assert rcpt == ["ada@example.org"]
    assert mail["Subject"] == "Rapport de février"
    assert mail["From"].addresses[0].display_name == "Microgrid, Site 1"
    assert mail["To"] == "ada@example.org"
    assert mail["Message-ID"] == "<id1@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == AT
    body = mail.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == "Été à Nîmes\n"
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_filename() == "février.pdf"
    assert attached.get_payload(decode=True) == pdf.read_bytes()


# aiosmtpd doesn't count TLS from the first byte on as such.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("by", ["variable", "file"])
def test_a_login_goes_over_tls_only_and_comes_from_the_environment_or_a_file(
    security: str, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(chain, key)
    if by == "variable":
        monkeypatch.setenv("MICROGRID_SMTP_USER", USER)
        monkeypatch.setenv("MICROGRID_SMTP_PASSWORD", PASSWORD)
    else:
        for name, value in (("USER", USER), ("PASSWORD", PASSWORD)):
            (tmp_path / name).write_text(f"{value}\n", encoding="utf-8")
            monkeypatch.setenv(f"MICROGRID_SMTP_{name}_FILE", str(tmp_path / name))
    with smtp_server(Mailbox(), tls, implicit=security == "tls") as served:
        post(plain(served.port, security=security, ca_file=str(chain)))
        assert (len(served.received), served.logins) == (1, [USER])

        monkeypatch.delenv("MICROGRID_SMTP_PASSWORD_FILE", raising=False)
        monkeypatch.setenv("MICROGRID_SMTP_PASSWORD", "not it")
        with pytest.raises(DeliveryError, match="login refused") as wrong:
            post(plain(served.port, security=security, ca_file=str(chain)))
        assert wrong.value.hope is Hope.later
        assert "not it" not in str(wrong.value)

        # Without the authority's certificate nobody is trusted, and no password leaves.
        before = list(served.logins)
        with pytest.raises(DeliveryError, match="no safe connection"):
            post(plain(served.port, security=security))
        assert served.logins == before
        assert len(served.received) == 1


def test_a_password_never_travels_in_the_clear_to_another_machine(
    monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox
) -> None:
    monkeypatch.setenv("MICROGRID_SMTP_USER", USER)
    monkeypatch.setenv("MICROGRID_SMTP_PASSWORD", PASSWORD)
    # Another writing of this machine's address, which isn't known to be it.
    with pytest.raises(DeliveryError, match="isn't sent without encryption"):
        post(plain(mailbox.port, host="127.1"))
    assert mailbox.logins == []


def test_a_server_without_starttls_gets_nothing(mailbox: Mailbox) -> None:
    with pytest.raises(DeliveryError, match="STARTTLS") as wrong:
        post(plain(mailbox.port, security="starttls"))
    assert wrong.value.hope is Hope.later
    assert mailbox.received == []


def test_a_server_that_is_down_may_be_up_soon() -> None:
    port = free_port()
    with pytest.raises(DeliveryError, match=f"mail server 127.0.0.1:{port}: can't be") as wrong:
        post(plain(port))
    assert wrong.value.hope is Hope.soon
    assert wrong.value.server


@pytest.mark.parametrize(
    ("answer", "hope"),
    [
        ("451 greylisted", Hope.soon),
        ("550 no such mailbox", Hope.never),
        ("552 mailbox full", Hope.later),
    ],
)
def test_what_a_refusal_means_depends_on_its_code(
    mailbox: Mailbox, answer: str, hope: Hope
) -> None:
    mailbox.rcpt_refusals.append(answer)
    with pytest.raises(DeliveryError, match=answer[4:]) as wrong:
        post(plain(mailbox.port))
    assert (wrong.value.hope, wrong.value.server) == (hope, "")
    post(plain(mailbox.port))
    assert len(mailbox.received) == 1


def test_a_file_that_is_gone_is_never_sent(mailbox: Mailbox, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"gone\.pdf: can't be attached") as wrong:
        post(plain(mailbox.port), tmp_path / "gone.pdf")
    assert wrong.value.hope is Hope.never


def test_more_than_servers_take_is_left_out(
    mailbox: Mailbox, pdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ATTACHED", 100)
    large = tmp_path / "large.pdf"
    large.write_bytes(b"x" * 101)
    post(plain(mailbox.port), large, pdf)
    (attached,) = mailbox.received[0][1].iter_attachments()
    assert attached.get_filename() == "février.pdf"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\v", "\x85", "\u2028", "\x00"])
def test_a_subject_cannot_begin_another_header(mailbox: Mailbox, end: str) -> None:
    post(plain(mailbox.port), subject=f"Site{end}Bcc: eve@example.org{end}{end}hello")
    ((rcpt, mail),) = mailbox.received
    assert rcpt == ["ada@example.org"]
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Site")


@given(st.text())
def test_any_text_makes_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line


@pytest.mark.parametrize(
    "text",
    [
        *("", "ada", "ada@", "@example.org", "a b@example.org", "ada@example..org"),
        *(
            "ada@example.org\nBcc: eve@example.org",
            "<ada@example.org>",
            "ada@example.org,eve@x.org",
        ),
        *("ada@exämple.org", "a" * 65 + "@example.org", "ada@" + "a" * 260 + ".org"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an e-mail address"):
        check_address(text)


def test_a_sender_stays_in_its_header() -> None:
    with pytest.raises(ValidationError, match="must be"):
        plain(25, sender="Grid\r\nBcc: eve@example.org <grid@example.org>")

"""Webhooks on a real HTTP server: what arrives, its signature, and what answers mean."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from microgrid_lib.delivery.errors import DeliveryError, Hope
from microgrid_lib.delivery.message import Message
from microgrid_lib.delivery.servers import Webhook
from microgrid_lib.delivery.webhook import post
from tests.delivery.servers import Hook, free_port, http_server

AT = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)
MESSAGE = Message(
    key="k",
    subject="Rapport",
    body="Été",
    language="fr",
    data={"kind": "report", "reports": [{"file": "a.pdf", "pages": 9}]},
    created=AT,
)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with http_server(Hook()) as served:
        yield served


def send(url: str, **more: object) -> None:
    post(MESSAGE, "id1", Webhook.model_validate({"url": url, **more}), "ops", AT)


def test_a_message_arrives_as_json_with_a_key_to_notice_repetitions(hook: Hook) -> None:
    send(hook.url)
    ((headers, body),) = hook.received
    assert headers["Idempotency-Key"] == "id1"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert "X-Microgrid-Signature" not in headers
    assert json.loads(body) == {
        "id": "id1",
        "created": "2026-03-01T13:00:00+00:00",
        "language": "fr",
        "subject": "Rapport",
        "text": "Été",
        "kind": "report",
        "reports": [{"file": "a.pdf", "pages": 9}],
    }


def test_the_receiver_can_check_who_sent_it_and_when(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_KEY", "key of both")
    send(hook.url, secret_env="HOOK_KEY")
    ((headers, body),) = hook.received
    timestamp = headers["X-Microgrid-Timestamp"]
    assert int(timestamp) == int(AT.timestamp())
    expected = hmac.new(b"key of both", timestamp.encode() + b"." + body, hashlib.sha256)
    assert headers["X-Microgrid-Signature"] == f"sha256={expected.hexdigest()}"


def test_the_address_may_be_a_secret_and_is_never_repeated(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_URL", f"{hook.url}?token=s3cret")
    secret = Webhook(url_env="HOOK_URL")
    post(MESSAGE, "id1", secret, "ops", AT)
    assert hook.paths == ["/hook?token=s3cret"]
    hook.answers.append(403)
    with pytest.raises(DeliveryError, match=r"webhook ops \(127\.0\.0\.1\): refused") as wrong:
        post(MESSAGE, "id1", secret, "ops", AT)
    assert "s3cret" not in str(wrong.value)
    monkeypatch.setenv("HOOK_URL", "s3cret")
    with pytest.raises(DeliveryError, match="must be an address") as wrong:
        post(MESSAGE, "id1", secret, "ops", AT)
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("code", "hope"),
    [
        (301, Hope.later),
        (307, Hope.later),
        (400, Hope.later),
        (404, Hope.later),
        (408, Hope.soon),
        (429, Hope.soon),
        (500, Hope.soon),
        (503, Hope.soon),
    ],
)
def test_an_answer_other_than_2xx_is_a_failure(hook: Hook, code: int, hope: Hope) -> None:
    hook.answers.append(code)
    with pytest.raises(DeliveryError, match=str(code)) as wrong:
        send(hook.url)
    assert wrong.value.hope is hope
    assert hook.paths == ["/hook"]


def test_a_server_that_is_down_or_silent_is_given_up_soon(hook: Hook) -> None:
    with pytest.raises(DeliveryError, match="can't be reached") as wrong:
        send(f"http://127.0.0.1:{free_port()}/hook")
    assert wrong.value.hope is Hope.soon
    hook.silent = threading.Event()
    with pytest.raises(DeliveryError, match=r"no answer in 0\.2 s") as wrong:
        send(hook.url, timeout_s=0.2)
    assert wrong.value.hope is Hope.soon


def test_a_key_that_is_not_set_is_named(hook: Hook) -> None:
    with pytest.raises(DeliveryError, match="neither HOOK_KEY nor HOOK_KEY_FILE is set"):
        send(hook.url, secret_env="HOOK_KEY")
    assert hook.paths == []


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://example.org/", "https://", "http://h:0/", "http://h:x/"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an address such as"):
        Webhook(url=url)


def test_a_webhook_has_one_address() -> None:
    for both in ({}, {"url": "https://example.org/", "url_env": "HOOK"}):
        with pytest.raises(ValidationError, match="must have url or url_env"):
            Webhook.model_validate(both)

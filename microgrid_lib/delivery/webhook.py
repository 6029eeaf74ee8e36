"""Webhooks: messages as JSON over HTTP, signed where there is a key."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from urllib.parse import urlsplit

import requests

from microgrid_lib import __version__
from microgrid_lib.delivery.errors import DeliveryError, Hope
from microgrid_lib.delivery.message import Message
from microgrid_lib.delivery.secrets import require_secret
from microgrid_lib.delivery.servers import Webhook, check_url
from microgrid_lib.errors import SettingsError

SIGNATURE = "X-Microgrid-Signature"
TIMESTAMP = "X-Microgrid-Timestamp"
_BUSY = (408, 425, 429)
_REFUSED, _FAULT = 400, 500


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a body: HMAC-SHA256 over `<timestamp>.<body>`, so that an old one can't be replayed."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def payload(message: Message, delivery: str) -> bytes:
    """Write a message as JSON."""
    content = {
        "id": delivery,
        "created": message.created.isoformat(),
        "language": message.language,
        "subject": message.subject,
        "text": message.body,
        **message.data,
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def post(message: Message, delivery: str, hook: Webhook, recipient: str, now: datetime) -> None:
    """Send a message to a webhook.

    Parameters
    ----------
    delivery
        Its id, which the receiver may use to notice a repetition (`Idempotency-Key`).
    recipient
        What it is called in messages; the address may be a secret.
    now
        Time of the signature.

    Raises
    ------
    DeliveryError
        It can't be reached, or answers with something other than 2xx.
    """
    try:
        url = check_url(hook.url or require_secret(hook.url_env or ""))
        secret = None if hook.secret_env is None else require_secret(hook.secret_env)
    except (SettingsError, ValueError) as error:
        raise DeliveryError(f"webhook {recipient}: {error}", Hope.later) from None
    name = f"webhook {recipient} ({urlsplit(url).hostname})"
    body = payload(message, delivery)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"microgrid/{__version__}",
        "Idempotency-Key": delivery,
    }
    if secret is not None:
        timestamp = str(int(now.timestamp()))
        headers |= {TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
    try:
        # A redirect would carry the message to an address that nobody wrote down.
        with requests.post(
            url,
            data=body,
            headers=headers,
            timeout=hook.timeout_s,
            allow_redirects=False,
            stream=True,
        ) as answer:
            code = answer.status_code
    except requests.Timeout:
        raise DeliveryError(f"{name}: no answer in {hook.timeout_s:g} s", Hope.soon, name) from None
    except requests.exceptions.SSLError:
        raise DeliveryError(f"{name}: no safe connection", Hope.later, name) from None
    except requests.ConnectionError:
        raise DeliveryError(f"{name}: can't be reached", Hope.soon, name) from None
    except requests.RequestException as error:
        raise DeliveryError(f"{name}: {type(error).__name__}", Hope.later, name) from None
    if code in _BUSY or code >= _FAULT:
        raise DeliveryError(f"{name}: answered {code}", Hope.soon, name)
    if code >= _REFUSED:
        raise DeliveryError(f"{name}: refused with {code}", Hope.later)
    if not answer.ok or code >= 300:
        raise DeliveryError(f"{name}: answered {code}; redirects aren't followed", Hope.later)

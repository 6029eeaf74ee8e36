"""A message, whatever way it goes."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class Channel(StrEnum):
    """Ways to a recipient."""

    mail = "mail"
    webhook = "webhook"
    folder = "folder"


class Target(BaseModel):
    """Where one copy of a message goes.

    Attributes
    ----------
    channel
        The way.
    recipient
        Name of the recipient in the schedule; of a job where its own folder is meant.
    address
        E-mail address or path of the folder; empty for a webhook, whose address may be a secret.
    """

    model_config = ConfigDict(frozen=True)

    channel: Channel
    recipient: str
    address: str = ""

    @property
    def text(self) -> str:
        """The target in one word or two."""
        return f"{self.channel} {self.address or self.recipient}"


class Message(BaseModel):
    """What is sent.

    Attributes
    ----------
    key
        Identifies it: the same message is queued for the same target once.
    subject, body
        One line, and plain text.
    language
        Of both.
    files
        PDF files that go with it.
    data
        The same for machines: what a webhook gets.
    created
        When it was queued [UTC].
    """

    model_config = ConfigDict(frozen=True)

    key: str
    subject: str
    body: str
    language: str
    files: tuple[Path, ...] = ()
    data: dict[str, Any] = {}
    created: datetime

    def id_for(self, target: Target) -> str:
        """Identify the delivery to a target; the same again when it is repeated."""
        text = "\n".join((self.key, target.channel, target.recipient, target.address))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

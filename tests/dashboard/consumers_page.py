"""The consumers' page in process: a part on a made-up site, looked at by whom the test says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from microgrid_lib.access import Actor, Role
from microgrid_lib.consumers.store import ConsumerStore
from microgrid_lib.dashboard.loaded import Loaded
from microgrid_lib.dashboard.parts.consumers import ConsumersPart
from microgrid_lib.present.texts import texts_for
from microgrid_lib.settings import Settings, load_settings
from tests.dashboard.fakes import FakeLibrary

OLGA = Actor("olga", Role.operator)
VICTOR = Actor("victor", Role.viewer)
ADA = Actor("ada", Role.admin)


@dataclass
class FakePage:
    """A page, and who looks at it."""

    visitor: Actor = OLGA

    def choose(self, **values: str) -> None:
        raise AssertionError("consumers go nowhere")

    def complain(self, problem: str, /) -> None:
        raise AssertionError(problem)

    @property
    def settings(self) -> Settings:
        return load_settings()


def loaded(site: str = "mesa_del_sol", language: str = "en") -> Loaded:
    data: Any = FakeLibrary().open_site(site, next(iter(FakeLibrary().profiles(site))))
    return Loaded(
        data=data,
        window=data.window("2022-07-31", "2022-08-01"),
        texts=texts_for(language),
        against="",
        newest=datetime(2022, 8, 1, tzinfo=UTC),
        synthetic=True,
    )


class Visit:
    """The part as a visitor has it before them, and another visitor's store."""

    def __init__(self, visitor: Actor = OLGA) -> None:
        self.page = FakePage(visitor)
        self.part = ConsumersPart(self.page)  # type: ignore[arg-type]
        self.part.load(loaded())

    @cached_property
    def others(self) -> ConsumerStore:
        """The store, as others have it."""
        return ConsumerStore.open()

    @property
    def message(self) -> str:
        message = self.part.desk.message
        return message.text(self.part.desk.texts) if message else ""

    @property
    def names(self) -> list[str]:
        """Names of the rows shown, as a reader sees them."""
        return re.findall(r"<button[^>]*pick:[^>]*><bdi>(.*?)</bdi>", self.part.list.table.value)

    def stored(self) -> dict[str, int]:
        """Names and versions of what the store has."""
        return {one.name: one.version for one in self.others.select()}

    def fill(self, **values: Any) -> None:
        """Write into the fields of the form, as a person does."""
        for name, value in values.items():
            self.part.form.fields[name].value = str(value)

    def send(self, message: str) -> None:
        """Press a button of the table."""
        self.part.list.inbox.widget.value = f"{message} {datetime.now(UTC).timestamp()}"

    def pick(self, consumer_id: str) -> None:
        self.send(f"pick:{consumer_id}")

    def shown(self, widget: Any) -> bool:
        return bool(widget.layout.display != "none")

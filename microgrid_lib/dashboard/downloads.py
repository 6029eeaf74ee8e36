"""A file to take from the page: a button that makes it, then a link that saves it."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as widgets
from traitlets import Any as AnyTrait
from traitlets import Enum, HasTraits, Unicode

from microgrid_lib.errors import MicrogridError
from microgrid_lib.present.texts import Texts

PDF = "application/pdf"
CSV = "text/csv"
GEOJSON = "application/geo+json"
JSON = "application/json"
MARKDOWN = "text/markdown"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

MOST_BYTES = 20_000_000
"""A larger file is refused: kernel, server and browser each hold it in memory."""

_MIME = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_LONGEST_NAME = 80
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")


@dataclass(frozen=True)
class File:
    """A file made on demand.

    Attributes
    ----------
    name
        As `file_name` gives it.
    mime
        Its type, such as `PDF`.
    """

    name: str
    mime: str
    content: bytes

    def __post_init__(self) -> None:
        if not _MIME.fullmatch(self.mime):
            raise ValueError(f"not a type of file: {self.mime!r}")


def file_name(*parts: str, extension: str) -> str:
    """A name that every file system takes, whatever the parts say.

    Parameters
    ----------
    parts
        Words of the name, such as section, site and period: letters and digits of any script
        are kept, all else becomes a hyphen.
    extension
        Without the dot.

    Examples
    --------
    >>> file_name("production", "mesa_del_sol", "Jul 2022", extension="pdf")
    'production_mesa_del_sol_Jul-2022.pdf'
    """
    words = (_word(part) for part in parts)
    name = "_".join(word for word in words if word)[:_LONGEST_NAME].rstrip("-_.") or "file"
    return f"{'_' if _DEVICES.match(name) else ''}{name}.{extension}"


def _word(part: str) -> str:
    kept = (
        c if c in "-_." or unicodedata.category(c)[0] in "LMN" else "-"
        for c in unicodedata.normalize("NFC", part)
    )
    return re.sub(r"-*\.[-.]*|--+", "-", "".join(kept)).strip("-_.")


class DownloadModel(HasTraits):
    """Where the making of a file stands; no widgets.

    Parameters
    ----------
    make
        Makes the file of what the page shows now; its mistakes become the message.

    Attributes
    ----------
    status
        `idle`, `preparing`, `ready` or `failed`.
    file
        The file when `ready`.
    reason
        One line when `failed`; empty for a fault of ours, which is raised as well.
    """

    status = Enum(("idle", "preparing", "ready", "failed"), "idle")
    reason = Unicode()
    file = AnyTrait(allow_none=True)

    def __init__(self, make: Callable[[], File]) -> None:
        super().__init__()
        self._make = make

    def prepare(self) -> None:
        """Make the file.

        Raises
        ------
        Exception
            A fault of ours, after the status says that it failed.
        """
        self._become("preparing")
        try:
            file = self._make()
        except MicrogridError as error:
            self._become("failed", reason=" ".join(str(error).split()))
        except Exception:
            self._become("failed")
            raise
        else:
            self._become("ready", file=file)

    def reset(self) -> None:
        """Forget the file: the page shows something else now."""
        self._become("idle")

    def _become(self, status: str, reason: str = "", file: File | None = None) -> None:
        with self.hold_trait_notifications():
            self.reason = reason
            self.file = file
            self.status = status


class Download:
    """The button and what became of it.

    The part it stands on calls `show` whenever it shows something else: the link to a file of what
    was there before goes away.

    Parameters
    ----------
    kind
        What the file is called, such as `PDF`.
    make
        Makes the file; called at every click. It asks who looks, where that matters.

    Attributes
    ----------
    widget
        What stands on the page.
    """

    def __init__(self, kind: str, make: Callable[[], File]) -> None:
        self.model = DownloadModel(make)
        self._kind = kind
        self._texts: Texts | None = None
        self.button = widgets.Button().add_class("mg-link")
        self.outcome = widgets.HTML().add_class("mg-download-outcome")
        self.widget = widgets.HBox([self.button, self.outcome]).add_class("mg-download")
        self.button.on_click(lambda _: self.model.prepare())
        self.model.observe(self._draw, names=["status", "reason", "file"])

    def show(self, texts: Texts) -> None:
        """Offer the file anew, in a language."""
        self._texts = texts
        self.button.description = texts("download.button", kind=self._kind)
        self.model.reset()
        self._draw(None)

    def _draw(self, _: Any) -> None:
        if self._texts is not None:
            self.outcome.value = outcome_html(self.model, self._kind, self._texts)


def outcome_html(model: DownloadModel, kind: str, texts: Texts) -> str:
    """Write what became of a file: nothing yet, being made, a link, or why it failed."""
    status, file = model.status, model.file
    if status == "idle":
        return ""
    if status == "preparing":
        return _said("status", status, escape(texts("download.preparing", kind=kind)))
    if status == "ready" and len(file.content) <= MOST_BYTES:
        encoded = base64.b64encode(file.content).decode("ascii")
        size = size_text(len(file.content), texts)
        label = texts("download.link", name=file.name, size=size)
        link = (
            f'<a class="mg-save" download="{escape(file.name, quote=True)}" '
            f'href="data:{file.mime};base64,{encoded}">{escape(label)}</a>'
        )
        return _said("status", status, f"{escape(texts('download.ready', kind=kind))} {link}")
    reason = model.reason or texts("download.fault")
    if status == "ready":
        reason = texts("download.too_large", size=size_text(len(file.content), texts))
    return _said("alert", "failed", escape(texts("download.failed", kind=kind, reason=reason)))


def size_text(count: int, texts: Texts) -> str:
    """Size of a file in words [bytes in, kB or MB out]."""
    if count < 1_000_000:
        return texts("download.kilobytes", size=texts.number(max(1.0, count / 1000)))
    return texts("download.megabytes", size=texts.number(count / 1_000_000, 1))


def _said(role: str, status: str, inside: str) -> str:
    return (
        f'<span role="{role}" class="mg-download-{status}" data-download="{status}">{inside}</span>'
    )

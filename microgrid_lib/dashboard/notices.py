"""One-line notices: nothing here, or something went wrong."""

from __future__ import annotations

from html import escape

from microgrid_lib.present.texts import Texts


def notice_html(texts: Texts, kind: str, message: str, hint: str = "") -> str:
    """Write a notice.

    Parameters
    ----------
    kind
        `empty` or `error`.
    message
        What happened, one line.
    hint
        What to do, may hold commands between backquotes.
    """
    role = "alert" if kind == "error" else "status"
    title = escape(texts(f"notice.{kind}"))
    parts = escape(hint).split("`")
    commands = "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))
    below = f'<p class="mg-hint">{commands}</p>' if hint else ""
    return (
        f'<div class="mg-notice mg-{kind}" role="{role}" data-notice="{kind}">'
        f"<b>{title}</b> {escape(message)}{below}</div>"
    )

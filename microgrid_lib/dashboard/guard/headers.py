"""Headers that tell browsers what these pages never do."""

from __future__ import annotations

from urllib.parse import urlsplit

from microgrid_lib.dashboard.guard.settings import ServerSettings

_YEAR_S = 365 * 24 * 3600


def content_policy(tile_url: str | None) -> str:
    """Content security policy of every page.

    Scripts come from this server only, in files: no inline script and no handler in an attribute
    runs, so that text which slips into a page as HTML stays text. Styles may be inline, because
    widgets set them.
    """
    images = " ".join(filter(None, ("'self'", "data:", "blob:", _tile_host(tile_url))))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            f"img-src {images}",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
        )
    )


def security_headers(settings: ServerSettings) -> dict[str, str]:
    """Headers of every answer."""
    headers = {
        "Content-Security-Policy": content_policy(settings.tile_url),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.is_https:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"
    return headers


def _tile_host(tile_url: str | None) -> str:
    """Where map tiles come from, as a policy names it: `{s}` stands for any subdomain."""
    if not tile_url:
        return ""
    parts = urlsplit(tile_url.replace("{s}", "*"))
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""

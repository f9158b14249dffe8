"""Absolute links back to the API, as the caller reaches it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from . import parameters

STAGE = "/api"
"""The name of the stage, and where the one-machine stack mounts the app."""


def page_link(request: Any, path: str, page: int) -> str:
    """The address of another page of the same request."""
    pairs = [
        (name, value) for name, found in parameters.everything(request).items() if name != "page" for value in found
    ]
    return f"{origin(request)}{STAGE}{path}/?{urlencode([*pairs, ('page', str(page))])}"


def origin(request: Any) -> str:
    """Scheme and host by which the caller came."""
    scheme = request.headers.get("x-forwarded-proto", "http").split(",")[0].strip()
    host = request.headers.get("host", "localhost")
    return f"{'https' if scheme == 'https' else 'http'}://{host}"

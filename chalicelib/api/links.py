"""Absolute links back to the API, as the caller reaches it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from . import parameters

STAGE = "/api"
"""The name of the stage, and where the one-machine stack mounts the app."""


def here(request: Any, **changed: int | str | None) -> str:
    """The address of the same request with some query parameters changed; None leaves one out."""
    kept = [(name, value) for name, found in parameters.everything(request).items() for value in found]
    pairs = [(name, value) for name, value in kept if name not in changed]
    pairs += [(name, str(value)) for name, value in changed.items() if value is not None]
    variables = {name: quote(value, safe="") for name, value in (request.uri_params or {}).items()}
    return to(request, request.path.format(**variables)) + (f"?{urlencode(pairs)}" if pairs else "")


def to(request: Any, path: str) -> str:
    """The absolute address of a path of the API, such as ``/jobs/12``."""
    return f"{origin(request)}{STAGE}{path.rstrip('/')}/"


def origin(request: Any) -> str:
    """Scheme and host by which the caller came."""
    scheme = request.headers.get("x-forwarded-proto", "http").split(",")[0].strip()
    host = request.headers.get("host", "localhost")
    return f"{'https' if scheme == 'https' else 'http'}://{host}"

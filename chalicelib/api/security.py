"""What every answer carries: security headers, and which other origins' pages may read it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from chalice import Response

from . import problems

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer: records, links and errors are personal and change; nothing here is a page but the documentation."""

ORIGINS = "GOODMAN_ORIGINS"
"""Environment: origins whose pages may use the API, comma separated, such as ``https://goodman.example.org``."""

ASKED = "Authorization, Content-Type, Idempotency-Key, If-None-Match"
TOLD = "ETag, Retry-After, Location, Content-Disposition"
PREFLIGHT_SECONDS = 3600

current: ContextVar[Any] = ContextVar("request")
"""The request being answered, for :mod:`.operation`."""


def middleware(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Put the framework's own errors into the form of a problem, and the headers on every answer."""
    current.set(event)
    response = problems.of_framework(get_response(event))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.update(_cross_origin(event))
    return response


def preflight(methods: Iterable[str]) -> Callable[..., Response]:
    """A view that tells a browser what pages of the configured origins may send to a path."""
    allowed = ", ".join(sorted(methods))

    def answer(**_: str) -> Response:
        headers: dict[str, str | list[str]] = {"Allow": f"{allowed}, OPTIONS"}
        if _cross_origin(current.get()).get("Access-Control-Allow-Origin"):
            headers |= {
                "Access-Control-Allow-Methods": allowed,
                "Access-Control-Allow-Headers": ASKED,
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            }
        return Response(body="", status_code=204, headers=headers)

    return answer


def origins() -> frozenset[str]:
    """The configured origins; none if the page and the API share one."""
    listed = (origin.strip().rstrip("/") for origin in os.environ.get(ORIGINS, "").split(","))
    return frozenset(origin for origin in listed if origin)


def _cross_origin(request: Any) -> dict[str, str]:
    allowed = origins()
    if not allowed:
        return {}
    origin = request.headers.get("origin", "")
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": TOLD}

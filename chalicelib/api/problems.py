"""Errors as RFC 9457 problems, by one table from exception to answer."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalice import Response

from ..store.headers import NoHeader
from ..store.items import Contended

CONTENT_TYPE = "application/problem+json"

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
"""On every answer: records, links and errors are personal and change."""


class NotSignedIn(Exception):
    """No token, or one that is unknown or expired, or whose user is deactivated."""


class NotAllowed(Exception):
    """Signed in, but this is for others."""


class NotFound(Exception):
    """There is no such thing, or the viewer may not know that there is."""


class BadParameter(Exception):
    """A parameter of the request is not what it must be."""


@dataclass(frozen=True)
class Answer:
    """Status, short name for the problem's type, title."""

    status: int
    kind: str
    title: str


TABLE: dict[type[Exception], Answer] = {
    BadParameter: Answer(400, "bad-parameter", "A parameter cannot be used"),
    NotSignedIn: Answer(401, "not-signed-in", "Sign in first"),
    NotAllowed: Answer(403, "not-allowed", "This is not yours to do"),
    NotFound: Answer(404, "not-found", "Not found"),
    NoHeader: Answer(409, "no-header", "The header cannot be read"),
    Contended: Answer(503, "busy", "Busy, try again"),
}
"""The only place that turns an exception into a status."""

UNEXPECTED = Answer(500, "unexpected", "Something went wrong here")

_FRAMEWORK = {405: "method-not-allowed", 415: "unsupported-media-type", 400: "bad-request", 404: "not-found"}


def problem(answer: Answer, detail: str = "", **extra: Any) -> Response:
    """A problem as an HTTP response."""
    body = {"type": f"urn:goodman-live:problem:{answer.kind}", "title": answer.title, "status": answer.status}
    if detail:
        body["detail"] = detail
    headers: dict[str, str | list[str]] = {"Content-Type": CONTENT_TYPE, **_HEADERS}
    if answer.status == 401:
        headers["WWW-Authenticate"] = "Token"
    if answer.status == 503:
        headers["Retry-After"] = "1"
    return Response(body=json.dumps(body | extra), status_code=answer.status, headers=headers)


def answers(view: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a view so that an exception of :data:`TABLE`, or any other, is answered as a problem."""

    @functools.wraps(view)
    def answering(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except tuple(TABLE) as error:
            kind = next(kind for kind in type(error).__mro__ if kind in TABLE)
            return problem(TABLE[kind], str(error))
        except Exception:
            from aws_lambda_powertools import Logger  # a start without errors does not wait for it

            Logger().exception("unexpected error in a view", view=view.__name__)
            return problem(UNEXPECTED, "The error is recorded; trying again may help.")

    return answering


def middleware(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Give the framework's own errors (wrong method, wrong media type) the form of a problem, and headers to all."""
    response = get_response(event)
    content = response.body
    if response.status_code >= 400 and not _is_problem(response):
        message = content.get("Message", "") if isinstance(content, dict) else ""
        kind = _FRAMEWORK.get(response.status_code, "unexpected")
        allow = {"Allow": response.headers["Allow"]} if "Allow" in response.headers else {}
        response = problem(Answer(response.status_code, kind, kind.replace("-", " ").capitalize()), message)
        response.headers.update(allow)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _is_problem(response: Response) -> bool:
    return str(response.headers.get("Content-Type", "")).startswith(CONTENT_TYPE)

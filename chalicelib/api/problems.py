"""Errors as RFC 9457 problems, by one table from exception to answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalice import Response

from ..domain.choices import BadChoice
from ..store.actions import NotThere, Refused
from ..store.comments import NoComment, TooManyComments
from ..store.cursors import BadCursor
from ..store.headers import NoHeader
from ..store.idempotency import InProgress, KeyReused
from ..store.items import Contended
from ..store.previews import NoPreview
from ..store.ratelimit import TooMany

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:goodman-live:problem:"


class NotSignedIn(Exception):
    """No token, or one that is unknown or expired, or whose user is deactivated."""


class NotAllowed(Exception):
    """Signed in, but this is for others."""


class NotFound(Exception):
    """There is no such thing, or the viewer may not know that there is."""


class BadParameter(Exception):
    """A parameter of the request, or its body as a whole, is not what it must be."""


class TooLarge(Exception):
    """The body is larger than the route takes."""


class Conflict(Exception):
    """What is there already stands against it."""


class TooLate(Exception):
    """It was there and is gone for good."""


class NotBuilt(Exception):
    """The route is there, what it asks for is not built yet."""


class Unprocessable(Exception):
    """The body was understood and cannot be done; ``errors`` says what is wrong where.

    Parameters
    ----------
    detail : str
        A sentence about the whole.
    errors : sequence of (str, str)
        JSON pointer into the body, sentence.
    """

    def __init__(self, detail: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.errors = [{"at": at, "message": message} for at, message in errors]


@dataclass(frozen=True)
class Answer:
    """Status, short name for the problem's type, title."""

    status: int
    kind: str
    title: str


TABLE: dict[type[Exception], Answer] = {
    BadParameter: Answer(400, "bad-parameter", "A parameter cannot be used"),
    BadCursor: Answer(400, "bad-cursor", "The cursor cannot be used"),
    NotSignedIn: Answer(401, "not-signed-in", "Sign in first"),
    NotAllowed: Answer(403, "not-allowed", "This is not yours to do"),
    NotFound: Answer(404, "not-found", "Not found"),
    NotThere: Answer(404, "not-found", "Not found"),
    NoComment: Answer(404, "not-found", "Not found"),
    NoPreview: Answer(409, "no-preview", "There is nothing to show"),
    NoHeader: Answer(409, "no-header", "The header cannot be read"),
    Conflict: Answer(409, "conflict", "This cannot be done as things are"),
    Refused: Answer(409, "refused", "This cannot be done with this file"),
    TooManyComments: Answer(409, "too-many-comments", "The file has too many comments"),
    InProgress: Answer(409, "in-progress", "The same request is being done"),
    TooLate: Answer(410, "gone", "It is gone"),
    TooLarge: Answer(413, "too-large", "The body is too large"),
    Unprocessable: Answer(422, "unprocessable", "The request cannot be done as it is"),
    BadChoice: Answer(422, "bad-choice", "This cannot be chosen"),
    KeyReused: Answer(422, "key-reused", "The idempotency key belongs to another request"),
    TooMany: Answer(429, "too-many-requests", "Too many requests"),
    NotBuilt: Answer(501, "not-built", "This is not built yet"),
    Contended: Answer(503, "busy", "Busy, try again"),
}
"""The only place that turns an exception into a status."""

UNEXPECTED = Answer(500, "unexpected", "Something went wrong here")

_FRAMEWORK = {405: "method-not-allowed", 415: "unsupported-media-type", 400: "bad-request", 404: "not-found"}


def problem(answer: Answer, detail: str = "", **extra: Any) -> Response:
    """A problem as an HTTP response."""
    body = {"type": TYPE + answer.kind, "title": answer.title, "status": answer.status}
    if detail:
        body["detail"] = detail
    headers: dict[str, str | list[str]] = {"Content-Type": CONTENT_TYPE}
    if answer.status == 401:
        headers["WWW-Authenticate"] = "Token"
    if answer.status == 503:
        headers["Retry-After"] = "1"
    return Response(body=json.dumps(body | extra), status_code=answer.status, headers=headers)


def answer_to(error: Exception, view: str) -> Response:
    """The answer to an exception of :data:`TABLE`, or to any other, which is recorded."""
    kind = next((kind for kind in type(error).__mro__ if kind in TABLE), None)
    if kind is None:
        from aws_lambda_powertools import Logger  # a start without errors does not wait for it

        Logger().exception("unexpected error in a view", view=view)
        return problem(UNEXPECTED, "The error is recorded; trying again may help.")
    errors = getattr(error, "errors", None)
    response = problem(TABLE[kind], str(error), **({"errors": errors} if errors else {}))
    if isinstance(error, TooMany | InProgress):
        response.headers["Retry-After"] = str(error.seconds)
    return response


def of_framework(response: Response) -> Response:
    """The framework's own errors (wrong method, wrong media type) as problems; other answers as they are."""
    if response.status_code < 400 or str(response.headers.get("Content-Type", "")).startswith(CONTENT_TYPE):
        return response
    message = response.body.get("Message", "") if isinstance(response.body, dict) else ""
    kind = _FRAMEWORK.get(response.status_code, "unexpected")
    made = problem(Answer(response.status_code, kind, kind.replace("-", " ").capitalize()), message)
    if "Allow" in response.headers:
        made.headers["Allow"] = response.headers["Allow"]
    return made

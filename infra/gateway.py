"""What API Gateway answers by itself, before any function of ours runs, as the problems the API answers.

The one-machine stack says the same (:mod:`infra.local.web`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.api.problems import CONTENT_TYPE, TYPE
from chalicelib.api.security import HEADERS


@dataclass(frozen=True)
class Refusal:
    """A problem without a request of ours."""

    status: int
    kind: str
    title: str
    detail: str

    def body(self) -> str:
        """The problem as JSON; nothing of the request is repeated, which could break out of it."""
        return json.dumps({"type": TYPE + self.kind, "title": self.title, "status": self.status, "detail": self.detail})

    def headers(self) -> dict[str, str]:
        """The headers every answer has."""
        return {"Content-Type": CONTENT_TYPE, **HEADERS}


UNKNOWN = Refusal(404, "not-found", "Not found", "There is no such address in this API, or not with this method.")
_BAD = Refusal(400, "bad-request", "Bad request", "The request cannot be read.")
_DOWN = Refusal(500, "unexpected", "Something went wrong here", "The service is not set up as it should be.")
_LATE = Refusal(504, "too-slow", "Too slow", "The answer took too long; trying again may help.")

RESPONSES: dict[str, Refusal] = {
    "MISSING_AUTHENTICATION_TOKEN": UNKNOWN,
    "RESOURCE_NOT_FOUND": UNKNOWN,
    # No route has an authorizer, so these too mean a path or a method that is not there: API Gateway then reads the
    # Authorization header as one of its own and finds it wanting (the last under no name but that of all others).
    "ACCESS_DENIED": UNKNOWN,
    "EXPIRED_TOKEN": UNKNOWN,
    "INVALID_API_KEY": UNKNOWN,
    "INVALID_SIGNATURE": UNKNOWN,
    "UNAUTHORIZED": UNKNOWN,
    "DEFAULT_4XX": UNKNOWN,
    "BAD_REQUEST_BODY": _BAD,
    "BAD_REQUEST_PARAMETERS": _BAD,
    "REQUEST_TOO_LARGE": Refusal(413, "too-large", "The body is too large", "A request's body may have 10 MB."),
    "UNSUPPORTED_MEDIA_TYPE": Refusal(415, "unsupported-media-type", "Unsupported media type", "Send JSON."),
    "THROTTLED": Refusal(429, "too-many-requests", "Too many requests", "Go on more slowly."),
    "QUOTA_EXCEEDED": Refusal(429, "too-many-requests", "Too many requests", "Go on later."),
    "WAF_FILTERED": Refusal(403, "refused", "Refused", "The request was refused by the firewall."),
    "API_CONFIGURATION_ERROR": _DOWN,
    "INTEGRATION_FAILURE": _LATE,
    "INTEGRATION_TIMEOUT": _LATE,
    "DEFAULT_5XX": _DOWN,
}


def responses() -> dict[str, Any]:
    """``GatewayResponses`` of the template's API."""
    return {
        name: {
            "StatusCode": refusal.status,
            "ResponseParameters": {"Headers": {field: f"'{text}'" for field, text in _quotable(refusal).items()}},
            "ResponseTemplates": {"application/json": refusal.body()},
        }
        for name, refusal in RESPONSES.items()
    }


def _quotable(refusal: Refusal) -> dict[str, str]:
    """Headers whose text has no quote: API Gateway knows no escape for it."""
    return {field: text for field, text in refusal.headers().items() if "'" not in text}

"""Cursors: where a reader has got to, as text that only this service reads."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

_MOMENT = re.compile(r"~?|[0-9]{13}[^\x00-\x1f\ud800-\udfff]{0,240}")
"""Nothing, what sorts after every moment, or a moment that DynamoDB takes as a key."""


class BadCursor(ValueError):
    """The cursor was not made by this service."""

    def __init__(self) -> None:
        super().__init__("The cursor was not made by this service: leave it out to begin anew.")


def encode(*content: int | str) -> str:
    """A cursor that holds some numbers and texts; it needs no escape in an address."""
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> list[Any]:
    """What a cursor holds.

    Raises
    ------
    BadCursor
        It holds nothing of the kind.
    """
    try:
        content = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(content, list):
        raise BadCursor
    return content


def moment(text: str) -> str:
    """``text`` if it may be a moment of an event, as a client might send anything.

    Raises
    ------
    BadCursor
        It may not.
    """
    if not _MOMENT.fullmatch(text):
        raise BadCursor
    return text

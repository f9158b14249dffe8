"""Who asks."""

from __future__ import annotations

from typing import Any

from ..domain.permissions import Viewer
from ..store import accounts
from .problems import NotSignedIn

_LONGEST_TOKEN = 200


def token_of(request: Any) -> str | None:
    """The token of ``Authorization: Token …``; None where there is no such header."""
    header = request.headers.get("authorization")
    if not header:
        return None
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "token" or not token or len(token) > _LONGEST_TOKEN:
        raise NotSignedIn("The Authorization header must read: Token, a blank, and your API key.")
    return token


def viewer_with(token: str | None) -> Viewer:
    """Whose token it is.

    Raises
    ------
    NotSignedIn
        There is no token, or it is not (or no longer) valid.
    """
    if token is None:
        raise NotSignedIn("Send your API key in the header Authorization: Token …")
    viewer = accounts.viewer_of(token)
    if viewer is None:
        raise NotSignedIn("The API key is not known, has expired, or its user is deactivated.")
    return viewer


def address_of(request: Any) -> str:
    """The network address a request came from, as API Gateway saw it."""
    return str((request.context.get("identity") or {}).get("sourceIp") or "unknown")

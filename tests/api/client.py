"""Requests as a script makes them, to the real app."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalice.test import Client


@dataclass(frozen=True)
class Api:
    """Requests as a script makes them."""

    client: Client
    tokens: dict[str, str]

    def get(self, path: str, role: str | None = "pi", **headers: str) -> Any:
        """GET ``path`` as one of the roles; None is nobody."""
        sent = {"host": "spectra.example.org", "x-forwarded-proto": "https", **headers}
        if role is not None:
            sent["Authorization"] = f"Token {self.tokens[role]}"
        return self.client.http.get(path, headers=sent)

    def json(self, path: str, role: str | None = "pi") -> dict[str, Any]:
        """The body of a GET that must succeed."""
        response = self.get(path, role)
        assert response.status_code == 200, response.body
        return json.loads(response.body)

    def follow(self, link: str, role: str = "pi") -> dict[str, Any]:
        """GET an absolute link of an answer, as the stage would route it."""
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc) == ("https", "spectra.example.org")
        assert parts.path.startswith("/api/")
        return self.json(parts.path.removeprefix("/api") + "?" + parts.query, role)


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem an answer must be."""
    assert response.status_code == status, response.body
    assert response.headers["Content-Type"] == "application/problem+json"
    body = json.loads(response.body)
    assert body["status"] == status
    assert body["title"]
    return body

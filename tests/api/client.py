"""Requests as a script makes them, to the real app; every answer is held against its route's contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from chalice.local import RouteMatcher
from chalice.test import Client

from chalicelib.api import bodies
from chalicelib.api.problems import CONTENT_TYPE
from chalicelib.api.schemas import PROBLEM, Media

HOST = "spectra.example.org"


@dataclass(frozen=True)
class Api:
    """Requests as a script makes them; ``tokens`` is role → token."""

    client: Client
    tokens: dict[str, str]

    def send(
        self,
        method: str,
        path: str,
        role: str | None = "pi",
        *,
        json_body: Any = None,
        form: dict[str, Any] | None = None,
        raw: bytes | None = None,
        **headers: str,
    ) -> Any:
        """Send a request as one of the roles; None is nobody. The answer must be one its route declares."""
        sent = {"host": HOST, "x-forwarded-proto": "https", **headers}
        if role is not None:
            sent["Authorization"] = f"Token {self.tokens[role]}"
        body = raw or b""
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent.setdefault("Content-Type", "application/json")
        if form is not None:
            body = urlencode(form).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        response = self.client.http.request(method, path, headers=sent, body=body)
        self._check(method, path, response)
        return response

    def get(self, path: str, role: str | None = "pi", **headers: str) -> Any:
        """GET ``path``."""
        return self.send("GET", path, role, **headers)

    def post(self, path: str, body: Any = None, role: str | None = "pi", **headers: str) -> Any:
        """POST ``body`` as JSON."""
        return self.send("POST", path, role, json_body=body, **headers)

    def patch(self, path: str, body: Any = None, role: str | None = "pi", **headers: str) -> Any:
        """PATCH ``body`` as JSON."""
        return self.send("PATCH", path, role, json_body=body, **headers)

    def delete(self, path: str, body: Any = None, role: str | None = "pi", **headers: str) -> Any:
        """DELETE ``path``."""
        return self.send("DELETE", path, role, json_body=body, **headers)

    def json(self, path: str, role: str | None = "pi") -> dict[str, Any]:
        """The body of a GET that must succeed."""
        response = self.get(path, role)
        assert response.status_code == 200, response.body
        return json.loads(response.body)

    def follow(self, link: str, role: str = "pi") -> dict[str, Any]:
        """GET an absolute link of an answer, as the stage would route it."""
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc) == ("https", HOST)
        assert parts.path.startswith("/api/")
        return self.json(parts.path.removeprefix("/api") + "?" + parts.query, role)

    def _check(self, method: str, path: str, response: Any) -> None:
        from app import app

        route = RouteMatcher(list(app.routes)).match_route(path).route
        entry = app.routes[route].get(method)
        contract = getattr(entry.view_function, "operation", None) if entry else None
        if contract is None:
            return
        status, kind = response.status_code, response.headers.get("Content-Type", "")
        where = f"{method} {route} answered {status} {kind}: {response.body[:300]!r}"
        if status in contract.refusals and kind == CONTENT_TYPE:
            assert bodies.errors_of(json.loads(response.body), PROBLEM) == [], where
            return
        assert status in contract.answers, f"{where}; declared are {[*contract.answers, *contract.refusals]}"
        content = contract.answers[status]
        forms = content if isinstance(content, tuple) else (content,)
        if None in forms and not response.body:
            return
        if kind.startswith("application/json"):
            (schema,) = (form for form in forms if form is not None and not isinstance(form, Media))
            assert bodies.errors_of(json.loads(response.body), schema) == [], where
        else:
            assert kind.split(";")[0] in {form.kind for form in forms if isinstance(form, Media)}, where


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem an answer must be."""
    assert response.status_code == status, response.body
    assert response.headers["Content-Type"] == CONTENT_TYPE
    body = json.loads(response.body)
    assert body["status"] == status
    assert body["title"]
    return body

"""Requests that are refused, each as a problem with a sentence; nothing here changes anything."""

from __future__ import annotations

import json

import pytest

from tests.api.client import Api, problem


@pytest.mark.parametrize(
    "path",
    [
        "/files?page=0",
        "/files?page=-1",
        "/files?page=two",
        "/files?page=1&page=2",
        "/files?page=99999999999999999999",
        "/files?page=%D9%A2",
        "/files?obstyp=ARC",
        "/files?night=20261341",
        "/files?proposal=a&proposal=b",
        "/files/header",
        "/files/header?id=x",
        "/files/header?id=99999999999999999999",
        "/files/one",
        "/files/0",
        "/files/1e3",
        "/files/1/download?redirect=maybe",
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(still_api: Api, path: str):
    assert problem(still_api.get(path), 400)["detail"].endswith(".")


def test_every_route_but_the_status_wants_a_token(still_api: Api):
    for path in ("/files", "/files/header?id=1", "/files/1", "/files/1/download"):
        refused = still_api.get(path, None)
        problem(refused, 401)
        assert refused.headers["WWW-Authenticate"] == "Token"
    assert json.loads(still_api.get("/", None).body)["status"] == "ok"
    assert "counts" not in still_api.json("/", None)


@pytest.mark.parametrize("header", ["Token", "Token ", "Token nonsense", "Basic abc", "Bearer x", f"Token {'x' * 999}"])
def test_a_token_that_is_none_is_refused(still_api: Api, header: str):
    problem(still_api.get("/files", None, Authorization=header), 401)
    problem(still_api.get("/", None, Authorization=header), 401)


def test_wrong_methods_are_problems_too(still_api: Api):
    response = still_api.client.http.put("/files", body=b"{}", headers={"Content-Type": "application/json"})
    problem(response, 405)
    assert "GET" in response.headers["Allow"]


def test_a_get_with_any_media_type_is_answered(still_api: Api):
    """The manual's script sends a JSON media type with its GET; others send a form's."""
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        assert still_api.get("/files", "pi", **{"Content-Type": kind}).status_code == 200

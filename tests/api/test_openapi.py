"""The OpenAPI document: valid, whole, as committed, and the page that shows it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chalicelib.api import openapi, schemas
from chalicelib.api.documentation import ASSETS, FOLDER
from tests.api.client import Api, problem

ROOT = Path(__file__).resolve().parents[2]
REGENERATE = "make openapi"


@pytest.fixture(scope="module")
def contracts() -> list[tuple[str, str, openapi.Operation]]:
    from app import app

    return list(openapi.operations(app.routes))


def test_the_document_is_valid(still_api: Api):
    from openapi_spec_validator import OpenAPIV31SpecValidator, validate

    document = still_api.json("/openapi.json", None)
    assert document["openapi"] == "3.1.0"
    validate(document, cls=OpenAPIV31SpecValidator)


def test_the_committed_document_is_what_the_code_says():
    from app import app

    committed = ROOT / "docs" / "openapi.json"
    assert committed.read_text() == openapi.as_text(app.routes), f"docs/openapi.json is old: {REGENERATE}"


def test_every_operation_says_what_it_does(contracts: list):
    names = Counter(contract.view.__name__ for _, _, contract in contracts)
    assert names.most_common(1)[0][1] == 1, f"operationIds given twice: {names.most_common(3)}"
    for path, method, contract in contracts:
        assert contract.tag in openapi.TAGS, f"{method} {path}: the tag {contract.tag} has no description"
        description = openapi._description(contract)
        assert description.endswith("."), f"{method} {path} wants a docstring that is a sentence"
        assert contract.title
        assert any(200 <= status < 300 for status in contract.answers), f"{method} {path}"


def test_paths_declare_their_variables(contracts: list):
    for path, method, contract in contracts:
        assert {p.name for p in contract.path} == set(re.findall(r"{(\w+)}", path)), f"{method} {path}"


def test_one_place_in_a_path_has_one_variable(contracts: list):
    """API Gateway refuses ``/files/{a}`` beside ``/files/{b}/x``."""
    seen: dict[str, str] = {}
    for path, _, _ in contracts:
        parts = path.split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                stem = "/".join(parts[:place])
                assert seen.setdefault(stem, part) == part, f"{stem}/ has {seen[stem]} and {part}"


def _parts(schema: Any) -> Any:
    """Every schema within a schema."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    for part in inner:
        yield from _parts(part)


def test_schemas_use_only_what_validator_and_document_understand_alike(contracts: list):
    for path, method, contract in contracts:
        given = [
            answer
            for answers in contract.answers.values()
            for answer in (answers if isinstance(answers, tuple) else (answers,))
        ]
        for schema in (contract.body, *given):
            if isinstance(schema, dict):
                for part in _parts(schema):
                    assert set(part) <= schemas.KEYWORDS, f"{method} {path}: {sorted(set(part) - schemas.KEYWORDS)}"


def test_every_pattern_a_person_can_miss_is_put_in_words(contracts: list):
    for path, method, contract in contracts:
        for part in _parts(contract.body or {}):
            assert ("pattern" in part) == (schemas.SAYS in part), f"{method} {path}: {part}"
        for parameter in (*contract.path, *contract.query):
            assert bool(parameter.pattern) == bool(parameter.says), f"{method} {path}: {parameter.name}"


def test_bodies_take_no_unknown_field(contracts: list):
    """A mistyped setting must not look as if it had been set."""
    for path, method, contract in contracts:
        for part in _parts(contract.body or {}):
            if "properties" in part:
                assert part.get("additionalProperties") is False, f"{method} {path}: {sorted(part['properties'])}"


def test_a_name_is_one_component(contracts: list):
    found: dict[str, Any] = {}
    for path, method, contract in contracts:
        for content in (contract.body, *contract.answers.values()):
            for schema in content if isinstance(content, tuple) else (content,):
                for part in _parts(schema) if isinstance(schema, dict) else ():
                    if isinstance(part, schemas.Schema):
                        assert found.setdefault(part.name, part) == part, f"{method} {path}: two schemas {part.name}"


def test_browsers_are_answered_on_every_path(still_api: Api, monkeypatch: pytest.MonkeyPatch):
    from app import app

    monkeypatch.setenv("GOODMAN_ORIGINS", "https://page.example.org")
    for path, methods in app.routes.items():
        assert "OPTIONS" in methods, path
        assert all(entry.cors is None for entry in methods.values()), f"{path}: origins are configured, not open to all"
    asked = {"Origin": "https://page.example.org", "Access-Control-Request-Method": "GET"}
    answer = still_api.send("OPTIONS", "/files/5", None, **asked)
    assert answer.status_code == 204
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example.org"
    stranger = still_api.send("OPTIONS", "/files/5", None, Origin="https://other.example.org")
    assert not [name for name in stranger.headers if name.startswith("Access-Control")]


def test_the_page_runs_nothing_but_its_own_files(still_api: Api):
    page = still_api.get("/docs", None)
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    text = page.body.decode()
    assert re.findall(r'(?:src|href)="([^"]*)"', text)
    for address in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert address.startswith("/api/")
        answer = still_api.get(address.removeprefix("/api"), None)
        assert answer.status_code == 200, address
    assert not re.search(r"<script[^>]*>[^<]|<style|\son\w+=|style=", text), "the policy would not run it"
    assert {path.name for path in FOLDER.iterdir()} == {"page.html", *ASSETS}
    problem(still_api.get("/docs/other.js", None), 404)
    problem(still_api.get("/docs/..%2f..%2fapp.py", None), 404)


def test_fixed_text_of_the_document_is_never_made_twice(still_api: Api):
    first, second = (still_api.get("/openapi.json", None) for _ in range(2))
    assert first.body == second.body
    assert "public" in first.headers["Cache-Control"]
    assert json.loads(first.body)["servers"] == [{"url": "/api"}]

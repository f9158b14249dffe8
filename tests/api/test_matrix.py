"""Every route × who asks → status, from the table in ``matrix.py``."""

from __future__ import annotations

import pytest

from chalicelib.api.openapi import operations
from chalicelib.store import accounts, clock
from tests.api.client import Api
from tests.api.matrix import COLUMNS, ROWS, Given, Row, given
from tests.conftest import once


@pytest.fixture
def asked(api: Api) -> tuple[Api, Given]:
    """The API with what the rows ask for, and tokens for every column."""
    there, tokens = once("matrix", lambda: everything(api.tokens))
    return Api(api.client, tokens), there


def everything(tokens: dict[str, str]) -> tuple[Given, dict[str, str]]:
    there = given()
    for column, fact in (("deactivated", {"is_active": False}), ("expired", {})):
        user = accounts.create_user(column, f"{column}@example.org")
        accounts.add_member(there.proposal, user["id"], accounts.COLLABORATOR)
        expires = clock.now() - 1 if column == "expired" else None
        tokens[column] = accounts.issue_token(user["id"], name="matrix", expires=expires)
        accounts.edit_user(user["id"], fact)
    return there, tokens


def test_every_route_has_a_row_and_every_row_a_route():
    from app import app

    routes = {(method, path) for path, method, _ in operations(app.routes)}
    rows = [(row.method, row.route) for row in ROWS]
    missing = sorted(routes - set(rows))
    assert not missing, f"tests/api/matrix.py has no row for {missing}"
    assert sorted(set(rows) - routes) == [], "rows of routes that are not there"
    assert all(len(row.statuses) == len(COLUMNS) for row in ROWS)


def test_every_route_has_a_contract():
    from app import app

    bare = [
        (path, method)
        for path, methods in app.routes.items()
        for method, entry in methods.items()
        if method != "OPTIONS" and not hasattr(entry.view_function, "operation")
    ]
    assert not bare, f"routes without @operation: {bare}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.route}")
def test_who_asks_gets_the_status_of_the_table(asked: tuple[Api, Given], row: Row):
    api, there = asked
    path = row.path(there) if callable(row.path) else row.path
    body = row.body(there) if callable(row.body) else row.body
    got = tuple(
        api.send(
            row.method,
            path,
            None if column == "anonymous" else column,
            json_body=body,
            form=row.form,
            **row.headers,
        ).status_code
        for column in COLUMNS
    )
    assert dict(zip(COLUMNS, got)) == dict(zip(COLUMNS, row.statuses))

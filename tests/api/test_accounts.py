"""Tokens and memberships behind the API."""

from __future__ import annotations

import pytest

from chalicelib.store import accounts, clients, clock, fixtures, items
from tests.api.client import Api, problem


def test_only_the_hash_of_a_token_is_stored(api: Api):
    stored = str(clients.dynamodb().scan(TableName=clients.table_name("tokens"))["Items"])
    for token in api.tokens.values():
        assert token not in stored
        assert accounts.digest(token) in stored


def test_an_expired_token_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch):
    user = accounts.create_user("pi", "pi@example.org")
    api.tokens["pi"] = accounts.issue_token(user["id"], name="short", expires=clock.now() + 60)
    assert api.get("/files").status_code == 200
    later = clock.now() + 61
    monkeypatch.setattr(clock, "now", lambda: later)
    problem(api.get("/files"), 401)


def test_a_deactivated_user_is_refused(api: Api):
    user = accounts.create_user("pi", "pi@example.org")
    accounts.deactivate(user["id"])
    problem(api.get("/files"), 401)


def test_seeding_again_makes_nobody_twice(api: Api):
    again = fixtures.seed_fixture_accounts(mocked=True)
    for table, count in (("users", 6), ("proposals", 4), ("memberships", 6)):
        assert clients.dynamodb().scan(TableName=clients.table_name(table))["Count"] == count, table
    for role in ("pi", "stranger"):
        first, second = accounts.viewer_of(api.tokens[role]), accounts.viewer_of(again[role])
        assert first == second
    assert accounts.viewer_of(again["pi"]).scopes == {"SOAR2026B-014", "SOAR2026B-022"}


def test_a_pi_added_as_collaborator_stays_pi(api: Api):
    pi = accounts.create_user("pi", "pi@example.org")
    proposal = accounts.create_proposal("SOAR2026B-014", pi=pi["id"], semester="2026B", title="")
    accounts.add_member(proposal["id"], pi["id"], accounts.COLLABORATOR)
    key = {"proposal_id": proposal["id"], "user_id": pi["id"]}
    assert items.get("memberships", key)["role"] == accounts.PI


def test_fixture_accounts_are_refused_at_a_real_endpoint(aws: None):
    with pytest.raises(fixtures.NotLocal):
        fixtures.seed_fixture_accounts()

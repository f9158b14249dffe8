"""Reduction settings: values with their help, revisions with who made them, and that nobody overwrites unseen ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.settings import DEFAULTS
from chalicelib.store import items, memberships, proposals, revisions, users
from tests.api.client import Api, problem


@pytest.fixture(scope="module")
def api(still_api: Api) -> Api:
    """One API for all tests here: each has a proposal of its own."""
    return still_api


@pytest.fixture
def soar_id(api: Api) -> str:
    """Of a proposal of this test's own, with a PI and a collaborator."""
    number = proposals.count() + 1
    made = proposals.create(
        f"SOAR2030A-{number:03d}", pi=users.find("pi")["id"], semester="2030A", title="Of this test's own"
    )
    memberships.add(made, "collaborator@example.org")
    return made["soar_id"]


@pytest.fixture
def path(api: Api, soar_id: str) -> str:
    """Where its settings are."""
    return f"/proposals/settings/{proposals.find(soar_id)['id']}"


def change(api: Api, path: str, revision: int, role: str = "pi", method: str = "PATCH", **settings: Any) -> Any:
    return api.send(method, path, role, json_body={"revision": revision, "settings": settings})


def test_at_first_they_are_the_defaults_each_with_its_help_and_limits(api: Api, path: str, soar_id: str):
    body = api.json(path)
    assert (body["revision"], body["settings"], body["soar_id"]) == (0, vars(DEFAULTS), soar_id)
    assert [one["name"] for one in body["descriptions"]] == list(vars(DEFAULTS))
    for one in body["descriptions"]:
        assert one["help"].endswith(".")
        assert one["default"] == body["settings"][one["name"]]
        assert bool(one["choices"]) == (one["type"] == "string")
        assert (one["low"] is None) == (one["type"] in ("string", "boolean"))
    (first,) = body["history"]
    assert (first["revision"], first["actor"], first["time"], first["changed"]) == (0, None, None, [])


def test_a_change_makes_a_revision_that_new_files_get(api: Api, path: str, soar_id: str):
    body = json.loads(change(api, path, 0, minimum_biases=5, cosmic_rays="none").body)
    assert (body["revision"], body["settings"]["minimum_biases"], body["settings"]["minimum_flats"]) == (1, 5, 10)
    revision, settings = proposals.current_settings(soar_id)
    assert (revision, settings.minimum_biases, settings.cosmic_rays) == (1, 5, "none")
    assert proposals.current_settings("SOAR2026B-014") == (0, DEFAULTS), "another proposal's stay"
    newest, first = body["history"]
    assert (newest["revision"], newest["actor"], newest["changed"]) == (1, "pi", ["cosmic_rays", "minimum_biases"])
    assert newest["time"]
    assert newest["settings"] == body["settings"]
    assert first["settings"] == vars(DEFAULTS)


def test_put_sets_what_is_left_out_to_the_default_and_patch_leaves_it(api: Api, path: str):
    change(api, path, 0, minimum_biases=5)
    assert json.loads(change(api, path, 1, flat_order=3).body)["settings"]["minimum_biases"] == 5
    body = json.loads(change(api, path, 2, method="PUT", flat_order=3).body)
    assert body["settings"] == vars(DEFAULTS) | {"flat_order": 3}
    assert body["history"][0]["changed"] == ["minimum_biases"]


def test_nobody_overwrites_what_another_changed_meanwhile(api: Api, path: str):
    assert change(api, path, 0, minimum_biases=5).status_code == 200
    refused = problem(change(api, path, 0, "staff", minimum_biases=6), 409)
    assert "revision 1" in refused["detail"]
    problem(change(api, path, 2, minimum_biases=6), 409)
    assert api.json(path)["settings"]["minimum_biases"] == 5
    assert change(api, path, 1, "staff", minimum_biases=6).status_code == 200
    assert [one["actor"] for one in api.json(path)["history"]] == ["staff", "pi", None]


def test_the_same_request_again_is_answered_as_the_first(api: Api, path: str):
    first = change(api, path, 0, minimum_biases=5).body
    assert change(api, path, 0, minimum_biases=5).body == first, "its answer was lost"
    problem(change(api, path, 0, "staff", minimum_biases=5), 409)
    assert json.loads(change(api, path, 1, minimum_biases=5).body)["revision"] == 1, "nothing is changed"


def test_two_changes_at_once_make_one_revision(api: Api, path: str, monkeypatch: pytest.MonkeyPatch):
    write, other = items.write, [1]

    def slow(operations: list[dict], **how: Any) -> Any:
        if other:
            other.pop()
            revisions.revise(int(path.rsplit("/", 1)[1]), 0, {"flat_order": 7}, whole=False, actor="staff")
        return write(operations, **how)

    monkeypatch.setattr(items, "write", slow)
    monkeypatch.setattr(items, "pause", lambda attempt: None)
    problem(change(api, path, 0, minimum_biases=5), 409)
    body = api.json(path)
    assert (body["revision"], body["settings"]["flat_order"], body["settings"]["minimum_biases"]) == (1, 7, 10)


def test_a_collaborator_looks_a_stranger_does_not_even(api: Api, path: str):
    assert api.json(path, "collaborator")["may_edit"] is False
    assert api.json(path, "staff")["may_edit"] is True
    problem(change(api, path, 0, "collaborator", minimum_biases=5), 403)
    problem(change(api, path, 0, "stranger", minimum_biases=5), 404)
    problem(api.get(path, "stranger"), 404)


def test_the_history_is_told_twenty_at_a_time(api: Api, path: str, monkeypatch: pytest.MonkeyPatch):
    from chalicelib.api import proposal_settings

    monkeypatch.setattr(proposal_settings, "REVISIONS_SHOWN", 2)
    for revision in range(4):
        assert change(api, path, revision, flat_order=20 + revision).status_code == 200
    told, before = [], None
    while True:
        body = api.json(path + (f"?before={before}" if before is not None else ""))
        told += [one["revision"] for one in body["history"]]
        before = body["older"]
        if before is None:
            break
    assert told == [4, 3, 2, 1, 0]


def test_settings_stay_with_the_proposal_whose_soar_id_is_corrected(api: Api, path: str, soar_id: str):
    change(api, path, 0, minimum_biases=5)
    number = path.rsplit("/", 1)[1]
    api.patch(f"/proposals/{number}", {"soar_id": soar_id + "X"}, "staff")
    assert proposals.current_settings(soar_id + "X")[0] == 1
    assert proposals.current_settings(soar_id) == (0, DEFAULTS)
    assert api.json(path)["settings"]["minimum_biases"] == 5


def test_a_whole_number_is_the_same_setting_as_a_fraction(api: Api, path: str, soar_id: str):
    change(api, path, 0, saturation_threshold=2)
    assert json.loads(change(api, path, 1, saturation_threshold=2.0).body)["revision"] == 1
    assert proposals.current_settings(soar_id)[1].saturation_threshold.hex() == (2.0).hex()

"""Proposals, collaborators, settings, rosters: what cannot be meant is refused; nothing here changes anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Api, problem

NEW = {"title": "Light echoes", "email": "pi@example.org"}
ADD = {"email": "user@server.net", "action": "add"}


def listed(api: Api, role: str) -> list[str]:
    return [one["soar_id"] for one in api.json("/proposals", role)["results"]]


def number_of(api: Api, soar_id: str = "SOAR2026B-022") -> int:
    (found,) = api.json(f"/proposals?soar_id={soar_id}", "staff")["results"]
    return found["id"]


def test_staff_see_all_members_their_own_and_strangers_none(still_api: Api):
    everything = listed(still_api, "staff")
    assert set(everything) == {"SOAR2026B-014", "SOAR2026B-022", "SOAR2026B-021", "calibrate"}
    assert listed(still_api, "superuser") == everything
    assert set(listed(still_api, "pi")) == set(listed(still_api, "collaborator")) == {"SOAR2026B-014", "SOAR2026B-022"}
    assert still_api.json("/proposals", "stranger") == {"count": 0, "next": None, "previous": None, "results": []}


def test_a_taken_soar_id_is_refused_however_it_is_written(still_api: Api):
    for soar_id in ("SOAR2026B-014", "soar2026b-014", "SOAR 2026B-014"):
        refused = problem(still_api.post("/proposals", NEW | {"soar_id": soar_id}, "staff"), 409)
        assert f"The SOAR id {soar_id} belongs to proposal" in refused["detail"]
    number = still_api.json("/proposals?soar_id=SOAR2026B-022", "staff")["results"][0]["id"]
    problem(still_api.patch(f"/proposals/{number}", {"soar_id": "SOAR2026B-014"}, "staff"), 409)


@pytest.mark.parametrize(
    "body",
    [
        {"title": "No investigator"},
        {"title": "", "email": "pi@example.org"},
        NEW | {"user": 1},
        NEW | {"soar_id": " SOAR2026B-099"},
        NEW | {"soar_id": "SOAR2026B-0\n99"},
        NEW | {"soar_id": "é"},
        NEW | {"semester": "26B"},
        NEW | {"email": "pi"},
        {"title": "No such user", "user": 999_999},
        NEW | {"colour": "red"},
    ],
)
def test_what_is_no_proposal_is_refused(still_api: Api, body: dict):
    assert problem(still_api.post("/proposals", body, "staff"), 422)["detail"].endswith(".")
    assert still_api.json("/proposals", "staff")["count"] == 4


@pytest.mark.parametrize(
    "body", [{"email": "user@server.net"}, {"action": "add"}, ADD | {"action": "hug"}, ADD | {"email": "x"}]
)
def test_half_a_request_is_refused(still_api: Api, body: dict):
    (found,) = still_api.json("/proposals?soar_id=SOAR2026B-022", "pi")["results"]
    for method in ("GET", "POST"):
        problem(still_api.send(method, f"/proposals/collaborators/{found['id']}", form=body), 422)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"settings": {}}, ""),
        ({"revision": "0", "settings": {}}, "/revision"),
        ({"revision": -1, "settings": {}}, "/revision"),
        ({"revision": 0, "settings": {"minimum_biases": 2}}, "/settings/minimum_biases"),
        ({"revision": 0, "settings": {"minimum_biases": 10.5}}, "/settings/minimum_biases"),
        ({"revision": 0, "settings": {"minimum_flats": True}}, "/settings/minimum_flats"),
        ({"revision": 0, "settings": {"flat_order": 41}}, "/settings/flat_order"),
        ({"revision": 0, "settings": {"saturation_threshold": 101}}, "/settings/saturation_threshold"),
        ({"revision": 0, "settings": {"cosmic_rays": "magic"}}, "/settings/cosmic_rays"),
        ({"revision": 0, "settings": {"ignore_bias": 1}}, "/settings/ignore_bias"),
        ({"revision": 0, "settings": {"magic": 1}}, "/settings"),
        ({"revision": 0, "settings": []}, "/settings"),
    ],
)
def test_settings_outside_their_limits_are_refused_where_they_stand(still_api: Api, body: Any, where: str):
    number = number_of(still_api)
    for method in ("PUT", "PATCH"):
        refused = problem(still_api.send(method, f"/proposals/settings/{number}", json_body=body), 422)
        assert [error["at"] for error in refused["errors"]] == [where]
    assert still_api.json(f"/proposals/settings/{number}")["revision"] == 0


def test_number_that_is_no_finite_one_is_no_json(still_api: Api):
    body = b'{"revision": 0, "settings": {"saturation_threshold": NaN}}'
    problem(still_api.send("PATCH", f"/proposals/settings/{number_of(still_api)}", raw=body), 400)


@pytest.mark.parametrize(
    ("csv", "says"),
    [
        ("", "body"),
        ("\n \n", "empty"),
        ("SOAR2027A-001,Novae,new@example.org\n", "no column soar_id"),
        ("soar_id,title\n", "no column email"),
        ("soar_id,title,email,telescope\n", "not known"),
        ("soar_id,title,email,title\n", "twice"),
        ('soar_id,title,email\nSOAR2027A-001,"Novae\n', "Line 2"),
        ("soar_id,title,email\n" + "x,y,z@example.org\n" * 501, "more than 500"),
    ],
)
def test_a_text_that_is_no_roster_is_refused(still_api: Api, csv: str, says: str):
    assert says in problem(still_api.post("/proposals/import", {"csv": csv}, "staff"), 422)["detail"]
    assert still_api.json("/proposals", "staff")["count"] == 4


def test_a_roster_beyond_all_bounds_is_refused(still_api: Api):
    problem(still_api.post("/proposals/import", {"csv": "x" * 1_100_000}, "staff"), 413)

"""Proposals: who sees which, SOAR ids and the files that follow them, corrections."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from chalicelib.store import accounts, clients, clock, identities, items, proposals, users
from tests.api.client import Api, problem
from tests.filing import file, record

NEW = {"title": "Light echoes", "email": "pi@example.org"}


@pytest.fixture(autouse=True)
def _tonight(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is November 2026."""
    monkeypatch.setattr(clock, "now", lambda: 1_795_309_200.0)


def made(api: Api, **facts: object) -> dict:
    answer = api.post("/proposals", NEW | facts, "staff")
    assert answer.status_code == 201, answer.body
    return json.loads(answer.body)


def listed(api: Api, role: str, query: str = "") -> list[str]:
    return [one["soar_id"] for one in api.json(f"/proposals{query}", role)["results"]]


def test_a_row_says_who_it_is_to_the_viewer_and_what_it_holds(api: Api):
    file(record(20261120, 1), record(20261121, 2), record(20261121, 3), record(20261121, 4, proposal_id="other"))
    rows = {role: api.json("/proposals?soar_id=soar2026b-014", role)["results"] for role in api.tokens}
    assert {role: rows[role][0]["role"] for role in ("pi", "collaborator", "staff")} == {
        "pi": "pi",
        "collaborator": "collaborator",
        "staff": "staff",
    }
    assert rows["stranger"] == []
    (row,) = rows["pi"]
    assert (row["files"], row["nights"], row["last_night"]) == (3, 2, "2026-11-21")
    assert row["collaborator_count"] == 1
    assert row["user"]["username"] == "pi"
    (empty,) = api.json("/proposals?soar_id=SOAR2026B-022")["results"]
    assert (empty["files"], empty["nights"], empty["last_night"]) == (0, 0, None)


def test_pages_are_exact_and_link_to_each_other(api: Api):
    numbers = [made(api, soar_id=f"SOAR2027A-{number:03d}")["id"] for number in range(1, 6)]
    first = api.json("/proposals?page_size=4", "staff")
    second = api.follow(first["next"], "staff")
    third = api.follow(second["next"], "staff")
    shown = [one["id"] for page in (first, second, third) for one in page["results"]]
    assert (first["count"], len(shown), third["next"]) == (9, 9, None)
    assert shown == sorted(shown, reverse=True)
    assert shown[:5] == numbers[::-1]
    assert api.follow(third["previous"], "staff")["results"] == second["results"]
    semester = api.json("/proposals?semester=2027A&page=2&page_size=4", "staff")
    assert (semester["count"], [one["id"] for one in semester["results"]]) == (5, numbers[:1])
    mine = api.json("/proposals?semester=2027A&page_size=4")
    assert (mine["count"], len(mine["results"])) == (5, 4)
    problem(api.get("/proposals?page=4", "staff"), 404)


def test_a_search_finds_titles_soar_ids_and_investigators_in_any_case(api: Api, monkeypatch: pytest.MonkeyPatch):
    made(api, soar_id="SOAR2027A-001", title="Light  ÉCHOES of quasars")
    made(api, soar_id="SOAR2027A-002", title="White quasars", abstract="echoes", email="collaborator@example.org")
    names = {"first_name": "Ada", "last_name": "Lovelace"}
    assert api.patch(f"/users/{users.find('collaborator@example.org')['id']}", names, "staff").status_code == 200
    for text, found in {
        "light échoes": ["SOAR2027A-001"],
        "QUASARS": ["SOAR2027A-002", "SOAR2027A-001"],
        "soar2027a": ["SOAR2027A-002", "SOAR2027A-001"],
        "ada love": ["SOAR2027A-002"],
        "nothing of it": [],
    }.items():
        assert listed(api, "staff", f"?{urlencode({'search': text})}") == found, text
    assert listed(api, "pi", "?search=quasars") == ["SOAR2027A-001"], "others' proposals are not found"
    assert listed(api, "stranger", "?search=quasars") == []
    assert listed(api, "staff", "?search=quasars&semester=2026B") == []
    page = api.json("/proposals?search=quasars&page_size=1", "staff")
    assert (page["count"], len(page["results"])) == (2, 1)
    assert [one["soar_id"] for one in api.follow(page["next"], "staff")["results"]] == ["SOAR2027A-001"]
    monkeypatch.setattr(proposals, "MOST_SEARCHED", 1)
    bounded = api.json("/proposals?search=quasars", "staff")
    assert (bounded["count"], [one["soar_id"] for one in bounded["results"]]) == (None, ["SOAR2027A-002"])


@pytest.mark.parametrize("query", ["page_size=0", "page_size=201", "search=x", f"search={'x' * 81}"])
def test_what_is_asked_of_the_list_is_bounded(api: Api, query: str):
    problem(api.get(f"/proposals?{query}", "staff"), 400)


def test_the_next_soar_id_counts_the_semester_and_passes_those_that_are_taken(api: Api):
    assert api.json("/proposals/next-id?semester=2027A", "staff") == {"semester": "2027A", "soar_id": "SOAR2027A-001"}
    made(api, soar_id="SOAR2027A-002")
    assert api.json("/proposals/next-id?semester=2027A", "staff")["soar_id"] == "SOAR2027A-003"
    assert made(api, semester="2027A")["soar_id"] == "SOAR2027A-003"
    made(api, soar_id="SOAR2027A-005", semester="2026B")
    made(api, soar_id="SOAR2027A-004")
    assert api.json("/proposals/next-id?semester=2027A", "staff")["soar_id"] == "SOAR2027A-006", (
        "-004 and -005 are taken"
    )
    assert api.json("/proposals/next-id", "staff")["semester"] == "2026B"
    problem(api.get("/proposals/next-id?semester=2026C", "staff"), 400)


def test_thirteen_proposals_make_the_next_the_fourteenth(api: Api):
    for number in range(1, 14):
        made(api, soar_id=f"SOAR2028B-{number:03d}")
    assert api.json("/proposals/next-id?semester=2028B", "staff")["soar_id"] == "SOAR2028B-014"


def test_a_new_proposal_has_its_pi_as_member_and_its_semester_from_its_soar_id(api: Api):
    body = made(api, soar_id="SOAR2027A-007", abstract="Echoes.")
    assert (body["semester"], body["abstract"], body["user"]["username"]) == ("2027A", "Echoes.", "pi")
    assert body["collaborators"] == []
    assert "SOAR2027A-007" in listed(api, "pi")
    assert made(api, soar_id="engineering")["semester"] == "2026B", "no semester in the id: the present one"


def test_files_that_are_there_already_belong_to_a_proposal_made_later(api: Api):
    file(record(proposal_id="SOAR2027A-009"))
    assert api.json("/files")["count"] == 0
    assert made(api, soar_id="soar2027a-009")["files"] == 1
    assert api.json("/files")["count"] == 1


def test_a_deactivated_pi_is_refused(api: Api):
    accounts.deactivate(users.find("second_pi")["id"])
    refused = api.post("/proposals", {"title": "Gone", "email": "second_pi@example.org"}, "staff")
    assert "deactivated" in problem(refused, 422)["detail"]


def test_with_another_soar_id_files_appear_and_disappear_at_once(api: Api):
    file(record(number=1), record(number=2), record(number=3, proposal_id="SOAR2026B-O14"))
    number = api.json("/proposals?soar_id=SOAR2026B-014")["results"][0]["id"]
    assert api.json("/files")["count"] == 2
    changed = api.patch(f"/proposals/{number}", {"soar_id": "SOAR2026B-O14"}, "staff")
    assert json.loads(changed.body)["files"] == 1
    for role in ("pi", "collaborator"):
        (shown,) = api.json("/files", role)["results"]
        assert shown["proposal_id"] == "SOAR2026B-O14"
    assert [one["propid"] for one in api.json("/proposals/unassigned", "staff")["results"]] == ["SOAR2026B-014"]
    again = api.patch(f"/proposals/{number}", {"soar_id": "SOAR2026B-014"}, "staff")
    assert json.loads(again.body)["files"] == 2
    assert api.json("/files")["count"] == 2


def test_a_freed_soar_id_can_be_given_again_and_a_kept_one_not(api: Api):
    number = api.json("/proposals?soar_id=SOAR2026B-014")["results"][0]["id"]
    api.patch(f"/proposals/{number}", {"soar_id": "SOAR2026B-114"}, "staff")
    made(api, soar_id="SOAR2026B-014")
    problem(api.patch(f"/proposals/{number}", {"soar_id": "SOAR2026B-014"}, "staff"), 409)
    assert api.patch(f"/proposals/{number}", {"soar_id": "soar2026b-114"}, "staff").status_code == 200, "only its form"
    assert identities.known("proposal#SOAR2026B-114") == number


def test_a_correction_changes_what_it_names_and_nothing_else(api: Api):
    number = api.json("/proposals?soar_id=SOAR2026B-014")["results"][0]["id"]
    before = api.json(f"/proposals/{number}")
    after = json.loads(api.patch(f"/proposals/{number}", {"title": "Novae", "semester": "2027A"}, "staff").body)
    assert after == before | {"title": "Novae", "semester": "2027A", "role": "staff"}
    assert "SOAR2026B-014" in listed(api, "staff", "?semester=2027A")
    assert "SOAR2026B-014" not in listed(api, "staff", "?semester=2026B")
    assert json.loads(api.patch(f"/proposals/{number}", {}, "staff").body) == after
    problem(api.patch("/proposals/999999", {"title": "Novae"}, "staff"), 404)


def test_another_pi_takes_the_place_of_the_one_before(api: Api):
    number = api.json("/proposals?soar_id=SOAR2026B-014")["results"][0]["id"]
    stranger = users.find("stranger")["id"]
    changed = api.patch(f"/proposals/{number}", {"user": stranger}, "staff")
    assert json.loads(changed.body)["user"]["username"] == "stranger"
    assert api.json(f"/proposals/{number}", "stranger")["role"] == "pi"
    problem(api.get(f"/proposals/{number}", "pi"), 404)
    assert listed(api, "pi") == ["SOAR2026B-022"]
    collaborator = users.find("collaborator")["id"]
    body = json.loads(api.patch(f"/proposals/{number}", {"user": collaborator}, "staff").body)
    assert (body["user"]["username"], body["collaborators"]) == ("collaborator", [])


def test_corrections_at_the_same_time_lose_nothing(api: Api, monkeypatch: pytest.MonkeyPatch):
    number = api.json("/proposals?soar_id=SOAR2026B-014")["results"][0]["id"]
    read, other = proposals.get, [{"abstract": "Written in between."}]

    def slow(wanted: int, **how: bool):
        found = read(wanted, **how)
        if other:
            proposals.edit(number, other.pop())
        return found

    monkeypatch.setattr(proposals, "get", slow)
    monkeypatch.setattr(items, "pause", lambda attempt: None)
    proposals.edit(number, {"title": "Novae"})
    kept = read(number)
    assert (kept["title"], kept["abstract"]) == ("Novae", "Written in between.")


def test_of_two_who_want_a_soar_id_one_gets_it(api: Api, monkeypatch: pytest.MonkeyPatch):
    """Both looked and found it free; the second's transaction is refused as a whole."""
    pi, known = users.find("pi")["id"], identities.known
    first = proposals.create("SOAR2027A-001", pi=pi, semester="2027A", title="First")
    blind = [None]
    monkeypatch.setattr(identities, "known", lambda identity: blind.pop() if blind else known(identity))
    monkeypatch.setattr(items, "pause", lambda attempt: None)
    with pytest.raises(proposals.Taken) as taken:
        proposals.create("SOAR2027A-001", pi=pi, semester="2027A", title="Second")
    assert taken.value.other == first["id"] == proposals.count()
    stored = clients.dynamodb().scan(TableName=clients.table_name("proposals"))["Items"]
    assert sum(item["soar_id"]["S"] == "SOAR2027A-001" for item in stored) == 1


def test_unassigned_lists_propids_without_a_proposal_with_what_they_may_mean(api: Api):
    file(
        record(20261119, 1, proposal_id="SOAR2026B-O14"),
        record(20261120, 1, proposal_id="soar 2026b-o14"),
        record(20261121, 1, proposal_id="SOAR2026B-0222"),
        record(20261120, 2, proposal_id="engineering run"),
        record(20261121, 3, proposal_id=""),
        record(20261121, 4),
        record(20261121, 5, scope="*masters*"),
    )
    answer = api.json("/proposals/unassigned", "staff")
    found = {one["propid"]: one for one in answer["results"]}
    assert answer["count"] == len(found) == 4
    assert set(found) == {"SOAR2026B-O14", "SOAR2026B-0222", "ENGINEERINGRUN", ""}
    typo = found["SOAR2026B-O14"]
    assert (typo["files"], typo["nights"], typo["first_night"], typo["last_night"]) == (
        2,
        2,
        "2026-11-19",
        "2026-11-20",
    )
    assert [one["soar_id"] for one in typo["suggestions"]] == ["SOAR2026B-014"]
    assert [one["soar_id"] for one in found["SOAR2026B-0222"]["suggestions"]] == ["SOAR2026B-022"]
    assert found["ENGINEERINGRUN"]["suggestions"] == found[""]["suggestions"] == []
    assert found[""]["files"] == 1
    made(api, soar_id="Engineering Run")
    assert api.json("/proposals/unassigned", "staff")["count"] == 3
    problem(api.get("/proposals/unassigned?page=2", "staff"), 404)


def test_a_new_investigators_letter_that_is_not_sent_is_told_and_the_proposal_is_there(api: Api):
    """No sender is configured here."""
    refused = problem(
        api.post("/proposals", NEW | {"soar_id": "SOAR2027A-001", "email": "ada@example.edu"}, "staff"), 409
    )
    ada = users.find("ada@example.edu")
    assert f"/users/{ada['id']}/invite" in refused["detail"]
    (row,) = api.json("/proposals?soar_id=SOAR2027A-001", "staff")["results"]
    assert row["user"]["email"] == "ada@example.edu"
    assert proposals.of_user(ada["id"]) == [row["id"]]

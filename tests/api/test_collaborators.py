"""Collaborators: the manual's own script, who may change them, and people who have no account yet."""

from __future__ import annotations

import json

import pytest

from chalicelib.store import accounts, clients, fixtures, items, mail, memberships, signin, users
from infra.local import mailbox
from tests.api.client import Api, problem
from tests.filing import file, record

SAMPLE = {
    "id": 5,
    "soar_id": "calibrate",
    "semester": "2020A",
    "title": "Calibrations",
    "abstract": "How calibrations will be handled.",
    "user": {
        "id": 3,
        "username": "observer",
        "last_login": "2020-10-24T18:56:45.976000-03:00",
        "first_name": "Observer",
        "last_name": "Observer",
        "email": "observer@observatory.cl",
        "is_staff": True,
        "is_active": True,
        "date_joined": "2019-11-13T10:26:23-03:00",
    },
    "collaborators": [
        {
            "id": 41,
            "username": "user",
            "last_login": None,
            "first_name": "",
            "last_name": "",
            "email": "user@server.net",
            "is_staff": False,
            "is_active": True,
            "date_joined": "2021-03-24T15:32:23.329399-03:00",
        }
    ],
}
"""What the original's manual shows as the answer to its script."""

ADD = {"email": "user@server.net", "action": "add"}


@pytest.fixture(autouse=True)
def _post(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """SES sends for us."""
    monkeypatch.setenv(mail.SENDER, "goodman@example.org")
    monkeypatch.setenv(mail.PAGE, "https://goodman.example.org")
    clients.ses().verify_email_identity(EmailAddress="goodman@example.org")


@pytest.fixture
def path(api: Api) -> str:
    """Where the collaborators of SOAR2026B-022 are."""
    (found,) = api.json("/proposals?soar_id=SOAR2026B-022", "pi")["results"]
    return f"/proposals/collaborators/{found['id']}"


def names(answer: object) -> list[str]:
    body = json.loads(answer.body)  # type: ignore[attr-defined]
    return [one["username"] for one in body["collaborators"]]


def kinds(value: object) -> object:
    """The shape of a value: its fields in order, and their types (a text or null is a text)."""
    if isinstance(value, dict):
        return {name: kinds(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [kinds(inner) for inner in value[:1]]
    return str if value is None else type(value)


def test_the_manuals_script_adds_a_collaborator_and_gets_the_manuals_answer(api: Api):
    """``requests.get(url, data=payload, headers=…)``: a form in the body of a GET that says it is JSON."""
    observer = accounts.create_user("observer", "observer@observatory.cl", is_staff=True)
    for soar_id in ("other", "calibrating"):
        made = api.post("/proposals", {"soar_id": soar_id, "title": "Calibrations", "user": observer["id"]}, "staff")
    number = json.loads(made.body)["id"]
    answer = api.send(
        "GET", f"/proposals/collaborators/{number}/", "staff", form=ADD, **{"Content-Type": "application/json"}
    )
    assert answer.status_code == 200
    body = json.loads(answer.body)
    assert kinds(body) == kinds(SAMPLE)
    assert json.dumps(list(body)) == json.dumps(list(SAMPLE)), "the manual's order"
    assert list(body["user"]) == list(SAMPLE["user"])
    (added,) = body["collaborators"]
    assert {
        name: added[name] for name in ("username", "last_login", "first_name", "email", "is_staff", "is_active")
    } == {
        name: SAMPLE["collaborators"][0][name]
        for name in ("username", "last_login", "first_name", "email", "is_staff", "is_active")
    }
    (letter,) = mailbox.letters("user@server.net")
    session = signin.set_password(letter.token, "kite-lamp-rain", "192.0.2.1")
    assert session.user["username"] == "user"


def test_the_documented_way_does_the_same_as_json_and_as_a_form(api: Api, path: str):
    assert names(api.post(path, ADD)) == ["collaborator", "user"]
    assert names(api.send("POST", path, form={"email": "stranger@example.org", "action": "add"})) == [
        "collaborator",
        "user",
        "stranger",
    ]
    assert names(api.get(path)) == ["collaborator", "user", "stranger"]


def test_adding_and_removing_twice_leaves_what_doing_it_once_left(api: Api, path: str):
    once = json.loads(api.post(path, ADD).body)
    assert json.loads(api.post(path, ADD | {"email": "USER@server.net"}).body) == once
    assert len(mailbox.letters()) == 1
    gone = {"email": "user@server.net", "action": "remove"}
    for _ in range(2):
        assert names(api.post(path, gone)) == ["collaborator"]
    assert names(api.post(path, {"email": "nobody@server.net", "action": "remove"})) == ["collaborator"]
    assert users.find("nobody@server.net") is None, "nobody is made to be removed"


def test_who_is_added_sees_the_files_and_who_is_removed_does_not(api: Api, path: str):
    file(record(proposal_id="SOAR2026B-022"))
    assert api.json("/files", "stranger")["count"] == 0
    api.post(path, {"email": "stranger@example.org", "action": "add"})
    assert api.json("/files", "stranger")["count"] == 1
    (letter,) = mailbox.letters("stranger@example.org")
    assert "SOAR2026B-022" in letter.subject
    api.post(path, {"email": "stranger@example.org", "action": "remove"})
    assert api.json("/files", "stranger")["count"] == 0


def test_a_collaborator_may_look_and_not_change_and_a_stranger_sees_nothing(api: Api, path: str):
    assert names(api.get(path, "collaborator")) == ["collaborator"]
    for body in (ADD, {"email": "collaborator@example.org", "action": "remove"}):
        problem(api.post(path, body, "collaborator"), 403)
        problem(api.send("GET", path, "collaborator", form=body), 403)
        stranger = problem(api.post(path, body, "stranger"), 404)
        nowhere = problem(api.post("/proposals/collaborators/999999", body, "stranger"), 404)
        assert stranger["title"] == nowhere["title"]
    assert names(api.get(path)) == ["collaborator"]
    assert users.find(ADD["email"]) is None
    assert mailbox.letters() == []


def test_the_pi_stays_and_is_no_collaborator(api: Api, path: str):
    assert (
        "principal investigator"
        in problem(api.post(path, {"email": "pi@example.org", "action": "remove"}), 409)["detail"]
    )
    assert names(api.post(path, {"email": "pi@example.org", "action": "add"})) == ["collaborator"]
    assert json.loads(api.get(path).body)["user"]["username"] == "pi"


def test_a_deactivated_person_is_not_added(api: Api, path: str):
    accounts.deactivate(users.find("stranger")["id"])
    assert "deactivated" in problem(api.post(path, {"email": "stranger@example.org", "action": "add"}), 409)["detail"]
    assert names(api.get(path)) == ["collaborator"]


def test_a_user_name_that_is_taken_gets_a_number(api: Api, path: str):
    accounts.create_user("user", "another@example.org")
    assert names(api.post(path, ADD)) == ["collaborator", "user2"]


def test_a_letter_that_could_not_be_sent_is_sent_when_it_is_done_again(
    api: Api, path: str, monkeypatch: pytest.MonkeyPatch
):
    sent = mail.send
    monkeypatch.setattr(mail, "send", _refuse)
    assert "again" in problem(api.post(path, ADD), 409)["detail"]
    assert names(api.get(path)) == ["collaborator", "user"], "all else is done"
    monkeypatch.setattr(mail, "send", sent)
    for _ in range(2):
        assert api.post(path, ADD).status_code == 200
    assert len(mailbox.letters("user@server.net")) == 1


def test_a_crash_at_any_write_is_finished_by_doing_it_again(api: Api, path: str, monkeypatch: pytest.MonkeyPatch):
    """After every write in turn the function dies; the next try ends in the same place, with one letter at least."""
    write = items.write
    for crash in range(20):
        email = f"user{crash}@server.net"
        left = [crash]

        def dying(*args, left=left, **how):
            if left[0] == 0:
                raise RuntimeError("killed")
            left[0] -= 1
            return write(*args, **how)

        proposal = {"id": int(path.rsplit("/", 1)[1]), "soar_id": "SOAR2026B-022", "title": ""}
        monkeypatch.setattr(items, "write", dying)
        try:
            memberships.add(proposal, email)
            done = True
        except RuntimeError:
            done = False
        monkeypatch.setattr(items, "write", write)
        memberships.add(proposal, email)
        members = [user["email"] for user in memberships.collaborators(proposal["id"])]
        assert members.count(email) == 1
        assert 1 <= len(mailbox.letters(email)) <= 2, crash
        if done:
            assert crash >= 4, "it takes some writes"
            return
    pytest.fail("adding never ended")


def test_a_proposal_has_so_many_collaborators_and_no_more(api: Api, path: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memberships, "MOST_COLLABORATORS", 2)
    assert api.post(path, ADD).status_code == 200
    problem(api.post(path, ADD | {"email": "stranger@example.org"}), 409)
    assert api.post(path, ADD).status_code == 200, "who is one already may be said again"


def test_the_fixture_password_is_nobody_elses(api: Api, path: str):
    """A new user has no password before the link was used."""
    api.post(path, ADD)
    answer = api.post("/auth/login", {"username": "user", "password": fixtures.PASSWORD}, None)
    assert answer.status_code == 401


def _refuse(*_: object) -> None:
    raise mail.NotSent("The letter could not be sent: ClientError.")

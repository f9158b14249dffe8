"""People: what staff do with accounts, what everybody does with the own one, and API keys."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from chalicelib.store import accounts, clients, clock, credentials, fixtures, items, mail, users
from infra.local import mailbox
from tests.api.client import Api, problem

SAMPLE = {
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
"""The manual's."""


@pytest.fixture(autouse=True)
def _post(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """SES sends for us."""
    monkeypatch.setenv(mail.SENDER, "goodman@example.org")
    monkeypatch.setenv(mail.PAGE, "https://goodman.example.org")
    clients.ses().verify_email_identity(EmailAddress="goodman@example.org")


def made(response: Any, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.body
    return json.loads(response.body)


def create(api: Api, role: str = "staff", **facts: Any) -> dict[str, Any]:
    body = {"username": "user", "email": "user@server.net"} | facts
    return made(api.post("/users", body, role), 201)


def test_a_user_has_the_manuals_fields_with_the_manuals_types(api: Api):
    user = create(api)
    shown = api.json(f"/users/{user['id']}", "staff")
    assert list(shown)[: len(SAMPLE)] == list(SAMPLE), "the original's order first"
    for name, sample in SAMPLE.items():
        assert type(shown[name]) is type(sample), name
        if name not in ("id", "date_joined"):
            assert shown[name] == sample, name
    assert datetime.fromisoformat(shown["date_joined"]).tzinfo is not None
    assert "password" not in str(shown) and "tokens" not in shown


def test_a_new_user_gets_a_link_and_signs_in(api: Api):
    user = create(api, first_name="Vera", partner_institution="Carnegie")
    assert user["invitation"]["sent"] is True
    assert "share" in " ".join(user["invitation"]["advice"])
    (letter,) = mailbox.letters("user@server.net")
    assert letter.text.startswith("Dear Vera,")
    session = made(api.post("/auth/password/set", {"token": letter.token, "password": "kite-lamp-rain"}, None))
    assert session["user"]["partner_institution"] == "Carnegie"
    body = {"username": "user", "password": "kite-lamp-rain"}
    assert api.post("/auth/login", body, None).status_code == 200


def test_a_user_is_there_also_when_the_letter_is_not(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(mail.SENDER, "unverified@example.org")
    user = create(api)
    assert user["invitation"]["sent"] is False
    assert user["invitation"]["detail"].endswith(".")
    monkeypatch.setenv(mail.SENDER, "goodman@example.org")
    assert made(api.post(f"/users/{user['id']}/invite", None, "staff"))["sent"] is True
    assert len(mailbox.letters("user@server.net")) == 1


def test_user_names_and_emails_are_unique_whatever_their_case(api: Api):
    user = create(api)
    for facts, what in (({"username": "PI"}, "user name"), ({"email": "PI@Example.org"}, "e-mail address")):
        new = {"username": "u", "email": "u@example.net"} | facts
        assert what in problem(api.post("/users", new, "staff"), 409)["detail"]
        assert what in problem(api.patch(f"/users/{user['id']}", facts, "staff"), 409)["detail"]
    assert api.json(f"/users/{user['id']}", "staff")["email"] == "user@server.net"


def test_what_cannot_be_an_account_is_refused(api: Api):
    for facts in (
        {"username": ""},
        {"username": "a b"},
        {"username": "a@b"},
        {"email": "no"},
        {"email": "a@b"},
        {"email": "a b@c.org"},
        {"email": "a,b@c.org"},
        {"email": "a@b@c.org"},
        {"email": "<a@b.org>"},
        {"email": "a@b.org\nBcc: c@d.org"},
        {"email": "a@b.org\n"},
        {"first_name": "a\nb"},
        {"password": "x"},
        {"is_active": False},
    ):
        body = {"username": "user", "email": "user@server.net"} | facts
        answer = api.post("/users", body, "staff")
        assert answer.status_code == 422, facts
        assert "pattern" not in answer.body.decode(), facts


def test_a_user_created_twice_with_one_key_is_created_once(api: Api):
    body = {"username": "user", "email": "user@server.net"}
    answers = [api.post("/users", body, "staff", **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    assert len(mailbox.letters("user@server.net")) == 1


def test_only_superusers_make_staff_and_superusers(api: Api):
    for flag in ("is_staff", "is_superuser"):
        problem(api.post("/users", {"username": "u", "email": "u@x.org", flag: True}, "staff"), 403)
    user = create(api)
    for flag in ("is_staff", "is_superuser"):
        problem(api.patch(f"/users/{user['id']}", {flag: True}, "staff"), 403)
        assert made(api.patch(f"/users/{user['id']}", {flag: True}, "superuser"))[flag] is True
    assert create(api, "superuser", username="s", email="s@x.org", is_staff=True)["is_staff"] is True


def test_staff_do_not_touch_staff(api: Api):
    """Whoever could change the e-mail of a superuser could have a new password sent there."""
    for role in ("superuser", "staff"):
        identifier = api.json("/users/me", role)["id"]
        for change in ({"email": "mine@example.net"}, {"is_active": False}, {"first_name": "x"}, {}):
            problem(api.patch(f"/users/{identifier}", change, "staff"), 403)


def test_a_superuser_cannot_lock_the_door_from_outside(api: Api):
    identifier = api.json("/users/me", "superuser")["id"]
    for change in ({"is_active": False}, {"is_superuser": False}):
        problem(api.patch(f"/users/{identifier}", change, "superuser"), 409)


def test_an_edited_email_is_the_one_that_counts_and_the_old_one_is_told_and_free(api: Api):
    api.post("/auth/password/forgot", {"username": "stranger"}, None)
    (letter,) = mailbox.letters()
    identifier = api.json("/users/me", "stranger")["id"]
    changes = {"email": "new@example.org", "username": "renamed"}
    assert made(api.patch(f"/users/{identifier}", changes, "staff"))["email"] == "new@example.org"
    assert "new@example.org" in mailbox.letters("stranger@example.org")[-1].text
    problem(api.post("/auth/password/set", {"token": letter.token, "password": "kite-lamp-rain"}, None), 410)
    for name, status in (("new@example.org", 200), ("renamed", 200), ("stranger", 401), ("stranger@example.org", 401)):
        body = {"username": name, "password": fixtures.PASSWORD}
        assert api.post("/auth/login", body, None).status_code == status, name
    assert accounts.viewer_of(api.tokens["stranger"]).username == "renamed"
    create(api, username="stranger", email="stranger@example.org")


def test_the_list_is_paged_and_searched(api: Api):
    like = users.find("stranger") or {}
    more = [
        like | {"id": 100 + n, "username": f"observer{n:02}", "email": f"o{n}@x.org", "last_name": "Übel" * (n == 7)}
        for n in range(30)
    ]
    items.write([items.operation("Put", "users", item=user) for user in more])
    first = api.json("/users", "staff")
    assert (first["count"], len(first["results"]), first["previous"]) == (36, 20, None)
    second = api.follow(first["next"], "staff")
    names = [user["username"] for page in (first, second) for user in page["results"]]
    assert names == sorted(names) and len(set(names)) == 36
    assert [u["username"] for u in api.json("/users?search=%C3%BCBEL", "staff")["results"]] == ["observer07"]
    assert api.json("/users?search=o29@x", "staff")["count"] == 1
    assert api.json("/users?search=nobody", "staff")["results"] == []
    problem(api.get("/users?page=3", "staff"), 404)
    problem(api.get("/users/4000", "staff"), 404)
    problem(api.patch("/users/4000", {"first_name": "x"}, "staff"), 404)
    problem(api.post("/users/4000/invite", None, "staff"), 404)


def test_everybody_changes_the_own_names_and_options(api: Api):
    me = api.json("/users/me")
    assert me["visual_options"] == {"color_map": "gray", "show_saturated": True, "show_title": True}
    changes = {"first_name": "Vera", "last_name": "Rubin", "partner_institution": "Carnegie"}
    changed = made(api.patch("/users/me", changes | {"visual_options": {"color_map": "viridis"}}))
    assert changed == me | changes | {"visual_options": me["visual_options"] | {"color_map": "viridis"}}
    changed = made(api.patch("/users/me", {"visual_options": {"show_title": False}}))
    assert changed["visual_options"] == {"color_map": "viridis", "show_saturated": True, "show_title": False}
    assert api.json("/users/me") == changed


def test_nobody_makes_more_of_themselves(api: Api):
    for body in ({"is_staff": True}, {"username": "x"}, {"visual_options": {"color_map": "mud"}}, {"id": 1}):
        problem(api.patch("/users/me", body), 422)


def test_another_email_needs_the_password_and_the_link(api: Api):
    wanted = {"email": "new@example.org"}
    problem(api.patch("/users/me", wanted), 422)
    problem(api.patch("/users/me", wanted | {"current_password": "x"}), 422)
    answer = made(api.patch("/users/me", wanted | {"current_password": fixtures.PASSWORD}))
    assert answer["email"] == "pi@example.org" and "new@example.org" in answer["notice"]
    (letter,) = mailbox.letters()
    assert letter.to == "new@example.org"
    problem(api.post("/auth/password/set", {"token": letter.token, "password": "kite-lamp-rain"}, None), 410)
    assert api.post("/auth/email/confirm", {"token": letter.token}, None).status_code == 200
    assert api.json("/users/me")["email"] == "new@example.org"
    assert "new@example.org" in mailbox.letters("pi@example.org")[-1].text
    problem(api.post("/auth/email/confirm", {"token": letter.token}, None), 410)


def test_an_email_that_another_account_has_is_not_told_before_the_link_is_used(api: Api):
    wanted = {"email": "staff@example.org", "current_password": fixtures.PASSWORD}
    assert "notice" in made(api.patch("/users/me", wanted))
    (letter,) = mailbox.letters("staff@example.org")
    problem(api.post("/auth/email/confirm", {"token": letter.token}, None), 409)
    assert api.json("/users/me")["email"] == "pi@example.org"


def test_a_key_is_shown_once_and_listed_by_name(api: Api, monkeypatch: pytest.MonkeyPatch):
    key = made(api.post("/auth/keys", {"name": "night script"}), 201)
    assert "share" in " ".join(key["advice"])
    api.tokens["key"] = key["key"]
    listed = api.json("/auth/keys")
    assert key["key"] not in str(listed)
    assert [k["name"] for k in listed["results"]] == ["one-machine stack", "night script"]
    assert listed["results"][1]["last_used"] is None
    now = clock.now() + 5
    monkeypatch.setattr(clock, "now", lambda: now)
    assert api.get("/files", "key").status_code == 200
    used = api.json("/auth/keys")["results"][1]["last_used"]
    assert datetime.fromisoformat(used).timestamp() == pytest.approx(now, abs=1e-3)
    assert made(api.patch(f"/auth/keys/{key['id']}", {"name": "other"}))["name"] == "other"


def test_a_rotated_key_is_another_under_the_same_name(api: Api):
    key = made(api.post("/auth/keys", {"name": "script"}), 201)
    new = made(api.post(f"/auth/keys/{key['id']}/rotate"))
    assert (new["id"], new["name"]) == (key["id"], "script") and new["key"] != key["key"]
    api.tokens.update(old=key["key"], new=new["key"])
    assert (api.get("/files", "old").status_code, api.get("/files", "new").status_code) == (401, 200)
    again = made(api.post(f"/auth/keys/{key['id']}/rotate", None, "new"))
    assert api.get("/files", "new").status_code == 401
    api.tokens["new"] = again["key"]
    assert api.delete(f"/auth/keys/{key['id']}", None, "new").status_code == 204
    assert api.get("/files", "new").status_code == 401


def test_keys_are_the_owners_alone(api: Api):
    key = made(api.post("/auth/keys", {"name": "script"}), 201)
    for role in ("stranger", "superuser"):
        problem(api.delete(f"/auth/keys/{key['id']}", None, role), 404)
        problem(api.post(f"/auth/keys/{key['id']}/rotate", None, role), 404)
        problem(api.patch(f"/auth/keys/{key['id']}", {"name": "x"}, role), 404)
    problem(api.get("/auth/keys", None), 401)


def test_no_more_keys_than_somebody_can_look_after(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(credentials.MOST, credentials.KEY, 2)
    made(api.post("/auth/keys", {"name": "a"}), 201)
    assert "revoke" in problem(api.post("/auth/keys", {"name": "b"}), 409)["detail"]


def test_an_unknown_email_makes_a_user_with_a_free_name(api: Api):
    user, created = accounts.user_for_email("Pi@server.net")
    assert created and user["username"] == "Pi2"
    assert accounts.user_for_email("pi@SERVER.net") == (user, False)
    assert accounts.user_for_email("staff@example.org")[0]["username"] == "staff"
    assert accounts.user_for_email("¡!@server.net")[0]["username"] == "user"


def test_a_change_beside_another_change_loses_nothing(api: Api, monkeypatch: pytest.MonkeyPatch):
    identifier = api.json("/users/me")["id"]
    get, once = users.get, iter([True])

    def slow(user_id: int, **how: Any) -> Any:
        found = get(user_id, **how)
        if how.get("consistent", True) and next(once, False):
            accounts.edit_user(identifier, {"last_name": "Rubin"})
        return found

    monkeypatch.setattr(users, "get", slow)
    accounts.edit_user(identifier, {"first_name": "Vera"})
    user = items.get("users", {"id": identifier}) or {}
    assert (user["first_name"], user["last_name"]) == ("Vera", "Rubin")

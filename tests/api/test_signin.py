"""Sign-in, sessions, passwords: what the page does for somebody without a token, and what it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.api.problems import TYPE
from chalicelib.domain import passwords
from chalicelib.store import (
    accounts,
    attempts,
    clients,
    clock,
    credentials,
    fixtures,
    items,
    mail,
    ratelimit,
    users,
    wire,
)
from infra.local import mailbox
from tests.api.client import Api, problem

PASSWORD = "kite-lamp-rain"
PAGE = "https://goodman.example.org"


@pytest.fixture(autouse=True)
def _post(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """SES sends for us."""
    monkeypatch.setenv(mail.SENDER, "goodman@example.org")
    monkeypatch.setenv(mail.PAGE, PAGE + "/")
    clients.ses().verify_email_identity(EmailAddress="goodman@example.org")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let some seconds pass."""
    at = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: at[0])

    def move(seconds: float) -> None:
        at[0] += seconds

    return move


def sign_in(api: Api, username: str = "pi", password: str = fixtures.PASSWORD) -> dict[str, Any]:
    response = api.post("/auth/login", {"username": username, "password": password}, None)
    assert response.status_code == 200, response.body
    body = json.loads(response.body)
    api.tokens["session"] = body["token"]
    return body


def refused(api: Api, username: str, password: str) -> tuple[int, bytes]:
    response = api.post("/auth/login", {"username": username, "password": password}, None)
    return response.status_code, response.body


def status(api: Api, role: str) -> int:
    return api.get("/users/me", role).status_code


def test_user_name_or_email_and_password_begin_a_session(api: Api):
    for name in ("pi", "PI", "pi@example.org", "Pi@Example.org"):
        session = sign_in(api, name)
        assert session["user"]["username"] == "pi"
        assert session["user"]["last_login"] is not None
        assert api.json("/users/me", "session") == session["user"]
    assert api.json("/files", "session")["count"] == 0


def test_a_form_signs_in_too(api: Api):
    response = api.send("POST", "/auth/login", None, form={"username": "pi", "password": fixtures.PASSWORD})
    assert response.status_code == 200


def test_unknown_account_wrong_password_and_no_password_take_the_same_way(api: Api, monkeypatch: pytest.MonkeyPatch):
    """The same words, the same requests to the tables, one scrypt with the same parameters."""
    users.add("invited", "invited@example.org")
    users.add("gone", "gone@example.org", is_active=False, password=passwords.stored(PASSWORD, b"0" * 16))
    told: list[Any] = []
    call, scrypt = wire.call, passwords.hashlib.scrypt
    monkeypatch.setattr(
        wire, "call", lambda name, **asked: told.append((name, asked["TableName"])) or call(name, **asked)
    )
    monkeypatch.setattr(
        passwords.hashlib, "scrypt", lambda secret, **how: told.append(how["n"]) or scrypt(secret, **how)
    )
    ways = []
    for name, password in (
        ("pi", "wrong"),
        ("nobody", "wrong"),
        ("pi@example.org", "wrong"),
        ("nobody@example.org", "wrong"),
        ("invited", "wrong"),
        ("gone", PASSWORD),
    ):
        ratelimit.forget()  # its count, written for one request in many, is no part of the way
        told.clear()
        ways.append((refused(api, name, password), tuple(told)))
    assert len(set(ways)) == 1
    (answer, way) = ways[0]
    assert answer[0] == 401
    assert way == (
        ("update_item", "goodman-counters"),
        ("update_item", "goodman-counters"),
        ("get_item", "goodman-identities"),
        ("get_item", "goodman-users"),
        passwords.N,
    )


def test_guesses_at_an_account_end_whether_or_not_it_is_there(api: Api, later: Any):
    for name in ("pi", "nobody"):
        for _ in range(attempts.SIGN_IN_ACCOUNT.most):
            assert refused(api, name, "wrong")[0] == 401
        response = api.post("/auth/login", {"username": name, "password": fixtures.PASSWORD}, None)
        problem(response, 429)
        assert 1 <= int(response.headers["Retry-After"]) <= attempts.SIGN_IN_ACCOUNT.seconds
    assert status(api, "pi") == 200, "who is signed in already is not locked out"
    later(attempts.SIGN_IN_ACCOUNT.seconds)
    sign_in(api)


def test_guesses_from_an_address_end(api: Api, later: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempts, "SIGN_IN_ADDRESS", replace(attempts.SIGN_IN_ADDRESS, most=4))
    for number in range(attempts.SIGN_IN_ADDRESS.most):
        assert refused(api, f"user{number}", "wrong")[0] == 401
    assert refused(api, "pi", fixtures.PASSWORD)[0] == 429


def test_signing_in_again_and_again_is_no_guess(api: Api, later: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempts, "SIGN_IN_ADDRESS", replace(attempts.SIGN_IN_ADDRESS, most=4))
    monkeypatch.setattr(attempts, "SIGN_IN_ACCOUNT", replace(attempts.SIGN_IN_ACCOUNT, most=4))
    monkeypatch.setitem(credentials.MOST, credentials.SESSION, 3)
    first = sign_in(api)["token"]
    for _ in range(5):
        sign_in(api)
    assert accounts.viewer_of(first) is None, "the oldest goes"
    held = (users.get(accounts.viewer_of(api.tokens["pi"]).user_id) or {})["tokens"].values()
    assert [t["kind"] for t in held].count(credentials.SESSION) == credentials.MOST[credentials.SESSION]


def test_a_session_ends_when_it_is_not_used_and_in_any_case(api: Api, later: Any):
    sign_in(api)
    later(credentials.IDLE_SECONDS - 1)
    assert status(api, "session") == 200
    later(credentials.IDLE_SECONDS - 1)
    assert status(api, "session") == 200, "use puts the end off"
    later(credentials.IDLE_SECONDS)
    assert status(api, "session") == 401
    sign_in(api)
    steps = credentials.LONGEST_SECONDS // 36000
    for _ in range(steps):
        later(36000)
        assert credentials.check(api.tokens["session"]) is not None
    later(credentials.LONGEST_SECONDS - steps * 36000)
    assert status(api, "session") == 401


def test_a_token_is_checked_with_one_read_and_noted_at_most_every_ten_minutes(
    api: Api, later: Any, monkeypatch: pytest.MonkeyPatch
):
    sign_in(api, "staff")
    asked: list[tuple[str, dict]] = []
    call = wire.call
    monkeypatch.setattr(wire, "call", lambda name, **given: asked.append((name, given)) or call(name, **given))

    def check() -> list[str]:
        asked.clear()
        assert accounts.viewer_of(api.tokens["session"]) is not None
        return [name for name, _ in asked]

    assert check() == ["get_item"]
    assert asked[0][1]["TableName"] == "goodman-tokens"
    assert asked[0][1]["ConsistentRead"] is True
    later(599)
    assert check() == ["get_item"]
    later(1)
    assert check() == ["get_item", "update_item"]
    assert check() == ["get_item"]


def test_a_use_that_cannot_be_noted_is_a_use_all_the_same(api: Api, later: Any, monkeypatch: pytest.MonkeyPatch):
    sign_in(api, "staff")
    later(600)

    def busy(*_: object, **__: object) -> None:
        raise items.Contended("busy")

    monkeypatch.setattr(items, "write", busy)
    assert accounts.viewer_of(api.tokens["session"]) is not None


def test_signing_out_ends_this_session_or_all(api: Api):
    first = sign_in(api)["token"]
    sign_in(api)
    assert api.post("/auth/logout", {}, "session").status_code == 204
    assert status(api, "session") == 401
    api.tokens["first"] = first
    sign_in(api)
    assert status(api, "first") == 200
    assert api.post("/auth/logout", {"everywhere": True}, "session").status_code == 204
    assert (status(api, "first"), status(api, "session"), status(api, "pi")) == (401, 401, 200)


def test_a_deactivated_user_is_out_at_once(api: Api):
    sign_in(api)
    identifier = api.json("/users/me")["id"]
    assert api.patch(f"/users/{identifier}", {"is_active": False}, "staff").status_code == 200
    assert (status(api, "session"), status(api, "pi")) == (401, 401)
    assert refused(api, "pi", fixtures.PASSWORD)[0] == 401
    assert api.patch(f"/users/{identifier}", {"is_active": True}, "staff").status_code == 200
    assert status(api, "pi") == 401, "what was ended stays ended"
    sign_in(api)


def test_nobody_gets_in_while_being_deactivated(api: Api, monkeypatch: pytest.MonkeyPatch):
    """Between the check of the password and the writing of the session somebody deactivates the account."""
    identifier = api.json("/users/me")["id"]
    make = credentials.make
    once = iter([True])

    def slow(user: Any, *rest: Any, **facts: Any) -> Any:
        made = make(user, *rest, **facts)
        if next(once, False):
            accounts.deactivate(identifier)
        return made

    monkeypatch.setattr(credentials, "make", slow)
    assert refused(api, "pi", fixtures.PASSWORD)[0] == 401
    assert users.get(identifier)["tokens"] == {}
    assert not [t for t in clients.dynamodb().scan(TableName="goodman-tokens")["Items"] if t["kind"]["S"] == "session"]


def test_new_flags_hold_for_the_tokens_there_are(api: Api):
    sign_in(api)
    identifier = api.json("/users/me")["id"]
    assert api.get("/users", "session").status_code == 403
    assert api.patch(f"/users/{identifier}", {"is_staff": True}, "superuser").status_code == 200
    assert (api.get("/users", "session").status_code, api.get("/users", "pi").status_code) == (200, 200)
    assert api.patch(f"/users/{identifier}", {"is_staff": False}, "superuser").status_code == 200
    assert (api.get("/users", "session").status_code, api.get("/users", "pi").status_code) == (403, 403)


def test_a_password_kept_with_old_parameters_is_kept_anew(api: Api, monkeypatch: pytest.MonkeyPatch):
    user = users.find("pi") or {}
    old = user["password"]
    monkeypatch.setattr(passwords, "N", 32)
    sign_in(api)
    new = (users.find("pi") or {})["password"]
    assert new != old and new.startswith("scrypt$32$")
    sign_in(api)


def test_a_forgotten_password_is_set_with_the_link_that_is_mailed(api: Api):
    sign_in(api)
    answers = [
        api.post("/auth/password/forgot", {"username": n}, None) for n in ("pi@example.org", "nobody@example.org")
    ]
    assert [a.status_code for a in answers] == [202, 202]
    assert answers[0].body == answers[1].body
    (letter,) = mailbox.letters()
    assert letter.to == "pi@example.org"
    assert letter.link == f"{PAGE}/#/set-password/{letter.token}"
    weak = problem(api.post("/auth/password/set", {"token": letter.token, "password": "12345678"}, None), 422)
    assert [e["message"] for e in weak["errors"]] == [passwords.TOO_COMMON, passwords.ALL_NUMERIC]
    response = api.post("/auth/password/set", {"token": letter.token, "password": PASSWORD}, None)
    assert response.status_code == 200
    api.tokens["new"] = json.loads(response.body)["token"]
    assert (status(api, "session"), status(api, "new")) == (401, 200)
    problem(api.post("/auth/password/set", {"token": letter.token, "password": PASSWORD + "!"}, None), 410)
    assert refused(api, "pi", fixtures.PASSWORD)[0] == 401
    sign_in(api, "pi", PASSWORD)
    assert "was changed" in mailbox.letters("pi@example.org")[-1].subject


def test_of_two_who_use_a_link_at_once_one_is_too_late(api: Api, monkeypatch: pytest.MonkeyPatch):
    api.post("/auth/password/forgot", {"username": "pi"}, None)
    (letter,) = mailbox.letters()
    use, once = credentials.use_link, iter([True])

    def slow(user: Any, link: Any) -> Any:
        operations = use(user, link)
        if next(once, False):
            assert (
                api.post("/auth/password/set", {"token": letter.token, "password": PASSWORD}, None).status_code == 200
            )
        return operations

    monkeypatch.setattr(credentials, "use_link", slow)
    problem(api.post("/auth/password/set", {"token": letter.token, "password": "other-lamp-rain"}, None), 410)
    sign_in(api, "pi", PASSWORD)


def test_a_link_ends_after_a_day_and_opens_nothing_else(api: Api, later: Any):
    api.post("/auth/password/forgot", {"username": "pi"}, None)
    (letter,) = mailbox.letters()
    api.tokens["link"] = letter.token
    assert status(api, "link") == 401
    problem(api.post("/auth/email/confirm", {"token": letter.token}, None), 410)
    problem(api.post("/auth/password/set", {"token": api.tokens["pi"], "password": PASSWORD}, None), 410)
    later(24 * 3600)
    problem(api.post("/auth/password/set", {"token": letter.token, "password": PASSWORD}, None), 410)


def test_nobody_is_flooded_with_letters(api: Api):
    for _ in range(attempts.FORGOT_ACCOUNT.most):
        assert api.post("/auth/password/forgot", {"username": "pi"}, None).status_code == 202
    problem(api.post("/auth/password/forgot", {"username": "pi"}, None), 429)
    assert len(mailbox.letters()) == attempts.FORGOT_ACCOUNT.most


def test_a_forgotten_password_is_answered_alike_when_no_letter_can_be_sent(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(mail.SENDER)
    answers = {api.post("/auth/password/forgot", {"username": n}, None).body for n in ("pi", "nobody")}
    assert len(answers) == 1
    assert mailbox.letters() == []


def test_changing_the_password_ends_all_other_sessions(api: Api):
    api.tokens["other"] = sign_in(api)["token"]
    sign_in(api)
    api.post("/auth/password/forgot", {"username": "pi"}, None)
    (letter,) = mailbox.letters()
    body = {"current_password": fixtures.PASSWORD, "password": PASSWORD}
    assert api.post("/auth/password/change", body, "session").status_code == 200
    assert (status(api, "session"), status(api, "other"), status(api, "pi")) == (200, 401, 200)
    problem(api.post("/auth/password/set", {"token": letter.token, "password": "other-lamp-rain"}, None), 410)
    assert "was changed" in mailbox.letters("pi@example.org")[-1].subject


def test_changing_the_password_needs_the_current_one_and_a_good_new_one(api: Api):
    wrong = problem(api.post("/auth/password/change", {"current_password": "x", "password": PASSWORD}), 422)
    assert [e["at"] for e in wrong["errors"]] == ["/current_password"]
    body = {"current_password": fixtures.PASSWORD, "password": "pi@example"}
    weak = problem(api.post("/auth/password/change", body), 422)
    assert weak["errors"] == [{"at": "/password", "message": passwords.TOO_SIMILAR}]
    for _ in range(attempts.CURRENT_PASSWORD.most - 1):
        problem(api.post("/auth/password/change", {"current_password": "x", "password": PASSWORD}), 422)
    problem(api.post("/auth/password/change", {"current_password": "x", "password": PASSWORD}), 429)


def test_nothing_secret_is_kept(api: Api):
    sign_in(api)
    api.post("/auth/password/forgot", {"username": "pi"}, None)
    api.post("/auth/keys", {"name": "script"}, "session")
    secrets = [*api.tokens.values(), mailbox.letters()[0].token, fixtures.PASSWORD]
    for table in ("tokens", "users", "counters", "identities"):
        stored = str(clients.dynamodb().scan(TableName=f"goodman-{table}")["Items"])
        assert not [secret for secret in secrets if secret in stored], table


def test_what_tables_let_go_by_itself_has_its_time(api: Api):
    session = credentials.digest(sign_in(api)["token"])
    refused(api, "pi", "wrong")
    assert items.get("tokens", {"digest": session})["expires_at"] >= clock.now() + credentials.LONGEST_SECONDS
    assert "expires_at" not in items.get("tokens", {"digest": credentials.digest(api.tokens["pi"])})
    counted = [i for i in clients.dynamodb().scan(TableName="goodman-counters")["Items"] if "attempt#" in str(i)]
    assert counted and all(int(i["expires_at"]["N"]) > clock.now() for i in counted)


def test_advice_is_for_everybody(api: Api):
    advice = api.json("/auth/advice", None)
    assert advice["password_rules"] == list(passwords.RULES)
    assert "share" in " ".join(advice["credentials"]) and "VPN" in " ".join(advice["network_access"])


def test_problems_name_their_kind(api: Api):
    assert (
        problem(api.post("/auth/login", {"username": "x", "password": "y"}, None), 401)["type"]
        == TYPE + "not-signed-in"
    )
    problem(api.post("/auth/login", {"username": "pi"}, None), 422)
    problem(api.post("/auth/login", {"username": "pi", "password": "x" * 201}, None), 422)

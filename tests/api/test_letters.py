"""Letters of staff to users."""

from __future__ import annotations

import json

import pytest

from chalicelib.store import accounts, items, mail
from tests.api.client import Api, problem

LETTER = {"to": ["pi", "Collaborator@Example.org"], "subject": "Tonight", "text": "The dome is closed.\nSorry."}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list:
    letters: list = []
    monkeypatch.setattr(mail, "send", lambda address, letter: letters.append((address, letter)))
    return letters


def test_each_user_gets_a_letter_of_their_own_once(api: Api, sent: list):
    twice = LETTER | {"to": [*LETTER["to"], "pi@example.org"]}
    for _ in range(2):
        answer = api.post("/email", twice, "staff", **{"Idempotency-Key": "k"})
        assert json.loads(answer.body) == {"sent": ["pi", "collaborator"], "failed": []}
    assert [address for address, _ in sent] == ["pi@example.org", "collaborator@example.org"]
    letter = sent[0][1]
    assert letter.subject == "Tonight"
    assert letter.text.startswith("The dome is closed.\nSorry.\n") and "staff" in letter.text


def test_only_users_are_written_to_and_nothing_is_sent_if_one_is_none(api: Api, sent: list):
    user = accounts.create_user("gone", "gone@example.org")
    items.write([items.operation("Put", "users", item=user | {"is_active": False})])
    refused = problem(api.post("/email", LETTER | {"to": ["pi", "a@b.org", "gone", "x"]}, "staff"), 422)
    assert [error["at"] for error in refused["errors"]] == ["/to/1", "/to/2", "/to/3"]
    assert sent == []


def test_what_could_not_be_sent_is_told(api: Api, monkeypatch: pytest.MonkeyPatch):
    def send(address, letter):
        if address.startswith("pi"):
            raise mail.NotSent("The letter could not be sent: refused.")

    monkeypatch.setattr(mail, "send", send)
    told = json.loads(api.post("/email", LETTER, "staff").body)
    assert told["sent"] == ["collaborator"]
    assert told["failed"] == [{"to": "pi", "why": "The letter could not be sent: refused."}]

"""The first superuser of a deployment."""

from __future__ import annotations

from argparse import Namespace

import pytest

from chalicelib.store import accounts, clients, fixtures, mail, users
from infra.local import mailbox
from infra.operate import people

SENDER = "goodman@example.org"


@pytest.fixture(autouse=True)
def _there(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mail.SENDER, SENDER)
    monkeypatch.setenv(mail.PAGE, "https://goodman.example.org")
    clients.ses().verify_email_identity(EmailAddress=SENDER)


def superuser(username: str, email: str, show_link: bool = False) -> int:
    return people.superuser(Namespace(username=username, email=email, show_link=show_link))


def test_a_new_superuser_gets_a_letter_and_again_when_asked_again():
    assert superuser("vera", "vera@example.org") == 0
    user = users.find("vera") or {}
    assert user["is_staff"] and user["is_superuser"]
    assert superuser("vera", "Vera@example.org") == 0
    assert users.find("vera")["id"] == user["id"]
    assert len(mailbox.letters("vera@example.org")) == 2


def test_somebody_who_is_there_is_made_one_and_the_tokens_know():
    tokens = fixtures.seed_fixture_accounts(mocked=True)
    assert superuser("pi", "pi@example.org") == 0
    assert accounts.viewer_of(tokens["pi"]).is_superuser


def test_the_link_is_shown_where_letters_do_not_go(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.delenv(mail.SENDER)
    assert superuser("vera", "vera@example.org") == people.LEFT_OVER
    assert "--show-link" in capsys.readouterr().err
    assert superuser("vera", "vera@example.org", show_link=True) == 0
    token = capsys.readouterr().out.split("/")[-1].strip()
    assert accounts.viewer_of(token) is None, "a link is no key"
    assert mailbox.letters() == []


def test_names_that_belong_to_others_are_left_alone(capsys: pytest.CaptureFixture[str]):
    fixtures.seed_fixture_accounts(mocked=True)
    assert superuser("pi", "other@example.org") == people.USAGE
    assert superuser("other", "pi@example.org") == people.USAGE
    assert not users.find("pi")["is_superuser"]
    assert capsys.readouterr().err.count(".\n") == 2

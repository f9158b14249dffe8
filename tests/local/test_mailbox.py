"""On one machine letters are read where moto keeps them, and told at the terminal."""

from __future__ import annotations

import pytest

from chalicelib.domain.letters import Letter
from chalicelib.store import clients, mail
from infra.local import mailbox

SENDER = "goodman@example.org"


@pytest.fixture(autouse=True)
def _post(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mail.SENDER, SENDER)
    clients.ses().verify_email_identity(EmailAddress=SENDER)


def test_letters_are_kept_and_told_in_the_order_in_which_they_were_sent():
    told: list[str] = []
    postman = mailbox.Postman(told.append)
    mail.send(
        "vera@example.org", Letter("Señal", "Set it here:\nhttps://x.example/#/set-password/abc\n\nGoodman Live\n")
    )
    mail.send("henrietta@example.org", Letter("Tonight\nBcc: all", "The dome stays closed.\n"))
    postman.stop()
    assert told == [
        "Mail to vera@example.org: Señal. https://x.example/#/set-password/abc",
        "Mail to henrietta@example.org: Tonight Bcc: all.",
    ]
    (letter,) = mailbox.letters("Vera@example.org")
    assert (letter.token, letter.text.splitlines()[-1]) == ("abc", "Goodman Live")


def test_what_cannot_be_sent_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(mail.SENDER, "other@example.org")
    with pytest.raises(mail.NotSent, match="could not be sent"):
        mail.send("vera@example.org", Letter("a", "b"))
    monkeypatch.delenv(mail.SENDER)
    with pytest.raises(mail.NotSent, match="GOODMAN_SENDER is not set"):
        mail.send("vera@example.org", Letter("a", "b"))
    monkeypatch.delenv(mail.PAGE, raising=False)
    with pytest.raises(mail.NotSent, match="GOODMAN_PAGE is not set"):
        mail.page()
    assert mailbox.letters() == []

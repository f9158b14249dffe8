"""A semester's import: dry run, users, proposals, letters; done again, and after a crash anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain import roster as rules
from chalicelib.store import accounts, clients, clock, items, mail, proposals, roster, signin, users
from infra.local import mailbox
from tests.api.client import Api

CSV = """soar_id,title,email,first_name,last_name,abstract
SOAR2027A-001,Novae,ada@example.edu,Ada,Lovelace,"Two lines,
and a comma."
SOAR2027A-002,Light echoes,PI@example.org,,,
SOAR2027A-003,Kilonovae,Ada@example.edu,Ada,Lovelace,
SOAR2026B-014,Another title,pi@example.org,,,
SOAR2026B-021,Not theirs,pi@example.org,,,
soar2027a-001,Doubled,bob@example.edu,,,
SOAR2027A-004,,bob@example.edu,,,
SOAR2027A-005,No address,bob(at)example.edu,,,
engineering,No semester,bob@example.edu,,,
"""


@pytest.fixture(autouse=True)
def _post(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """SES sends for us."""
    monkeypatch.setenv(mail.SENDER, "goodman@example.org")
    monkeypatch.setenv(mail.PAGE, "https://goodman.example.org")
    clients.ses().verify_email_identity(EmailAddress="goodman@example.org")


def bring(api: Api, csv: str = CSV, *, dry: bool = False) -> dict[str, Any]:
    answer = api.post("/proposals/import" + ("?dry_run=true" if dry else ""), {"csv": csv}, "staff")
    assert answer.status_code == 200, answer.body
    return json.loads(answer.body)


def everything() -> dict[str, Any]:
    """All that an import may change."""
    tables = ("users", "proposals", "memberships", "identities", "counters")
    return {table: sorted(map(str, _scan(table))) for table in tables}


def _scan(table: str) -> list[dict]:
    return clients.dynamodb().scan(TableName=clients.table_name(table))["Items"]


def test_the_dry_run_says_row_by_row_what_the_import_then_does(api: Api):
    before = everything()
    dry = bring(api, dry=True)
    assert everything() == before
    assert mailbox.letters() == []
    told = {row["soar_id"]: row for row in dry["rows"][:5]}
    assert [row["action"] for row in dry["rows"]] == ["create"] * 3 + ["unchanged"] + ["refused"] * 5
    assert [row["line"] for row in dry["rows"]] == [2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [row["new_user"] for row in dry["rows"]] == [True] + [False] * 8
    assert dry["counts"] == {"create": 3, "unchanged": 1, "refused": 5, "left": 0, "new_users": 1, "letters": 1}
    assert dry["dry_run"] and dry["complete"]
    assert told["SOAR2027A-001"]["sentences"] == [
        "SOAR2027A-001 is created in semester 2027A.",
        "ada@example.edu gets an account.",
        "A letter with a link to set a password goes to ada@example.edu.",
    ]
    assert "user name pi" in told["SOAR2027A-002"]["sentences"][1]
    assert "stay as they are" in told["SOAR2026B-014"]["sentences"][1]
    assert "another principal investigator" in told["SOAR2026B-021"]["sentences"][0]
    refused = {row["soar_id"]: row["sentences"][0] for row in dry["rows"][5:]}
    assert refused == {
        "soar2027a-001": "Line 2 has the same SOAR id already.",
        "SOAR2027A-004": "The column title is empty.",
        "SOAR2027A-005": "bob(at)example.edu is no e-mail address.",
        "engineering": "engineering names no semester; add a column semester.",
    }

    done = bring(api)
    same = ("line", "action", "new_user", "letter", "sentences")
    assert [[row[name] for name in same] for row in done["rows"]] == [[row[n] for n in same] for row in dry["rows"]]
    assert done["counts"] == dry["counts"]


def test_an_import_makes_users_proposals_and_letters(api: Api):
    done = bring(api)
    ada = users.find("ada@example.edu")
    assert (ada["first_name"], ada["last_name"], ada["username"]) == ("Ada", "Lovelace", "ada")
    made = {proposals.get(row["proposal"])["soar_id"]: proposals.get(row["proposal"]) for row in done["rows"][:3]}
    assert made["SOAR2027A-001"]["user_id"] == made["SOAR2027A-003"]["user_id"] == ada["id"]
    assert made["SOAR2027A-001"]["abstract"] == "Two lines, and a comma."
    assert made["SOAR2027A-002"]["user_id"] == users.find("pi")["id"]
    (letter,) = mailbox.letters()
    assert letter.to == "ada@example.edu"
    signin.set_password(letter.token, "kite-lamp-rain", "192.0.2.1")
    api.tokens["ada"] = accounts.issue_token(ada["id"], name="script")
    assert {one["soar_id"] for one in api.json("/proposals", "ada")["results"]} == {"SOAR2027A-001", "SOAR2027A-003"}
    assert users.find("bob@example.edu") is None, "rows that are refused make nobody"
    assert proposals.find("SOAR2026B-014")["title"] != "Another title"


def test_a_second_run_changes_nothing(api: Api):
    bring(api)
    before = everything()
    again = bring(api)
    assert everything() == before
    assert len(mailbox.letters()) == 1
    assert again["counts"] | {"refused": 0} == {
        "create": 0,
        "unchanged": 4,
        "refused": 0,
        "left": 0,
        "new_users": 0,
        "letters": 0,
    }


def test_a_crash_at_any_write_is_finished_by_running_again(api: Api, monkeypatch: pytest.MonkeyPatch):
    """The process dies at each write in turn, each time with a row of its own."""
    write = items.write
    for crash in range(20):
        email, soar_id = f"user{crash}@example.edu", f"SOAR2027B-{crash:03d}"
        rows = rules.read(f"soar_id,title,email\n{soar_id},Novae,{email}\n")
        left = [crash]

        def dying(*args: Any, left: list[int] = left, **how: Any) -> Any:
            if left[0] == 0:
                raise RuntimeError("killed")
            left[0] -= 1
            return write(*args, **how)

        monkeypatch.setattr(items, "write", dying)
        died = False
        try:
            roster.bring_in(rows)
        except RuntimeError:
            died = True
        monkeypatch.setattr(items, "write", write)
        (finished,) = roster.bring_in(rows)
        assert finished.action in (rules.CREATE, rules.UNCHANGED)
        user, made = users.find(email), proposals.find(soar_id)
        assert made["user_id"] == user["id"]
        assert proposals.of_user(user["id"]) == [made["id"]]
        assert 1 <= len(mailbox.letters(email)) <= 2, "never none; twice if it died before the first was noted"
        (again,) = roster.preview(rows)
        assert (again.action, again.letter) == (rules.UNCHANGED, False)
        if not died:
            assert crash >= 5, "a row is several writes"
            assert proposals.count() == 4 + crash + 1, "no number is skipped"
            return
    pytest.fail("the import never ended")


def test_rows_for_which_there_is_no_time_are_left_for_the_next_run(api: Api, monkeypatch: pytest.MonkeyPatch):
    now = [clock.now()]
    create = proposals.create

    def slow(*args: Any, **facts: Any) -> Any:
        now[0] += 10
        return create(*args, **facts)

    monkeypatch.setattr(clock, "now", lambda: now[0])
    monkeypatch.setattr(proposals, "create", slow)
    first = bring(api)
    assert [row["action"] for row in first["rows"][:4]] == ["create", "create", "left", "unchanged"]
    assert first["complete"] is False
    assert "again" in first["rows"][2]["sentences"][0]
    second = bring(api)
    assert [row["action"] for row in second["rows"][:4]] == ["unchanged", "unchanged", "create", "unchanged"]
    assert second["complete"] is True


def test_letters_that_cannot_be_sent_are_sent_by_the_next_run(api: Api, monkeypatch: pytest.MonkeyPatch):
    sent = mail.send

    def refuse(*_: object) -> None:
        raise mail.NotSent("The letter could not be sent: ClientError.")

    monkeypatch.setattr(mail, "send", refuse)
    first = bring(api)
    assert first["complete"] is False
    assert first["counts"]["letters"] == 0
    assert proposals.find("SOAR2027A-001") is not None
    monkeypatch.setattr(mail, "send", sent)
    second = bring(api)
    assert second["complete"] is True
    assert second["counts"]["letters"] == 1
    assert [letter.to for letter in mailbox.letters()] == ["ada@example.edu"]
    assert bring(api)["counts"]["letters"] == 0


def test_semicolons_tabs_a_mark_at_the_beginning_and_a_form_will_do(api: Api):
    row = ("SOAR2027A-001", "ada@example.edu", "Novae")
    for separator in (";", "\t"):
        text = "\ufeff" + separator.join(("SOAR ID", "Email", " title ")) + "\r\n" + separator.join(row) + "\r\n"
        (told,) = bring(api, text, dry=True)["rows"]
        assert (told["soar_id"], told["action"]) == ("SOAR2027A-001", "create")
        answer = api.send("POST", "/proposals/import/?dry_run=1", "staff", form={"csv": text})
        assert json.loads(answer.body)["rows"] == [told]


def test_a_deactivated_investigator_is_told(api: Api):
    accounts.deactivate(users.find("second_pi")["id"])
    (row,) = bring(api, "soar_id,title,email\nSOAR2027A-001,Novae,second_pi@example.org\n")["rows"]
    assert row["action"] == "refused"
    assert "deactivated" in row["sentences"][0]

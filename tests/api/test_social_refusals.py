"""What cannot be meant of comments, nights, events and letters is refused; nothing here changes anything."""

from __future__ import annotations

import pytest

from chalicelib.store import items, mail
from tests.api.client import Api, problem
from tests.filing import file, record

NIGHT = 20261121


@pytest.mark.parametrize(
    "text", ["", "   \n", "x" * 2001, "bell\a", "nul\0", "turned \u202e around", 7, None, ["x"], {"a": 1}]
)
def test_what_is_no_text_is_refused(still_api: Api, text):
    for path in (f"/files/{_still_file()}/comments", f"/nights/{NIGHT}/comments"):
        refused = problem(still_api.post(path, {"text": text}, "staff"), 422)
        assert refused["errors"][0]["at"] == "/text"
    problem(still_api.post(path, {"text": "x", "colour": "red"}, "staff"), 422)


def _still_file() -> int:
    filed = record()
    if items.get("files", {"id": filed["id"]}) is None:
        file(filed)
    return filed["id"]


@pytest.mark.parametrize("path", ["/nights/20261341/log", "/nights/x/comments", f"/nights/{NIGHT}/log?format=pdf"])
def test_what_is_no_night_is_refused(still_api: Api, path: str):
    problem(still_api.get(path), 400)


@pytest.mark.parametrize("query", ["after=x", "after=", "limit=0", "limit=501", "since=1", "after=WzEsMl0"])
def test_a_feed_that_cannot_be_meant_is_refused(still_api: Api, query: str):
    problem(still_api.get(f"/events?{query}"), 400)


LETTER = {"to": ["pi"], "subject": "Tonight", "text": "The dome is closed."}


@pytest.mark.parametrize(
    "changes",
    [
        {"to": []},
        {"to": ["pi"] * 51},
        {"to": "pi"},
        {"subject": "two\nlines"},
        {"subject": " "},
        {"text": ""},
        {"text": "x" * 10_001},
        {"bcc": ["pi"]},
    ],
)
def test_a_letter_that_cannot_be_sent_is_refused(still_api: Api, monkeypatch: pytest.MonkeyPatch, changes: dict):
    sent: list = []
    monkeypatch.setattr(mail, "send", lambda *letter: sent.append(letter))
    problem(still_api.post("/email", LETTER | changes, "staff"), 422)
    assert sent == []


@pytest.mark.parametrize("query", ["before=x", "limit=201", "limit=0", "night=x", "important=maybe", "outcom=done"])
def test_a_log_that_cannot_be_meant_is_refused(still_api: Api, query: str):
    problem(still_api.get(f"/logs?{query}"), 400)

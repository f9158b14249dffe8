"""The change feed, the log and a file's history as a client gets them."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import clock
from chalicelib.store.changes import INDEX_LAG
from tests.api.client import Api, problem
from tests.filing import file, record
from tests.store.happenings import NIGHTS, START, Written, clock_at, commit

OURS, OTHERS = "SOAR2026B-014", "SOAR2026B-021"


def happen(number: int, scope: str = OURS, night: int = NIGHTS[0], ms: int | None = None, **changes) -> str:
    return commit(number, Written(1_000 * number if ms is None else ms, 0, 0, scope, night), **changes)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch):
    def tell(ms: int) -> None:
        monkeypatch.setattr(clock, "now", clock_at(START + ms))

    tell(0)
    return tell


def test_a_client_that_follows_gets_everything_once_and_304_while_nothing_happens(api: Api, now):
    seen: set[str] = set()

    def follow(cursor, tag=None, limit=2):
        headers = {"If-None-Match": tag} if tag else {}
        answer = api.get(f"/events?limit={limit}" + (f"&after={cursor}" if cursor else ""), **headers)
        if answer.status_code == 304:
            assert answer.body == b"" and answer.headers["ETag"] == tag.removeprefix("W/")
            return None, cursor, tag, False
        body = json.loads(answer.body)
        seen.update(event["id"] for event in body["events"])
        return body, body["cursor"], answer.headers["ETag"], body["more"]

    _, cursor, tag, _ = follow(None)
    told = {happen(n, scope) for n, scope in enumerate((OURS, MASTERS_SCOPE, OURS, OURS, OURS))}
    happen(9, OTHERS)
    more = True
    now(10_000)
    while more:
        _, cursor, tag, more = follow(cursor, tag)
    assert seen == told
    now(10_000 + INDEX_LAG + 10_000)
    body, cursor, tag, _ = follow(cursor, tag, 100)
    assert body is not None, "versions just seen: the feed is read once more"
    for ms in (100_000, 9_000_000):
        now(ms)
        assert follow(cursor, f"W/{tag}")[0] is None
    new = happen(10, ms=9_000_001)
    assert new in {event["id"] for event in follow(cursor, tag, 100)[0]["events"]}


def test_an_event_tells_what_and_who_and_no_more(api: Api, now):
    happen(1, actor="pi", outcome="asked")
    happen(2, MASTERS_SCOPE, file_id=None, file_name=None)
    now(5_000)
    ours, masters = api.json("/events")["events"]
    assert set(ours) == set(masters)
    assert (ours["proposal"], ours["actor"], ours["file_id"], ours["night"]) == (OURS, "pi", 1, NIGHTS[0])
    assert (masters["proposal"], masters["file_name"]) == (None, None)
    assert [e["proposal"] for e in api.json("/events", "stranger")["events"]] == [None]


def test_the_log_is_read_newest_first_page_by_page(api: Api):
    ids = [happen(n, night=NIGHTS[n % 2]) for n in range(7)]
    happen(8, OTHERS)
    page = api.json("/logs?limit=3")
    got = [e["id"] for e in page["results"]]
    while page["next"]:
        page = api.follow(page["next"])
        got += [e["id"] for e in page["results"]]
    assert sorted(got) == sorted(ids)
    assert got == sorted(got, key=lambda i: (i.split("#")[1], i.split("#")[2]), reverse=True)
    assert len(api.json(f"/logs?night={NIGHTS[0]}")["results"]) == 4
    assert len(api.json("/logs", "staff")["results"]) == 8
    assert api.json("/logs", "stranger")["results"] == []


def test_the_log_is_filtered(api: Api):
    happen(1)
    happen(2, outcome="failed", sentence="No arc lamp was found.")
    happen(3, outcome="bad", actor="collaborator")

    def found(query):
        return [e["file_id"] for e in api.json(f"/logs?{query}")["results"]]

    assert found("important=1") == [3, 2]
    assert found("outcome=done") == [1]
    assert found("outcome=done&outcome=bad") == [3, 1]
    assert found("outcome=done&important=1") == []
    assert found("search=ARC%20lamp") == [2]
    assert found("search=collab") == [3]


def test_a_files_history_is_its_own_and_its_frames(api: Api):
    raw = record(night=NIGHTS[0], number=1)
    spectrum = record(
        night=NIGHTS[0], number=2, data_type="3", original_file_id=raw["id"], subject=f"frame#{raw['id']}"
    )
    file(raw, spectrum)
    commit(raw["id"], Written(1, 0, 0, OURS, NIGHTS[0]))
    commit(raw["id"] + 5, Written(2, 0, 0, OURS, NIGHTS[0]))
    history = api.json(f"/files/{spectrum['id']}/history")
    assert ([e["file_id"] for e in history["events"]], history["complete"]) == ([raw["id"]], True)
    problem(api.get(f"/files/{spectrum['id']}/history", "stranger"), 404)

"""Comments on files and notes on nights: who reads them, who changes them, what they leave on the record."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import accounts, comments, events, items, publish
from chalicelib.store.publish import Stale
from tests.api.client import Api, problem
from tests.filing import change, file, record, refile

NIGHT = 20261121
OTHERS = "SOAR2026B-021"


def written(response) -> dict:
    assert response.status_code == 201, response.body
    return json.loads(response.body)


def test_a_comment_is_read_edited_and_removed_and_counted_on_the_record(api: Api):
    filed = record()
    file(filed)
    path = f"/files/{filed['id']}/comments"
    assert api.json(f"/files/{filed['id']}")["comments"] == 0
    first = written(api.post(path, {"text": "  Clouds from the west.\r\nGuiding lost twice.  "}))
    assert first["text"] == "Clouds from the west.\nGuiding lost twice."
    assert (first["author"], first["file_name"], first["edited"], first["yours"]) == (
        "pi",
        "0001_frame.fits",
        None,
        True,
    )
    second = written(api.post(path, {"text": "<b>Arc</b> & flat are fine."}, "collaborator"))
    assert second["text"] == "<b>Arc</b> & flat are fine.", "as it was written: pages encode"
    assert api.json("/files")["results"][0]["comments"] == 2
    shown = api.json(path, "collaborator")
    assert (shown["count"], shown["next"]) == (2, None)
    assert [(c["id"], c["yours"]) for c in shown["results"]] == [(first["id"], False), (second["id"], True)]
    edited = json.loads(api.patch(f"{path}/{first['id']}", {"text": "Clouds."}).body)
    assert (edited["text"], edited["edited_by"]) == ("Clouds.", "pi")
    assert api.json(path)["results"][0] == edited
    assert api.delete(f"{path}/{second['id']}", role="staff").status_code == 204
    problem(api.delete(f"{path}/{second['id']}", role="staff"), 404)
    assert api.json(f"/files/{filed['id']}")["comments"] == 1


def test_what_is_written_is_told_without_its_text(api: Api):
    filed = record()
    file(filed)
    begin = api.json("/events")["cursor"]
    comment = written(api.post(f"/files/{filed['id']}/comments", {"text": "a secret"}))
    api.patch(f"/files/{filed['id']}/comments/{comment['id']}", {"text": "no secret"})
    api.delete(f"/files/{filed['id']}/comments/{comment['id']}")
    told = api.json(f"/events?after={begin}")["events"]
    assert [event["outcome"] for event in told] == ["commented", "comment edited", "comment removed"]
    assert {event["file_id"] for event in told} == {filed["id"]}
    assert "secret" not in json.dumps(told)
    assert api.json(f"/events?after={begin}", "stranger")["events"] == []
    assert [e["outcome"] for e in api.json(f"/files/{filed['id']}/history")["events"]] == [e["outcome"] for e in told]


def test_only_its_author_and_staff_change_a_comment(api: Api):
    filed = record()
    file(filed)
    path = f"/files/{filed['id']}/comments"
    comment = f"{path}/{written(api.post(path, {'text': 'mine'}))['id']}"
    problem(api.patch(comment, {"text": "yours"}, "collaborator"), 403)
    problem(api.delete(comment, role="collaborator"), 403)
    for role in ("stranger", None):
        status = 404 if role else 401
        problem(api.patch(comment, {"text": "x"}, role), status)
        problem(api.delete(comment, role=role), status)
        problem(api.get(path, role), status)
    assert json.loads(api.patch(comment, {"text": "ours"}, "staff").body)["edited_by"] == "staff"


def test_a_run_that_publishes_the_file_keeps_the_count_and_sees_that_it_changed(api: Api):
    filed = record()
    file(filed)
    before = items.get("files", {"id": filed["id"]})
    written(api.post(f"/files/{filed['id']}/comments", {"text": "first"}))
    anew = {name: value for name, value in filed.items() if name != "comments"} | {"status": "provisional"}
    with pytest.raises(items.ConditionFailed):
        change((before, anew))
    refile(filed, status="provisional")
    change((items.get("files", {"id": filed["id"]}), anew))
    assert api.json(f"/files/{filed['id']}")["comments"] == 1
    assert issubclass(Stale, Exception) and publish.COMMENTS == "comments"


def test_a_comment_does_not_wait_for_a_record_that_changes_all_the_time(api: Api):
    filed = record()
    file(filed)
    read = items.get("files", {"id": filed["id"]})
    refile(filed, status="waiting")
    comments.write_on_file(read, "written on what I saw", comments.Author(1, "pi"))
    assert api.json(f"/files/{filed['id']}")["comments"] == 1


def test_a_deleted_file_takes_its_comments_out_of_sight(api: Api):
    filed = record(data_type="3")
    file(filed)
    path = f"/files/{filed['id']}/comments"
    comment = written(api.post(path, {"text": "x"}))
    refile(filed, deleted={"by": "pi", "at": "2026-11-22T00:00:00+00:00"})
    problem(api.get(path, "staff"), 404)
    problem(api.delete(f"{path}/{comment['id']}"), 404)
    assert api.json(f"/nights/{NIGHT}/log", "staff")["others"] == []


def test_everybody_comments_on_masters(api: Api):
    master = record(data_type="1", scope=MASTERS_SCOPE, obstype="BIAS")
    file(master)
    written(api.post(f"/files/{master['id']}/comments", {"text": "Good."}, "stranger"))
    (other,) = api.json(f"/nights/{NIGHT}/log", "pi")["others"]
    assert (other["text"], other["file_name"], other["yours"]) == ("Good.", master["file_name"], False)


def test_a_long_list_goes_page_by_page(api: Api, monkeypatch: pytest.MonkeyPatch):
    from chalicelib.api import comments as routes

    monkeypatch.setattr(routes, "PAGE_SIZE", 3)
    filed = record()
    file(filed)
    for path, extra in ((f"/files/{filed['id']}/comments", {}), (f"/nights/{NIGHT}/comments", {"proposal": OTHERS})):
        made = []
        for n in range(7):
            made.append(written(api.post(path, {"text": f"{n}", **extra}, "staff"))["id"])
            if extra:
                written(api.post(path, {"text": "of others", "proposal": "SOAR2026B-014"}, "staff"))
        role = "second_pi" if extra else "pi"
        api.tokens["second_pi"] = _token("second_pi")
        page = api.json(path, role)
        got = [c["text"] for c in page["results"]]
        while page["next"]:
            page = api.follow(page["next"], role)
            assert len(page["results"]) <= 3
            got += [c["text"] for c in page["results"]]
        assert got == [str(n) for n in range(7)]


def _token(name: str) -> str:
    return accounts.issue_token(accounts.create_user(name, f"{name}@example.org")["id"], name="test")


def test_a_file_has_so_many_comments(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comments, "MOST_OF_A_FILE", 2)
    filed = record()
    file(filed)
    path = f"/files/{filed['id']}/comments"
    first = written(api.post(path, {"text": "1"}))
    written(api.post(path, {"text": "2"}))
    assert "2 comments" in problem(api.post(path, {"text": "3"}), 409)["detail"]
    api.delete(f"{path}/{first['id']}")
    written(api.post(path, {"text": "3"}))
    assert api.json(f"/files/{filed['id']}")["comments"] == 2


def test_the_same_request_with_its_key_writes_once(api: Api):
    filed = record()
    file(filed)
    path = f"/files/{filed['id']}/comments"
    once = [written(api.post(path, {"text": "x"}, **{"Idempotency-Key": "k1"})) for _ in range(2)]
    assert once[0] == once[1]
    assert api.json(path)["count"] == 1


def test_a_note_is_for_a_proposal_or_for_everybody(api: Api):
    path = f"/nights/{NIGHT}/comments"
    ours = written(api.post(path, {"text": "ours", "proposal": "soar2026b-014"}))
    assert (ours["proposal"], ours["file_id"], ours["night"]) == ("SOAR2026B-014", None, NIGHT)
    everybodys = written(api.post(path, {"text": "closed until 2:00"}, "staff"))
    assert everybodys["proposal"] is None
    refused = problem(api.post(path, {"text": "for all"}), 422)
    assert "SOAR2026B-014" in refused["errors"][0]["message"]
    for proposal in (OTHERS, MASTERS_SCOPE, "*unassigned*", "  ", "no such"):
        problem(api.post(path, {"text": "x", "proposal": proposal}), 422)
    problem(api.post(path, {"text": "x", "proposal": "no such"}, "staff"), 422)
    written(api.post(path, {"text": "theirs", "proposal": OTHERS}, "staff"))

    def texts(role):
        return [c["text"] for c in api.json("/nights/2026-11-21/comments", role)["results"]]

    assert texts("collaborator") == ["ours", "closed until 2:00"]
    assert texts("stranger") == ["closed until 2:00"]
    assert texts("staff") == ["ours", "closed until 2:00", "theirs"]
    problem(api.patch(f"{path}/{ours['id']}", {"text": "x"}, "stranger"), 404)
    problem(api.patch(f"{path}/{everybodys['id']}", {"text": "x"}), 403)
    assert json.loads(api.patch(f"{path}/{ours['id']}", {"text": "changed"}).body)["text"] == "changed"
    assert api.delete(f"{path}/{ours['id']}").status_code == 204
    assert texts("collaborator") == ["closed until 2:00"]
    assert events.feed(frozenset({"SOAR2026B-014"}), None, 10).events[-1].outcome == "comment removed"

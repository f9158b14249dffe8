"""The log pages through everything, and a file has its history."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.records import MASTERS_SCOPE
from chalicelib.store import eventlog, events, items
from tests.conftest import mocked_aws
from tests.filing import record
from tests.store.happenings import NIGHTS, SCOPES, SEARCH_ONLY, VIEWERS, Written, commit


def put_event(number: int, scope: str, night: int, **changes: Any) -> dict[str, Any]:
    """An event of its own wording; its item."""
    identifier = commit(number, Written(number * 40 % 1_000, 0, 0, scope, night), **changes)
    partition = f"{scope}#{night}"
    return items.get("events", {"scope_night": partition, "moment": identifier.removeprefix(f"{partition}#")}) or {}


LOGGED = st.lists(
    st.tuples(st.sampled_from(SCOPES), st.sampled_from(NIGHTS), st.sampled_from(("done", "failed", "waiting"))),
    max_size=40,
)


@settings(max_examples=6, deadline=None, phases=SEARCH_ONLY)
@given(
    logged=LOGGED,
    scopes=VIEWERS,
    night=st.one_of(st.none(), st.sampled_from((*NIGHTS, 20261122))),
    outcomes=st.one_of(st.none(), st.frozensets(st.sampled_from(("done", "failed")))),
    search=st.sampled_from((None, "", "1_FRAME", "event 2", "no such")),
    limit=st.integers(1, 9),
    most=st.sampled_from((3, 20, 2_000)),
    partitions=st.sampled_from((1, 40)),
)
def test_the_log_against_plain_sorting(logged, scopes, night, outcomes, search, limit, most, partitions):
    with mocked_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(eventlog, "MOST_READ", most)
        patch.setattr(eventlog, "MOST_PARTITIONS", partitions)
        query = items.query

        def checked(table, condition, values, **how):
            assert "" not in values.values(), "DynamoDB takes no empty text as a key"
            return query(table, condition, values, **how)

        patch.setattr(items, "query", checked)
        written = [put_event(n, scope, on, outcome=outcome) for n, (scope, on, outcome) in enumerate(logged)]
        expected = [
            event
            for event in sorted(written, key=lambda e: (e["night"], e["moment"], e["scope"]), reverse=True)
            if (scopes is None or event["scope"] in scopes)
            and night in (None, event["night"])
            and (outcomes is None or event["outcome"] in outcomes)
            and any((search or "").lower() in event[name].lower() for name in ("sentence", "file_name"))
        ]
        got: list[events.Event] = []
        cursor = None
        while True:
            page = eventlog.log(scopes, night=night, before=cursor, limit=limit, outcomes=outcomes, search=search)
            assert len(page.events) <= limit
            got += page.events
            if page.cursor is None:
                break
            assert page.cursor != cursor, "a page without an end or progress"
            cursor = page.cursor
        assert [event.moment for event in got] == [event["moment"] for event in expected]


def test_a_search_looks_at_so_many_events_a_request(aws, monkeypatch):
    monkeypatch.setattr(eventlog, "MOST_READ", 20)
    for n in range(60):
        put_event(n, SCOPES[0], NIGHTS[0])
    read = []
    query = items.query

    def counted(*arguments, **named):
        for item in query(*arguments, **named):
            read.append(item)
            yield item

    monkeypatch.setattr(items, "query", counted)
    page = eventlog.log(None, limit=5, search="no such thing")
    assert page.events == () and page.cursor is not None
    assert len(read) <= 30


def test_a_file_has_the_events_of_its_subject(aws):
    raw = record(NIGHTS[0], 1, created="2026-11-20T23:00:00+00:00")
    product = record(NIGHTS[0], 2, data_type="2", original_file_id=raw["id"], created="2026-11-20T23:00:05+00:00")
    master = record(NIGHTS[0], 3, data_type="1", scope=MASTERS_SCOPE, subject="pool#master_bias|RED#20261120")

    def happened(second: int, scope: str, subject: str, file_id: int | None) -> None:
        moment = f"{1_795_215_600_000 + 1000 * second:013d}#{subject}#1#reduce#done"  # 23:00 UT of that day
        item = {"scope_night": f"{scope}#{NIGHTS[0]}", "moment": moment, "subject": subject, "file_id": file_id}
        items.write([items.operation("Put", "events", item=item | {"sentence": str(second)})])

    happened(0, raw["scope"], f"frame#{raw['id']}", raw["id"])
    happened(1, raw["scope"], "frame#77", 77)
    happened(2, raw["scope"], f"frame#{raw['id']}", None)
    happened(3, raw["scope"], "frame#78", product["id"])
    happened(4, MASTERS_SCOPE, "pool#master_bias|RED#20261120", None)

    def told(one) -> str:
        history = eventlog.of_file(one)
        assert history.complete
        return "".join(event.sentence for event in history.events)

    assert told(raw) == "02"
    assert told(product) == "023"
    assert told(master) == "4"


def test_the_events_of_a_file_are_searched_in_so_many_pages(aws, monkeypatch):
    raw = record(NIGHTS[0], 1)
    for n in range(3):
        put_event(n, raw["scope"], NIGHTS[0], sentence="x" * 390_000)  # 400 kB an item, 1 MB a page
    monkeypatch.setattr(eventlog, "MOST_PAGES", 1)
    assert not eventlog.of_file(raw).complete

"""Who sends the tag of the last answer is told "nothing new" only where nothing is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chalicelib.store import changefeed, clock, cursors, ledger, wire
from chalicelib.store.changes import INDEX_LAG
from chalicelib.store.events import CLOCK_SKEW, OVERLAP, Feed
from tests.store.happenings import NIGHTS, RANDOM, SCOPES, START, VIEWERS, World, Written, clock_at, commit, in_memory
from tests.store.test_events import POLLS, WRITES, Client, Poll, play


def versions_of(world: World):
    """The ledger's versions as an index shows them that may be behind, otherwise at each item."""

    def versions(scopes: frozenset[str] | None) -> str:
        memory = world.memory
        shown = []
        for place, history in sorted(memory.was.items()):
            moment = memory.now - memory.luck.choice((0, memory.lag, memory.luck.randint(0, memory.lag)))
            if (scopes is None or place[0] in scopes) and (seen := [item["v"] for at, item in history if at <= moment]):
                shown.append((place, max(seen)))
        return hashlib.md5(repr(shown).encode()).hexdigest()

    return versions


@dataclass
class Tagging(Client):
    """A client that sends the last answer's tag with its cursor."""

    tag: str | None = None
    spared: list[int] = field(default_factory=list)

    def poll(self, poll: Poll) -> Feed:
        self.world.show(poll.at, poll.skew, poll.lag)
        tags = [self.tag] if self.tag else []
        answer = changefeed.poll(self.scopes, self.cursor, tags, poll.limit)
        self.tag = answer.tag
        if answer.feed is not None:
            return super().poll(poll)  # the same page again, held to the promise
        assert not self.running
        due = {identifier for identifier, at in self.committed.items() if at <= poll.at - INDEX_LAG}
        assert due <= self.seen, "nothing new, it was said, and there was"
        self.spared.append(poll.at)
        return Feed((), self.cursor or "", more=False)


def histories(monkeypatch, examples: int, **changes: int):
    @settings(RANDOM, max_examples=examples, derandomize=True, database=None, phases=[Phase.generate])
    @given(scopes=VIEWERS, writes=WRITES, polls=POLLS, again=st.integers(0, 3))
    def run(scopes, writes, polls, again):
        with in_memory(monkeypatch) as world, monkeypatch.context() as patch:
            patch.setattr(ledger, "versions", versions_of(world))
            for name, value in changes.items():
                patch.setattr(changefeed, name, value)
            # a client that asks again soon, and once it is quiet
            more = [Poll(p.at + 1_000 * n, p.skew, p.limit, p.lag) for p in polls for n in range(1, again + 1)]
            play(Tagging(scopes, world), writes, polls + more)

    return run


def test_nothing_new_is_never_said_of_something(monkeypatch):
    histories(monkeypatch, 50)()


def test_without_waiting_for_the_index_random_histories_find_a_missed_event(monkeypatch):
    """The test above can fail: the tag alone is not enough."""
    with pytest.raises(AssertionError, match="there was"):
        histories(monkeypatch, 2_000, INDEX_LAG=-100_000)()


def at(monkeypatch, ms: int) -> None:
    monkeypatch.setattr(clock, "now", clock_at(START + ms))


def test_a_quiet_feed_costs_one_query_and_an_event_ends_the_quiet(aws, monkeypatch):
    scopes = frozenset({SCOPES[0]})
    at(monkeypatch, 0)
    commit(1, Written(0, 0, 0, SCOPES[0], NIGHTS[0]))
    answer, cursor = changefeed.poll(scopes, None, [], 10), None
    assert answer.feed is not None
    settled = INDEX_LAG + 2 * CLOCK_SKEW
    for ms in (1_000, settled - 1):
        at(monkeypatch, ms)
        cursor = answer.feed.cursor
        answer = changefeed.poll(scopes, cursor, [answer.tag], 10)
        assert answer.feed is not None, "the index may still be behind what the tag stands for"
    at(monkeypatch, settled)
    answer = changefeed.poll(scopes, answer.feed.cursor, [answer.tag], 10)
    cursor = answer.feed.cursor
    asked = []
    call = wire.call
    monkeypatch.setattr(
        wire, "call", lambda action, **k: (asked.append((action, k.get("TableName"))), call(action, **k))[1]
    )
    for ms in (settled + 1, 3_600_000):
        at(monkeypatch, ms)
        quiet = changefeed.poll(scopes, cursor, ["of others", answer.tag], 10)
        assert (quiet.feed, quiet.tag) == (None, answer.tag)
    assert asked == [("query", "goodman-ledger")] * 2
    at(monkeypatch, 3_600_001)
    commit(2, Written(3_600_001, 0, 0, SCOPES[1], NIGHTS[0]))
    assert changefeed.poll(scopes, cursor, [answer.tag], 10).feed is None, "of a scope of others"
    told = commit(3, Written(3_600_001, 0, 0, SCOPES[0], NIGHTS[1]))
    loud = changefeed.poll(scopes, cursor, [answer.tag], 10)
    assert loud.tag != answer.tag
    assert [event.id for event in loud.feed.events][-1] == told
    assert changefeed.poll(scopes | {SCOPES[1]}, cursor, [answer.tag], 10).feed is not None, "the viewer sees more now"


@pytest.mark.parametrize("after", [None, "middle"])
def test_without_a_run_that_ended_the_feed_is_read(aws, monkeypatch, after):
    at(monkeypatch, 0)
    tag = changefeed.poll(None, None, [], 10).tag
    at(monkeypatch, 10 * OVERLAP)
    cursor = after and cursors.encode(START, START + 9 * OVERLAP, -NIGHTS[0], SCOPES[0], "")
    assert changefeed.poll(None, cursor, [tag], 10).feed is not None


@pytest.mark.parametrize("tag", ["", "*", "x" * 500, "0" * 32, "0" * 32 + "-1", "0" * 32 + "-" + "9" * 40])
def test_a_tag_that_is_none_says_nothing(aws, monkeypatch, tag):
    at(monkeypatch, 0)
    commit(1, Written(0, 0, 0, SCOPES[0], NIGHTS[0]))
    cursor = changefeed.poll(None, None, [], 10).feed.cursor
    at(monkeypatch, 10 * OVERLAP)
    assert changefeed.poll(None, cursor, [tag], 10).feed is not None

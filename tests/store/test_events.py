"""The change feed misses nothing, whatever the delays, the clocks and the lag of the index."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chalicelib.store import clock, cursors, eventlog, events, items
from chalicelib.store.changes import INDEX_LAG
from chalicelib.store.cursors import BadCursor
from chalicelib.store.events import CLOCK_SKEW, COMMIT_DELAY, OVERLAP, feed
from tests.conftest import mocked_aws
from tests.store.happenings import (
    NIGHTS,
    RANDOM,
    SCOPES,
    SEARCH_ONLY,
    START,
    VIEWERS,
    World,
    Written,
    clock_at,
    commit,
    in_memory,
)


@dataclass(frozen=True)
class Poll:
    """A client asks at ``at``; the function that answers has a clock ``skew`` off, the index is ``lag`` behind (ms)."""

    at: int
    skew: int
    limit: int
    lag: int = 0


def moments(last: int) -> st.SearchStrategy[int]:
    """Times that often coincide."""
    return st.one_of(st.integers(0, last), st.integers(0, last // 5_000).map(lambda n: 5_000 * n))


SKEWS = st.sampled_from((-CLOCK_SKEW, 0, CLOCK_SKEW))
DELAYS = st.one_of(st.just(0), st.just(COMMIT_DELAY), st.integers(0, COMMIT_DELAY))
WRITES = st.lists(
    st.builds(Written, moments(120_000), DELAYS, SKEWS, st.sampled_from(SCOPES), st.sampled_from(NIGHTS)),
    min_size=1,
    max_size=25,
)
LAGS = st.one_of(st.just(0), st.just(INDEX_LAG), st.integers(0, INDEX_LAG))
POLLS = st.lists(st.builds(Poll, moments(180_000), SKEWS, st.integers(1, 6), LAGS), min_size=1, max_size=25)


@dataclass
class Client:
    """Sends each cursor back, drops what it has seen, and holds :func:`feed` to its promise."""

    scopes: frozenset[str] | None
    world: World
    cursor: str | None = None
    seen: set[str] = field(default_factory=set)
    committed: dict[str, int] = field(default_factory=dict)
    """When each event was committed."""
    due: set[str] = field(default_factory=set)
    """What the present run must have given when it ends: all that the index may not be without when it begins."""
    running: bool = False

    def committed_now(self, identifier: str, scope: str, at: int) -> None:
        if self.cursor is not None and (self.scopes is None or scope in self.scopes):
            self.committed[identifier] = at

    def poll(self, poll: Poll) -> events.Feed:
        self.world.show(poll.at, poll.skew, poll.lag)
        if not self.running:
            lag = INDEX_LAG if self.world.lags else 0
            self.due = {identifier for identifier, at in self.committed.items() if at <= poll.at - lag}
        page = feed(self.scopes, self.cursor, poll.limit)
        assert len(page.events) <= poll.limit
        assert self.scopes is None or {event.scope for event in page.events} <= self.scopes
        self.cursor, self.running = page.cursor, page.more
        self.seen |= {event.id for event in page.events}
        if not page.more:
            assert self.due <= self.seen, "a run of the feed ended without an event committed before it began"
        return page


def play(client: Client, writes: list[Written], polls: list[Poll]) -> None:
    """Commits and polls in the order of their times; in the end the client asks until there is nothing more."""
    actions: list[tuple[int, int, Any]] = [(w.committed, n, w) for n, w in enumerate(writes)]
    actions += [(p.at, len(writes) + n, p) for n, p in enumerate(polls)]
    for _, number, action in sorted(actions, key=lambda entry: entry[:2]):
        if isinstance(action, Poll):
            client.poll(action)
        else:
            client.world.index_at(action.committed)
            client.committed_now(commit(number, action), action.scope, action.committed)
    end = max(at for at, _, _ in actions) + INDEX_LAG
    while client.running:
        client.poll(Poll(end, 0, 3))
    while client.poll(Poll(end, 0, 3)).more:
        pass
    assert client.committed.keys() <= client.seen
    quiet = end + OVERLAP + 2 * CLOCK_SKEW
    while client.poll(Poll(quiet, 0, 1000)).more:  # this run reads from where the last one began
        pass
    late = client.poll(Poll(quiet + 1, 0, 1000))
    assert (late.events, late.more) == ((), False), "where nothing happens, the feed falls silent"


@settings(RANDOM, max_examples=300)
@given(scopes=VIEWERS, writes=WRITES, polls=POLLS, partitions=st.sampled_from((1, 2, 40)))
def test_whatever_the_delays_every_event_comes(monkeypatch, scopes, writes, polls, partitions):
    with in_memory(monkeypatch) as world, monkeypatch.context() as patch:
        patch.setattr(events, "MOST_PARTITIONS", partitions)
        play(Client(scopes, world), writes, polls)


def test_without_the_overlap_random_histories_find_a_missed_event(monkeypatch):
    """The test above can fail: reading on from where the last run began is not enough."""

    @settings(RANDOM, max_examples=300, derandomize=True, database=None, phases=[Phase.generate])
    @given(scopes=VIEWERS, writes=WRITES, polls=POLLS)
    def histories(scopes, writes, polls):
        with in_memory(monkeypatch) as world, monkeypatch.context() as patch:
            patch.setattr(events, "OVERLAP", 0)
            play(Client(scopes, world), writes, polls)

    with pytest.raises(AssertionError, match="ended without an event"):
        histories()


WORST = Written(built=1_000, delay=COMMIT_DELAY, skew=-CLOCK_SKEW, scope=SCOPES[0], night=NIGHTS[1])
"""Committed as late as can be, by a clock that is slow; the reader who just missed it has one that is fast, and looks
a millisecond (the smallest step) before the index must show it."""


@pytest.mark.parametrize("shorter", [0, 2])
def test_the_overlap_is_as_long_as_it_must_be(monkeypatch, shorter):
    with in_memory(monkeypatch) as world:
        monkeypatch.setattr(events, "OVERLAP", OVERLAP - shorter)
        client = Client(None, world)
        client.poll(Poll(0, 0, 10))
        world.index_at(WORST.committed)
        client.committed_now(commit(1, WORST), WORST.scope, WORST.committed)
        world.memory.luck = SimpleNamespace(choice=lambda lags: lags[1], randint=lambda low, high: high)
        missed = client.poll(Poll(WORST.committed + INDEX_LAG - 1, CLOCK_SKEW, 10, INDEX_LAG))
        assert missed.events == ()
        last = Poll(WORST.committed + INDEX_LAG, CLOCK_SKEW, 10, INDEX_LAG)
        if shorter > 0:
            with pytest.raises(AssertionError, match="ended without an event"):
                client.poll(last)
        else:
            assert len(client.poll(last).events) == 1


def test_without_the_lag_in_the_overlap_random_histories_find_a_missed_event(monkeypatch):
    """The index's share of the overlap is needed, too."""

    @settings(RANDOM, max_examples=2_000, derandomize=True, database=None, phases=[Phase.generate])
    @given(scopes=VIEWERS, writes=WRITES, polls=POLLS)
    def histories(scopes, writes, polls):
        with in_memory(monkeypatch) as world, monkeypatch.context() as patch:
            patch.setattr(events, "OVERLAP", OVERLAP - INDEX_LAG)
            play(Client(scopes, world), writes, polls)

    with pytest.raises(AssertionError, match="ended without an event"):
        histories()


def test_the_overlap_covers_the_time_the_write_helper_tries():
    tries = inspect.signature(items.write).parameters["seconds"].default
    assert 1000 * tries + 1_600 < COMMIT_DELAY


@settings(max_examples=5, deadline=None, phases=SEARCH_ONLY)
@given(scopes=VIEWERS, writes=WRITES, polls=POLLS)
def test_the_tables_answer_as_the_histories_assume(scopes, writes, polls):
    with mocked_aws(), pytest.MonkeyPatch.context() as patch:
        client = Client(scopes, World(lambda ms: patch.setattr(clock, "now", clock_at(ms))))
        play(client, writes, polls)


def test_an_idle_client_gets_what_the_overlap_holds_and_a_busy_night_goes_page_by_page(aws, monkeypatch):
    def at(ms):
        monkeypatch.setattr(clock, "now", clock_at(START + ms))

    at(0)
    cursor = feed(None, None, 10).cursor
    ids = [commit(n, Written(10 * n, 0, 0, SCOPES[n % 3], NIGHTS[n % 2])) for n in range(50)]
    at(1_000)
    got, pages = [], 0
    while True:
        page = feed(None, cursor, 7)
        got += [event.id for event in page.events]
        cursor, pages = page.cursor, pages + 1
        if not page.more:
            break
    assert sorted(got) == sorted(ids) and pages == 8
    again = feed(None, cursor, 100)
    assert sorted(event.id for event in again.events) == sorted(ids)
    assert [event.moment for event in again.events] == sorted(event.moment for event in again.events)
    at(2_000 + 2 * OVERLAP)
    quiet = feed(None, again.cursor, 100)
    assert feed(None, quiet.cursor, 100).events == ()


def test_a_request_reads_so_many_partitions(aws, monkeypatch):
    monkeypatch.setattr(clock, "now", clock_at(START))
    first = feed(None, None, 10).cursor
    for n in range(9):
        commit(n, Written(0, 0, 0, SCOPES[0], 20261101 + n))
    read = []
    query = items.query
    monkeypatch.setattr(items, "query", lambda table, *a, **k: (read.append(table), query(table, *a, **k))[1])
    monkeypatch.setattr(events, "MOST_PARTITIONS", 4)
    page, nights = feed(None, first, 100), []
    while page.more:
        assert read.count("events") <= 4 and read.count("ledger") <= 1
        nights += [event.night for event in page.events]
        read.clear()
        page = feed(None, page.cursor, 100)
    nights += [event.night for event in page.events]
    assert sorted(nights) == list(range(20261101, 20261110))


def test_a_cursor_shows_nobody_more_than_they_may_see(aws, monkeypatch):
    monkeypatch.setattr(clock, "now", clock_at(START))
    for n, scope in enumerate(SCOPES):
        commit(n, Written(0, 0, 0, scope, NIGHTS[0]))
    staff = feed(None, None, 1)
    assert staff.more
    member = feed(frozenset({SCOPES[1]}), staff.cursor, 10)
    assert {event.scope for event in member.events} <= {SCOPES[1]}
    assert feed(frozenset(), None, 10).events == ()
    page = eventlog.log(None, limit=1)
    assert {e.scope for e in eventlog.log(frozenset({SCOPES[1]}), before=page.cursor, limit=9).events} <= {SCOPES[1]}


CRAFTED = st.lists(
    st.one_of(
        st.integers(-(10**20), 10**20),
        st.sampled_from(["", "~", "9999999999999#x", "0000000000000#", "~~", "1", "2795000000000#\ud800", "é" * 2000]),
        st.text(max_size=20),
        st.none(),
        st.floats(),
        st.booleans(),
    ),
    max_size=6,
)


@settings(RANDOM, max_examples=150)
@given(content=CRAFTED)
def test_a_made_up_cursor_is_refused_or_harmless(aws, content):
    commit(1, Written(0, 0, 0, SCOPES[0], NIGHTS[0]))
    for ask in (lambda c: feed(None, c, 5), lambda c: eventlog.log(None, before=c, limit=5)):
        try:
            ask(cursors.encode(*content))
        except BadCursor:
            pass


@pytest.mark.parametrize("text", ["", "x", "é", "bnVsbA", "e30", "W10", "WzE", "!!!!", "W" * 4000])
def test_what_is_no_cursor_is_refused(aws, text):
    with pytest.raises(BadCursor):
        feed(None, text, 5)
    with pytest.raises(BadCursor):
        eventlog.log(None, before=text, limit=5)

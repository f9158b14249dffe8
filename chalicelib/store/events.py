"""Events, and the change feed that never misses one.

Events are written with the state they tell of (:mod:`chalicelib.store.publish`), so their key holds when their
transaction was *built*: it may commit later, and behind others that were built after it. A reader that asks for what
comes after the last event it saw would miss such a late one. :func:`feed` therefore reads back over an overlap, and
gives events again rather than none; their ``id`` tells those apart that a client has seen.

Only partitions that changed are read. The ledger item of a (scope, night) holds, as ``changed``, the milliseconds of
the event written last, set in the event's own transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import changes, clock, cursors, items
from .changes import INDEX_LAG
from .cursors import BadCursor

COMMIT_DELAY = 56_000
"""Milliseconds from the building of an event to its commit at the most: the 20 s for which the write helper tries, its
last pause of up to 1.6 s, and the last request with its time limits (three times 10 s and pauses, see clients)."""

CLOCK_SKEW = 1_000
"""Milliseconds by which the clock of a function may be wrong."""

OVERLAP = COMMIT_DELAY + 2 * CLOCK_SKEW + INDEX_LAG
"""Milliseconds a new run of the feed reads back from the moment the run before it began.

Let an event be missed by a run that begins at ``t`` by the reader's clock. The index did not show it then, so it was
committed less than ``INDEX_LAG`` before or not yet; so it was built less than ``INDEX_LAG + COMMIT_DELAY`` before, and
its key, by the writer's clock, is later than ``t - OVERLAP``: the next run reads it. ``changed`` may go back, but it is
that of an event committed with this one or after it, and so for the same reason not earlier than that.
"""

MOST_PARTITIONS = 40
"""(scope, night) partitions one request reads; what is left is for the next page."""

FIRST_NIGHT, LAST_NIGHT = 0, 99_999_999
LAST = "~"
"""Sorts after every moment."""


@dataclass(frozen=True)
class Event:
    """What happened to a subject: who did it, in which block, with what outcome, in a sentence."""

    scope: str
    night: int
    moment: str
    time: str
    actor: str
    subject: str
    block: str
    outcome: str
    sentence: str
    file_id: int | None
    file_name: str | None

    @property
    def id(self) -> str:
        """What tells this event from every other."""
        return f"{self.scope}#{self.night}#{self.moment}"

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Event:
        """An event from its item."""
        values: dict[str, Any] = {name: item.get(name) for name in cls.__dataclass_fields__}
        return cls(**values)


@dataclass(frozen=True)
class Feed:
    """A page of the change feed.

    Attributes
    ----------
    events : tuple of Event
        In the order they were built. Some may have been in earlier pages.
    cursor : str
        What the next request sends.
    more : bool
        There are further events now; otherwise the next request may come when the client likes.
    """

    events: tuple[Event, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, order=True)
class _Place:
    """A place in a run: past all partitions that come before (the newest nights), and in this one past ``moment``."""

    minus_night: int
    scope: str
    moment: str


_BEGINNING = _Place(-LAST_NIGHT - 1, "", "")


@dataclass(frozen=True)
class _Run:
    """A run of the feed over the partitions that changed: since when, when it began (both in ms), how far it is."""

    since: int
    begun: int
    place: _Place = _BEGINNING

    @classmethod
    def of(cls, cursor: str | None, now: int) -> _Run:
        """The run a cursor goes on with, or the one after that which the cursor ended."""
        if cursor is None:
            return cls(now, now)
        match cursors.decode(cursor):
            case [int(since)] if since >= 0:
                return cls(min(since, now), now)
            case [int(since), int(begun), int(minus_night), str(scope), str(moment)] if min(since, begun) >= 0:
                begun = min(begun, now)
                return cls(min(since, begun), begun, _Place(minus_night, scope, cursors.moment(moment)))
        raise BadCursor

    @property
    def first(self) -> str:
        """The earliest moment the run reads."""
        return f"{max(0, self.since - OVERLAP):013d}"

    @property
    def last(self) -> str:
        """The latest: what can have been written before the run began, or it might never end."""
        return f"{self.begun + 2 * CLOCK_SKEW:013d}{LAST}"

    def paused(self, place: _Place) -> str:
        """The cursor that goes on with this run after ``place``."""
        return cursors.encode(self.since, self.begun, place.minus_night, place.scope, place.moment)

    def ended(self) -> str:
        """The cursor that begins the next run."""
        return cursors.encode(self.begun)


def feed(scopes: frozenset[str] | None, after: str | None, limit: int) -> Feed:
    """What happened in the scopes (None: all) since the cursor ``after``; None begins now.

    A client that sends each cursor back, and leaves out events whose ``id`` it has seen, gets every event once: at the
    latest by the first page with ``more`` false of a run that begins :data:`INDEX_LAG` after the event's commit. Where
    nothing happens, a page holds the events of the last :data:`OVERLAP` at most, and soon none.

    One request asks the ledger's index what changed since, and reads of at most :data:`MOST_PARTITIONS` partitions
    ``limit`` events, and two more of each, consistently.

    Parameters
    ----------
    limit : int
        Events in a page at the most, from 1 on.

    Raises
    ------
    BadCursor
        ``after`` is no cursor of the feed.
    """
    run = _Run.of(after, int(clock.now() * 1000))  # the clock first: what commits while we read is the next run's
    found: list[Event] = []
    place = run.place
    partitions = changed(scopes, max(0, run.since - OVERLAP))
    ahead = sorted(end for scope, night in partitions if (end := _Place(-night, scope, LAST)) > place)
    for number, end in enumerate(ahead):
        if number == MOST_PARTITIONS:
            return Feed(_in_order(found), run.paused(place), more=True)
        left = limit - len(found)
        events = _stretch(run, place, end, left + 1)
        found += events[:left]
        if len(events) > left:
            if left:
                place = _Place(end.minus_night, end.scope, events[left - 1].moment)
            return Feed(_in_order(found), run.paused(place), more=True)
        place = end
    return Feed(_in_order(found), run.ended(), more=False)


def _in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=lambda event: (event.moment, event.scope)))


def _stretch(run: _Run, place: _Place, end: _Place, limit: int) -> list[Event]:
    """The first ``limit`` events of the run in the partition that ``end`` ends, after ``place`` if that lies in it."""
    begun = (place.minus_night, place.scope) == (end.minus_night, end.scope)
    first = min(max(run.first, place.moment), run.last) if begun else run.first
    rows = items.query(
        "events",
        "scope_night = :partition AND moment BETWEEN :first AND :last",
        {"partition": f"{end.scope}#{-end.minus_night}", "first": first, "last": run.last},
        limit=limit + begun,
    )
    events = [Event.from_item(row) for row in rows]
    return [event for event in events if not begun or event.moment > place.moment][:limit]


def changed(scopes: frozenset[str] | None, since: int) -> set[tuple[str, int]]:
    """(scope, night) of the scopes (None: all) where something happened since a moment in milliseconds."""
    return {(scope, night) for scope, night, _ in changes.since(since) if scopes is None or scope in scopes}

"""What happened, for people to read: the Logs page, and the history of one file."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..domain.records import RAW_TYPE
from . import cursors, items, ledger
from .cursors import BadCursor
from .events import FIRST_NIGHT, LAST, LAST_NIGHT, MOST_PARTITIONS, OVERLAP, Event
from .subjects import frame_subject

MOST_READ = 2_000
"""Events one page of the log looks at in search of those that are asked for."""

MOST_PAGES = 8
"""Pages of 1 MB (about 2,500 events each) in which the events of one file are searched."""

_CHUNK = 100


@dataclass(frozen=True)
class Log:
    """A page of the log, newest first; ``cursor`` asks for the page after it and is None where the log ends.

    A page may hold less than was asked for, even nothing, and yet go on: a search looks at so many events a request.
    """

    events: tuple[Event, ...]
    cursor: str | None


@dataclass(frozen=True)
class History:
    """Events of one file, oldest first; not ``complete`` where its night has more events than are searched."""

    events: tuple[Event, ...]
    complete: bool


def log(
    scopes: frozenset[str] | None,
    *,
    night: int | None = None,
    before: str | None = None,
    limit: int,
    outcomes: frozenset[str] | None = None,
    search: str | None = None,
) -> Log:
    """What happened in the scopes (None: all), the newest night first, and within a night the newest first.

    One request asks for the ledger's keys (:func:`.ledger.keys`) and reads at least one night, and no further night
    once :data:`MOST_PARTITIONS` partitions were opened or :data:`MOST_READ` events looked at.

    Parameters
    ----------
    night : int, optional
        Only events about files of this night.
    before : str, optional
        The cursor of the page before this one.
    limit : int
        Events in a page at the most, from 1 on.
    outcomes : frozenset of str, optional
        Only events with one of these outcomes.
    search : str, optional
        Only events in whose sentence, file name, block or actor these letters occur, small or capital.

    Raises
    ------
    BadCursor
        ``before`` is no cursor of the log.
    """
    below = _below(before)
    last = LAST_NIGHT if night is None else night
    scopes_of: dict[int, list[str]] = defaultdict(list)
    for scope, found in ledger.keys(scopes, night or FIRST_NIGHT, min(last, below.night) if below else last):
        if not (below and below.night == found and not below.moment):
            scopes_of[found].append(scope)
    events: list[Event] = []
    spent = _Spent()
    for here in sorted(scopes_of, reverse=True):
        if spent.partitions and spent.partitions + len(scopes_of[here]) > MOST_PARTITIONS:
            break
        chunk = max(2, min(limit + 1, _CHUNK, MOST_READ // (2 * len(scopes_of[here]))))
        partitions = [_descending(scope, here, below, chunk, spent) for scope in scopes_of[here]]
        for event in heapq.merge(*partitions, key=lambda event: (event.moment, event.scope), reverse=True):
            if len(events) == limit:
                return _page(events, below)
            below = _Below(here, event.moment, event.scope)
            if _asked_for(event, outcomes, search):
                events.append(event)
            if spent.events >= MOST_READ:
                return _page(events, below)
        below = _Below(here, "", "")
    else:
        return Log(tuple(events), None)
    return _page(events, below)


def of_file(record: Mapping[str, Any]) -> History:
    """What happened to a file: all events about it and about the subject that made it (its raw frame, its pool).

    One request reads at most :data:`MOST_PAGES` pages of the events of the file's scope and night.
    """
    subject = record.get("subject") or frame_subject(record["original_file_id"])
    came = 0
    if record["data_type"] == RAW_TYPE:  # nothing happened to it before
        came = int(datetime.fromisoformat(record["created"]).timestamp() * 1000)
    found_pages = items.pages(
        "query",
        "events",
        {
            "partition": f"{record['scope']}#{record['night']}",
            "first": f"{max(0, came - OVERLAP):013d}",
            "subject": subject,
            "id": record["id"],
        },
        KeyConditionExpression="scope_night = :partition AND moment >= :first",
        FilterExpression="#subject = :subject OR file_id = :id",
        ExpressionAttributeNames={"#subject": "subject"},
    )
    found: list[Event] = []
    for number, page in enumerate(found_pages):
        if number == MOST_PAGES:
            return History(tuple(found), complete=False)
        found += map(Event.from_item, page)
    return History(tuple(found), complete=True)


@dataclass
class _Spent:
    """What a request has read."""

    partitions: int = 0
    events: int = 0


@dataclass(frozen=True)
class _Below:
    """The last event of the page before; without a moment, its night is done."""

    night: int
    moment: str
    scope: str


def _page(events: list[Event], below: _Below | None) -> Log:
    return Log(tuple(events), cursors.encode(below.night, below.moment, below.scope) if below else None)


def _asked_for(event: Event, outcomes: frozenset[str] | None, search: str | None) -> bool:
    if outcomes is not None and event.outcome not in outcomes:
        return False
    texts = (event.sentence, event.file_name, event.block, event.actor)
    return not search or any(search.casefold() in (text or "").casefold() for text in texts)


def _descending(scope: str, night: int, below: _Below | None, chunk: int, spent: _Spent) -> Iterator[Event]:
    """Events of a partition that come after ``below`` in the log, a few at a time."""
    spent.partitions += 1
    top, relation = LAST, "<="
    if below and below.night == night:
        top, relation = below.moment, "<=" if scope < below.scope else "<"
    while True:
        rows = items.query(
            "events",
            f"scope_night = :partition AND moment {relation} :top",
            {"partition": f"{scope}#{night}", "top": top},
            consistent=False,
            descending=True,
            limit=chunk,
        )
        events = [Event.from_item(row) for row in rows]
        spent.events += len(events)
        yield from events
        if len(events) < chunk:
            return
        top, relation = events[-1].moment, "<"


def _below(cursor: str | None) -> _Below | None:
    if cursor is None:
        return None
    match cursors.decode(cursor):
        case [int(night), str(moment), str(scope)] if FIRST_NIGHT <= night <= LAST_NIGHT:
            return _Below(night, cursors.moment(moment), scope)
    raise BadCursor

"""The change feed for those who ask again and again: nothing is read of the events while nothing happens.

A tag stands for the versions of all ledger items a viewer sees. Each event raises one of them in its own transaction,
so while they stay the same there is nothing new, and the client keeps its cursor. One thing has to be heeded: the
versions and the feed are two looks at an index that may be behind (:data:`.changes.INDEX_LAG`), so a version may be
seen whose event the feed did not show. A tag therefore bears the moment at which its versions were first seen by this
client, and is good for "nothing new" only with the cursor of a run that began later than that by the index's lag: that
run has shown all events behind these versions (:data:`.events.OVERLAP`). Until then the feed is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import clock, cursors, events, ledger
from .changes import INDEX_LAG
from .events import CLOCK_SKEW, Feed

_TAG = re.compile(r"([0-9a-f]{32})-([0-9]{1,15})")


@dataclass(frozen=True)
class Poll:
    """What a client is told: a page of the feed, or (None) that nothing happened since it got ``tag``."""

    feed: Feed | None
    tag: str


def poll(scopes: frozenset[str] | None, after: str | None, tags: Sequence[str], limit: int) -> Poll:
    """What happened in the scopes (None: all) since the cursor ``after``, unless a tag says that nothing did.

    Nothing new costs a warm process one query of the ledger's index for what changed in the last two minutes; a page
    costs what :func:`.events.feed` says on top.

    Raises
    ------
    BadCursor
        ``after`` is no cursor of the feed.
    """
    now = int(clock.now() * 1000)
    versions = ledger.versions(scopes)  # before the feed: what commits in between changes the tag next time
    seen = min((at for tag in tags if (at := _seen(tag, versions)) is not None), default=now)
    tag = f"{versions}-{min(seen, now)}"
    begun = _run_ended(after)
    if seen < now and begun is not None and min(begun, now) >= seen + INDEX_LAG + 2 * CLOCK_SKEW:
        return Poll(None, tag)
    return Poll(events.feed(scopes, after, limit), tag)


def _seen(tag: str, versions: str) -> int | None:
    """When a client first saw these versions, by its tag; None if that is of others."""
    found = _TAG.fullmatch(tag)
    return int(found[2]) if found and found[1] == versions else None


def _run_ended(after: str | None) -> int | None:
    """When the run began that a cursor ends; None in the middle of a run, and without one."""
    if after is None:
        return None
    match cursors.decode(after):
        case [int(begun)]:
            return begun
    return None

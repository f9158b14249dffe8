"""SWEEP, each minute: whatever a lost message or a died function left open is told again (design §6, rule 9)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone

from ..domain.nights import night_date, night_number, night_of
from ..store import clock, identities, minimums, objects, queues, subjects

DATES = 3
"""So many nights back, tonight included, objects under ``raw/`` are compared with records."""

PERIOD = 60
"""Seconds from one sweep to the next."""

PATIENCE = 5 * PERIOD
"""Seconds a message may wait while its block's queue holds any: it is behind the others, not lost. Told each minute
that they wait, the subjects of a long queue would make it longer."""

SECONDS = 35.0
"""Telling ends then, of the function's 55; the next sweep goes on with those not told."""


def sweep() -> dict[str, int]:
    """Tell INGEST of every recent raw object it has not seen, pools of which a lower minimum makes a master due, and
    every open subject nobody holds; how many. Not those whose message may well be waiting in the queue.
    """
    end = time.monotonic() + SECONDS
    now = clock.now()
    depths = queues.depths()
    missed = 0
    for key in _missed(now, queued=depths["ingest"]):
        queues.send_key(key)
        missed += 1
    lowered = minimums.tell()
    told = 0
    for subject in _left_open(now, depths):
        if time.monotonic() > end:
            break
        queues.tell(subject)
        told += 1
    return {"open": told, "missed": missed, "lowered": lowered}


def _missed(now: float, *, queued: int) -> Iterator[str]:
    """Recent raw objects INGEST has not seen; while its queue holds messages each of them every five minutes only."""
    tonight = night_date(night_of(datetime.fromtimestamp(now, timezone.utc)))
    # an upload of this morning may carry tomorrow's date by its uploader's clock
    for days in range(-1, DATES):
        listed = objects.list_raw(night_number(tonight - timedelta(days=days)))
        found = [(key, tag) for key, tag, since in listed if not queued or _is_turn(now - since)]
        yield from identities.unknown_objects(found)


def _is_turn(age: float) -> bool:
    """Whether an age became a multiple of the patience since the last sweep: nothing need be written to know."""
    return age // PATIENCE > max(0.0, age - PERIOD) // PATIENCE


def _left_open(now: float, depths: Mapping[str, int]) -> Iterator[str]:
    """Open subjects nobody holds whose message is not waiting: pools first, since frames wait for them."""
    found = sorted(subjects.open_subjects(), key=lambda subject: not subjects.is_pool(subject))
    for item in subjects.read_all(found):
        queued = depths.get(item.get(subjects.NEXT) or subjects.block_of(item["subject"]), 0)
        if subjects.is_orphaned(item) and not (queued and now < item.get(subjects.SINCE, 0) + PATIENCE):
            yield item["subject"]

"""SWEEP, each minute: whatever a lost message or a died function left open is told again (design §6, rule 9)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ..domain.nights import night_date, night_number, night_of
from ..store import clock, identities, minimums, objects, queues, subjects

DATES = 3
"""So many nights back, tonight included, objects under ``raw/`` are compared with records."""

PATIENCE = 300
"""Seconds a message may wait while its block's queue holds any: it is behind the others, not lost. Told each minute
that they wait, the subjects of a long queue would make it longer."""


def sweep() -> dict[str, int]:
    """Tell every open subject nobody holds, INGEST of every recent raw object it has not seen, pools of which a lower
    minimum makes a master due; how many. Not those whose message may well be waiting in the queue.
    """
    now = clock.now()
    depths = queues.depths()
    told = 0
    for subject in subjects.open_subjects():
        item = subjects.read(subject)
        queued = depths[item.get(subjects.NEXT) or subjects.block_of(subject)]
        if subjects.is_orphaned(item) and not (queued and now < item.get(subjects.SINCE, 0) + PATIENCE):
            queues.tell(subject)
            told += 1
    tonight = night_date(night_of(datetime.fromtimestamp(now, timezone.utc)))
    missed = 0
    # an upload of this morning may carry tomorrow's date by its uploader's clock
    for days in range(-1, DATES):
        listed = objects.list_raw(night_number(tonight - timedelta(days=days)))
        found = [(key, tag) for key, tag, since in listed if not (depths["ingest"] and now < since + PATIENCE)]
        for key in identities.unknown_objects(found):
            queues.send_key(key)
            missed += 1
    return {"open": told, "missed": missed, "lowered": minimums.tell()}

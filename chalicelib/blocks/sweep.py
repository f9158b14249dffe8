"""SWEEP, each minute: whatever a lost message or a died function left open is told again (design §6, rule 9)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ..domain.nights import night_date, night_number, night_of
from ..store import clock, identities, minimums, objects, queues, subjects

DATES = 3
"""So many nights back, tonight included, objects under ``raw/`` are compared with records."""


def sweep() -> dict[str, int]:
    """Tell every open subject nobody holds, INGEST of every recent raw object it has not seen, pools of which a lower
    minimum makes a master due; how many.
    """
    now = clock.now()
    told = 0
    for subject in subjects.open_subjects():
        if subjects.is_orphaned(subjects.read(subject)):
            queues.send(subjects.block_of(subject), subject)
            told += 1
    tonight = night_date(night_of(datetime.fromtimestamp(now, timezone.utc)))
    missed = 0
    # an upload of this morning may carry tomorrow's date by its uploader's clock
    for days in range(-1, DATES):
        found = list(objects.list_raw(night_number(tonight - timedelta(days=days))))
        for key in identities.unknown_objects(found):
            queues.send_key(key)
            missed += 1
    return {"open": told, "missed": missed, "lowered": minimums.tell()}

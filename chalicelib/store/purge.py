"""Deleted products lose their objects a day after the deletion; until then they can be restored. Never a raw file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from ..domain.nights import night_number
from ..domain.records import MASTERS_SCOPE, RAW_TYPE, Record, day_of
from . import clock, items, objects, publish
from .items import ConditionFailed
from .publish import Change

UNDO_SECONDS = 86_400
"""How long a deletion can be taken back."""

DAYS_BACK = 14
"""So many days back the schedule looks for deletions that are due; it runs each hour, so this covers long outages."""


def purge_due(now: float, *, days_back: int = DAYS_BACK) -> int:
    """Erase the objects of products deleted more than a day before ``now`` (s); how many products.

    May die anywhere and be run again: a record is first marked, which closes the way back, then the objects go, then
    it leaves the index.
    """
    purged = 0
    for record in list(_due(now, days_back)):
        purged += _purge(record)
    return purged


def _due(now: float, days_back: int) -> Iterator[Record]:
    today = datetime.fromtimestamp(now, timezone.utc).date()
    for days in range(1, days_back + 1):
        day = night_number(today - timedelta(days=days))
        rows = list(items.query("files", "deleted_on = :day", {"day": day}, index="deleted"))
        for record in items.batch_get("files", [{"id": row["id"]} for row in rows]):
            deleted = record.get("deleted")
            if (
                deleted
                and "deleted_on" in record
                and datetime.fromisoformat(deleted["at"]).timestamp() + UNDO_SECONDS <= now
            ):
                yield record


def _purge(record: Record) -> bool:
    if record["data_type"] == RAW_TYPE:
        return False
    marked = record
    if not record.get("purged"):
        sentence = "Purged: deleted more than a day ago."
        marked = {**record, "purged": clock.moment()}
        if not _write(record, marked, sentence):
            return False  # restored or made anew meanwhile
        marked = items.get("files", {"id": record["id"]}) or marked
    night, identifier = record["night"], record["id"]
    prefix = record["key"].split(f"/{night}/{identifier}/")[0]
    objects.erase(f"{prefix}/{night}/{identifier}/")
    if not _shared(record):
        objects.erase_preview(record["sha256"])
    done = {name: value for name, value in marked.items() if name != "deleted_on"}
    return _write(marked, done, "Its objects are gone.")


def _shared(record: Record) -> bool:
    """Whether a published file of the same raw has the same bytes, and with them the same preview."""
    subject = items.get("subjects", {"subject": record["subject"]}) or {}
    made = [p["id"] for state in (subject.get("stages") or {}).values() for p in state.get("products", ())]
    others = items.batch_get("files", [{"id": i} for i in sorted(set(made) - {record["id"]})])
    return any(other["sha256"] == record["sha256"] and not other.get("purged") for other in others)


def _write(old: Record, new: Record, sentence: str) -> bool:
    event = {
        "block": "purge",
        "outcome": "purged",
        "sentence": sentence,
        "file_id": old["id"],
        "file_name": old["file_name"],
        "scope": old.get("scope", MASTERS_SCOPE),
        "night": old["night"],
    }
    subject = old["subject"]
    try:
        items.write(publish.told_operations([Change(old, new)], subject, f"purge{day_of(clock.moment())}", event))
    except ConditionFailed:
        return False
    return True

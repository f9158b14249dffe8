"""Which files a command is about, and what subject makes anew what each stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import batched

from chalicelib.domain import matching, records
from chalicelib.domain.facets import Selection
from chalicelib.domain.records import Record
from chalicelib.store import ledger, listing, subjects

BATCH = 100


def nights_with(selection: Selection, wanted: Iterable[int] = ()) -> dict[int, int]:
    """The nights (of those wanted, or all) that have selected files, with how many: from the ledger alone."""
    found = ledger.nights(ledger.read(None, selection), selection)
    only = set(wanted) or found.keys()
    return {night: count for night, count in sorted(found.items()) if night in only}


def of_nights(nights: Iterable[int], selection: Selection) -> Iterator[Record]:
    """The records of the selected files of some nights."""
    for night in nights:
        for ids in batched(listing.selected(night, None, selection), BATCH, strict=False):
            yield from listing.records(list(ids))


def subject_of(record: Record) -> str:
    """The subject whose plan a file belongs to."""
    return record.get("subject") or subjects.frame_subject(record["original_file_id"])


def pool_of(record: Record) -> str | None:
    """The pool a raw bias or flat is a member of."""
    observation = record.get("observation")
    return matching.pool_of(records.observation_of(observation)) if observation else None

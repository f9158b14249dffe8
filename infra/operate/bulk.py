"""``backfill`` and ``reprocess``: much at once, through the bulk queue, which paces it."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

from chalicelib.domain import topology
from chalicelib.domain.facets import Selection
from chalicelib.domain.plan import CHAINS, REJECTED
from chalicelib.domain.records import RAW_TYPE, scope_of
from chalicelib.store import objects, subjects
from chalicelib.store import queues as store_queues
from infra.local.progress import Progress
from infra.operate import files, nights

HOW_LONG = f"at most {topology.BULK_UNDER_WAY} at a time, a turn every {topology.BULK_TURN} s"


def backfill(options: argparse.Namespace) -> int:
    """Have the raw objects of some nights taken in; 3 if a night has none."""
    wanted = nights.of(options.nights)
    empty, total = [], 0
    with Progress("backfill", sys.stderr) as progress:
        for number, night in enumerate(wanted, start=1):
            count = sum(1 for _ in objects.list_raw(night))
            total += count
            if not count:
                empty.append(night)
            elif not options.dry_run:
                store_queues.send_bulk_night(night, actor=options.actor)
            progress.show(number, len(wanted), f"{night}: {count} objects")
    verb = "would be" if options.dry_run else "will be"
    print(f"{total} object(s) of {len(wanted) - len(empty)} night(s) {verb} taken in, {HOW_LONG}.")
    if empty:
        print(f"There is no object under raw/ of {', '.join(map(str, empty))}.")
    return 3 if empty else 0


def reprocess(options: argparse.Namespace) -> int:
    """Have the frames and pools of some nights or a proposal reprocessed."""
    if not options.proposal and not options.night:
        print("Say what to reprocess: --proposal, --night or both.", file=sys.stderr)
        return 2
    scope = scope_of(options.proposal) if options.proposal else None
    selection = Selection(values={"data_type": frozenset({RAW_TYPE})}, scope=scope)
    there = files.nights_with(selection, nights.of(options.night))
    total = sum(there.values())
    if not total:
        print("There is no raw file of that proposal and night.")
        return 3
    with Progress("reprocess", sys.stderr) as progress:
        found = list(dict.fromkeys(_subjects(list(there), selection, total, progress)))
    kinds = Counter("pool(s)" if subjects.is_pool(subject) else "frame(s)" for subject in found)
    told = " and ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing"
    if options.dry_run:
        print(f"{told} of {total} raw file(s) would be reprocessed.")
        return 0
    if found:
        store_queues.send_bulk(found, reprocess=True, actor=options.actor)
    print(f"{told} of {total} raw file(s) will be reprocessed, {HOW_LONG}.")
    return 0


def _subjects(wanted: list[int], selection: Selection, total: int, progress: Progress) -> Iterator[str]:
    """The subjects of raw files: pools first, so that few frames are reduced before their new masters."""
    later = []
    for number, record in enumerate(files.of_nights(wanted, selection), start=1):
        progress.show(number, max(total, number), record["file_name"])
        if pool := files.pool_of(record):
            yield pool
        elif record["status"] != REJECTED and CHAINS.get(record["obstype"]):
            later.append(files.subject_of(record))
    yield from later

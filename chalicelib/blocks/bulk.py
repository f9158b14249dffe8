"""BULK: many subjects are brought to the pipeline a few at a time, so that tonight's frames never wait behind them.

A turn is taken at most every :data:`~chalicelib.domain.topology.BULK_TURN` seconds, however many messages of bulk work
there are. It brings on what the queues have room for and sends what is left as a new message, *then* the old message is
done: dying in between does some of it twice, which is harmless, and loses nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..domain.bulk import BulkWork
from ..domain.topology import BULK_PATIENCE, BULK_TURN, BULK_UNDER_WAY, MAX_RECEIVES, PIPELINE
from ..store import actions, clock, items, objects, queues, subjects
from ..store.items import ConditionFailed

TURN = {"counter": "bulk"}


def handle(body: str) -> list[str]:
    """Bring on a part of what a message asks for, if it is bulk work's turn; the outcome of each thing brought on."""
    work = BulkWork.parse(body)
    if not _take_turn():
        # at random: messages that came together would otherwise come back together for ever
        queues.send_work(work, delay=random.randint(BULK_TURN, BULK_PATIENCE))
        return ["waiting"]
    brought = list(_bring_night(work) if work.raw_night is not None else _bring_subjects(work))
    return brought or ["waiting"]


def _take_turn() -> bool:
    """Whether this invocation may bring something on; the next may after a while."""
    now = clock.now()
    operation = items.operation(
        "Update",
        "counters",
        key=TURN,
        update="SET next_turn = :next",
        condition="attribute_not_exists(next_turn) OR next_turn <= :now",
        values={"now": now, "next": now + BULK_TURN},
    )
    try:
        items.write([operation])
    except ConditionFailed:
        return False
    return True


def room() -> dict[str, int]:
    """How many messages of bulk work each block's queue may get now; none while the pipeline is busy with others."""
    depths = queues.depths()
    free = BULK_UNDER_WAY - sum(depths.values())
    return {block.name: max(0, min(free, block.bulk_share - depths[block.name])) for block in PIPELINE}


def _bring_subjects(work: BulkWork) -> Iterator[str]:
    left = room()
    total = max(left.values())
    later = []
    for subject in _pools_first(work.subjects):
        block = subjects.block_of(subject)
        if total == 0 or left[block] == 0:
            later.append(subject)
            continue
        left[block] -= 1
        total -= 1
        yield _bring(subject, work)
    if later:
        queues.send_work(work.only(later), delay=BULK_TURN)


def _pools_first(wanted: Iterable[str]) -> list[str]:
    """Masters before the frames that use them: fewer frames are reduced twice."""
    return sorted(wanted, key=lambda subject: not subjects.is_pool(subject))


def _bring(subject: str, work: BulkWork) -> str:
    """Bring on one subject. If it cannot be, it goes on as a message of its own, and the others are not held up."""
    try:
        if work.reprocess:
            actions.reprocess(subject, work.actor)
        else:
            queues.tell(subject)
    except Exception:
        from . import telemetry

        telemetry.logger.exception("bulk work failed on a subject", subject=subject)
        alone = replace(work, subjects=(subject,), tries=work.tries + 1)
        if alone.tries >= MAX_RECEIVES:  # counted here, since each try is a new message to SQS
            queues.send_undeliverable(alone.body())
            return "undeliverable"
        queues.send_work(alone, delay=BULK_PATIENCE)
        return "set apart"
    return "brought on"


def _bring_night(work: BulkWork) -> Iterator[str]:
    assert work.raw_night is not None
    keys = sorted(key for key, _, _ in objects.list_raw(work.raw_night) if key > work.after)
    now = keys[: room()["ingest"]]
    for key in now:
        queues.send_key(key)
        yield "brought on"
    if len(now) < len(keys):
        queues.send_work(replace(work, after=now[-1] if now else work.after), delay=BULK_TURN)

"""``redrive``: messages that nobody could handle go back to the queues they came from."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chalicelib.domain import nudge, topology
from chalicelib.domain.bulk import BadBulkWork, BulkWork
from chalicelib.store import clients, subjects
from chalicelib.store import queues as store_queues
from infra.local.progress import Progress

Message = dict[str, Any]

HIDDEN_SECONDS = 300
"""A message stays out of sight while it is moved; what stays where it is becomes visible again at the end."""

WAIT_SECONDS = 2
"""A long poll asks all of SQS's servers; a short one may find a queue empty that is not."""


def redrive(options: argparse.Namespace) -> int:
    """Move them; 3 if some stay because nobody can tell where they belong."""
    total = sum(store_queues.counts(options.queue)[:2])
    if options.dry_run and options.queue != topology.UNDELIVERABLE_QUEUE:
        # looking at a message counts as a delivery, and after four of them it would be moved on
        print(f"{total} message(s) are in {options.queue}; its own function handles them. Nothing was done.")
        return 0
    moved: Counter[str] = Counter()
    kept: list[Message] = []
    with Progress("redrive", sys.stderr) as progress:
        for number, message in enumerate(_messages(options.queue, total), start=1):
            target = source_of(message)
            if target is None and options.drop_unknown and not options.dry_run:
                progress.say(f"Deleted: {message['Body'][:200]}")
                _delete(options.queue, message)
            elif target is None or options.dry_run:
                kept.append(message)
            else:
                _send(target, message["Body"])
                _delete(options.queue, message)
            moved[target or ""] += 1
            progress.show(number, max(total, number), target or "of no known queue")
        for message in kept:
            store_queues.back_off(options.queue, message["ReceiptHandle"], 0)
    unknown = moved.pop("", 0)
    print(_summary(moved, options))
    if unknown and not options.drop_unknown:
        for message in kept:
            if source_of(message) is None:
                print(f"  of no known queue: {message['Body'][:200]}")
        print(f"{unknown} message(s) belong to no queue of ours and stay; --drop-unknown deletes them.")
        return 3
    return 0


def _summary(moved: Counter[str], options: argparse.Namespace) -> str:
    if not moved:
        return (
            f"No message of {options.queue} has a queue to go back to." if not options.dry_run else "Nothing to move."
        )
    verb = "would be sent" if options.dry_run else "were sent"
    to = ", ".join(f"{count} to {queue}" for queue, count in sorted(moved.items()))
    return f"{moved.total()} message(s) {verb} back: {to}."


def source_of(message: Message) -> str | None:
    """The queue a message belongs to: the one it came from, or by what it is about; None if neither is known.

    What came by way of the dead letters goes to the block it was first sent to, to be tried anew.
    """
    source = message.get("Attributes", {}).get("DeadLetterQueueSourceArn", "").rsplit(":", 1)[-1]
    queues = {block.queue for block in topology.BLOCKS}
    if source in queues and source != topology.DEAD_LETTER_QUEUE:
        return source
    return _by_body(message["Body"]) or (source if source in queues else None)


def _by_body(body: str) -> str | None:
    for about in nudge.parse(body):
        if about.raw_key is not None:
            return topology.INGEST.queue
        # the plan knows which block is due: any of them hands a frame to the right one
        block = subjects.block_of(about.subject) if about.subject else topology.REDUCE.name
        return topology.BLOCK[block].queue
    try:
        BulkWork.parse(body)
    except BadBulkWork:
        return None
    return topology.BULK.queue


def _messages(queue: str, most: int) -> Iterator[Message]:
    """Messages of a queue until as many came as there were: what fails again meanwhile is for the next time."""
    url = store_queues.queue_url(queue)
    seen = 0
    while seen < most:
        answer = clients.sqs().receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(10, most - seen),
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
        )
        found = answer.get("Messages", [])
        if not found:
            return
        seen += len(found)
        yield from found


def _send(queue: str, body: str) -> None:
    if queue == topology.BULK.queue:
        body = replace(BulkWork.parse(body), tries=0).body()
    clients.sqs().send_message(QueueUrl=store_queues.queue_url(queue), MessageBody=body)


def _delete(queue: str, message: Message) -> None:
    clients.sqs().delete_message(QueueUrl=store_queues.queue_url(queue), ReceiptHandle=message["ReceiptHandle"])

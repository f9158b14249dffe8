"""Telling a block to look at a subject."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache

from ..domain.bulk import BulkWork, split
from ..domain.topology import BLOCK, BULK, PIPELINE, UNDELIVERABLE_QUEUE
from . import clients, subjects

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@cache
def _url(queue: str, endpoint: str | None) -> str:
    return clients.sqs().get_queue_url(QueueName=queue)["QueueUrl"]


def queue_url(queue: str) -> str:
    """URL of a queue by its name."""
    return _url(queue, clients.endpoint_url())


def send(block: str, subject: str, *, delay: int = 0) -> None:
    """Tell ``block`` to look at ``subject``, which was nudged before, at the earliest after ``delay`` seconds."""
    clients.sqs().send_message(
        QueueUrl=queue_url(BLOCK[block].queue), MessageBody=json.dumps({"subject": subject}), DelaySeconds=delay
    )


def tell(subject: str) -> None:
    """Nudge a subject, then tell its block. In this order: what nobody nudged for, a block does not look at."""
    subjects.nudge(subject)
    send(subjects.block_of(subject), subject)


def send_key(key: str) -> None:
    """Tell INGEST to look at a raw object, as its S3 event would (the sweeper found it without a record)."""
    clients.sqs().send_message(QueueUrl=queue_url(BLOCK["ingest"].queue), MessageBody=json.dumps({"key": key}))


def send_bulk(wanted: Iterable[str], *, reprocess: bool = False, actor: str = "") -> int:
    """Have many subjects looked at (or reprocessed), paced so that nobody waits for it; the number of messages."""
    parts = list(split(BulkWork(tuple(wanted), reprocess=reprocess, actor=actor)))
    for part in parts:
        send_work(part)
    return len(parts)


def send_bulk_night(night: int, *, actor: str = "") -> None:
    """Have every object under ``raw/<night>/`` taken in (again), paced so that nobody waits for it."""
    send_work(BulkWork(raw_night=night, actor=actor))


def send_work(work: BulkWork, *, delay: int = 0) -> None:
    """Put one message of bulk work on its queue."""
    clients.sqs().send_message(QueueUrl=queue_url(BULK.queue), MessageBody=work.body(), DelaySeconds=delay)


def send_undeliverable(body: str) -> None:
    """Keep a message that nobody could handle until a person redrives it."""
    clients.sqs().send_message(QueueUrl=queue_url(UNDELIVERABLE_QUEUE), MessageBody=body)


def depths() -> Mapping[str, int]:
    """Messages in each queue of the pipeline, by block: waiting, in flight or delayed, as far as SQS knows."""
    return {block.name: sum(counts(block.queue)) for block in PIPELINE}


def counts(queue: str) -> tuple[int, int, int]:
    """Messages of a queue that wait, are in flight, are delayed; SQS counts approximately."""
    answer = clients.sqs().get_queue_attributes(QueueUrl=queue_url(queue), AttributeNames=list(_COUNTS))
    waiting, in_flight, delayed = (int(answer["Attributes"][name]) for name in _COUNTS)
    return waiting, in_flight, delayed


def back_off(queue: str, receipt_handle: str, seconds: int) -> None:
    """Hide a message that failed for ``seconds`` before it is delivered again."""
    clients.sqs().change_message_visibility(
        QueueUrl=queue_url(queue), ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
    )


def forget() -> None:
    """Drop remembered queue URLs (tests)."""
    _url.cache_clear()

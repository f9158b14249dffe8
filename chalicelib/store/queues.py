"""Telling a block to look at a subject."""

from __future__ import annotations

import json
from functools import cache

from ..domain.topology import BLOCK
from . import clients


@cache
def _url(queue: str, endpoint: str | None) -> str:
    return clients.sqs().get_queue_url(QueueName=queue)["QueueUrl"]


def queue_url(queue: str) -> str:
    """URL of a queue by its name."""
    return _url(queue, clients.endpoint_url())


def send(block: str, subject: str, *, delay: int = 0) -> None:
    """Tell ``block`` to look at ``subject``, at the earliest after ``delay`` seconds."""
    clients.sqs().send_message(
        QueueUrl=queue_url(BLOCK[block].queue), MessageBody=json.dumps({"subject": subject}), DelaySeconds=delay
    )


def send_key(key: str) -> None:
    """Tell INGEST to look at a raw object, as its S3 event would (the sweeper found it without a record)."""
    clients.sqs().send_message(QueueUrl=queue_url(BLOCK["ingest"].queue), MessageBody=json.dumps({"key": key}))


def back_off(queue: str, receipt_handle: str, seconds: int) -> None:
    """Hide a message that failed for ``seconds`` before it is delivered again."""
    clients.sqs().change_message_visibility(
        QueueUrl=queue_url(queue), ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
    )


def forget() -> None:
    """Drop remembered queue URLs (tests)."""
    _url.cache_clear()

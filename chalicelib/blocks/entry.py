"""From a queue's message to a block: parse, call, back off on errors worth another try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..domain.nudge import Nudge, parse
from ..domain.topology import BACK_OFF, Block
from ..store import queues
from ..store.items import ending_in
from . import driver

__all__ = ["back_off", "ending_in", "handle_message"]


def handle_message(block: Block, body: str, handle: Callable[[str], str]) -> list[str]:
    """Do what a message says; the outcome of each of its nudges.

    ``handle`` takes a raw object's key for INGEST and a subject for every other block.
    """
    outcomes = []
    for nudge in parse(body):
        about = nudge.raw_key if block.name == "ingest" else _subject(nudge, block)
        if about is not None:
            outcomes.append(handle(about))
    return outcomes


def _subject(nudge: Nudge, block: Block) -> str | None:
    if nudge.file_id is not None:
        # a block that no object feeds gets such an event only when it is redriven
        return driver.subject_of_file(nudge.file_id, block.name if block.prefixes else None)
    return nudge.subject


def back_off(block: Block, record: dict[str, Any]) -> int:
    """Hide the message of a failed attempt for 2, 8 or 30 s; the seconds."""
    attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    seconds = BACK_OFF[min(attempt, len(BACK_OFF)) - 1]
    queues.back_off(block.queue, record["receiptHandle"], seconds)
    return seconds

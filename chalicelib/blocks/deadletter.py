"""DEADLETTER: a message that failed every attempt ends in a record, not in silence (design §6, rule 9)."""

from __future__ import annotations

from ..domain import plan, topology
from ..domain.nudge import parse
from ..domain.plan import Step
from ..store import queues, subjects
from ..store.subjects import LeaseLost
from . import driver

SENTENCE = (
    "The block {block} stopped {count} times on this file with an unexpected error; nothing is lost. "
    "Retry it, and tell the observatory's staff if it stops again."
)


def handle(body: str) -> list[str]:
    """Record ``failed`` for the run that is due on the message's subjects; an object that was never taken in is sent back."""
    outcomes = []
    for nudge in parse(body):
        if nudge.raw_key is not None:
            outcomes.append("raw")
            continue
        subject = driver.subject_of_file(nudge.file_id) if nudge.file_id is not None else nudge.subject
        if subject is not None:
            outcomes.append(_record_failure(subject))
    return outcomes


def _record_failure(subject: str) -> str:
    lease = subjects.take(subject, topology.DEADLETTER.lease)
    if lease is None:
        return "held"
    try:
        while True:
            record, facts, decision = driver.decide(lease)
            if isinstance(decision, Step) and facts is not None:
                sentence = SENTENCE.format(block=decision.block.upper(), count=topology.MAX_RECEIVES)
                driver.fail(lease, decision, facts, code="unexpected", sentence=sentence, retryable=True)
                subjects.refresh(lease)
            elif isinstance(decision, plan.Settled) and driver.settle(lease, record, decision):
                return decision.status
            else:
                subjects.refresh(lease)
    except LeaseLost:
        return "superseded"
    except BaseException:
        subjects.abandon(lease)
        raise


def send_back(key: str) -> None:
    """Give an object that could not be taken in another life in INGEST's queue (the sweeper's way)."""
    queues.send_key(key)

"""DEADLETTER: a message that failed every attempt ends in a record, not in silence (design §6, rule 9)."""

from __future__ import annotations

from datetime import datetime, timezone

from ..domain import nights, plan, records, topology
from ..domain.nudge import parse
from ..domain.plan import Step
from ..store import clock, items, publish, subjects
from ..store.subjects import LeaseLost
from . import driver

SENTENCE = (
    "The block {block} stopped {count} times on this file with an unexpected error; nothing is lost. "
    "Retry it, and tell the observatory's staff if it stops again."
)


def handle(body: str) -> list[str]:
    """Record ``failed`` for the run that is due on the message's subjects; tell of an object never taken in."""
    outcomes = []
    for nudge in parse(body):
        if nudge.raw_key is not None:
            _tell_of_object(nudge.raw_key)
            outcomes.append("not taken in")
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


def _tell_of_object(key: str) -> None:
    """An object INGEST failed on has no record yet: the event tells of it, and the sweeper tries it again."""
    now = datetime.fromtimestamp(clock.now(), timezone.utc)
    event = {
        "block": "ingest",
        "outcome": plan.FAILED,
        "sentence": f"The object {key} could not be taken in; it stays where it is and is tried again each minute.",
        "file_id": None,
        "file_name": key.rsplit("/", 1)[-1],
        "scope": records.UNASSIGNED_SCOPE,
        "night": nights.night_of(now),
    }
    items.write([publish.event_operation(f"object#{key}", 0, event)])

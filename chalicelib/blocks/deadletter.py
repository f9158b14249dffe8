"""DEADLETTER: a message that failed every attempt ends in a record, not in silence (design §6, rule 9)."""

from __future__ import annotations

from ..domain import nights, plan, records, topology
from ..domain.nudge import parse
from ..domain.plan import Step
from ..store import clients, clock, identities, items, objects, publish, queues, subjects
from ..store.subjects import LeaseLost
from . import driver, ingest

SENTENCE = (
    "The block {block} stopped {count} times on this file with an unexpected error; nothing is lost. "
    "Retry it, and tell the observatory's staff if it stops again."
)


def handle(body: str) -> list[str]:
    """Record ``failed`` for the run that is due on the message's subjects; tell of an object never taken in."""
    outcomes = []
    for nudge in parse(body):
        if nudge.raw_key is not None:
            outcomes.append(_record_object(nudge.raw_key))
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
            driver.tell_interested(lease)
            record, facts, decision = driver.decide(lease)
            if isinstance(decision, Step) and facts is not None:
                sentence = SENTENCE.format(block=decision.block.upper(), count=topology.MAX_RECEIVES)
                driver.fail(lease, decision, facts, code="unexpected", sentence=sentence, retryable=True)
                subjects.refresh(lease)
            elif isinstance(decision, Step):
                if driver.hand_over(lease, decision):
                    return "handed over"
                subjects.refresh(lease)
            elif facts is not None and driver.adjusted(lease, facts, decision):
                subjects.refresh(lease)
            elif driver.settled(lease, record, facts, decision):
                return decision.status
            else:
                subjects.refresh(lease)
    except LeaseLost:
        return "superseded"
    except BaseException:
        subjects.abandon(lease)
        raise


def _record_object(key: str) -> str:
    """An object INGEST failed on gets a record of its own; INGEST retires it if it takes the object in after all.

    Where INGEST has published the object and failed afterwards, its subject is told instead.
    """
    noted = identities.noted(key)
    outcome = "gone"
    for upload in objects.raw_uploads(key):
        outcome = "known" if upload.etag in noted else _record_upload(key, upload)
    known = identities.known(identities.object_identity(key))
    if known is not None:
        queues.tell(subjects.frame_subject(known))
    return outcome


def _record_upload(key: str, upload: objects.Upload) -> str:
    """The record of an upload nobody could take in."""
    opened = objects.open_raw(key, upload.version)
    if opened is None:
        return "gone"
    opened.stream.close()
    night = nights.night_of(opened.modified)
    identifier = identities.identify(identities.unreadable_identity(key, upload.etag), night)
    lease = subjects.take(subjects.frame_subject(identifier), topology.DEADLETTER.lease)
    if lease is None:
        return "held"
    try:
        if items.get("files", {"id": identifier}) is None:
            record = records.rejected_record(
                identifier=identifier,
                bucket=clients.bucket(),
                key=key,
                sha256="",
                size=opened.size,
                moment=clock.moment(),
                night=night,
                proposal="",
                why=SENTENCE.format(block="INGEST", count=topology.MAX_RECEIVES),
                code="unexpected",
                status=plan.FAILED,
                version=opened.version,
            )
            record["failure"]["attempts"] = topology.MAX_RECEIVES
            note = identities.note_operation(key, upload.etag, identifier)
            publish.publish(lease, ingest.publication_of(record, changes=[], also=[note]))
            subjects.refresh(lease)
        return driver.work_under(lease, topology.DEADLETTER, {})
    except LeaseLost:
        return "superseded"
    except BaseException:
        subjects.abandon(lease)
        raise

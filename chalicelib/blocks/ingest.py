"""INGEST: an object under ``raw/`` becomes a record, and its subject is told."""

from __future__ import annotations

from typing import Any

from ..domain import matching, nights, plan, records, topology
from ..domain.headers import NotGoodman, Observation, observe
from ..domain.version import SCIENCE_VERSION
from ..store import (
    clients,
    clock,
    configurations,
    identities,
    items,
    objects,
    proposals,
    publish,
    queues,
    subjects,
)
from ..store.publish import Change, Publication
from ..store.subjects import Lease, LeaseLost
from . import driver


def handle(key: str) -> str:
    """Take in the object ``key``: whatever it is, it ends with a record. Seen before: its nudges are sent again."""
    from ..science.rawfile import scan

    opened = objects.open_raw(key)
    if opened is None:
        return "gone"
    scanned = scan(opened.stream)
    upload_night = nights.night_of(opened.modified)
    observation: Observation | None = None
    problem = scanned.problem
    if problem is None:
        try:
            observation = observe(scanned.header or {}, _comments(scanned.header))
        except NotGoodman as refused:
            problem = str(refused)
    night = observation.night if observation else upload_night
    identity = (
        identities.raw_identity(scanned.sha256) if observation else identities.unreadable_identity(key, scanned.sha256)
    )
    identifier = identities.identify(identity, night)
    lease = subjects.take(subjects.frame_subject(identifier), topology.INGEST.lease)
    if lease is None:
        return "held"
    try:
        if items.get("files", {"id": identifier}) is None:
            facts: dict[str, Any] = {
                "identifier": identifier,
                "bucket": clients.bucket(),
                "key": key,
                "sha256": scanned.sha256,
                "size": opened.size,
                "moment": clock.moment(),
            }
            if observation is None:
                proposal = _proposal(scanned.header)
                record = records.rejected_record(**facts, night=night, proposal=proposal, why=problem or "")
                _publish(lease, record, Publication(event={}))
            else:
                _publish_frame(lease, records.raw_record(observation, **facts), observation)
            subjects.refresh(lease)  # what was published is part of the facts
        identities.note_object(key, opened.etag, identifier)
        if observation is not None:
            _tell_pool(observation)
        return driver.work_under(lease, topology.INGEST, {})
    except LeaseLost:
        return "superseded"
    except BaseException:
        subjects.abandon(lease)
        raise


def _comments(header: Any) -> dict[str, str]:
    return {card.keyword: card.comment for card in header.cards}


def _proposal(header: Any) -> str:
    value = header.get("PROPID") if header is not None else None
    return value.strip() if isinstance(value, str) else ""


def _publish_frame(lease: Lease, record: records.Record, o: Observation) -> None:
    """Publish a raw frame; a bias or flat enters its pool, marked and open, in the same transaction."""
    revision, settings = proposals.current_settings(record["scope"])
    if not plan.CHAINS[o.obstype]:
        resting = plan.resting(o, settings)
        record |= {"status": resting.status, "status_reason": resting.reason}
    interests = matching.interests(o)
    fixed = {
        "settings_revision": revision,
        "settings": vars(settings),
        "science_version": SCIENCE_VERSION,
        "interests": list(interests),
    }
    pool = matching.pool_of(o)
    rows: list[dict] = []
    also = configurations.interest_operations(interests, lease.subject, o.night)
    if pool is not None:
        member = matching.Candidate.of(
            o, id=record["id"], sha256=record["sha256"], key=record["key"], name=record["file_name"]
        )
        rows.append(configurations.put_operation(pool, member))
        also.append(subjects.nudge_operation(pool, mark=True))
    _publish(lease, record, Publication(event={}, configurations=rows, also=also, subject=fixed))


def _publish(lease: Lease, record: records.Record, publication: Publication) -> None:
    event = {
        "block": "ingest",
        "outcome": record["status"] if record["status"] == plan.REJECTED else "received",
        "sentence": record["status_reason"],
        "file_id": record["id"],
        "file_name": record["file_name"],
        "scope": record["scope"],
        "night": record["night"],
    }
    publish.publish(
        lease,
        Publication(
            event=event,
            changes=[Change(None, record)],
            configurations=publication.configurations,
            also=publication.also,
            subject=publication.subject,
        ),
    )


def _tell_pool(o: Observation) -> None:
    """Tell the pool, after a moment for more members to arrive; sent again for a known file (rule 8)."""
    pool = matching.pool_of(o)
    if pool is not None:
        queues.send("combine", pool, delay=topology.DEBOUNCE)

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
    observation, problem = _understand(scanned)
    night = observation.night if observation else nights.night_of(opened.modified)
    unreadable = identities.unreadable_identity(key, scanned.sha256)
    identifier = identities.identify(unreadable if problem else identities.raw_identity(scanned.sha256), night)
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
                "version": opened.version,
            }
            stand_in = _stand_in(key, identifier)
            if observation is None or problem:
                proposal = _proposal(scanned.header)
                facts |= {"night": night, "proposal": proposal, "why": problem or "", "observation": observation}
                record = records.rejected_record(**facts)
                publish.publish(lease, publication_of(record, changes=stand_in))
            else:
                _publish_frame(lease, records.raw_record(observation, **facts), observation, stand_in)
            subjects.refresh(lease)  # what was published is part of the facts
        identities.note_object(key, opened.etag, identifier)
        if observation is not None and not problem:
            _tell_pool(observation)
        return driver.work_under(lease, topology.INGEST, {})
    except LeaseLost:
        return "superseded"
    except BaseException:
        subjects.abandon(lease)
        raise


def _understand(scanned: Any) -> tuple[Observation | None, str | None]:
    """What the header says, if it can be understood, and what is wrong with the file, if anything is."""
    if scanned.header is None:
        return None, scanned.problem or "The file has no header."
    try:
        return observe(scanned.header, _comments(scanned.header)), scanned.problem
    except NotGoodman as refused:
        return None, scanned.problem or str(refused)


def _stand_in(key: str, identifier: int) -> list[Change]:
    """The record DEADLETTER gave to this object when it could not be taken in, to be retired now."""
    known = identities.known(identities.object_identity(key))
    old = items.get("files", {"id": known}) if known not in (None, identifier) else None
    if old is None or old["sha256"] or old.get("retired"):
        return []
    return [Change(old, {**old, "retired": True})]


def _comments(header: Any) -> dict[str, str]:
    return {card.keyword: card.comment for card in header.cards}


def _proposal(header: Any) -> str:
    value = header.get("PROPID") if header is not None else None
    return value.strip() if isinstance(value, str) else ""


def _publish_frame(lease: Lease, record: records.Record, o: Observation, stand_in: list[Change]) -> None:
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
    rows: list[dict] = []
    also = configurations.interest_operations(interests, lease.subject, o.night)
    pool = matching.pool_of(o)
    if pool is not None:
        made = {"id": record["id"], "sha256": record["sha256"], "key": record["key"], "name": record["file_name"]}
        member = matching.Candidate.of(o, **made, version=record["version"])
        rows.append(configurations.put_operation(pool, member))
        also.append(subjects.nudge_operation(pool, mark=True))
    publication = publication_of(record, changes=stand_in, configurations=rows, also=also, subject=fixed)
    publish.publish(lease, publication)


def publication_of(record: records.Record, *, changes: list[Change], **more: Any) -> Publication:
    """The publication by which an uploaded object first appears, with its event."""
    event = {
        "block": "ingest",
        "outcome": record["status"] if record["status"] in (plan.REJECTED, plan.FAILED) else "received",
        "sentence": record["status_reason"],
        "file_id": record["id"],
        "file_name": record["file_name"],
        "scope": record["scope"],
        "night": record["night"],
    }
    return Publication(event=event, changes=[Change(None, record), *changes], **more)


def _tell_pool(o: Observation) -> None:
    """Tell the pool, after a moment for more members to arrive; sent again for a known file (rule 8)."""
    pool = matching.pool_of(o)
    if pool is not None:
        queues.send("combine", pool, delay=topology.DEBOUNCE)

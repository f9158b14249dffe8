"""INGEST: an object under ``raw/`` becomes a record, and its subject is told."""

from __future__ import annotations

from typing import Any

from ..domain import matching, nights, plan, records, topology
from ..domain.headers import NotGoodman, Observation, began, observe
from ..domain.records import Record
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
from .publishing import record_event


def handle(key: str) -> str:
    """Take in the object ``key``: whatever it is, it ends with a record. Seen before: its nudges are sent again.

    An upload that another one of the same name followed before anybody looked is taken in too.
    """
    uploads = objects.raw_uploads(key)
    outcome = "gone"
    for ordinal, upload in enumerate(uploads):
        outcome = _take_in(key, ordinal, upload, last=ordinal == len(uploads) - 1)
    return outcome


def _take_in(key: str, ordinal: int, upload: objects.Upload, *, last: bool) -> str:
    """Take in the ``ordinal``-th upload under a key."""
    from ..science.rawfile import scan

    opened = objects.open_raw(key, upload.version)
    if opened is None:
        return "gone"
    scanned = scan(opened.stream)
    observation, problem, code = _understand(scanned)
    night = observation.night if observation else nights.night_of(opened.modified)
    unreadable = identities.unreadable_identity(key, scanned.sha256)
    identifier = identities.identify(unreadable if problem else identities.raw_identity(scanned.sha256), night)
    subject = subjects.frame_subject(identifier)
    lease = subjects.take(subject, topology.INGEST.lease, raw_key=key)
    if lease is None:
        return _told_the_holder(subject, identifier, key, ordinal if last else None, upload)
    try:
        there = items.get("files", {"id": identifier})
        if there is None:
            facts: dict[str, Any] = {
                "identifier": identifier,
                "bucket": clients.bucket(),
                "key": key,
                "sha256": scanned.sha256,
                "size": opened.size,
                "moment": clock.moment(),
                "version": opened.version,
            }
            more: dict[str, Any] = {
                "changes": _stand_in(key, identifier),
                "also": [
                    configurations.name_operation(key, ordinal, identifier, key),
                    identities.note_operation(key, upload.etag, identifier),
                ],
                "fanout": frozenset({matching.name_key(key)}),
            }
            if observation is None or problem:
                record = records.rejected_record(
                    **facts,
                    why=problem or "",
                    code=code,
                    night=night,
                    proposal=_proposal(scanned.header),
                    observation=observation,
                    observed=began(scanned.header) if scanned.header is not None else None,
                )
                more["also"] += configurations.interest_operations((matching.name_key(key),), lease.subject, night)
                publish.publish(lease, publication_of(record, **more))
            else:
                _publish_frame(lease, records.raw_record(observation, **facts), observation, more)
            subjects.refresh(lease)  # what was published is part of the facts
        else:
            _publish_again(lease, there, key, ordinal if last else None, upload)
        if observation is not None and not problem:
            _tell_pool(observation)
        return driver.work_under(lease, topology.INGEST, {})
    except LeaseLost:
        return "superseded"
    except BaseException:
        subjects.abandon(lease)
        raise


def _uploaded_again(record: Record, key: str, ordinal: int | None, upload: objects.Upload) -> list[dict]:
    """What is written of bytes known before that came under another key or after others of this name; none else."""
    operations = []
    if upload.etag not in identities.noted(key):
        operations.append(identities.note_operation(key, upload.etag, record["id"]))
    if ordinal is not None and record["key"] == key and configurations.newest_of_name(key) != record["id"]:
        operations.append(configurations.name_operation(key, ordinal, record["id"], key))
    return operations


def _again_event(record: Record, key: str) -> dict[str, Any]:
    return record_event("ingest", record, "received", f"Uploaded again as {key}.")


def _publish_again(lease: Lease, record: Record, key: str, ordinal: int | None, upload: objects.Upload) -> None:
    """The same bytes were uploaded again; redelivery writes nothing."""
    operations = _uploaded_again(record, key, ordinal, upload)
    stand_in = _stand_in(key, record["id"])
    if not operations and not stand_in:
        return
    publication = Publication(
        event=_again_event(record, key),
        changes=stand_in,
        also=operations,
        fanout=frozenset({matching.name_key(key)}),
    )
    publish.publish(lease, publication)
    subjects.refresh(lease)


def _told_the_holder(subject: str, identifier: int, key: str, ordinal: int | None, upload: objects.Upload) -> str:
    """The same bytes were uploaded again while another holds their frame: it finds the facts before letting go.

    Without a record yet there is nothing to add: the holder sends INGEST to the object again.
    """
    record = items.get("files", {"id": identifier})
    operations = _uploaded_again(record, key, ordinal, upload) if record is not None else []
    if record is not None and operations:
        fact = subjects.fact_operation(subject, adds={"fanout": {matching.name_key(key)}})
        label = f"again{clock.now():.6f}"
        items.write([fact, *operations, *publish.told_operations([], subject, label, _again_event(record, key))])
        queues.send(subjects.block_of(subject), subject)  # it may have let go between our try and this
    return "held"


def _understand(scanned: Any) -> tuple[Observation | None, str | None, str]:
    """What the header says, if it can be understood, and what is wrong with the file, if anything: sentence, code."""
    if scanned.header is None:
        return None, scanned.problem or "The file has no header.", scanned.code or "no_header"
    try:
        return observe(scanned.header, _comments(scanned.header)), scanned.problem, scanned.code or ""
    except NotGoodman as refused:
        return None, scanned.problem or str(refused), scanned.code or refused.code


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


def _publish_frame(lease: Lease, record: Record, o: Observation, more: dict[str, Any]) -> None:
    """Publish a raw frame; a bias or flat enters its pool, marked and open, in the same transaction."""
    revision, settings = proposals.current_settings(record["scope"])
    if not plan.CHAINS[o.obstype]:
        resting = plan.resting(o, settings)
        record |= {"status": resting.status, "status_reason": resting.reason}
    interests = (*matching.interests(o), matching.name_key(record["key"]))
    fixed: dict[str, Any] = {
        "settings_revision": revision,
        "settings": vars(settings),
        "science_version": SCIENCE_VERSION,
        "interests": list(interests),
    }
    rows: list[dict] = []
    also = [*more.pop("also"), *configurations.interest_operations(interests, lease.subject, o.night)]
    pool = matching.pool_of(o)
    if pool is not None:
        made = {"id": record["id"], "sha256": record["sha256"], "key": record["key"], "name": record["file_name"]}
        member = matching.Candidate.of(o, **made, version=record["version"])
        rows.append(configurations.put_operation(pool, member))
        also.append(subjects.nudge_operation(pool, mark=True))
        fixed["serves"] = {"sha256": record["sha256"], "id": record["id"], "key": pool, "night": o.night}
    publish.publish(lease, publication_of(record, **more, configurations=rows, also=also, subject=fixed))


def publication_of(record: Record, *, changes: list[Change], **more: Any) -> Publication:
    """The publication by which an uploaded object first appears, with its event."""
    outcome = record["status"] if record["status"] in (plan.REJECTED, plan.FAILED) else "received"
    event = record_event("ingest", record, outcome, record["status_reason"])
    return Publication(event=event, changes=[Change(None, record), *changes], **more)


def _tell_pool(o: Observation) -> None:
    """Tell the pool, after a moment for more members to arrive; sent again for a known file (rule 8)."""
    pool = matching.pool_of(o)
    if pool is not None:
        queues.send("combine", pool, delay=topology.DEBOUNCE)

"""What somebody asked for and may ask after: one item a request, gone a month later.

A job about a subject holds ``subject`` with the ``stage`` and ``variant`` asked for, one about many holds the raw ids
``subjects``; :func:`standing` computes where it stands from these. Any other job is told of by whoever does it
(:func:`advance`, :func:`finish`). A ``scope`` binds a job to what its owner may see.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from ..domain import jobs as rules
from ..domain.choices import Choice
from ..domain.jobs import Standing
from ..domain.matching import pool_kind
from ..domain.permissions import Viewer, is_staff, sees
from ..domain.steps import AUTO, CHAINS, DONE, FAILED
from ..domain.version import SCIENCE_VERSION
from . import clock, items, subjects
from .items import ConditionFailed, Item

KEPT_SECONDS = 30 * 86_400
"""How long a job can be asked after."""

AT_REST = "rest"
"""Fact ``until`` of a job that is done as soon as its subject rests, however that is."""


def create(kind: str, user_id: int, **facts: Any) -> Item:
    """Remember that a user asked for something.

    Parameters
    ----------
    kind : str
        What was asked for, in a word (``reduce``, ``reprocess``, ``zip``).
    user_id : int
        Whose job it is: only this user and staff can ask after it.
    **facts
        Whatever is needed to tell where it stands; see the module's description.

    Returns
    -------
    dict
        The item; its ``id`` cannot be guessed.
    """
    item = {
        "id": secrets.token_urlsafe(18),
        "kind": kind,
        "user_id": user_id,
        "created": clock.moment(),
        "expires_at": int(clock.now()) + KEPT_SECONDS,
        **facts,
    }
    items.write([items.operation("Put", "jobs", item=item)])
    return item


def get(job_id: str) -> Item | None:
    """A job, read consistently; None if there is none (any more)."""
    item = items.get("jobs", {"id": job_id})
    return None if item is None or item["expires_at"] <= clock.now() else item


def advance(job_id: str, done: int, total: int, sentence: str = "") -> None:
    """Say how far a job has come that no subject tells of."""
    progress = {"done": done, "of": total}
    _set(job_id, {"progress": progress, "sentence": sentence, "started": clock.now()})


def finish(job_id: str, *, result: Any = None, failure: str | None = None) -> str:
    """Say what came of a job: a result (a map), or why it failed (a sentence); the moment. The first end stands."""
    ended = {"failure": failure} if failure is not None else {"result": result}
    moment = clock.moment()
    _set(job_id, {"finished": moment, **ended})
    return moment


def standing(job: Item) -> Standing:
    """Where a job stands now."""
    if "finished" in job:
        return _ended(job)
    if "subjects" in job:
        return _of_many(job)
    if "subject" in job:
        return _of_subject(job)
    progress = job.get("progress") or {}
    status = rules.RUNNING if "started" in job else rules.WAITING
    return Standing(status, job.get("sentence") or "In the queue.", progress=progress, since=job.get("started"))


def choices_of(subject: str, chain: Sequence[str]) -> list[dict[str, Any]]:
    """What people chose for a subject (with these stages), the oldest first, and what came of each."""
    item = subjects.read(subject)
    found = [Choice.from_item(value) for name, value in item.items() if name.startswith(subjects.CHOICE)]
    listed = []
    for choice in sorted(found, key=lambda choice: (choice.time, choice.variant)):
        now = rules.of_subject(item, choice.stage, choice.variant, chain, clock.now())
        listed.append(
            {
                "variant": choice.variant,
                "stage": choice.stage,
                "parameters": dict(choice.parameters),
                "chosen_by": choice.actor,
                "chosen": choice.time,
                "status": now.status,
                "sentence": now.sentence,
                "files": list(now.files),
            }
        )
    return listed


def may_follow(viewer: Viewer, job: Item) -> bool:
    """Whether a viewer may ask after a job: staff, and the one who asked for it while its scope is theirs to see."""
    if is_staff(viewer):
        return True
    return viewer.user_id == job["user_id"] and (job.get("scope") is None or sees(viewer, job["scope"]))


def _ended(job: Item) -> Standing:
    result = job.get("result") or {}
    progress = result.get("progress") or job.get("progress") or {}
    if job.get("failure") is not None:
        return Standing(FAILED, job["failure"], progress=progress)
    return Standing(DONE, str(result.get("sentence") or "Done."), tuple(result.get("files", ())), progress=progress)


def _of_subject(job: Item) -> Standing:
    subject = job["subject"]
    item = subjects.read(subject)
    if "record" in job:
        unseen = _of_upload(job)
        if unseen is not None:
            return unseen
    if job.get("until") == AT_REST:
        return rules.at_rest(item, clock.now())
    chain = (pool_kind(subject),) if subjects.is_pool(subject) else CHAINS.get(job.get("obstype", ""), ())
    return rules.of_subject(item, job.get("stage"), job.get("variant", AUTO), chain, clock.now())


def _of_upload(job: Item) -> Standing | None:
    """Where an object stands that INGEST was sent to again: its record tells; None once that is an ordinary one."""
    record = items.get("files", {"id": job["record"]})
    if record is None or record.get("retired"):
        return Standing(DONE, "It was taken in; its record has another number now.")
    if record["last_modified"] == job["seen"]:
        return Standing(rules.WAITING, "In the queue.")
    return Standing(FAILED, record["status_reason"]) if record["status"] == FAILED else None


def _of_many(job: Item) -> Standing:
    wanted = [subjects.frame_subject(raw_id) for raw_id in job["subjects"]]
    found = items.batch_get("subjects", [{"subject": subject} for subject in wanted])
    versions = frozenset({job["science_version"], SCIENCE_VERSION})
    now = rules.of_many(found, len(wanted), job["settings_revision"], versions)
    if now.ended:  # remembered, so that asking again costs one read
        job["finished"] = finish(job["id"], result={"sentence": now.sentence, "progress": dict(now.progress)})
    return now


def _set(job_id: str, values: dict[str, Any]) -> None:
    """Set attributes of a job that has not ended; one that has, or is gone, stays as it is."""
    names = {f"#a{number}": name for number, name in enumerate(values)}
    operation = items.operation(
        "Update",
        "jobs",
        key={"id": job_id},
        update="SET " + ", ".join(f"#a{number} = :a{number}" for number in range(len(values))),
        condition="attribute_exists(id) AND attribute_not_exists(finished)",
        values={f"a{number}": value for number, value in enumerate(values.values())},
        names=names,
    )
    try:
        items.write([operation])
    except ConditionFailed:
        pass

"""What people decide about a file: its marks, what it is, what was chosen for it, that it is tried again."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from ..domain.permissions import is_staff, may_change
from ..domain.records import MASTER_TYPE, RAW_TYPE, Record
from ..domain.steps import CHAINS
from ..store import actions, jobs, masters, subjects
from . import schemas
from .files import visible_record
from .jobs import accepted
from .operation import Call, operation
from .parameters import FILE_ID, Path
from .problems import Conflict, NotAllowed, NotFound
from .reductions import frame_of
from .schemas import ACCEPTED

routes = Blueprint(__name__)

LONGEST_REASON = 500

VARIANT = Path(
    "variant",
    pattern="[0-9a-f]{12}",
    says="a choice's name, as choices are listed",
    longest=12,
    help="The choice's name.",
)

REASON = schemas.named(
    "Reason", schemas.record({"reason": schemas.text(LONGEST_REASON, shortest=3, help="Why: others read it.")})
)
OBSTYPE = schemas.named(
    "Obstype", schemas.record({"obstype": schemas.one_of(*actions.OBSTYPES, help="What the frame is.")})
)
CHOICES = schemas.named(
    "Choices",
    schemas.record(
        {
            "results": schemas.array(
                schemas.record(
                    {
                        "variant": schemas.text(12),
                        "stage": schemas.text(20),
                        "parameters": schemas.mapping(),
                        "chosen_by": schemas.text(),
                        "chosen": schemas.MOMENT,
                        "status": schemas.one_of("waiting", "running", "done", "failed"),
                        "sentence": schemas.text(),
                        "files": schemas.array(schemas.integer(), help="Ids of what was made."),
                    }
                )
            )
        }
    ),
)


@routes.route("/files/{identifier}/mark-bad", methods=["POST"], content_types=[])
@operation(
    "Mark a calibration bad",
    path=(FILE_ID,),
    body=REASON,
    answers={202: ACCEPTED},
    refuses=(403, 404, 409),
    tag="actions",
    idempotent=True,
)
def mark_file_bad(call: Call) -> dict[str, Any]:
    """Say that a raw bias, flat, arc or a master is no good: what was made with it is made anew without it."""
    record = _decided(call)
    actions.mark_bad(record["id"], call.viewer.username, call.body["reason"])
    return _rests(call, "mark-bad", record)


@routes.route("/files/{identifier}/unmark", methods=["POST"], content_types=[])
@operation(
    "Take a mark away",
    path=(FILE_ID,),
    answers={202: ACCEPTED},
    refuses=(403, 404),
    tag="actions",
    idempotent=True,
)
def unmark_file(call: Call) -> dict[str, Any]:
    """Take the mark of a bad calibration away: it serves again."""
    record = _decided(call)
    actions.unmark_bad(record["id"], call.viewer.username)
    return _rests(call, "unmark", record)


@routes.route("/files/{identifier}/reclassify", methods=["POST"], content_types=[])
@operation(
    "Say what a frame is",
    path=(FILE_ID,),
    body=OBSTYPE,
    answers={202: ACCEPTED},
    refuses=(403, 404, 409),
    tag="actions",
    idempotent=True,
)
def reclassify_file(call: Call) -> dict[str, Any]:
    """Say what a raw frame is where its header is wrong: it is taken out of what it served, and goes its new way."""
    record = _decided(call)
    actions.reclassify(record["id"], call.body["obstype"], call.viewer.username)
    return _rests(call, "reclassify", record)


@routes.route("/files/{identifier}/retry", methods=["POST"], content_types=[])
@operation(
    "Try again what failed",
    path=(FILE_ID,),
    answers={202: ACCEPTED},
    refuses=(403, 404, 409),
    tag="actions",
    idempotent=True,
)
def retry_file(call: Call) -> dict[str, Any]:
    """Try a frame's failed steps again, or a master's."""
    record = visible_record(call.viewer, call.path["identifier"])
    if record["data_type"] == MASTER_TYPE:
        record = _decided(call)
        subject, facts = record["subject"], {"subject": record["subject"]}
    else:
        _, record = frame_of(call, record["id"])
        subject = subjects.frame_subject(record["id"])
        facts = {"subject": subject, "obstype": record["obstype"] or ""}
    if not actions.retry(subject, call.viewer.username):
        raise Conflict(f"Nothing of {record['file_name']} has failed.")
    if record["data_type"] == RAW_TYPE and not record.get("observation"):
        facts |= {"record": record["id"], "seen": record["last_modified"]}
    return accepted(call, "retry", scope=record["scope"], **facts)


@routes.route("/files/{identifier}/choices", methods=["GET"], content_types=[])
@operation("List a frame's choices", path=(FILE_ID,), answers={200: CHOICES}, refuses=(404, 409), tag="actions")
def list_choices(call: Call) -> dict[str, Any]:
    """What somebody chose for a frame, or for the pool of a calibration, and what came of it; the oldest first."""
    record = visible_record(call.viewer, call.path["identifier"])
    subject, chain = _subject(call, record)
    return {"results": jobs.choices_of(subject, chain)}


@routes.route("/files/{identifier}/choices/{variant}", methods=["DELETE"], content_types=[])
@operation(
    "Take a choice back", path=(FILE_ID, VARIANT), answers={202: ACCEPTED}, refuses=(403, 404, 409), tag="actions"
)
def withdraw_choice(call: Call) -> dict[str, Any]:
    """Take a choice back: the files made for it are retired. Of chosen masters, whoever chose them and staff."""
    record = visible_record(call.viewer, call.path["identifier"])
    subject, chain = _subject(call, record)
    variant, actor = call.path["variant"], call.viewer.username
    found = [choice for choice in jobs.choices_of(subject, chain) if choice["variant"] == variant]
    if not found:
        raise NotFound(f"There is no choice {variant} for {record['file_name']}.")
    if subjects.is_pool(subject):
        if found[0]["chosen_by"] != actor and not is_staff(call.viewer):
            whose = found[0]["chosen_by"]
            raise NotAllowed(f"The master was asked for by {whose}: they, or staff, take it back.")
        masters.withdraw(subject, variant, actor)
        return accepted(call, "withdraw", subject=subject, variant=variant)
    _, raw = frame_of(call, record["id"])
    actions.withdraw(raw["id"], variant, actor)
    return accepted(call, "withdraw", subject=subject, variant=variant, scope=raw["scope"], obstype=raw["obstype"])


def _decided(call: Call) -> Record:
    """The visible file of the path, about which the viewer decides."""
    record = visible_record(call.viewer, call.path["identifier"])
    if not may_change(call.viewer, record):
        raise NotAllowed(f"{record['file_name']} serves everybody: this is decided by staff.")
    return record


def _rests(call: Call, kind: str, record: Record) -> dict[str, Any]:
    """The job of a decision that is done when the subject rests."""
    subject = record.get("subject") or subjects.frame_subject(record["id"])
    return accepted(call, kind, subject=subject, until=jobs.AT_REST, scope=record["scope"])


def _subject(call: Call, record: Record) -> tuple[str, tuple[str, ...]]:
    """The subject people choose for when they look at a file, with its stages: a pool for biases, flats and masters."""
    if record["data_type"] not in (RAW_TYPE, MASTER_TYPE):
        record = visible_record(call.viewer, record["original_file_id"])
    chain = CHAINS.get(record["obstype"] or "", ())
    if record["data_type"] == RAW_TYPE and chain:
        return subjects.frame_subject(record["id"]), chain
    pool = masters.pool_of_record(record)
    return pool, (masters.pool_kind(pool),)

"""What people do to files: the fact, a nudge and the mark *open* in one transaction, then the message (rule 7).

Nothing here runs a block or waits for one. Every action may be repeated: doing it twice leaves what doing it once left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..domain.choices import Choice, choice_from
from ..domain.headers import ARC, BIAS, EXPOSE, FLAT, FOCUS, IMAGING_TECHNIQUE, NO_GRATING, SPECTRUM
from ..domain.matching import pool_night
from ..domain.plan import AUTO, CHAINS, FAILED, REJECTED, StageState
from ..domain.records import MASTER_TYPE, MASTERS_SCOPE, RAW_TYPE, Record, day_of, visible
from ..domain.steps import stage_key, stage_of, variant_of
from ..domain.topology import ASKED
from ..domain.version import SCIENCE_VERSION
from . import clock, items, proposals, publish, queues, subjects
from .items import ConditionFailed, Contended
from .publish import Change
from .subjects import BAD, CHOICE, RETRY, TOMBSTONES

REPEATS = 8

fact_operation = partial(subjects.fact_operation, told=ASKED.name)
"""A person's fact with its nudge: the message that follows goes to ASKED."""

MOST_CHOICES = 30
"""Choices standing for one subject: each is planned and kept up to date whenever the subject is looked at."""

OBSTYPES = (SPECTRUM, ARC, EXPOSE, FLAT, BIAS, FOCUS)
"""What a frame can be said to be."""


class NotThere(LookupError):
    """There is no such file, or it is not published."""


class Refused(Exception):
    """The action does not apply to this file; the sentence says why."""


def delete(record_id: int, actor: str) -> None:
    """Delete a product: at once invisible, its chain stops, its object is purged a day later unless it is restored.

    Raises
    ------
    NotThere
        There is no such file.
    Refused
        It is a raw file: those are never deleted.
    """

    def change(record: Record) -> Record | None:
        if record["data_type"] == RAW_TYPE:
            raise Refused(f"{record['file_name']} is a raw file; raw files are never deleted.")
        if record.get("deleted"):
            return None
        moment = clock.moment()
        return {**record, "deleted": {"by": actor, "at": moment}, "deleted_on": day_of(moment)}

    def fact(record: Record) -> dict:
        return fact_operation(_subject(record), adds={TOMBSTONES: {record["id"]}})

    _decide(record_id, change, fact, actor=actor, outcome="deleted", sentence="Deleted; it can be restored for a day.")


def restore(record_id: int, actor: str) -> None:
    """Take a deletion back.

    Raises
    ------
    NotThere, Refused
        There is no such file; its object has been purged (running the step again makes it anew).
    """

    def change(record: Record) -> Record | None:
        if not record.get("deleted"):
            return None
        if record.get("purged"):
            raise Refused(
                f"{record['file_name']} was purged at {record['purged']}; run its step again to make it anew."
            )
        return {name: value for name, value in record.items() if name not in ("deleted", "deleted_on")}

    def fact(record: Record) -> dict:
        return fact_operation(_subject(record), deletes={TOMBSTONES: {record["id"]}})

    _decide(record_id, change, fact, actor=actor, outcome="restored", sentence="Restored.", hidden=True)


def mark_bad(record_id: int, actor: str, reason: str) -> None:
    """Mark a raw calibration or a master as no good: it serves nobody until the mark is taken away.

    Raises
    ------
    NotThere, Refused
        There is no such file; it is no calibration.
    """
    reason = reason.strip()

    def change(record: Record) -> Record | None:
        _only_calibrations(record)
        if record.get("bad") and record["bad"]["reason"] == reason:
            return None
        return {**record, "bad": {"by": actor, "at": clock.moment(), "reason": reason}}

    def fact(record: Record) -> dict:
        if record["variant"] != AUTO:  # a master of chosen frames: the pool's own is as good as it was
            return fact_operation(_subject(record))
        return fact_operation(_subject(record), sets={BAD: {"by": actor, "at": clock.moment(), "reason": reason}})

    _decide(record_id, change, fact, actor=actor, outcome="bad", sentence=f"Marked bad: {reason}")


def unmark_bad(record_id: int, actor: str) -> None:
    """Take the mark of a bad calibration away.

    Raises
    ------
    NotThere
        There is no such file.
    """

    def change(record: Record) -> Record | None:
        return {name: value for name, value in record.items() if name != "bad"} if record.get("bad") else None

    def fact(record: Record) -> dict:
        return fact_operation(_subject(record), removes=[BAD] if record["variant"] == AUTO else [])

    _decide(
        record_id, change, fact, actor=actor, outcome="good", sentence="The mark of a bad calibration was taken away."
    )


def reclassify(raw_id: int, obstype: str, actor: str) -> None:
    """Say that a frame is something else than its header has it; its header's own type takes that back.

    What it is stands on its record, where the plan reads it: what was made of it as something else is retired, it
    leaves its pool or the search for arcs, and goes the way of its new type.

    Raises
    ------
    NotThere, Refused
        There is no such file; it is no raw frame, or cannot be that.
    """

    def change(record: Record) -> Record | None:
        _only_reclassifiable(record, obstype)
        if record["obstype"] == obstype:
            return None
        declared = (record.get("reclassified") or {}).get("from") or record["obstype"]
        moment = clock.moment()
        changed = {name: value for name, value in record.items() if name != "reclassified"}
        changed |= {"obstype": obstype, "observation": {**record["observation"], "obstype": obstype}}
        changed["last_modified"] = moment
        if obstype != declared:
            changed["reclassified"] = {"from": declared, "by": actor, "at": moment}
        return changed

    def fact(record: Record) -> dict:
        return fact_operation(_subject(record))

    _decide(raw_id, change, fact, actor=actor, outcome="reclassified", sentence=f"Now taken as {obstype}.")


def choose(raw_id: int, choice: Mapping[str, Any], actor: str) -> str:
    """Choose lamp, apertures or masters for a frame; the name of the variant this makes beside the automatic chain.

    ``choice`` is ``{"stage": …, parameters…}`` (:func:`chalicelib.domain.choices.choice_from`).

    Raises
    ------
    NotThere, Refused
        There is no such file; no frame with that stage.
    BadChoice
        The choice itself is wrong.
    """
    chosen = choice_from(choice, actor=actor, time=clock.moment())

    def fact(record: Record) -> dict:
        _only_with_stage(record, chosen)
        must_have_room(_subject(record), chosen)
        return fact_operation(_subject(record), sets={CHOICE + chosen.variant: chosen.to_item()})

    sentence = f"Asked for {chosen.stage.upper()} with a choice of its own (variant {chosen.variant})."
    _decide(raw_id, _unchanged, fact, actor=actor, outcome="asked", sentence=sentence)
    return chosen.variant


def withdraw(raw_id: int, variant: str, actor: str) -> None:
    """Take a choice back: the files of its variant are retired."""

    def fact(record: Record) -> dict:
        return fact_operation(_subject(record), removes=[CHOICE + variant])

    sentence = f"The choice of variant {variant} was taken back."
    _decide(raw_id, _unchanged, fact, actor=actor, outcome="asked", sentence=sentence)


def run_again(raw_id: int, stage: str, actor: str, variant: str = AUTO) -> None:
    """Run a stage again, whatever it made before; what was deleted of it and below it is taken up again."""
    key = stage_key(stage, variant)

    def fact(record: Record) -> dict:
        subject = _subject(record)
        chain = CHAINS.get(record["obstype"], ())
        below = chain[chain.index(stage) :] if stage in chain else (stage,)
        states = {k: StageState.from_item(v) for k, v in (subjects.read(subject).get("stages") or {}).items()}
        found = {
            p.id for k, s in states.items() if stage_of(k) in below and variant_of(k) == variant for p in s.products
        }
        return fact_operation(subject, adds={RETRY + key: 1}, deletes={TOMBSTONES: found} if found else None)

    _undelete_below(raw_id, stage, variant, actor)
    sentence = f"Asked for {stage.upper()} again."
    _decide(raw_id, _unchanged, fact, actor=actor, outcome="asked", sentence=sentence)


def retry(subject: str, actor: str) -> bool:
    """Try a subject's failed stages again; False if none failed.

    An object that INGEST could not take in is sent to it again.
    """
    record = None if subjects.is_pool(subject) else items.get("files", {"id": subjects.raw_id_of(subject)})
    stages = subjects.read(subject).get("stages") or {}
    failed = sorted(key for key, item in stages.items() if item["outcome"] == FAILED)
    if failed:
        fact = fact_operation(subject, adds={RETRY + key: 1 for key in failed})
        ask(subject, record, fact, actor=actor, sentence=f"Asked to try {', '.join(failed)} again.")
        return True
    if record is None or record["status"] != FAILED:
        return False
    queues.send_key(record["key"])
    return True


def reprocess(subject: str, actor: str) -> None:
    """Reduce a subject anew with the settings its proposal has now and the present version of the science."""
    sets: dict[str, Any] = {"science_version": SCIENCE_VERSION}
    record = None
    if not subjects.is_pool(subject):
        record = items.get("files", {"id": subjects.raw_id_of(subject)})
        if record is None or not record.get("observation"):
            return
        revision, settings = proposals.current_settings(record["scope"])
        sets |= {"settings_revision": revision, "settings": vars(settings)}
    sentence = "Asked to be reduced anew with the present settings."
    fact = subjects.fact_operation(subject, sets=sets)
    # bulk work paces itself into the blocks' own queues
    ask(subject, record, fact, actor=actor, sentence=sentence, block=subjects.block_of(subject))


def _decide(
    record_id: int,
    change: Callable[[Record], Record | None],
    fact: Callable[[Record], dict],
    *,
    actor: str,
    outcome: str,
    sentence: str,
    hidden: bool = False,
) -> None:
    """Write a fact, the record as it changes and the event; then send the message that asks for a look."""
    for _ in range(REPEATS):
        record = items.get("files", {"id": record_id})
        if record is None or not (visible(record) or hidden):
            raise NotThere(f"There is no file {record_id}.")
        changed = change(record)
        subject = _subject(record)
        if changed is not None:
            event = _event(record, outcome, sentence, actor)
            changes = [] if changed is record else [Change(record, changed)]
            told = publish.told_operations(changes, subject, f"user{clock.now():.6f}", event)
            try:
                items.write([fact(record), *told])
            except ConditionFailed:  # the record was changed meanwhile: look at it again
                continue
        queues.send(ASKED.name, subject)
        return
    raise Contended(f"file {record_id} was changed by others {REPEATS} times in a row")


def _event(record: Record, outcome: str, sentence: str, actor: str) -> dict[str, Any]:
    """What is told of an action."""
    named = {name: record[name] for name in ("file_name", "scope", "night")}
    return named | {"file_id": record["id"], "block": "user", "outcome": outcome, "sentence": sentence, "actor": actor}


def ask(subject: str, record: Record | None, fact: dict, *, actor: str, sentence: str, block: str = ASKED.name) -> None:
    """Write a fact about a subject and tell of it; ``record`` is a frame's, None for a pool."""
    event = _event(record, "asked", sentence, actor) if record else _pool_event(subject, sentence, actor)
    items.write([fact, *publish.told_operations([], subject, f"user{clock.now():.6f}", event)])
    queues.send(block, subject)


def _pool_event(subject: str, sentence: str, actor: str) -> dict[str, Any]:
    return {
        "file_id": None,
        "file_name": None,
        "scope": MASTERS_SCOPE,
        "night": pool_night(subject),
        "block": "user",
        "outcome": "asked",
        "sentence": sentence,
        "actor": actor,
    }


def _unchanged(record: Record) -> Record:
    return record


def _undelete_below(raw_id: int, stage: str, variant: str, actor: str) -> None:
    """Make visible again what was deleted of a stage's products; purged ones come back when they are made anew."""
    raw = items.get("files", {"id": raw_id})
    if raw is None:
        raise NotThere(f"There is no file {raw_id}.")
    chain = CHAINS.get(raw["obstype"], ())
    if stage not in chain:
        raise Refused(f"{raw['file_name']} is of the type {raw['obstype']}: it has no stage {stage}.")
    subject = _subject(raw)
    for key, item in (subjects.read(subject).get("stages") or {}).items():
        if variant_of(key) == variant and stage_of(key) in chain[chain.index(stage) :]:
            for product in item.get("products", ()):
                record = items.get("files", {"id": product["id"]})
                if record and record.get("deleted") and not record.get("purged"):
                    restore(product["id"], actor)


def _subject(record: Record) -> str:
    """The subject whose plan a record belongs to."""
    return record.get("subject") or subjects.frame_subject(record["original_file_id"])


def _only_calibrations(record: Record) -> None:
    master = record["data_type"] == MASTER_TYPE
    if not master and not (record["data_type"] == RAW_TYPE and record["obstype"] in (BIAS, FLAT, ARC)):
        raise Refused(
            f"{record['file_name']} is no calibration: only raw biases, flats, arcs and masters are marked bad."
        )


def _only_reclassifiable(record: Record, obstype: str) -> None:
    name = record["file_name"]
    if obstype not in OBSTYPES:
        raise Refused(f"A frame cannot be {obstype!r}; it can be {', '.join(OBSTYPES)}.")
    if record["data_type"] != RAW_TYPE:
        raise Refused(f"{name} is a product: say of its raw frame, {record['original_file']}, what it is.")
    if not record.get("observation") or record["status"] == REJECTED:
        raise Refused(f"{name} cannot be read as a frame: {record['status_reason']}")
    if record["technique"] == IMAGING_TECHNIQUE and obstype in (SPECTRUM, ARC):
        grating, angle = record["observation"]["grating"], record["observation"]["camera_angle"]
        why = "without a grating in the beam" if grating == NO_GRATING else f"with the camera at {float(angle or 0):g}°"
        raise Refused(f"By its header {name} is an image taken {why}: it can be no {obstype}.")


def must_have_room(subject: str, chosen: Choice) -> None:
    """Refuse one choice too many; one that stands already is none more."""
    standing = {name for name in subjects.read(subject) if name.startswith(CHOICE)}
    if len(standing | {CHOICE + chosen.variant}) > MOST_CHOICES:
        raise Refused(f"There are {len(standing)} choices already; take back one that is not needed any more.")


def _only_with_stage(record: Record, choice: Choice) -> None:
    if record["data_type"] != RAW_TYPE or choice.stage not in CHAINS.get(record["obstype"] or "", ()):
        raise Refused(f"{record['file_name']} has no stage {choice.stage}: choices are made for raw science frames.")

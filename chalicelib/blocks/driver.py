"""What all blocks have in common: take the lease, plan, run what is due, publish, plan again, let go (design §6)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..domain import matching, naming, plan, records
from ..domain.headers import Observation
from ..domain.nights import night_of_file
from ..domain.plan import FrameFacts, Input, PoolFacts, Settled, StageState, Step
from ..domain.records import Record
from ..domain.topology import DEBOUNCE, Block
from ..store import clients, clock, configurations, identities, items, objects, publish, queues, subjects
from ..store.publish import Change, Publication
from ..store.subjects import Lease, LeaseLost
from . import facts as gather

Facts = FrameFacts | PoolFacts


UNEXPECTED = (
    "The block {block} met something in this file it was not made for; nothing is lost. "
    "Look at the frame, retry it, and tell the observatory's staff if it happens again."
)


@dataclass(frozen=True)
class Product:
    """A file a run has made, before it has an id.

    ``role`` is what it is to the next stage; ``kind`` with ``target`` makes its identity within its subject;
    ``original`` and ``parent`` are (id, name) of its raw frame and of what it was made from.
    """

    role: str
    kind: str
    prefix: str
    name: str
    data: bytes
    data_type: str
    observation: Observation
    parent: tuple[int, str]
    original: tuple[int, str] | None = None
    target: int | None = None
    preview: bytes | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    normalized: bool = False
    scope: str | None = None


Run = Callable[[Step, Facts], Sequence[Product]]


def work(block: Block, subject: str, runs: dict[str, Run]) -> str:
    """Look at ``subject`` on behalf of ``block`` until nothing of this block is due; the outcome in a word.

    ``runs`` holds this block's stages. Errors the frame is to blame for end in its record; all others free the lease
    and are raised, to be tried again.
    """
    lease = subjects.take(subject, block.lease)
    if lease is None:
        return "held"
    try:
        return work_under(lease, block, runs)
    except LeaseLost:
        return "superseded"
    except BaseException:
        subjects.abandon(lease)
        raise


def work_under(lease: Lease, block: Block, runs: dict[str, Run]) -> str:
    """Plan and run under a lease already held, then let go of it."""
    ran = 0
    while True:
        tell_interested(lease)
        record, facts, decision = decide(lease)
        if isinstance(decision, Step) and decision.block == block.name:
            execute(lease, decision, facts, record, runs[decision.stage])
            ran += 1
            subjects.refresh(lease)
            continue
        if isinstance(decision, Step):
            if subjects.release(lease, settled=False):
                queues.send(decision.block, lease.subject)
                return "done" if ran else "handed over"
        elif settle(lease, record, decision):
            return decision.status if decision.status == plan.FAILED else "done" if ran else decision.status
        if subjects.is_pool(lease.subject) and _rest_pool(lease):
            return "again"
        subjects.refresh(lease)


def decide(lease: Lease) -> tuple[Record | None, Facts | None, Step | Settled]:
    """Read everything about the subject and plan. A frame without a record yet rests until INGEST publishes it."""
    if subjects.is_pool(lease.subject):
        pool = gather.pool_facts(lease)
        return None, pool, plan.plan_pool(pool)
    record = gather.raw_record(lease)
    if record is None:
        return None, None, Settled(plan.WAITING, "")
    if record["status"] == plan.REJECTED:
        return record, None, Settled(plan.REJECTED, record["status_reason"])
    frame = gather.frame_facts(lease, record)
    return record, frame, plan.plan_frame(frame)


def execute(lease: Lease, step: Step, facts: Facts | None, record: Record | None, run: Run) -> None:
    """Run a step and publish what it made, or why it could not."""
    from ..science.errors import ScienceError
    from . import telemetry

    assert facts is not None
    try:
        products = run(step, facts)
    except ScienceError as error:
        fail(lease, step, facts, code=error.code, sentence=str(error), retryable=False)
        return
    except (ArithmeticError, LookupError, TypeError, ValueError, AssertionError):
        # numerics that stumble over these inputs stumble again: retrying is for what AWS does, not for this
        telemetry.logger.exception("a step failed", block=step.block, stage=step.stage, subject=lease.subject)
        sentence = UNEXPECTED.format(block=step.block.upper())
        fail(lease, step, facts, code="unexpected", sentence=sentence, retryable=True)
        return
    _publish_products(lease, step, facts, products)


def fail(lease: Lease, step: Step, facts: Facts, *, code: str, sentence: str, retryable: bool) -> None:
    """Publish that a step failed: it counts as there for its run key, and nothing older stands in for it."""
    there = facts.stages.get(step.stage)
    attempts = there.attempts + 1 if there and there.run_key == step.run_key else 1
    state = StageState(step.run_key, plan.FAILED, code=code, sentence=sentence, retryable=retryable, attempts=attempts)
    chain = plan.CHAINS[facts.observation.obstype] if isinstance(facts, FrameFacts) and facts.observation else ()
    stale = chain[chain.index(step.stage) :] if step.stage in chain else (step.stage,)
    gone = [product.id for stage in stale if stage in facts.stages for product in facts.stages[stage].products]
    if retryable and there and isinstance(facts, PoolFacts):
        # a good master of fewer members serves until the retry
        gone, state = [], replace(state, products=there.products)
    key, row = _searchable(step, facts)
    publish.publish(
        lease,
        Publication(
            stage=step.stage,
            state=state,
            forget=[stage for stage in stale if stage != step.stage and stage in facts.stages],
            changes=_retirements(gone),
            configurations=[configurations.delete_operation(key, row, i) for i in gone] if key else (),
            fanout=frozenset({key}) if key and gone else frozenset(),
            event=_event(step, facts, plan.FAILED, sentence),
        ),
    )


def settle(lease: Lease, record: Record | None, settled: Settled) -> bool:
    """Let go of a subject with nothing due, showing its status on the raw's record; False if it was nudged again."""
    others: list[dict] = []
    if record is not None and (record["status"], record["status_reason"]) != (settled.status, settled.reason):
        changed = {
            **record,
            "status": settled.status,
            "status_reason": settled.reason,
            "provisional": settled.status == plan.PROVISIONAL,
            "last_modified": clock.moment(),
        }
        event = _frame_event("plan", record, settled.status, settled.reason)
        others = [
            *publish.record_operations([Change(record, changed)]),
            publish.event_operation(lease.subject, lease.attempt, event),
        ]
    return subjects.release(lease, settled=True, others=others, status=settled.status, reason=settled.reason)


def _rest_pool(lease: Lease) -> bool:
    """A pool nudged meanwhile waits for its next members instead of combining at once for each."""
    subjects.abandon(lease)
    queues.send("combine", lease.subject, delay=DEBOUNCE)
    return True


def tell_interested(lease: Lease) -> None:
    """Nudge everybody who asked for what was published under this subject (rule 5); the release forgets the keys."""
    if not lease.fanout:
        return
    night = _night(lease.subject)
    for key in sorted(lease.fanout):
        for subject in configurations.interested(key, night):
            if subject != lease.subject:
                subjects.nudge(subject)
                queues.send(subjects.block_of(subject), subject)


def _night(subject: str) -> int:
    return matching.pool_night(subject) if subjects.is_pool(subject) else night_of_file(subjects.raw_id_of(subject))


def _publish_products(lease: Lease, step: Step, facts: Facts, products: Sequence[Product]) -> None:
    """Store the objects under the run key, then publish their records in one transaction."""
    made: list[Input] = []
    changes: list[Change] = []
    rows: list[dict] = []
    key, _ = _searchable(step, facts)
    for product in products:
        old, new = _record_of(lease, step, facts, product)
        changes.append(Change(old, new))
        made.append(Input(product.role, new["id"], new["sha256"], new["key"], new["file_name"], product.target))
        if key and product.role == plan.PRODUCT_ROLE[step.stage]:
            members = sum(i.role == "member" for i in step.inputs) or 1
            candidate = matching.Candidate.of(
                product.observation,
                id=new["id"],
                sha256=new["sha256"],
                key=new["key"],
                name=new["file_name"],
                members=product.quality.get("members", members),
            )
            rows.append(configurations.put_operation(key, candidate))
    before = facts.stages.get(step.stage)
    gone = {p.id for p in before.products} - {m.id for m in made} if before else set()
    publish.publish(
        lease,
        Publication(
            stage=step.stage,
            state=StageState(step.run_key, plan.DONE, products=tuple(made), provisional=step.provisional),
            changes=[*changes, *_retirements(sorted(gone))],
            configurations=rows,
            fanout=frozenset({key}) if key else frozenset(),
            subject={"interests": list(_interests(facts))},
            event=_event(step, facts, plan.DONE, f"{len(made)} file(s): " + ", ".join(m.name for m in made)),
        ),
    )


def _record_of(lease: Lease, step: Step, facts: Facts, product: Product) -> tuple[Record | None, Record]:
    """Write a product's object and previews; its record before (None: new) and after."""
    origin = lease.subject if isinstance(facts, PoolFacts) else facts.raw.id
    identity = identities.product_identity(origin, product.kind, product.target, plan.AUTO)
    identifier = identities.identify(identity, product.observation.night)
    sha256 = hashlib.sha256(product.data).hexdigest()
    key = naming.product_key(product.prefix, product.observation.night, identifier, step.run_key, product.name)
    objects.store(key, product.data)
    preview = objects.preview_key(sha256)
    if product.preview is not None:
        objects.store(preview, product.preview, content_type="application/octet-stream")
    details = json.dumps(_finite(product.quality | product.details), sort_keys=True, allow_nan=False).encode()
    objects.store(f"{preview}.json", details, content_type="application/json")
    old = items.get("files", {"id": identifier})
    new = records.product_record(
        product.observation,
        identifier=identifier,
        bucket=clients.bucket(),
        key=key,
        name=product.name,
        sha256=sha256,
        size=len(product.data),
        data_type=product.data_type,
        original=product.original or (identifier, product.name),
        parent=product.parent if product.parent[0] else (identifier, product.name),
        inputs=step.inputs,
        run_key=step.run_key,
        moment=clock.moment(),
        created=old["created"] if old else None,
        provisional=step.provisional,
        quality=product.quality,
        preview=preview,
        settings_revision=lease.item.get("settings_revision", 0),
        target=product.target,
        normalized=product.normalized,
        scope=product.scope,
    )
    return old, new


def _finite(value: Any) -> Any:
    """The same with None for numbers JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _retirements(identifiers: Sequence[int]) -> list[Change]:
    """Records of products that are made no more."""
    found = items.batch_get("files", [{"id": i} for i in identifiers]) if identifiers else []
    return [Change(old, {**old, "retired": True}) for old in found if not old.get("retired")]


def _searchable(step: Step, facts: Facts) -> tuple[str | None, int]:
    """The configuration key under which this step's product serves others, and its night."""
    o = facts.observation
    assert o is not None
    if step.stage == plan.BIAS_STAGE:
        return matching.bias_key(o), o.night
    if step.stage == plan.FLAT_STAGE:
        return matching.flat_key(o), o.night
    if step.stage == plan.REDUCE and o.obstype == "ARC" and (o.lamps or not o.lamps_known):
        return matching.arc_key(o), o.night
    return None, o.night


def _interests(facts: Facts) -> tuple[str, ...]:
    if isinstance(facts, FrameFacts):
        return matching.interests(facts.observation)
    assert facts.observation is not None
    return (matching.bias_key(facts.observation),) if facts.kind == plan.FLAT_STAGE else ()


def _event(step: Step, facts: Facts, outcome: str, sentence: str) -> dict[str, Any]:
    o = facts.observation
    assert o is not None
    raw = facts.raw if isinstance(facts, FrameFacts) else None
    scope = records.scope_of(o.proposal) if raw else records.MASTERS_SCOPE
    return {
        "block": step.block,
        "outcome": outcome,
        "sentence": sentence,
        "file_id": raw.id if raw else None,
        "file_name": raw.name if raw else None,
        "scope": scope,
        "night": o.night,
    }


def _frame_event(block: str, record: Record, outcome: str, sentence: str) -> dict[str, Any]:
    return {
        "block": block,
        "outcome": outcome,
        "sentence": sentence,
        "file_id": record["id"],
        "file_name": record["file_name"],
        "scope": record["scope"],
        "night": record["night"],
    }


def subject_of_file(file_id: int) -> str | None:
    """The frame whose product's event this is, if it still needs a look.

    The event comes a moment after its publisher planned again: where the subject is settled, or in somebody's hands who
    will plan before letting go, there is nothing to do. It counts where the publisher died in between.
    """
    record = items.get("files", {"id": file_id})
    if record is None or record["data_type"] == records.MASTER_TYPE or record["original_file_id"] == file_id:
        return None
    subject = subjects.frame_subject(record["original_file_id"])
    return subject if subjects.is_orphaned(subjects.read(subject)) else None

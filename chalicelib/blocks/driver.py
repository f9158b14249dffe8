"""What all blocks have in common: take the lease, plan, run what is due, publish, plan again, let go (design §6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..domain import matching, plan, records
from ..domain.nights import night_of_file
from ..domain.plan import PoolFacts, Settled, StageState, Step
from ..domain.records import Record
from ..domain.topology import DEBOUNCE, INGEST, Block
from ..store import configurations, items, publish, queues, subjects
from ..store.publish import Publication, Stale
from ..store.subjects import Lease, LeaseLost
from . import facts as gather
from . import standing
from .publishing import Facts, Product, publish_products, retirements, searchable, step_event

UNEXPECTED = (
    "The block {block} met something in this file it was not made for; nothing is lost. "
    "Look at the frame, retry it, and tell the observatory's staff if it happens again."
)

Run = Callable[[Step, Facts], Sequence[Product]]


def work(block: Block, subject: str, runs: dict[str, Run]) -> str:
    """Look at ``subject`` on behalf of ``block`` until nothing of this block is due; the outcome in a word.

    ``runs`` holds the stages this block runs. Errors the frame is to blame for end in its record; others free the lease
    and are raised, to be tried again.
    """
    lease = subjects.wake(subject, block.lease)
    if lease is None:
        return "cared for"
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
    again = False
    while True:
        tell_interested(lease)
        record, facts, decision = decide(lease)
        if isinstance(decision, Step) and decision.stage in runs:
            if again and subjects.is_pool(lease.subject):
                return _rest_pool(lease)
            execute(lease, decision, facts, record, runs[decision.stage])
            ran += 1
        elif isinstance(decision, Step):
            if hand_over(lease, decision):
                return "done" if ran else "handed over"
            again = True
        elif facts is None or not adjusted(lease, facts, decision):
            if settled(lease, record, facts, decision):
                return decision.status if decision.status == plan.FAILED else "done" if ran else decision.status
            again = True
        subjects.refresh(lease)


def hand_over(lease: Lease, step: Step) -> bool:
    """Let go of a subject whose next step is another block's, then tell that block; False to look again."""
    if not subjects.release(lease, settled=False, after=step.block):
        return False
    if step.block == INGEST.name:
        queues.send_key(lease.item[subjects.RAW_KEY])
    else:
        queues.send(step.block, lease.subject)
    return True


def decide(lease: Lease) -> tuple[Record | None, Facts | None, Step | Settled]:
    """Read everything about the subject and plan. A frame without a record yet is INGEST's."""
    if subjects.is_pool(lease.subject):
        pool = gather.pool_facts(lease)
        return None, pool, plan.plan_pool(pool)
    record = gather.raw_record(lease)
    if record is None and subjects.RAW_KEY in lease.item:
        return None, None, Step(INGEST.name, INGEST.name, "", ())
    if record is None:
        return None, None, Settled(plan.WAITING, "")
    if record["status"] == plan.REJECTED or not record.get("observation"):
        return record, None, _unusable(record)
    frame = gather.frame_facts(lease, record)
    return record, frame, plan.plan_frame(frame)


def _unusable(record: Record) -> Settled:
    """How an object that is no usable frame rests: for why it was refused, and superseded if it came again."""
    newest = configurations.newest_of_name(record["key"])
    again = (
        f" Superseded by a later upload of the same name, file {newest}." if newest not in (None, record["id"]) else ""
    )
    return Settled(record["status"], record["why"] + again)


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
    publish_products(lease, step, facts, products)


def fail(lease: Lease, step: Step, facts: Facts, *, code: str, sentence: str, retryable: bool) -> None:
    """Publish that a step failed: it counts as there for its run key, and nothing older stands in for it."""
    there = facts.stages.get(step.key)
    attempts = there.attempts + 1 if there and there.outcome == plan.FAILED else 1
    used = tuple(sorted({i.id for i in step.inputs}))
    state = StageState(
        step.run_key, plan.FAILED, code=code, sentence=sentence, retryable=retryable, attempts=attempts, used=used
    )
    gone = list(there.products) if there else []
    if retryable and isinstance(facts, PoolFacts):
        # a good master of fewer members serves until the retry
        gone, state = [], replace(state, products=there.products if there else ())
    key, night = searchable(step.stage, facts) if step.choice is None else (None, 0)
    publish.publish(
        lease,
        Publication(
            stage=step.key,
            state=state,
            changes=retirements(items.batch_get("files", [{"id": product.id} for product in gone])),
            configurations=[configurations.delete_operation(key, night, p.id) for p in gone] if key else (),
            fanout=frozenset({key}) if key and gone else frozenset(),
            subject={"serves": None} if key and gone else {},
            event=step_event(step, facts, plan.FAILED, sentence),
        ),
    )


def adjusted(lease: Lease, facts: Facts, decision: Settled) -> bool:
    """Bring one thing others see of the subject in line with the facts; True if it is to be looked at again."""
    try:
        return standing.adjust(lease, facts, decision)
    except Stale:  # somebody changed a record meanwhile
        return True


def settled(lease: Lease, record: Record | None, facts: Facts | None, decision: Settled) -> bool:
    """Let go of a subject with nothing due; False if it is to be looked at again."""
    try:
        return standing.settle(lease, record, facts, decision)
    except Stale:
        return False


def _rest_pool(lease: Lease) -> str:
    """A pool nudged while it was looked at waits for its next members instead of combining at once for each.

    Everybody has been told of what it published, unless it was nudged once more: then the next holder tells them again.
    """
    if not subjects.release(lease, settled=False):
        subjects.abandon(lease)
    queues.send("combine", lease.subject, delay=DEBOUNCE)
    return "again"


def tell_interested(lease: Lease) -> None:
    """Nudge everybody who asked for what was published under this subject (rule 5); the release forgets the keys.

    Who is open and held by nobody is planned anyway, later than now, and is left alone: otherwise every arc of a burst
    would tell every spectrum again. Not who is held, were it by a lease that has run out: its holder may still let go
    on what it read before. And not where an earlier attempt died: it may have nudged without sending.
    """
    if not lease.fanout:
        return
    night = _night(lease.subject)
    asked = {key: set(configurations.interested(key, night)) - {lease.subject} for key in sorted(lease.fanout)}
    fresh = {subject for key, found in asked.items() if key not in lease.inherited for subject in found}
    again = {subject for key, found in asked.items() if key in lease.inherited for subject in found}
    for subject in sorted((fresh - subjects.waiting(fresh)) | again):
        queues.tell(subject)


def _night(subject: str) -> int:
    return matching.pool_night(subject) if subjects.is_pool(subject) else night_of_file(subjects.raw_id_of(subject))


def subject_of_file(file_id: int, block: str | None = None) -> str | None:
    """The frame whose product's event this is, if it still needs a look by ``block`` (None: by anybody).

    The event comes a moment after its publisher planned again: where the subject is settled, in somebody's hands who
    will plan before letting go, or handed over to another block, there is nothing to do. It counts where the publisher
    died in between.
    """
    record = items.get("files", {"id": file_id})
    if record is None or record["data_type"] == records.MASTER_TYPE or record["original_file_id"] == file_id:
        return None
    subject = subjects.frame_subject(record["original_file_id"])
    return subject if subjects.is_orphaned(subjects.read(subject), block) else None

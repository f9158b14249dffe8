"""What others see of a subject that has nothing due: brought in line with the facts before its lease is let go.

A calibration that was marked bad, deleted, superseded or given another type is taken out of the search; who chose a
master that somebody had made of chosen frames is told when it changes; stages that would never have been
made with the present facts are retired; what lies below a deleted product is marked; the raw's record says how it
stands. Each is a publication of its own, after which the subject is planned again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ..domain import matching, plan, records
from ..domain.headers import ARC, BIAS, FLAT
from ..domain.nights import night_of_file
from ..domain.observinglog import measured
from ..domain.plaintext import counted
from ..domain.plan import FrameFacts, Input, PoolFacts, Settled
from ..domain.records import Record
from ..domain.steps import EXTRACT, WAVELENGTH
from ..domain.topology import DEBOUNCE
from ..store import clock, configurations, items, publish, queues, subjects
from ..store.publish import Change, Publication
from ..store.subjects import Lease
from .publishing import Facts, candidate_of, record_event, retirements, searchable


def adjust(lease: Lease, facts: Facts, settled: Settled) -> bool:
    """Publish one thing that is out of line; False if nothing is."""
    return (
        _adjust_serving(lease, facts, settled)
        or _adjust_offers(lease, facts, settled)
        or _retire(lease, facts, settled)
        or _mark(lease, facts)
    )


def settle(lease: Lease, record: Record | None, facts: Facts | None, settled: Settled) -> bool:
    """Let go of a subject with nothing due, showing its status on the raw's record; False if it was nudged again."""
    others: list[dict] = []
    if record is not None:
        shown = {
            "status": settled.status,
            "status_reason": settled.reason,
            "failure": dict(settled.failure) if settled.failure else record.get("failure") if facts is None else None,
            "superseded_by": facts.superseded_by if isinstance(facts, FrameFacts) else None,
        }
        if isinstance(facts, FrameFacts):
            shown |= _measured(record, facts)
        if any(record.get(name) != value for name, value in shown.items()):
            provisional = settled.status == plan.PROVISIONAL
            changed = {**record, **shown, "provisional": provisional, "last_modified": clock.moment()}
            event = record_event("plan", record, settled.status, settled.reason or _all_there(facts))
            others = publish.told_operations([Change(record, changed)], lease.subject, lease.attempt, event)
    return subjects.release(lease, settled=True, others=others, status=settled.status, reason=settled.reason)


def _measured(record: Record, facts: FrameFacts) -> dict[str, Any]:
    """The figures of a frame's brightest target, for lists of frames; read again only when other spectra are there."""
    states = [facts.stages[stage] for stage in (EXTRACT, WAVELENGTH) if stage in facts.stages]
    made = {p.id: p.sha256 for state in states for p in state.products if p.id not in facts.user.tombstones}
    of = sha256(" ".join(made[i] for i in sorted(made)).encode()).hexdigest()[:12] if made else None
    if record.get("measured") == of:
        return {}
    found = items.batch_get("files", [{"id": identifier} for identifier in sorted(made)])
    figures = {name: value for name, value in measured(found).items() if value is not None}
    return {"measured": of, "quality": figures}


def _all_there(facts: Facts | None) -> str:
    """What is told of a subject about whose status there is nothing to say: it went as it should."""
    if facts is None:
        return "There is nothing more to do."
    made = {p.id for state in facts.stages.values() for p in state.products} - facts.user.tombstones
    return "Everything that can be made of it is there" + (f": {counted(len(made), 'file')}." if made else ".")


def _adjust_serving(lease: Lease, facts: Facts, settled: Settled) -> bool:
    """Put the calibration into the search, or take it out, as it should be; tell those who asked."""
    wanted = plan.serving(facts, settled.obsolete)
    present: dict[str, Any] | None = lease.item.get("serves")
    key, night = _place(facts) if wanted is not None else ("", 0)
    if (wanted.sha256 if wanted else None, key) == ((present["sha256"], present["key"]) if present else (None, "")):
        return False
    rows, serves = [], None
    keys = {present["key"]} if present is not None else set()
    if wanted is not None:
        keys.add(key)
        serves = {"sha256": wanted.sha256, "id": wanted.id, "key": key, "night": night}
        rows.append(_row(facts, key, wanted))
    if present is not None and _is_deleted_arc(facts, present["id"]):
        assert isinstance(facts, FrameFacts)
        # a deleted arc stays known, so that what was calibrated with it can say so
        rows.append(_row(facts, present["key"], _product(facts, present["id"]), withdrawn=True))
    elif present is not None and (serves is None or serves["key"] != present["key"]):
        rows.append(configurations.delete_operation(present["key"], present["night"], present["id"]))
    sentence = "Serves as a calibration." if serves else "Serves no more as a calibration."
    pools = {key for key in keys if subjects.is_pool(key)}
    publish.publish(
        lease,
        Publication(
            configurations=rows,
            subject={"serves": serves},
            fanout=frozenset(keys - pools),
            also=[subjects.nudge_operation(pool, mark=True) for pool in sorted(pools)],
            event=_event(lease, facts, plan.DONE, sentence),
        ),
    )
    for pool in sorted(pools):
        queues.send("combine", pool, delay=DEBOUNCE)
    return True


def _is_deleted_arc(facts: Facts, identifier: int) -> bool:
    """Whether what served was an arc that somebody deleted (and that is still called an arc)."""
    if not isinstance(facts, FrameFacts) or facts.observation.obstype != ARC:
        return False
    return identifier in facts.user.tombstones


def _adjust_offers(lease: Lease, facts: Facts, settled: Settled) -> bool:
    """Tell who may have chosen a master made of chosen frames that it is there, is another now, or serves no more."""
    if not isinstance(facts, PoolFacts):
        return False
    stages = {key: s for key, s in facts.stages.items() if plan.variant_of(key) != plan.AUTO}
    made = {p.id: p for key, s in stages.items() if key not in settled.obsolete for p in s.products}
    found = items.batch_get("files", [{"id": i} for i in sorted(made)])
    offers = {str(r["id"]): made[r["id"]].sha256 for r in found if records.visible(r) and not r.get("bad")}
    if offers == (lease.item.get("offers") or {}):
        return False
    publish.publish(
        lease,
        Publication(
            subject={"offers": offers},
            fanout=frozenset({matching.served_key(lease.subject)}),
            event=_event(lease, facts, plan.DONE, f"{counted(len(offers), 'master')} of chosen frames can be chosen."),
        ),
    )
    return True


def _place(facts: Facts) -> tuple[str, int]:
    """Where others look for what this subject offers."""
    o = facts.observation
    assert o is not None
    if isinstance(facts, FrameFacts) and o.obstype in (BIAS, FLAT):
        pool = matching.pool_of(o)
        assert pool is not None
        return pool, o.night
    key, night = searchable(facts.kind if isinstance(facts, PoolFacts) else plan.REDUCE, facts)
    assert key is not None
    return key, night


def _row(facts: Facts, key: str, served: Input, *, withdrawn: bool = False) -> dict:
    o = facts.observation
    assert o is not None
    record = items.get("files", {"id": served.id}) if isinstance(facts, PoolFacts) else None
    candidate = candidate_of(o, served, record, withdrawn=withdrawn)
    return configurations.put_operation(key, candidate)


def _product(facts: FrameFacts, identifier: int) -> Input:
    made = (p for state in facts.stages.values() for p in state.products if p.id == identifier)
    return next(made)


def _retire(lease: Lease, facts: Facts, settled: Settled) -> bool:
    """Retire the last obsolete stage: stage by stage, so that no publication outgrows a transaction."""
    present = [key for key in settled.obsolete if key in facts.stages]
    if not present:
        return False
    order = list(plan.PRODUCT_ROLE)
    key = max(present, key=lambda k: (order.index(k.split("@")[0]), k))
    found = items.batch_get("files", [{"id": p.id} for p in facts.stages[key].products])
    why = f": {settled.reason}" if settled.reason else ", which nothing asks for any more."
    sentence = f"Retired {counted(len(found), 'file')} of {key.split('@')[0].upper()}{why}"
    publication = Publication(
        forget=[key], changes=retirements(found), event=_event(lease, facts, settled.status, sentence)
    )
    publish.publish(lease, publication)
    return True


def _mark(lease: Lease, facts: Facts) -> bool:
    """Mark what lies below a deleted product, and take the mark away when it is restored."""
    tombstones = facts.user.tombstones
    if not tombstones and not lease.item.get("marked"):
        return False
    made = [product.id for state in facts.stages.values() for product in state.products]
    found = items.batch_get("files", [{"id": i} for i in made])
    below = _below(tombstones, found)
    changes = [
        Change(record, {**record, "ancestor_deleted": record["id"] in below})
        for record in found
        if records.visible(record) and (record["id"] in below) != bool(record.get("ancestor_deleted"))
    ]
    if not changes and bool(lease.item.get("marked")) == bool(tombstones):
        return False
    count = sum(records.visible(record) and record["id"] in below for record in found)
    told = f"{counted(count, 'file')} {'lies' if count == 1 else 'lie'} below a deleted one."
    sentence = told if count else "Nothing lies below a deleted file."
    publication = Publication(
        changes=changes, subject={"marked": bool(tombstones)}, event=_event(lease, facts, plan.DONE, sentence)
    )
    publish.publish(lease, publication)
    return True


def _below(gone: frozenset[int], found: list[Record]) -> set[int]:
    """Ids of the records that were made from deleted ones, at whatever remove."""
    below: set[int] = set()
    while True:
        more = {r["id"] for r in found if r["parent_file_id"] in gone | below and r["parent_file_id"] != r["id"]}
        if more <= below:
            return below
        below |= more


def _event(lease: Lease, facts: Facts, outcome: str, sentence: str) -> dict[str, Any]:
    raw = facts.raw if isinstance(facts, FrameFacts) else None
    pool = subjects.is_pool(lease.subject)
    night = matching.pool_night(lease.subject) if pool else night_of_file(subjects.raw_id_of(lease.subject))
    scope = records.scope_of(facts.observation.proposal) if raw and facts.observation else records.MASTERS_SCOPE
    return {
        "block": "plan",
        "outcome": outcome,
        "sentence": sentence,
        "file_id": raw.id if raw else None,
        "file_name": raw.name if raw else None,
        "scope": scope,
        "night": night,
    }

"""Publishing what a run made: objects first, then their records in one transaction (design §6, rule 4)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..domain import matching, naming, plan, records
from ..domain.headers import ARC, Observation
from ..domain.plaintext import counted
from ..domain.plan import FrameFacts, Input, PoolFacts, StageState, Step
from ..domain.records import Record
from ..store import clients, clock, configurations, identities, items, objects, publish
from ..store.publish import Change, Publication, Stale
from ..store.subjects import Lease

Facts = FrameFacts | PoolFacts

REPEATS = 5
"""How often a publication is built anew when somebody changed one of its records meanwhile."""


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


def publish_products(lease: Lease, step: Step, facts: Facts, products: Sequence[Product]) -> None:
    """Store the objects under the run key, then publish their records in one transaction.

    Raises
    ------
    Stale
        Records of these products were changed by others again and again; the subject stays open.
    """
    stored = [_store(lease, step, facts, product) for product in products]
    for repeat in range(REPEATS):
        try:
            publish.publish(lease, _publication(lease, step, facts, products, stored))
            return
        except Stale:
            if repeat == REPEATS - 1:
                raise


def _publication(
    lease: Lease, step: Step, facts: Facts, products: Sequence[Product], stored: Sequence[Stored]
) -> Publication:
    before = facts.stages.get(step.key)
    ids = [s.identifier for s in stored]
    earlier = [p for p in before.products if p.id not in ids] if before else []
    found = items.batch_get("files", [{"id": i} for i in [*ids, *(p.id for p in earlier)]])
    there = {record["id"]: record for record in found}
    made: list[Input] = []
    changes: list[Change] = []
    rows: list[dict] = []
    serves: dict[str, Any] | None = None
    key, night = searchable(step.stage, facts) if step.choice is None else (None, 0)
    for product, place in zip(products, stored):
        new = _record_of(lease, step, facts, product, place, there.get(place.identifier))
        changes.append(Change(there.get(place.identifier), new))
        made.append(Input(product.role, new["id"], new["sha256"], new["key"], new["file_name"], product.target))
        if key and product.role == plan.PRODUCT_ROLE[step.stage] and not facts.user.bad:
            candidate = candidate_of(product.observation, made[-1], new)
            rows.append(configurations.put_operation(key, candidate))
            serves = {"sha256": new["sha256"], "id": new["id"], "key": key, "night": night}
    # what exists below a deleted file stays, though nothing of it is made any more
    kept = [p for p in earlier if there.get(p.id, {}).get("parent_file_id") in facts.user.tombstones]
    retired = [there[p.id] for p in earlier if p not in kept and p.id in there]
    used = tuple(sorted({i.id for i in step.inputs}))
    state = StageState(
        step.run_key,
        plan.DONE,
        products=(*made, *(replace(p, role=KEPT) for p in kept)),
        provisional=step.provisional,
        used=used,
    )
    return Publication(
        stage=step.key,
        state=state,
        changes=[*changes, *retirements(retired)],
        configurations=rows,
        fanout=frozenset({key}) if key else frozenset(),
        subject={"interests": list(interests(facts)), **({"serves": serves} if serves else {})},
        event=step_event(step, facts, plan.DONE, f"{counted(len(made), 'file')}: {', '.join(m.name for m in made)}"),
    )


KEPT = "kept"
"""Role of a product whose parent was deleted: it stays, and is nobody's input."""


@dataclass(frozen=True)
class Stored:
    """Where a product's object lies, under which id it will be published."""

    identifier: int
    key: str
    sha256: str
    size: int
    preview: str


def _store(lease: Lease, step: Step, facts: Facts, product: Product) -> Stored:
    """Write a product's object, preview and details."""
    origin = lease.subject if isinstance(facts, PoolFacts) else facts.raw.id
    identity = identities.product_identity(origin, product.kind, product.target, step.variant)
    identifier = identities.identify(identity, product.observation.night)
    sha256 = hashlib.sha256(product.data).hexdigest()
    key = naming.product_key(product.prefix, product.observation.night, identifier, step.run_key, product.name)
    objects.store(key, product.data)
    preview = objects.preview_key(sha256)
    if product.preview is not None:
        objects.store(preview, product.preview, content_type="application/octet-stream")
    details = json.dumps(_finite(product.quality | product.details), sort_keys=True, allow_nan=False).encode()
    objects.store(f"{preview}.json", details, content_type="application/json")
    return Stored(identifier, key, sha256, len(product.data), preview)


def _record_of(lease: Lease, step: Step, facts: Facts, product: Product, stored: Stored, old: Record | None) -> Record:
    """A product's record; what people decided about an earlier run of it holds for this one."""
    new = records.product_record(
        product.observation,
        identifier=stored.identifier,
        bucket=clients.bucket(),
        key=stored.key,
        name=product.name,
        sha256=stored.sha256,
        size=stored.size,
        data_type=product.data_type,
        original=product.original or (stored.identifier, product.name),
        parent=product.parent if product.parent[0] else (stored.identifier, product.name),
        inputs=step.inputs,
        run_key=step.run_key,
        moment=clock.moment(),
        created=old["created"] if old else None,
        provisional=step.provisional,
        quality=product.quality,
        preview=stored.preview,
        settings_revision=lease.item.get("settings_revision", 0),
        target=product.target,
        normalized=product.normalized,
        scope=product.scope,
        variant=step.variant,
        subject=lease.subject,
        science_version=facts.science_version,
    )
    if old is None:
        return new
    taken_up = old.get("purged") and old["id"] not in facts.user.tombstones  # somebody asked for it again
    kept = {name: old[name] for name in ("deleted", "bad") if old.get(name) and not (name == "deleted" and taken_up)}
    if "deleted" in kept:  # it is made for those below it, and goes again with the next purge
        kept["deleted_on"] = old.get("deleted_on") or records.day_of(clock.moment())
    return new | kept


def _finite(value: Any) -> Any:
    """The same with None for numbers JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def retirements(found: Sequence[Record]) -> list[Change]:
    """The changes by which records of products that are made no more are retired."""
    return [Change(old, {**old, "retired": True}) for old in found if not old.get("retired")]


def candidate_of(
    o: Observation, made: Input, record: Record | None = None, *, withdrawn: bool = False
) -> matching.Candidate:
    """What others find of a calibration that serves; ``record`` tells what a master was made of."""
    quality = record["quality"] if record else {}
    members = sum(source["role"] == "member" for source in record["inputs"]) if record else 0
    return matching.Candidate.of(
        o,
        id=made.id,
        sha256=made.sha256,
        key=made.key,
        name=made.name,
        version=made.version,
        members=quality.get("members") or members or 1,
        saturated=quality.get("saturated_percent") or 0.0,
        withdrawn=withdrawn,
    )


def searchable(stage: str, facts: Facts) -> tuple[str | None, int]:
    """The configuration key under which a stage's product serves others, and its night."""
    o = facts.observation
    assert o is not None
    if stage == plan.BIAS_STAGE:
        return matching.bias_key(o), o.night
    if stage == plan.FLAT_STAGE:
        return matching.flat_key(o), o.night
    if stage == plan.REDUCE and o.obstype == ARC and (o.lamps or not o.lamps_known):
        return matching.arc_key(o), o.night
    return None, o.night


def interests(facts: Facts) -> tuple[str, ...]:
    """The keys a subject has asked to be told of."""
    if isinstance(facts, FrameFacts):
        return (*matching.interests(facts.observation), matching.name_key(facts.raw.key))
    assert facts.observation is not None
    return (matching.bias_key(facts.observation),) if facts.kind == plan.FLAT_STAGE else ()


def step_event(step: Step, facts: Facts, outcome: str, sentence: str) -> dict[str, Any]:
    """What is told of a step's end."""
    return subject_event(step.block, facts, outcome, sentence)


def subject_event(block: str, facts: Facts, outcome: str, sentence: str) -> dict[str, Any]:
    """What is told of a frame or pool."""
    o = facts.observation
    assert o is not None
    raw = facts.raw if isinstance(facts, FrameFacts) else None
    return {
        "block": block,
        "outcome": outcome,
        "sentence": sentence,
        "file_id": raw.id if raw else None,
        "file_name": raw.name if raw else None,
        "scope": records.scope_of(o.proposal) if raw else records.MASTERS_SCOPE,
        "night": o.night,
    }


def record_event(block: str, record: Record, outcome: str, sentence: str, **more: Any) -> dict[str, Any]:
    """What is told of a record."""
    return {
        "block": block,
        "outcome": outcome,
        "sentence": sentence,
        "file_id": record["id"],
        "file_name": record["file_name"],
        "scope": record["scope"],
        "night": record["night"],
        **more,
    }

"""Publishing: records, listing, ledger, configurations, the subject's state and the event, all or nothing.

Rule 4 of design §6. Every change of what users see goes through :func:`record_operations`, so lists and counts cannot
drift from records.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..domain import facets
from ..domain.plan import StageState
from ..domain.records import Record, visible
from . import clock, codes, items
from .changes import EVERY
from .items import ConditionFailed
from .subjects import Lease, LeaseLost

COUNT = "c#"
"""What ledger attributes that count a facet combination begin with."""

COMMENTS = "comments"
"""How many comments a record has: written by :mod:`.comments`, and kept whatever a run publishes."""


class Stale(Exception):
    """A record was changed by somebody else since it was read; nothing was written: read again and repeat."""


@dataclass(frozen=True)
class Change:
    """A record as it was read (None: new) and as it will be. A record is retired by ``retired: True``."""

    old: Record | None
    new: Record


@dataclass(frozen=True)
class Publication:
    """What one run publishes.

    Attributes
    ----------
    stage, state
        The subject's stage and its new state; no stage for INGEST's own publication.
    forget
        Stages whose state is dropped: their products are retired with this publication.
    changes
        Records that appear, change or are retired.
    configurations
        Operations on the ``configurations`` table.
    fanout
        Configuration keys whose interested must be told.
    subject
        Further attributes set on the subject.
    event
        What is told about it.
    also
        Further operations (a pool's nudge).
    """

    event: dict[str, Any]
    stage: str | None = None
    state: StageState | None = None
    forget: Sequence[str] = ()
    changes: Sequence[Change] = ()
    configurations: Sequence[dict] = ()
    fanout: frozenset[str] = frozenset()
    subject: dict[str, Any] = field(default_factory=dict)
    also: Sequence[dict] = ()


def publish(lease: Lease, publication: Publication) -> None:
    """Publish as one transaction, conditional on the lease being ours.

    Raises
    ------
    LeaseLost
        Another attempt holds the subject; nothing was written.
    Stale
        A record changed since it was read; nothing was written.
    """
    operations = [
        _subject_operation(lease, publication),
        *told_operations(publication.changes, lease.subject, lease.attempt, publication.event),
        *publication.configurations,
        *publication.also,
    ]
    try:
        items.write(operations)
    except ConditionFailed as refused:
        if refused.old[0] is None:
            raise Stale from refused
        raise LeaseLost(lease.subject) from refused


def _subject_operation(lease: Lease, publication: Publication) -> dict:
    values: dict[str, Any] = {"attempt": lease.attempt, "published": clock.now()}
    names: dict[str, str] = {}
    sets = ["published = :published"]
    if publication.stage is not None and publication.state is not None:
        sets.append("stages.#stage = :state")
        names["#stage"] = publication.stage
        values["state"] = publication.state.to_item()
    for number, (name, value) in enumerate(publication.subject.items()):
        sets.append(f"#s{number} = :s{number}")
        names[f"#s{number}"] = name
        values[f"s{number}"] = value
    update = "SET " + ", ".join(sets)
    if publication.forget:
        dropped = {f"#f{number}": stage for number, stage in enumerate(publication.forget)}
        update += " REMOVE " + ", ".join(f"stages.{name}" for name in dropped)
        names |= dropped
    if publication.fanout:
        update += " ADD fanout :fanout"
        values["fanout"] = set(publication.fanout)
    return items.operation(
        "Update",
        "subjects",
        key={"subject": lease.subject},
        update=update,
        condition="attempt = :attempt AND attribute_exists(lease_until)",
        values=values,
        names=names or None,
    )


def told_operations(changes: Iterable[Change], subject: str, attempt: int | str, event: dict[str, Any]) -> list[dict]:
    """The writes of some changes of records with the event that tells of them."""
    now = clock.now()
    return [*record_operations(changes, event, now), event_operation(subject, attempt, event, now)]


def record_operations(
    changes: Iterable[Change], event: dict[str, Any] | None = None, now: float | None = None
) -> list[dict]:
    """The writes of some changes of records: the records, their listing rows, and the summed ledger deltas.

    A record is written on condition that nobody changed it since it was read, so counts cannot drift. The ledger item
    of the event's scope and night is touched even where no count changes: its ``v`` and ``changed`` tell viewers.
    """
    operations: list[dict] = []
    deltas: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    now = clock.now() if now is None else now
    if event is not None:
        deltas[event["scope"], event["night"]]["n"] += 0
    for change in changes:
        operations.append(_record_operation(change))
        before, after = _place(change.old), _place(change.new)
        if before != after:
            operations += _listing_operations(change, before, after)
        for place, sign in ((before, -1), (after, 1)):
            if place is not None:
                scope, night, code = place
                deltas[scope, night]["n"] += sign
                deltas[scope, night][COUNT + code] += sign
    operations += [_ledger_operation(scope, night, delta, now) for (scope, night), delta in sorted(deltas.items())]
    return operations


def _record_operation(change: Change) -> dict:
    if change.old is None:
        condition, values = "attribute_not_exists(id)", {}
    elif "rev" in change.old:
        condition, values = "rev = :rev", {"rev": change.old["rev"]}
    else:
        condition, values = "attribute_not_exists(rev)", {}
    old = change.old or {}
    kept = {COMMENTS: old[COMMENTS]} if COMMENTS in old else {}
    item = {**change.new, **kept, "rev": old.get("rev", 0) + 1}
    return items.operation("Put", "files", item=item, condition=condition, values=values)


def _place(record: Record | None) -> tuple[str, int, str] | None:
    """Where a record is counted: scope, night and combination; None if it is not visible."""
    if record is None or not visible(record):
        return None
    return record["scope"], record["night"], codes.encode(facets.of(record))


def _listing_operations(
    change: Change, before: tuple[str, int, str] | None, after: tuple[str, int, str] | None
) -> list[dict]:
    key = {"id": change.new["id"]}
    if after is not None:
        scope, night, code = after
        return [items.operation("Put", "listing", item={**key, "night": night, "p": scope, "c": code})]
    return [items.operation("Delete", "listing", key={**key, "night": before[1]})] if before else []


def _ledger_operation(scope: str, night: int, delta: dict[str, int], now: float) -> dict:
    """Counts change by ``delta``; ``v`` grows with every publication, so viewers know that something changed."""
    changed = {"v": 1} | {name: by for name, by in sorted(delta.items()) if by}
    names = {f"#a{i}": name for i, name in enumerate(changed)}
    return items.operation(
        "Update",
        "ledger",
        key={"proposal": scope, "night": night},
        update="SET #every = :every, #changed = :changed ADD " + ", ".join(f"#a{i} :a{i}" for i in range(len(changed))),
        values={f"a{i}": by for i, by in enumerate(changed.values())} | {"every": EVERY, "changed": int(now * 1000)},
        names=names | {"#every": "every", "#changed": "changed"},
    )


def event_operation(subject: str, attempt: int | str, event: dict[str, Any], now: float) -> dict:
    """An event in time order within its scope and night, under a key no other event has."""
    moment = f"{int(now * 1000):013d}#{subject}#{attempt}#{event['block']}#{uuid.uuid4().hex[:8]}"
    item = {
        "scope_night": f"{event['scope']}#{event['night']}",
        "moment": moment,
        "time": clock.moment(),
        "actor": event.get("actor", "pipeline"),
        "subject": subject,
        **{key: event[key] for key in ("block", "outcome", "sentence", "file_id", "file_name", "scope", "night")},
    }
    return items.operation("Put", "events", item=item)

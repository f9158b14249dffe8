"""Subjects: nudges, the one lease, and its release (design §6, rules 2 and 3)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import clock, items
from .items import ConditionFailed, Item

OPEN = "1"

FREE = "attribute_not_exists(lease_until) OR lease_until < :now"
"""Condition: nobody holds the subject, or whoever did has run out of time."""

BATCH = 100
"""Subjects in one request: as many as DynamoDB answers at once."""

# What people decided about a subject, as attributes of its item. They are written by actions only, never by a run.
TOMBSTONES = "tombstones"
"""Set of the ids of deleted products."""
BAD = "bad"
"""Who marked the calibration as no good, when and why."""
CHOICE = "choice:"
"""Followed by a variant: an explicit choice."""
RAW_KEY = "raw_key"
"""The object INGEST was looking at: whoever finds the frame without a record sends INGEST there again."""
NEXT = "next"
"""The block the subject was handed over to; gone once anybody takes it."""
SINCE = "since"
"""When it was last nudged or handed over: a message about it was sent then, and may be waiting."""
RETRY = "retry:"
"""Followed by a stage's key: how many times somebody asked for it again."""


def frame_subject(raw_id: int) -> str:
    """The subject of a raw frame."""
    return f"frame#{raw_id}"


def raw_id_of(subject: str) -> int:
    """The raw id of a frame's subject."""
    return int(subject.removeprefix("frame#"))


def is_pool(subject: str) -> bool:
    """Whether a subject is a pool (its block is COMBINE) rather than a frame."""
    return subject.startswith("pool#")


def block_of(subject: str) -> str:
    """The block a subject is sent to when nothing more is known."""
    return "combine" if is_pool(subject) else "reduce"


@dataclass
class Lease:
    """A held subject. ``seen`` is the number of nudges known *before* anything was read.

    ``inherited`` are the keys an earlier attempt published under and may not have told everybody of.
    """

    subject: str
    attempt: int
    seen: int
    item: Item
    inherited: frozenset[str] = frozenset()

    @property
    def fanout(self) -> set[str]:
        """Configuration keys whose interested have not been told yet."""
        return set(self.item.get("fanout") or ())


class LeaseLost(Exception):
    """Someone else holds the subject now; whatever this run did is superseded and nothing is lost."""


def nudge_operation(subject: str, *, mark: bool = False) -> dict:
    """The write that makes a nudge durable: to be part of another transaction, or alone."""
    return fact_operation(subject, sets={"mark": clock.now()} if mark else {})


def fact_operation(
    subject: str,
    *,
    sets: Mapping[str, Any] | None = None,
    adds: Mapping[str, Any] | None = None,
    deletes: Mapping[str, Any] | None = None,
    removes: Sequence[str] = (),
    told: str | None = None,
) -> dict:
    """Write facts on a subject and nudge it, in one update (rule 7).

    ``sets``, ``adds`` and ``deletes`` map attributes to values, ``removes`` names attributes. ``told`` is the block
    sent to afterwards, where it is not the subject's own.
    """
    sets = {**(sets or {}), **({NEXT: told} if told else {})}
    names: dict[str, str] = {"#open": "open", "#nudges": "nudges", "#since": SINCE}
    values: Item = {"open": OPEN, "one": 1, "since": clock.now()}
    clauses: dict[str, list[str]] = {"SET": ["#open = :open", "#since = :since"], "ADD": ["#nudges :one"]}
    clauses |= {"DELETE": [], "REMOVE": []}
    number = 0
    for clause, changes, joint in (("SET", sets, " = "), ("ADD", adds, " "), ("DELETE", deletes, " ")):
        for name, value in (changes or {}).items():
            names[f"#u{number}"], values[f"u{number}"] = name, value
            clauses[clause].append(f"#u{number}{joint}:u{number}")
            number += 1
    for name in removes:
        names[f"#u{number}"] = name
        clauses["REMOVE"].append(f"#u{number}")
        number += 1
    update = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)
    return items.operation("Update", "subjects", key={"subject": subject}, update=update, values=values, names=names)


def nudge(subject: str, raw_key: str | None = None) -> None:
    """Make durable that ``subject`` wants a look; of a frame without a record yet, which object it will be."""
    items.write([fact_operation(subject, sets={RAW_KEY: raw_key} if raw_key else {})])


def take(subject: str, seconds: float, raw_key: str | None = None) -> Lease | None:
    """Nudge, then try the lease; None if another holds it (who will see the nudge before letting go).

    Taking a pool's lease clears its mark: whoever is added afterwards sets it again.
    """
    nudge(subject, raw_key)
    return _lease(subject, seconds, FREE)


def wake(subject: str, seconds: float) -> Lease | None:
    """Try the lease of a subject that was nudged before it was sent; None if it is another's, or if it is closed.

    The nudge is durable, so whoever holds the subject sees it before letting go, and where the subject is closed it
    has been seen: such a message has nothing to say any more, and costs the one refused write.
    """
    return _lease(subject, seconds, f"attribute_exists(#open) AND ({FREE})", {"#open": "open"})


def _lease(subject: str, seconds: float, condition: str, names: Mapping[str, str] | None = None) -> Lease | None:
    """Take the lease on a condition; None if it does not hold. A pool's mark is cleared by the same update."""
    token = uuid.uuid4().hex
    now = clock.now()
    operation = items.operation(
        "Update",
        "subjects",
        key={"subject": subject},
        update="SET lease_until = :until, lease_token = :token, stages = if_not_exists(stages, :none)"
        " ADD attempt :one REMOVE #mark, #next",
        condition=condition,
        values={"until": now + seconds, "token": token, "one": 1, "now": now, "none": {}},
        names={"#mark": "mark", "#next": NEXT, **(names or {})},
    )
    try:
        item = items.write([operation])
    except ConditionFailed as refused:
        held = refused.old[0] or {}
        if held.get("lease_token") != token:
            return None
        item = held  # ours: the answer to the first try was lost
    return Lease(subject, item["attempt"], item["nudges"], item, frozenset(item.get("fanout") or ()))


def read(subject: str) -> Item:
    """The subject as it is now, read consistently."""
    return items.get("subjects", {"subject": subject}) or {}


def read_all(wanted: Sequence[str]) -> Iterator[Item]:
    """Many subjects as they are now, in their order, a hundred a time."""
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        rows = items.batch_get("subjects", [{"subject": subject} for subject in part])
        found = {row["subject"]: row for row in rows}
        yield from (found[subject] for subject in part if subject in found)


def waiting(wanted: Iterable[str]) -> set[str]:
    """Those of some subjects that are open and held by nobody: whoever takes them reads everything from now on."""
    return {row["subject"] for row in read_all(sorted(wanted)) if "open" in row and "lease_until" not in row}


def is_orphaned(item: Item, block: str | None = None) -> bool:
    """Whether a subject is open and nobody holds it; for a ``block``, nor was it handed over to another."""
    return (
        "open" in item
        and item.get("lease_until", 0) < clock.now()
        and (block is None or item.get(NEXT) in (None, block))
    )


def refresh(lease: Lease) -> None:
    """Take the present number of nudges as seen and read the subject again; to be followed by reading all facts."""
    item = read(lease.subject)
    if item.get("attempt") != lease.attempt or "lease_until" not in item:
        raise LeaseLost(lease.subject)
    lease.seen, lease.item = item["nudges"], item


def release_operation(
    lease: Lease, *, settled: bool, after: str | None = None, status: str | None = None, reason: str | None = None
) -> dict:
    """Let go of the subject, on condition that nobody nudged since ``seen``.

    ``settled`` says that the plan found nothing due: only then the subject is closed. Otherwise it stays open, for the
    block ``after`` if it is handed over.
    """
    remove = ["lease_until", "lease_token", "fanout"] + (["#open"] if settled else [])
    sets: Item = {NEXT: after, SINCE: clock.now()} if after else {}
    if status is not None:
        sets |= {"status": status, "status_reason": reason or ""}
    update = f"REMOVE {', '.join(remove)}"
    if sets:
        update += f" SET {', '.join(f'#{name} = :{name}' for name in sets)}"
    values = {"attempt": lease.attempt, "seen": lease.seen, **sets}
    names = {f"#{name}": name for name in sets} | ({"#open": "open"} if settled else {})
    return items.operation(
        "Update",
        "subjects",
        key={"subject": lease.subject},
        update=update,
        condition="attempt = :attempt AND nudges = :seen AND attribute_exists(lease_until)",
        values=values,
        names=names or None,
    )


def release(lease: Lease, *, settled: bool, others: list[dict] | None = None, **status: Any) -> bool:
    """Release, with ``others`` in the same transaction; False if another look is needed.

    That is when the subject was nudged, or a record among ``others`` was changed, since they were read.

    Raises
    ------
    LeaseLost
        The lease is not ours any more.
    """
    try:
        items.write([release_operation(lease, settled=settled, **status), *(others or ())])
    except ConditionFailed as refused:
        held = refused.old[0]
        if held is None:  # a condition of the others: a record was changed meanwhile
            return False
        if held.get("attempt") != lease.attempt:
            raise LeaseLost(lease.subject) from refused
        # ours and let go already: the answer to the first try was lost
        return "lease_until" not in held
    return True


def abandon(lease: Lease) -> None:
    """Free the lease before an error is raised; the subject stays open."""
    operation = items.operation(
        "Update",
        "subjects",
        key={"subject": lease.subject},
        update="REMOVE lease_until, lease_token",
        condition="attempt = :attempt",
        values={"attempt": lease.attempt},
    )
    try:
        items.write([operation])
    except ConditionFailed:
        pass


def open_subjects() -> Iterator[str]:
    """Subjects that are nudged and not planned, leased, marked, or have interested to tell.

    The index is eventually consistent: the sweeper looks again a minute later.
    """
    found = items.query("subjects", "#open = :open", {"open": OPEN}, names={"#open": "open"}, index="open")
    for row in found:
        yield row["subject"]

"""What a state of the protocol's model is, what a scenario fixes, and the plan and end state that follow from facts.

Two counters of the code are replaced by what is ever asked of them, which keeps the number of states finite without
losing any history: ``nudges`` and ``seen`` are only compared for equality, so a handler carries ``fresh`` (its ``seen``
is the present number), which every nudge clears; ``attempt`` likewise becomes ``mine``, which every newer lease clears.
Run keys are not hashed: they are the inputs themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

POOL, FRAME, ARC, MEMBER = "pool", "frame", "arc", "member"

FREE, HELD, EXPIRED = 0, 1, 2
"""Lease of a subject: none, in force, in the item but past its time."""

OPEN, LEASE, FANOUT, MARK, RECORD, NOTED, INTERESTED, CHOICE, BAD, MEMBERS, STAGES, BEFORE, NEXT = range(13)
"""Places in a subject: the attributes of its item, whether its raw has a record and is noted as taken in, whether it is
in ``interests``, the user's choice, whether it is marked as a bad calibration, the pool's rows in ``configurations``,
the run key each stage was published with, the product before the present one (only where reads may be stale), and the
block it was handed over to (only where events are modelled)."""

FAULTS = ("crash", "zombie", "duplicate", "loss", "error", "sweep")
"""What a scenario allows so many times: a handler dies; a lease expires under a living holder; a message is delivered
twice; a message is lost; a handler raises; the sweeper comes while messages are still on their way."""

FAILED_WITH = -10
"""A stage that failed with run key k is FAILED_WITH - k."""


class Handler(NamedTuple):
    """A running invocation: its next step, its message (-1: a user's request), subject, and what it remembers.

    ``heir``: it found a fanout when it took the lease, which an attempt that died may have begun to tell. ``again``: it
    was refused to let go of a pool.
    """

    step: str
    message: int
    subject: int
    mine: int
    fresh: int
    local: tuple
    heir: int = 0
    again: int = 0


class State(NamedTuple):
    """Everything there is at one moment. ``excused``: a loss nobody but the sweeper can make good has happened."""

    subjects: tuple[tuple, ...]
    handlers: tuple[Handler, ...]
    queue: int
    faults: tuple[int, ...]
    excused: int
    asked: int


@dataclass(frozen=True)
class Actor:
    """A subject: its kind, how many stages it has, and the indices of the pool and arc it uses or is a member of.

    ``uploaded``: it begins as a message to INGEST; otherwise INGEST has just handed it over, and its first message to
    REDUCE (COMBINE) is under way. ``waits``: its proposal's policy is to wait for the master.
    """

    name: str
    kind: str
    stages: int = 0
    pool: int | None = None
    arc: int | None = None
    bit: int = 0
    uploaded: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Scenario:
    """Who takes part, what may go wrong how often, and which clauses of the rules are dropped.

    ``at_once``: so many living handlers a subject has at most; messages wait for one to end, as SQS lets them.
    """

    name: str
    actors: tuple[Actor, ...]
    faults: Mapping[str, int] = field(default_factory=dict)
    minimum: int = 2
    user: tuple[str, int] | None = None
    interested: bool = True
    events: bool = False
    leased_members: bool = False
    recent: bool = True
    arc_fails: bool = False
    counted_mark: bool = True
    at_once: int = 2
    dropped: frozenset[str] = frozenset()

    @cached_property
    def messages(self) -> tuple[tuple[str, int], ...]:
        """All messages there can be: (block, subject). The queue is a set of them: sent twice is once in the set."""
        found = []
        for i, actor in enumerate(self.actors):
            found.append(("combine" if actor.kind == POOL else "reduce", i))
            if actor.uploaded:
                found.append(("ingest", i))
            if actor.stages > 1:
                found += [("wavelength", i), ("event", i)]
        return tuple(found)

    def bit(self, block: str, subject: int) -> int:
        """A message's place in the queue."""
        return 1 << self.messages.index((block, subject))

    def home(self, subject: int) -> int:
        """The message the sweeper sends for an open subject."""
        return self.bit("combine" if self.actors[subject].kind == POOL else "reduce", subject)

    @cached_property
    def concerned(self) -> tuple[tuple[int, ...], ...]:
        """Per subject, the subjects that use its product."""
        return tuple(
            tuple(j for j, a in enumerate(self.actors) if a.kind in (FRAME, ARC) and i in (a.pool, a.arc))
            for i in range(len(self.actors))
        )

    @property
    def settled_interests(self) -> bool:
        """Whether nobody registers an interest any more."""
        waiting = any(a.uploaded and a.kind in (FRAME, ARC) for a in self.actors)
        return self.interested and not waiting and not self.dropped & {"interest", "after"}

    def first(self) -> State:
        """Nothing has happened yet."""
        subjects, queue = [], 0
        for i, actor in enumerate(self.actors):
            present = int(not actor.uploaded and actor.kind != POOL)
            item: list[Any] = [0] * 13
            item[NEXT] = ""
            item[OPEN] = item[RECORD] = item[NOTED] = present
            item[INTERESTED] = int(bool(present and self.interested and actor.kind in (FRAME, ARC)))
            item[STAGES], item[BEFORE] = (None,) * actor.stages, None
            subjects.append(tuple(item))
            if actor.uploaded:
                queue |= self.bit("ingest", i)
            elif present:
                queue |= self.home(i)
        faults = tuple(self.faults.get(name, 0) for name in FAULTS)
        return State(tuple(subjects), (), queue, faults, 0, 0)


def product(value: int | None) -> int | None:
    """What a stage offers to others: nothing if it is not there or failed."""
    return None if value is None or value <= FAILED_WITH else value


def reduced(scenario: Scenario, subject: int, master: int) -> int:
    """What REDUCE leaves for its run key."""
    fails = scenario.arc_fails and scenario.actors[subject].kind == ARC and master
    return FAILED_WITH - master if fails else master


def plan(scenario: Scenario, subject: int, record: int, stages: tuple, choice: int, facts: tuple) -> tuple | None:
    """The due run as (block, stage, value it will leave), or None: ``domain.plan.plan_frame`` and ``plan_pool``.

    ``facts`` is (members,) for a pool, else (master, product of the arc).
    """
    actor = scenario.actors[subject]
    if actor.kind == POOL:
        members = facts[0]
        due = members.bit_count() >= scenario.minimum and stages[0] != members
        return ("combine", 0, members) if due else None
    if not record:
        return None if "record" in scenario.dropped else ("ingest", -1, 0)
    if actor.kind == MEMBER:
        return None
    master, arc = facts
    if actor.waits and not master:
        return None
    value = reduced(scenario, subject, master)
    if stages[0] != value:
        return ("reduce", 0, value)
    if actor.arc is not None:
        if arc is None:  # waits for one; what an arc that is gone had made is taken back
            gone = stages[1] is not None and "retire" not in scenario.dropped
            return ("wavelength", 1, None) if gone else None
        if stages[1] != (value, arc):
            return ("wavelength", 1, (value, arc))
    if choice and actor.stages > 2 and stages[2] != (value, choice):
        return ("wavelength", 2, (value, choice))
    return None


def master_of(item: tuple | list) -> int:
    """The pool's master as matching finds it; 0 for none, or one marked bad."""
    return 0 if item[BAD] else item[STAGES][0] or 0


def facts_of(scenario: Scenario, subjects: tuple[tuple, ...], subject: int) -> tuple:
    """The true facts about a subject at this moment."""
    actor = scenario.actors[subject]
    if actor.kind == POOL:
        return (subjects[subject][MEMBERS],)
    master = master_of(subjects[actor.pool]) if actor.pool is not None else 0
    return master, product(subjects[actor.arc][STAGES][0]) if actor.arc is not None else None


def is_due(scenario: Scenario, state: State, subject: int) -> bool:
    """Whether a run of this subject is due by the facts of this moment."""
    item = state.subjects[subject]
    facts = facts_of(scenario, state.subjects, subject)
    return bool(item[RECORD] or scenario.actors[subject].kind == POOL) and (
        plan(scenario, subject, item[RECORD], item[STAGES], item[CHOICE], facts) is not None
    )


def is_known_due(scenario: Scenario, state: State, subject: int) -> bool:
    """Whether something durable says so: the subject is open, or who changed its facts has its fanout still to do."""
    if state.subjects[subject][OPEN]:
        return True
    used = (scenario.actors[subject].pool, scenario.actors[subject].arc)
    return any(i is not None and state.subjects[i][FANOUT] and state.subjects[i][OPEN] for i in used)


def end_of(scenario: Scenario, asked: int) -> tuple[tuple, ...]:
    """What must be published in the end, per subject: (record, choice, stages), computed from the facts alone."""
    action = scenario.user if asked else None
    every = sum(a.bit for a in scenario.actors)
    made = every if every.bit_count() >= scenario.minimum else 0

    def reduction(i: int) -> int:
        pool = scenario.actors[i].pool
        return reduced(scenario, i, 0 if pool is None or action == ("bad", pool) else made)

    ends: list[tuple] = []
    for i, actor in enumerate(scenario.actors):
        choice = int(action == ("choice", i))
        if actor.kind in (POOL, MEMBER):
            ends.append((int(actor.kind == MEMBER), choice, (made or None,) if actor.stages else ()))
            continue
        value = reduction(i)
        arc = product(reduction(actor.arc)) if actor.arc is not None else None
        stages = (value, None if arc is None else (value, arc), (value, 1) if choice else None)
        ends.append((1, choice, stages[: actor.stages]))
    return tuple(ends)


class Draft:
    """A state taken apart, to be changed and put together again."""

    __slots__ = ("asked", "excused", "faults", "handlers", "overlap", "queue", "scenario", "subjects")

    def __init__(self, scenario: Scenario, state: State, without: int = -1) -> None:
        self.scenario = scenario
        self.subjects = [list(item) for item in state.subjects]
        self.handlers = [h for i, h in enumerate(state.handlers) if i != without]
        self.queue, self.faults, self.excused, self.asked = state.queue, state.faults, state.excused, state.asked
        self.overlap = False

    def done(self, handler: Handler | None = None) -> State:
        if handler is not None:
            self.handlers.append(handler)
        subjects = tuple(map(tuple, self.subjects))
        handlers = tuple(sorted(self.handlers, key=hash)) if len(self.handlers) > 1 else tuple(self.handlers)
        return State(subjects, handlers, self.queue, self.faults, self.excused, self.asked)

    def spend(self, fault: int) -> None:
        self.faults = (*self.faults[:fault], self.faults[fault] - 1, *self.faults[fault + 1 :])

    def nudge(self, subject: int, *, opening: bool = True) -> None:
        if opening:
            self.subjects[subject][OPEN] = 1
        self.handlers = [h._replace(fresh=0) if h.subject == subject and h.fresh else h for h in self.handlers]

    def lease(self, subject: int) -> None:
        self.subjects[subject][LEASE] = HELD
        self.handlers = [
            h._replace(mine=0, fresh=0) if h.subject == subject and (h.mine or h.fresh) else h for h in self.handlers
        ]

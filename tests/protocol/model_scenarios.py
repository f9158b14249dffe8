"""The scenarios the model explores, and the clauses of the rules with the scenario that needs each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.protocol.model_state import ARC, FRAME, MEMBER, POOL, Actor, Scenario


def _pool(members: int, *, uploaded: bool = True) -> tuple[Actor, ...]:
    return (
        Actor("the pool", POOL, stages=1),
        *(Actor(f"bias {n + 1}", MEMBER, pool=0, bit=1 << n, uploaded=uploaded) for n in range(members)),
    )


def _frame(name: str = "the spectrum", **uses) -> Actor:
    return Actor(name, FRAME, **{"stages": 1, **uses})


POOL_AND_FRAME = (*_pool(2), _frame(pool=0))
ARC_AND_FRAME = (Actor("the arc", ARC, stages=1), _frame(stages=2, arc=0))
SHORT_NIGHT = (*_pool(1), Actor("the arc", ARC, stages=1, pool=0), _frame(stages=2, arc=2))
TWO_FRAMES = (*_pool(1), _frame(pool=0), _frame("another spectrum", pool=0))
VARIANT = (_frame(stages=3),)
UPLOADED_FRAME = (_frame(uploaded=True),)
UPLOADED_BIAS = _pool(1)

ONE_POOL = (*_pool(1), _frame(pool=0))
WAITING = (*_pool(1), _frame(pool=0, waits=True))

SCENARIOS = {
    s.name: s
    for s in (
        Scenario("pool and frame, a crash", ONE_POOL, {"crash": 1}, minimum=1),
        Scenario("pool and frame, a zombie", ONE_POOL, {"zombie": 1}, minimum=1),
        Scenario("pool and frame, an error", ONE_POOL, {"error": 1}, minimum=1),
        Scenario("pool and frame, a loss", ONE_POOL, {"loss": 1}, minimum=1),
        Scenario("pool grows", _pool(2), {"crash": 1}, minimum=1),
        Scenario("pool grows, a zombie", _pool(2), {"zombie": 1}),
        Scenario("pool grows, a duplicate", _pool(2), {"duplicate": 1}, minimum=1),
        Scenario("pool of two and frame", POOL_AND_FRAME),
        Scenario("arc and spectrum", ARC_AND_FRAME, events=True),
        Scenario("arc and spectrum, a crash", ARC_AND_FRAME, {"crash": 1}),
        Scenario("arc and spectrum, a loss", ARC_AND_FRAME, {"loss": 1}),
        Scenario("arc and spectrum that registers itself", ARC_AND_FRAME, {"crash": 1}, interested=False),
        Scenario("waiting spectrum that registers itself", WAITING, minimum=1, interested=False),
        Scenario("pool and two frames", TWO_FRAMES, minimum=1),
        Scenario("failing arc and spectrum", SHORT_NIGHT, minimum=1, arc_fails=True, at_once=1),
        Scenario("choice of a variant, a crash", VARIANT, {"crash": 1}, user=("choice", 0)),
        Scenario("choice of a variant, a zombie", VARIANT, {"zombie": 1, "duplicate": 1}, user=("choice", 0)),
        Scenario("master marked bad", ONE_POOL, minimum=1, user=("bad", 0)),
        Scenario("upload of a frame", UPLOADED_FRAME, {"crash": 1, "zombie": 1, "error": 1}),
        Scenario("old upload of a frame", UPLOADED_FRAME, {"crash": 1, "error": 1, "sweep": 1}, recent=False),
        Scenario("upload of a bias, a crash", UPLOADED_BIAS, {"crash": 1}, minimum=1, leased_members=True),
        Scenario("upload of a bias, a loss", UPLOADED_BIAS, {"crash": 1, "loss": 1}, minimum=1),
        Scenario("uncounted mark", _pool(2), {"loss": 1}, minimum=1, counted_mark=False),
    )
}

EACH = {"crash": 1, "zombie": 1, "duplicate": 1, "loss": 1, "error": 1}

LONG = {
    s.name: s
    for s in (
        Scenario("pool and frame, a crash and a zombie", ONE_POOL, {"crash": 1, "zombie": 1}, minimum=1),
        Scenario("arc and spectrum, a zombie", ARC_AND_FRAME, {"zombie": 1}),
        Scenario("arc and spectrum with events, a crash", ARC_AND_FRAME, {"crash": 1, "sweep": 1}, events=True),
        Scenario("choice of a variant, anything once", VARIANT, EACH, user=("choice", 0)),
        Scenario("pool of two and frame, a crash", POOL_AND_FRAME, {"crash": 1}),
        Scenario("master marked bad, a crash", ONE_POOL, {"crash": 1}, minimum=1, user=("bad", 0)),
    )
}


@dataclass(frozen=True)
class Clause:
    """A clause that can be dropped: its rule, its words, the scenario that needs it, and what is seen without it.

    ``violates`` is a property of :mod:`tests.protocol.model`: ``lost`` (a wrong end state for ever), ``late`` (right
    only after the sweeper came, though no message was lost), ``livelock``, ``overlap``, ``closed``, ``open``.
    """

    name: str
    rule: str
    words: str
    scenario: str
    violates: str = "lost"
    printed: bool = True


CLAUSES = {
    c.name: c
    for c in (
        Clause("open", "2", "a nudge sets open", "choice of a variant, a crash"),
        Clause("first", "2", "who sends has nudged before; INGEST nudges first", "arc and spectrum, a loss"),
        Clause(
            "then",
            "2",
            "then tries the lease (not: a nudge only where it is held)",
            "choice of a variant, a crash",
            "open",
        ),
        Clause(
            "seen",
            "2",
            "seen is the value returned by the lease update, before any read",
            "choice of a variant, a crash",
        ),
        Clause("reread", "2", "refused because of nudges: read everything again", "choice of a variant, a crash"),
        Clause("raise", "2", "before raising, release the lease", "upload of a frame", "late"),
        Clause("release", "3", "release, then send", "arc and spectrum that registers itself", "livelock"),
        Clause("attempt", "4", "the transaction is conditional on attempt", "pool and frame, a zombie"),
        Clause("interest", "5", "registers interest, then reads", "waiting spectrum that registers itself"),
        Clause("consistent", "5", "reads consistently", "arc and spectrum, a loss"),
        Clause("any", "5", "any holder that finds fanout", "arc and spectrum, a crash"),
        Clause("after", "5", "queries the interested after the transaction", "arc and spectrum that registers itself"),
        Clause(
            "unheld",
            "5",
            "who is held is told, though open: the holder may let go on what it read before",
            "arc and spectrum",
            printed=False,
        ),
        Clause(
            "inherited",
            "5",
            "where an earlier attempt died all are told: it may have nudged without sending",
            "arc and spectrum, a crash",
            "late",
            False,
        ),
        Clause("resend", "5", "INGEST of a known file sends its nudges again", "upload of a bias, a crash", "late"),
        Clause("mark", "8", "mark and open are set in the member's own transaction", "upload of a bias, a loss"),
        Clause("clear", "8", "COMBINE clears the mark, then reads", "uncounted mark"),
        Clause("only", "9", "only a release whose plan says so closes", "arc and spectrum, a loss"),
        Clause(
            "unseen", "2", "the release is conditional on nudges = seen", "choice of a variant, a crash", printed=False
        ),
        Clause("self", "3", "a pool frees its lease, then sends to itself", "pool grows, a duplicate", "late", False),
        Clause("choices", "4", "publish never writes choices", "choice of a variant, a crash", printed=False),
        Clause("retire", "4", "products no longer made are retired", "failing arc and spectrum", printed=False),
        Clause("durable", "5", "fanout is set in the transaction", "arc and spectrum, a crash", printed=False),
        Clause("record", "5", "without a record INGEST is due", "old upload of a frame", printed=False),
        Clause(
            "transaction", "7", "fact, nudge and open in one transaction", "choice of a variant, a crash", printed=False
        ),
    )
}


def without(clause: Clause) -> Scenario:
    """The clause's scenario with the clause dropped."""
    return replace((SCENARIOS | LONG)[clause.scenario], dropped=frozenset({clause.name}))

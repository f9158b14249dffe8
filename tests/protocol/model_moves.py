"""What can happen next in a state: a handler's step, a delivery, the sweeper, a user, and all that goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.model_handlers import Run
from tests.protocol.model_state import (
    BAD,
    CHOICE,
    EXPIRED,
    FANOUT,
    HELD,
    LEASE,
    MEMBER,
    NOTED,
    OPEN,
    RECORD,
    STAGES,
    Draft,
    Handler,
    Scenario,
    State,
)

Label = tuple[str, int, int, str]
"""What happened, message, subject, and how it went."""

CRASH, ZOMBIE, DUPLICATE, LOSS, ERROR, SWEEP = range(6)


def moves(scenario: Scenario, state: State) -> Iterator[tuple[Label, bool, State, bool]]:
    """Everything that can happen next: what, whether it is no fault, the state after, whether two published at once."""
    for i, handler in enumerate(state.handlers):
        yield from _steps(scenario, state, i, handler)
    for number, (block, subject) in enumerate(scenario.messages):
        if state.queue >> number & 1:
            busy = sum(h.subject == subject and h.step != "dead" for h in state.handlers)
            if busy >= scenario.at_once:
                continue
            for keep in (0, 1) if state.faults[DUPLICATE] else (0,):
                draft = Draft(scenario, state)
                if keep:
                    draft.spend(DUPLICATE)
                else:
                    draft.queue &= ~(1 << number)
                started = Handler(_start(scenario, block, subject), number, subject, 0, 0, ())
                fair = not keep and not (block == "combine" and busy)
                after, note = Run(scenario, draft, started, 0).take()
                note = f"{started.step}{', and kept' * keep}{': ' * bool(note)}{note}"
                yield ("deliver", number, subject, note), fair, draft.done(after), False
            if state.faults[LOSS]:
                draft = Draft(scenario, state)
                draft.spend(LOSS)
                draft.queue &= ~(1 << number)
                draft.excused = 1
                yield ("lose", number, subject, ""), False, draft.done(), False
    for subject, item in enumerate(state.subjects):
        if item[LEASE] == HELD and not any(h.mine and h.subject == subject for h in state.handlers):
            draft = Draft(scenario, state)
            draft.subjects[subject][LEASE] = EXPIRED
            yield ("expire", -1, subject, "nobody holds it"), True, draft.done(), False
    yield from _sweeps(scenario, state)
    if scenario.user is not None and not state.asked and _may_ask(scenario, state):
        draft = Draft(scenario, state)
        draft.asked = 1
        yield ("user", -1, scenario.user[1], scenario.user[0]), False, draft.done(_ask(scenario, draft)), False


def is_quiet(state: State) -> bool:
    """No message is on its way and nobody works."""
    return not state.queue and not state.handlers


def wanted_by_sweep(scenario: Scenario, state: State) -> int:
    """The messages the sweeper would send."""
    found = 0
    for subject, (actor, item) in enumerate(zip(scenario.actors, state.subjects)):
        if item[OPEN] and item[LEASE] != HELD:
            found |= scenario.home(subject)
        if actor.uploaded and scenario.recent and not item[NOTED]:
            found |= scenario.bit("ingest", subject)
    return found


def _sweeps(scenario: Scenario, state: State) -> Iterator[tuple[Label, bool, State, bool]]:
    if is_quiet(state):
        if wanted := wanted_by_sweep(scenario, state):
            yield ("sweep", -1, -1, ""), True, state._replace(queue=wanted), False
    elif state.faults[SWEEP] and (wanted := wanted_by_sweep(scenario, state) & ~state.queue):
        draft = Draft(scenario, state)
        draft.spend(SWEEP)
        draft.queue |= wanted
        for subject, item in enumerate(state.subjects):
            if item[OPEN] and item[LEASE] != HELD:
                draft.nudge(subject)
        yield ("sweep", -1, -1, "early"), False, draft.done(), False


def _may_ask(scenario: Scenario, state: State) -> bool:
    action, subject = scenario.user or ("", 0)
    if action == "bad":
        every = sum(actor.bit for actor in scenario.actors)
        return state.subjects[subject][STAGES][0] == every
    return bool(state.subjects[subject][RECORD])


def _ask(scenario: Scenario, draft: Draft) -> Handler:
    action, subject = scenario.user or ("", 0)
    item = draft.subjects[subject]
    if action == "bad":
        item[BAD], item[FANOUT] = 1, 1
    else:
        item[CHOICE] = 1
    if "transaction" in scenario.dropped:
        return Handler("u-nudge", -1, subject, 0, 0, ())
    draft.nudge(subject, opening="open" not in scenario.dropped)
    return Handler("u-send", -1, subject, 0, 0, ())


def _start(scenario: Scenario, block: str, subject: int) -> str:
    if block == "event":
        return "look"
    if block == "ingest" and scenario.actors[subject].kind == MEMBER and not scenario.leased_members:
        return "i-record"
    if block != "ingest":
        return "wake"
    return "lease" if "then" in scenario.dropped else "nudge"


def _steps(scenario: Scenario, state: State, i: int, handler: Handler) -> Iterator[tuple[Label, bool, State, bool]]:
    step, message, subject, mine = handler.step, handler.message, handler.subject, handler.mine
    if step == "dead":
        draft = Draft(scenario, state, i)
        if mine and draft.subjects[subject][LEASE] == HELD:
            draft.subjects[subject][LEASE] = EXPIRED
        draft.queue |= 1 << message
        yield ("return", message, subject, ""), True, draft.done(), False
        return
    readings: tuple[int, ...] = (0,)
    if "consistent" in scenario.dropped and step in ("master", "arc"):
        readings = (0, 1)
    for stale in readings:
        draft = Draft(scenario, state, i)
        after, note = Run(scenario, draft, handler, stale).take()
        yield (step, message, subject, note), not stale, draft.done(after), draft.overlap
    if state.faults[CRASH]:
        draft = Draft(scenario, state, i)
        draft.spend(CRASH)
        if message < 0:
            draft.excused = 1
        dead = Handler("dead", message, subject, mine, 0, ()) if message >= 0 else None
        yield ("crash", message, subject, f"before {step}"), False, draft.done(dead), False
    if state.faults[ERROR] and message >= 0 and step != "raise":
        draft = Draft(scenario, state, i)
        draft.spend(ERROR)
        raised = handler._replace(step="raise", fresh=0, local=())
        yield ("error", message, subject, f"at {step}"), False, draft.done(raised), False
    if state.faults[ZOMBIE] and mine and state.subjects[subject][LEASE] == HELD:
        draft = Draft(scenario, state)
        draft.spend(ZOMBIE)
        draft.subjects[subject][LEASE] = EXPIRED
        draft.queue |= 1 << message
        yield ("expire", message, subject, f"its holder is still alive, before {step}"), False, draft.done(), False

"""A small exhaustive model of nudges, leases and plans: every state that any order of steps and faults can reach.

``python -m tests.protocol.model`` explores every scenario; ``--drop CLAUSE`` prints the shortest history that goes
wrong without a clause; ``--clauses`` lists them; ``--long`` adds the larger scenarios. The steps and the functions of
the code they mirror are in :mod:`tests.protocol.model_handlers`.

Properties, of all reachable states:

``lost``
    Where nothing is under way and the sweeper finds nothing, every subject is published as the facts alone say.
``late``
    Before the sweeper comes this is so already, unless a message was lost or a user's request died before sending one.
``livelock``
    No endless run of steps that are no faults; so every such run ends in an end state, whoever is the slower. One thing
    is taken from time: a message to a pool is delayed by seconds, so it does not arrive within the milliseconds of a
    look at the pool over and over again.
``overlap``
    No transaction is accepted from a handler whose lease another has taken since.
``closed``
    A subject for which something is due is open, or whoever changed its facts has its fanout still to do.
``open``
    Before the sweeper comes nothing is left open (asked of one clause only: two faults together may leave a subject
    open with nothing due, which costs one look).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from dataclasses import dataclass

from tests.protocol.model_moves import Label, is_quiet, moves, wanted_by_sweep
from tests.protocol.model_scenarios import CLAUSES, LONG, SCENARIOS, without
from tests.protocol.model_state import (
    CHOICE,
    FANOUT,
    FREE,
    HELD,
    LEASE,
    OPEN,
    RECORD,
    STAGES,
    Scenario,
    State,
    end_of,
    is_due,
    is_known_due,
)

PROPERTIES = ("lost", "late", "livelock", "overlap", "closed")


@dataclass(frozen=True)
class Counterexample:
    """A history that breaks a property: what happened, and the state it led to. A livelock ends with its ``loop``."""

    violates: str
    history: tuple[Label, ...]
    state: State
    loop: tuple[Label, ...] = ()


@dataclass(frozen=True)
class Result:
    """What exploring a scenario found: sizes, the different end states, and the first counterexample if any."""

    states: int
    moves: int
    ends: frozenset[tuple]
    counterexample: Counterexample | None


def explore(scenario: Scenario, properties: tuple[str, ...] = PROPERTIES, *, limit: int = 3_000_000) -> Result:
    """Visit all reachable states, breadth first, and check the ``properties``.

    Raises
    ------
    OverflowError
        There are more than ``limit`` states: the scenario is too large.
    """
    first = scenario.first()
    numbers = {first: 0}
    parents: list[tuple[int, Label]] = [(-1, ("", -1, -1, ""))]
    fair: list[list[int]] = []
    waiting = deque([first])
    ends: set[tuple] = set()
    count = 0

    def found(violates: str, number: int, state: State) -> Result:
        broken = Counterexample(violates, _history(parents, number), state)
        return Result(len(numbers), count, frozenset(ends), broken)

    while waiting:
        state = waiting.popleft()
        number = len(fair)
        fair.append([])
        wrong = _wrong(scenario, state, properties)
        if wrong:
            return found(wrong, number, state)
        if is_end(scenario, state):
            ends.add((state.asked, *_published(state)))
        for label, is_fair, after, overlap in moves(scenario, state):
            count += 1
            known = numbers.get(after)
            if known is None:
                known = numbers[after] = len(parents)
                parents.append((number, label))
                waiting.append(after)
                if len(parents) > limit:
                    raise OverflowError(f"{scenario.name!r} has more than {limit} states")
            if overlap and "overlap" in properties:
                parents[known] = (number, label) if known == len(parents) - 1 else parents[known]
                return found("overlap", known, after)
            if is_fair and known != number:
                fair[number].append(known)
    result = Result(len(numbers), count, frozenset(ends), None)
    if "livelock" in properties:
        cycle = _cycle(fair)
        if cycle:
            states = list(numbers)
            loop = tuple(_label(scenario, states[a], states[b]) for a, b in zip(cycle, cycle[1:] + cycle[:1]))
            broken = Counterexample("livelock", _history(parents, cycle[0]), states[cycle[0]], loop)
            return Result(result.states, result.moves, result.ends, broken)
    return result


def is_end(scenario: Scenario, state: State) -> bool:
    """Nothing is under way, and the sweeper finds nothing to do."""
    return is_quiet(state) and not wanted_by_sweep(scenario, state) and all(s[LEASE] != HELD for s in state.subjects)


def _published(state: State) -> tuple[tuple, ...]:
    return tuple((item[RECORD], item[CHOICE], item[STAGES]) for item in state.subjects)


def _wrong(scenario: Scenario, state: State, properties: tuple[str, ...]) -> str | None:
    if is_quiet(state):
        late = not is_end(scenario, state)
        violated = "late" if late else "lost"
        if (
            violated in properties
            and not (late and state.excused)
            and _published(state) != end_of(scenario, state.asked)
        ):
            return violated
        if late and "open" in properties and not state.excused:
            return "open"
    if "closed" in properties:
        for subject in range(len(state.subjects)):
            if not is_known_due(scenario, state, subject) and is_due(scenario, state, subject):
                return "closed"
    return None


def _history(parents: list[tuple[int, Label]], number: int) -> tuple[Label, ...]:
    found = []
    while number > 0:
        number, label = parents[number]
        found.append(label)
    return tuple(reversed(found))


def _cycle(successors: list[list[int]]) -> list[int]:
    """A cycle of a graph (empty if there is none): what is left after taking away all that must end."""
    predecessors: list[list[int]] = [[] for _ in successors]
    left = [len(after) for after in successors]
    for number, after in enumerate(successors):
        for other in after:
            predecessors[other].append(number)
    ending = [number for number, many in enumerate(left) if not many]
    for number in ending:
        for other in predecessors[number]:
            left[other] -= 1
            if not left[other]:
                ending.append(other)
    endless = next((number for number, many in enumerate(left) if many), None)
    if endless is None:
        return []
    path: list[int] = []
    while endless not in path:
        path.append(endless)
        endless = next(other for other in successors[endless] if left[other])
    return path[path.index(endless) :]


def _label(scenario: Scenario, before: State, after: State) -> Label:
    return next(label for label, is_fair, state, _ in moves(scenario, before) if is_fair and state == after)


def readable(scenario: Scenario, broken: Counterexample) -> str:
    """A counterexample for people: a line a step, then the state of every subject."""
    said = {
        "lost": "ends in a wrong state that nothing will ever change",
        "late": "rests unfinished until the sweeper comes, though no message was lost",
        "livelock": "goes round for ever",
        "open": "is left open for the sweeper, though no message was lost",
        "overlap": "publishes from a lease that another has taken since",
        "closed": "has something due that nothing durable knows of",
    }[broken.violates]
    lines = [f"{scenario.name}: {said}"]
    lines += [f"  {n:3d}. {_line(scenario, label)}" for n, label in enumerate(broken.history, start=1)]
    if broken.loop:
        lines += ["  and then, again and again:"]
        lines += [f"       {_line(scenario, label)}" for label in broken.loop]
    expected = end_of(scenario, broken.state.asked)
    for actor, item, (_, _, stages) in zip(scenario.actors, broken.state.subjects, expected):
        state = ", ".join(
            [
                "open" if item[OPEN] else "closed",
                {FREE: "free", HELD: "leased"}.get(item[LEASE], "lease expired"),
                *(["fanout"] if item[FANOUT] else []),
                *(["choice"] if item[CHOICE] else []),
            ]
        )
        lines.append(f"  {actor.name}: {state}; published {item[STAGES]}, the facts say {stages}")
    return "\n".join(lines)


def _line(scenario: Scenario, label: Label) -> str:
    step, message, subject, note = label
    block = scenario.messages[message][0].upper() if message >= 0 else "user"
    name = scenario.actors[subject].name if subject >= 0 else "everything open"
    return f"{block:<11} {name:<17} {step}{f' ({note})' if note else ''}"


def main(command: list[str] | None = None) -> int:
    """Explore what is asked for; 1 if a property does not hold where it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.protocol.model", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--drop", metavar="CLAUSE", choices=sorted(CLAUSES), help="show what goes wrong without a clause"
    )
    parser.add_argument(
        "--clauses", action="store_true", help="list the clauses, each with its shortest counterexample"
    )
    parser.add_argument("--long", action="store_true", help="explore the larger scenarios too")
    options = parser.parse_args(command)
    if options.drop:
        clause = CLAUSES[options.drop]
        scenario = without(clause)
        result = explore(scenario, (clause.violates,))
        print(f"Rule {clause.rule} without “{clause.words}” ({result.states} states visited)")
        print(readable(scenario, result.counterexample) if result.counterexample else "No counterexample.")
        return 0 if result.counterexample else 1
    if options.clauses:
        for clause in CLAUSES.values():
            result = explore(without(clause), (clause.violates,))
            broken = result.counterexample
            steps = f"{broken.violates} after {len(broken.history)} steps" if broken else "no counterexample"
            print(f"rule {clause.rule} {clause.name:<12} {steps:<28} {result.states:>8} states  {clause.words}")
        return 0
    failed = False
    for scenario in [*SCENARIOS.values(), *(LONG.values() if options.long else ())]:
        started = time.process_time()
        result = explore(scenario)
        seconds = time.process_time() - started
        print(f"{scenario.name:<42} {result.states:>8} states {result.moves:>9} moves {seconds:6.1f} s CPU", flush=True)
        if result.counterexample:
            failed = True
            print(readable(scenario, result.counterexample))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

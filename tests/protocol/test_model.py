"""The protocol's rules hold in every order of steps and faults of a small model, and none of its clauses is idle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol import model
from tests.protocol.model_moves import Label, moves
from tests.protocol.model_scenarios import CLAUSES, LONG, SCENARIOS, without
from tests.protocol.model_state import STAGES, Scenario, State, end_of


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_rules_hold_in_every_reachable_state(name):
    _holds(name)


@pytest.mark.long
@pytest.mark.parametrize("name", LONG)
def test_the_rules_hold_in_every_reachable_state_of_larger_scenarios(name):
    _holds(name)


def _holds(name: str) -> None:
    scenario = (SCENARIOS | LONG)[name]
    result = model.explore(scenario)
    assert result.counterexample is None, model.readable(scenario, result.counterexample)
    asked = {0, 1} if scenario.user else {0}
    assert {end[0] for end in result.ends} == asked, "not every set of facts has an end state"
    assert len(result.ends) == len(asked), "there is more than one end state for the same facts"


@pytest.mark.parametrize("name", CLAUSES)
def test_without_a_clause_something_goes_wrong(name):
    """The same scenario passes with the clause (above): the counterexample is the clause's."""
    clause = CLAUSES[name]
    assert clause.scenario in SCENARIOS
    scenario = without(clause)
    broken = model.explore(scenario, (clause.violates,)).counterexample
    assert broken is not None, f"rule {clause.rule} holds without “{clause.words}” in {scenario.name!r}"
    assert broken.violates == clause.violates
    assert broken.state in _replayed(scenario, broken.history, scenario.first())
    assert bool(broken.loop) == (clause.violates == "livelock")
    assert broken.state in _replayed(scenario, broken.loop, broken.state)


def _replayed(scenario: Scenario, history: tuple[Label, ...], start: State) -> set[State]:
    """The states a history can lead to; each of its steps must be one that can be taken."""
    states = {start}
    for label in history:
        states = {after for state in states for taken, _, after, _ in moves(scenario, state) if taken == label}
        assert states, f"the step {label} cannot be taken"
    return states


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_end_state_is_what_one_undisturbed_run_leaves(name):
    """The oracle against a run in which each step follows the one before, first come first served."""
    scenario = replace(SCENARIOS[name], faults={}, user=None)
    state = scenario.first()
    for _ in range(500):
        following = next((after for _, fair, after, _ in moves(scenario, state) if fair), None)
        if following is None:
            break
        state = following
    assert model.is_end(scenario, state)
    assert [item[STAGES] for item in state.subjects] == [stages for _, _, stages in end_of(scenario, 0)]


def test_every_fault_and_every_kind_of_step_happens():
    """No scenario passes because what it is about never comes about."""
    seen = set().union(*(_steps(scenario) for scenario in SCENARIOS.values()))
    assert {"crash", "expire", "deliver", "lose", "error", "sweep", "user", "return"} <= seen
    assert {
        "lease",
        "tell",
        "tell-look",
        "tell-nudge",
        "tell-send",
        "register",
        "master",
        "arc",
        "members",
        "own",
    } <= seen
    assert {"write", "publish", "refresh", "handover", "send", "settle", "rest", "again", "raise"} <= seen
    assert {"i-record", "i-publish", "i-refresh", "i-note", "i-tell", "u-send"} <= seen


def _steps(scenario: Scenario, *, limit: int = 500) -> set[str]:
    """The kinds of steps among the first states of a scenario."""
    states, seen = [scenario.first()], set()
    known = set(states)
    for state in states:
        for label, _, after, _ in moves(scenario, state):
            seen.add(label[0])
            if after not in known and len(states) < limit:
                known.add(after)
                states.append(after)
    return seen


def test_a_counterexample_is_printed_for_people(capsys):
    assert model.main(["--drop", "release"]) == 0
    printed = capsys.readouterr().out
    assert "goes round for ever" in printed
    assert "and then, again and again:" in printed
    assert "settle" in printed or "handover (refused: nudged)" in printed


def test_a_livelock_is_found_in_a_graph_that_also_ends():
    assert model._cycle([[1], [2, 3], [1], []]) in ([1, 2], [2, 1])
    assert model._cycle([[1, 2], [2], []]) == []

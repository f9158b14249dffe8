"""The plan of a frame and of a pool, fact by fact."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import matching, plan
from chalicelib.domain.headers import observe
from chalicelib.domain.matching import Candidate
from chalicelib.domain.plan import FrameFacts, Input, PoolFacts, Settled, StageState, Step, plan_frame, plan_pool
from chalicelib.domain.records import observation_item, observation_of
from chalicelib.domain.settings import Settings
from tests.domain.test_headers import NEW

STAR = observe(NEW)
ARC = observe({**NEW, "OBSTYPE": "ARC"})
RAW = Input("raw", 1, "a" * 64, "raw/x", "x.fits")


def candidate(identifier: int, *, minutes: float = 0, nights: int = 0, observation=STAR, **changes) -> Candidate:
    made = Candidate.of(
        observation, id=identifier, sha256=f"{identifier:064d}", key=f"k{identifier}", name=f"n{identifier}.fits"
    )
    started = observation.started + timedelta(minutes=minutes, days=nights)
    return replace(made, started=started, night=observation.night + nights, members=10, **changes)


def done(step: Step, *products: Input) -> StageState:
    return StageState(step.run_key, plan.DONE, products=products, provisional=step.provisional)


def product(role: str, content: str) -> Input:
    return Input(role, 5, content * 64, "k", "n")


def test_a_star_goes_down_its_chain():
    facts = FrameFacts(RAW, STAR, biases=(candidate(2),), flats=(candidate(3),), arcs=(candidate(4),))
    reduce = plan_frame(facts)
    assert isinstance(reduce, Step) and (reduce.block, reduce.provisional) == ("reduce", ())
    assert [i.role for i in reduce.inputs] == ["raw", "bias", "flat"]
    facts = replace(facts, stages={"reduce": done(reduce, product("reduced", "b"))})
    extract = plan_frame(facts)
    assert isinstance(extract, Step) and extract.stage == "extract"
    facts = replace(facts, stages={**facts.stages, "extract": done(extract, product("spectrum", "c"))})
    wavelength = plan_frame(facts)
    assert isinstance(wavelength, Step) and [i.role for i in wavelength.inputs] == ["spectrum", "arc"]
    facts = replace(facts, stages={**facts.stages, "wavelength": done(wavelength, product("calibrated", "d"))})
    assert plan_frame(facts) == Settled(plan.DONE)
    better = replace(facts, biases=(candidate(9),))
    assert plan_frame(better).stage == "reduce"  # another bias, another run key


def test_without_calibrations_it_is_reduced_at_once_and_says_so():
    step = plan_frame(FrameFacts(RAW, STAR))
    assert isinstance(step, Step) and step.stage == "reduce" and len(step.provisional) == 2
    waiting = plan_frame(FrameFacts(RAW, STAR, settings=Settings(calibration_policy="wait")))
    assert isinstance(waiting, Settled) and waiting.status == plan.WAITING


def test_a_failure_counts_as_there_for_its_run_key_only():
    facts = FrameFacts(RAW, STAR)
    step = plan_frame(facts)
    failed = StageState(step.run_key, plan.FAILED, code="x", sentence="No light.")
    facts = replace(facts, stages={"reduce": failed})
    failure = {"block": "reduce", "code": "x", "retryable": False, "attempts": 0}
    assert plan_frame(facts) == Settled(plan.FAILED, "No light.", failure=failure)
    assert isinstance(plan_frame(replace(facts, biases=(candidate(2),))), Step)


def test_a_spectrum_waits_for_an_arc_of_its_night_and_setting():
    arcs = (
        candidate(4, observation=ARC, nights=1),
        replace(candidate(5, observation=ARC), camera_angle=16.2),
    )
    facts = FrameFacts(RAW, STAR, arcs=arcs)
    reduce = plan_frame(facts)
    facts = replace(facts, stages={"reduce": done(reduce, product("reduced", "b"))})
    extract = plan_frame(facts)
    facts = replace(facts, stages={**facts.stages, "extract": done(extract, product("spectrum", "c"))})
    settled = plan_frame(facts)
    assert isinstance(settled, Settled) and settled.status == plan.WAITING and "arc" in settled.reason


def test_arcs_of_the_same_pointing_come_first_then_the_nearest():
    elsewhere = {"ra": "12:00:00.0", "block_id": None}
    near = replace(candidate(4, minutes=1), **elsewhere)
    own = candidate(5, minutes=50)
    assert matching.best_arc(STAR, (near, own)) == own
    far = replace(candidate(6, minutes=-3), **elsewhere)
    assert matching.best_arc(STAR, (far, near)) == near


@given(st.permutations(range(6)), st.lists(st.integers(-300, 300), min_size=6, max_size=6))
def test_the_best_does_not_depend_on_the_order(order, minutes):
    found = [candidate(10 + i, minutes=m) for i, m in enumerate(minutes)]
    shuffled = [found[i] for i in order]
    for best in (matching.best_bias, matching.best_flat, matching.best_arc):
        assert best(STAR, shuffled) == best(STAR, found)


def test_a_master_below_the_proposals_minimum_is_not_used():
    small = replace(candidate(2), members=5)
    step = plan_frame(FrameFacts(RAW, STAR, biases=(small,)))
    assert step.input("bias") is None
    step = plan_frame(FrameFacts(RAW, STAR, biases=(small,), settings=Settings(minimum_biases=5)))
    assert step.input("bias").id == 2


@pytest.mark.parametrize(("members", "due"), [(9, False), (10, True)])
def test_a_pool_is_combined_from_its_minimum_on(members, due):
    frames = tuple(candidate(i, minutes=i) for i in range(1, members + 1))
    decision = plan_pool(PoolFacts("bias", frames, STAR, 10))
    assert isinstance(decision, Step) == due
    if due:
        there = {"bias": StageState(decision.run_key, plan.DONE)}
        assert plan_pool(PoolFacts("bias", frames, STAR, 10, stages=there)) == Settled(plan.DONE)
        more = (*frames, candidate(99))
        assert isinstance(plan_pool(PoolFacts("bias", more, STAR, 10, stages=there)), Step)


def test_settings_enter_the_run_keys_they_matter_to_only():
    facts = FrameFacts(RAW, STAR)
    changed = replace(facts, settings=Settings(maximum_targets=1))
    assert plan_frame(facts).run_key == plan_frame(changed).run_key
    assert plan_frame(facts).run_key != plan_frame(replace(facts, settings=Settings(cosmic_rays="none"))).run_key


ONLY = "No lamp with known lines was on while this arc was taken, only"


@pytest.mark.parametrize(
    ("cards", "says"),
    [
        ({}, "No lamp was on while this arc was taken (no LAMP_ card is TRUE): it serves no spectrum."),
        ({"LAMP_QUA": "TRUE", "LAMP_QPE": 60}, f"{ONLY} the quartz lamp: it serves no spectrum."),
        ({"LAMP_QUA": "TRUE", "LAMP_THA": "TRUE"}, f"{ONLY} the quartz lamp and LAMP_THA:"),
        ({"LAMP_DPE": 1, "LAMP_BUL": "FALSE"}, "No lamp was on"),
        ({"LAMP_HGA": "TRUE", "LAMP_QUA": "TRUE"}, ""),
    ],
)
def test_an_arc_without_a_lamp_says_what_was_on(cards, says):
    dark = observe({**NEW, "OBSTYPE": "ARC", **cards})
    facts = FrameFacts(RAW, dark, biases=(candidate(2),))
    reduced = done(plan_frame(facts), product("reduced", "b"))
    facts = replace(facts, stages={"reduce": reduced})
    settled = plan_frame(facts)
    assert isinstance(settled, Settled) and settled.reason.startswith(says) and bool(settled.reason) == bool(says)
    assert (plan.serving(facts) is None) == bool(says)


def test_an_acquisition_through_the_grating_says_why_it_is_not_extracted():
    acquisition = observe({**NEW, "OBSTYPE": "EXPOSE"})
    facts = FrameFacts(RAW, acquisition)
    provisional = replace(facts, stages={"reduce": done(plan_frame(facts), product("reduced", "b"))})
    facts = replace(facts, biases=(candidate(2),), flats=(candidate(3),))
    complete = replace(facts, stages={"reduce": done(plan_frame(facts), product("reduced", "b"))})
    for there, status in ((provisional, plan.PROVISIONAL), (complete, plan.DONE)):
        settled = plan_frame(there)
        assert isinstance(settled, Settled) and settled.status == status
        assert "through the grating: reduced, not extracted" in settled.reason and "SPECTRUM" in settled.reason
    asked = matching.interests(acquisition)
    assert asked == (matching.bias_key(acquisition), matching.flat_key(acquisition))


def test_an_image_needs_no_such_word():
    facts = FrameFacts(RAW, observe({**NEW, "OBSTYPE": "EXPOSE", "GRATING": "NO_GRATING", "CAM_TARG": 0.0}))
    facts = replace(facts, biases=(candidate(2),), flats=(candidate(3),))
    assert plan_frame(replace(facts, stages={"reduce": done(plan_frame(facts))})) == Settled(plan.DONE)


def flat(camera: float, grating: float, **cards):
    """A flat of a frame whose header gives the angles that the encoders read, and none that were asked for."""
    angles = {"CAM_ANG": camera, "GRT_ANG": grating}
    header = {k: v for k, v in NEW.items() if k not in ("CAM_TARG", "GRT_TARG")}
    return observe({**header, "OBSTYPE": "LAMPFLAT", **angles, **cards})


@pytest.mark.parametrize(
    ("read", "cards", "setting"),
    [
        (((16.099865, 7.4997), (16.128, 7.501), (16.1, 7.5)), {}, "16.10,7.50"),
        (((13.853, 6.927), (13.856, 6.9266), (13.8529, 6.9271)), {}, "13.90,6.90"),
        (((24.014, 13.0), (23.999, 12.9999), (24.017, 13.0001)), {"GRATING": "930_SYZY"}, "24.00,13.00"),
        (((-0.02, 0.66), (0.027, 0.661)), {"GRATING": "NO_GRATING"}, "0.00,0.70"),
    ],
)
def test_jitter_of_the_encoders_splits_no_pool(read, cards, setting):
    flats = [flat(*angles, **cards) for angles in read]
    pools = {matching.pool_of(o) for o in flats}
    assert len(pools) == 1 and f"|{setting}|" in pools.pop()
    for made_of in flats:  # whichever is the first, its master is found by frames of all these angles
        master = candidate(7, observation=made_of)
        assert all(matching.best_flat(replace(o, obstype="SPECTRUM"), [master]) == master for o in flats)


def test_the_pools_of_flats_whose_angles_were_asked_for_stay_as_they_are():
    for camera, setting in ((16.1, "16.10,7.50"), (16.14, "16.14,7.50"), (13.853463, "13.85,7.50")):
        asked = observe({**NEW, "OBSTYPE": "LAMPFLAT", "CAM_TARG": camera, "CAM_ANG": camera + 0.02})
        assert f"|{setting}|" in matching.pool_of(asked)
    stored = {k: v for k, v in observation_item(flat(13.853, 6.927)).items() if k not in ("angles_read", "other_lamps")}
    assert "|13.85,6.93|" in matching.pool_of(observation_of(stored))  # what was taken in before, too

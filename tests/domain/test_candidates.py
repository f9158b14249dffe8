"""Candidates: the plan's own order, and a reason for each that does not serve."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import candidates, matching
from chalicelib.domain.headers import observe
from chalicelib.domain.matching import Candidate
from chalicelib.domain.nights import night_number
from chalicelib.domain.plan import FrameFacts, Input, plan_frame
from chalicelib.domain.settings import DEFAULTS, Settings
from tests.domain.test_headers import NEW

STAR = replace(observe(NEW), exposure=600.0)
LAMP = replace(observe({**NEW, "OBSTYPE": "ARC", "LAMP_HGA": "TRUE"}), exposure=2.0)


def candidate(identifier: int, minutes: float, nights: int, changes: dict) -> Candidate:
    made = Candidate.of(
        LAMP, id=identifier, sha256=f"{identifier:064d}", key=f"k{identifier}", name=f"n{identifier}", members=12
    )
    started = STAR.started + timedelta(minutes=minutes, days=nights)
    night = night_number((started - timedelta(hours=16)).date()) if nights else STAR.night
    return replace(made, started=started, night=night, **changes)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "members": st.integers(3, 15),
        "saturated": st.sampled_from([0.0, 0.4, 1.0, 7.0]),
        "filter": st.sampled_from([STAR.filter, "OG570"]),
        "camera_angle": st.sampled_from([STAR.camera_angle, 12.0, None]),
        "readout": st.sampled_from([STAR.readout, "another mode"]),
        "slit": st.sampled_from([STAR.slit, "3.0_LONG_SLIT"]),
        "lamps": st.sampled_from([("Hg",), ()]),
        "ra": st.sampled_from([STAR.ra, "12:00:00.0"]),
        "block_id": st.sampled_from([STAR.block_id, None]),
        "roi": st.sampled_from([STAR.roi_geometry, "4140x100@0,700"]),
    },
)
MANY = st.lists(st.tuples(st.integers(-300, 300), st.sampled_from([0, 0, 0, 1, -3, 9]), CHANGES), max_size=8)
SETTINGS = st.builds(
    Settings,
    minimum_biases=st.integers(3, 12),
    minimum_flats=st.integers(3, 12),
    saturation_threshold=st.sampled_from([0.5, 1.0, 100.0]),
)


@settings(max_examples=150, deadline=None)
@given(MANY, SETTINGS, st.sampled_from(["bias", "flat", "arc"]))
def test_the_first_is_what_the_plan_takes_and_the_rest_follow_its_order(many, given_settings, kind):
    found = [candidate(k, *one) for k, one in enumerate(many, 1)]
    ranked = candidates.ranked(kind, STAR, found, given_settings)
    assert sorted(r.id for r in ranked) == [c.id for c in found]
    assert all(r.reasons for r in ranked)
    serving = [r.id for r in ranked if r.rank is not None]
    assert [r.rank for r in ranked][: len(serving)] == list(range(1, len(serving) + 1))
    raw = Input("raw", 100, "a" * 64, "raw", "raw.fits")
    groups = {"biases": (), "flats": (), "arcs": ()}
    groups[{"bias": "biases", "flat": "flats", "arc": "arcs"}[kind]] = tuple(found)
    left = list(found)
    for identifier in serving:  # taking away the first makes the plan take the second
        assert planned(kind, left, raw, given_settings) == identifier
        left = [c for c in left if c.id != identifier]
    assert planned(kind, left, raw, given_settings) is None


def planned(kind: str, found: list[Candidate], raw: Input, given_settings: Settings) -> int | None:
    """What the plan takes first of these candidates."""
    if kind == "arc":
        best = matching.best_arc(STAR, found)
        return best.id if best else None
    facts = FrameFacts(raw=raw, observation=STAR, settings=given_settings)
    facts = replace(facts, **{"biases" if kind == "bias" else "flats": tuple(found)})
    step = plan_frame(facts)
    chosen = step.input(kind)
    return chosen.id if chosen else None


@pytest.mark.parametrize(
    ("kind", "changes", "nights", "said"),
    [
        ("bias", {"members": 4}, 0, "made of 4 frames"),
        ("bias", {}, 9, "9 nights away"),
        ("flat", {"filter": "OG570"}, 0, "filters are OG570"),
        ("flat", {"camera_angle": 12.0}, 0, "camera angle is 12°"),
        ("flat", {"grating_angle": None}, 0, "does not give the grating angle"),
        ("flat", {"saturated": 3.0}, 0, "3 % of its pixels are above half of the full well"),
        ("arc", {}, 1, "another night"),
        ("arc", {"grating_angle": 3.0}, 0, "grating angle is 3°"),
    ],
)
def test_why_one_does_not_serve(kind, changes, nights, said):
    (ranked,) = candidates.ranked(kind, STAR, [candidate(1, 5, nights, changes)], DEFAULTS)
    assert ranked.rank is None
    assert said in " ".join(ranked.reasons)
    assert all(reason.endswith(".") for reason in ranked.reasons)


def test_why_one_of_the_night_is_not_offered():
    bad = {"bad": {"reason": "Lamp flickered."}, "status_reason": ""}
    assert candidates.why_not("arc", STAR, bad, LAMP) == ["Marked bad: Lamp flickered."]
    off = replace(LAMP, lamps=(), lamps_known=True)
    assert "No lamp" in candidates.why_not("arc", STAR, {}, off)[0]
    other = replace(LAMP, grating="2100_SYZY")
    assert "its grating is 2100_SYZY" in candidates.why_not("arc", STAR, {}, other)[0]
    waits = {"status_reason": "In the queue."}
    assert candidates.why_not("arc", STAR, waits, LAMP) == ["In the queue."]
    assert candidates.why_not("bias", STAR, {}, replace(STAR, readout="another mode"))[0].startswith(
        "Another configuration"
    )

"""Which arcs serve a spectrum: the best one, or the two that bracket it in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import matching
from chalicelib.domain.headers import observe
from chalicelib.domain.matching import Candidate, best_arc, bracketing_arcs, middle_of
from tests.domain.test_headers import NEW

STAR = replace(observe(NEW), exposure=600.0)
LAMP = replace(observe({**NEW, "OBSTYPE": "ARC", "LAMP_HGA": "TRUE"}), exposure=2.0)
ELSEWHERE = {"ra": "12:00:00.0", "block_id": None}


def arc(identifier: int, minutes: float, **changes) -> Candidate:
    """An arc whose middle lies so many minutes from that of the star's exposure."""
    made = Candidate.of(LAMP, id=identifier, sha256=f"{identifier:064d}", key=f"k{identifier}", name=f"n{identifier}")
    started = middle_of(STAR) + timedelta(minutes=minutes) - timedelta(seconds=1)
    return replace(made, started=started, **changes)


def chosen(*candidates: Candidate) -> list[int]:
    return [c.id for c in bracketing_arcs(STAR, candidates)]


def test_no_arc_and_one_arc():
    assert chosen() == []
    assert chosen(arc(1, -10)) == [1]
    assert chosen(arc(1, 10), arc(2, 20)) == [1]  # both after: nothing to interpolate between


def test_two_that_bracket_come_in_order_of_time():
    assert chosen(arc(1, 12), arc(2, -9), arc(3, -40), arc(4, 30)) == [2, 1]


def test_time_is_measured_from_the_middle_of_the_exposure():
    # begins during the exposure, nearer to its end than the other arc is to its beginning
    during, before = arc(1, 4), arc(2, -7)
    assert best_arc(STAR, (before, during)) == during
    assert chosen(before, during) == [2, 1]


@pytest.mark.parametrize(
    "worse",
    [
        ELSEWHERE,
        {"lamps": (), "lamps_known": True},
        {"roi": "4140x100@0,700"},
        {"filter": "OG570"},
    ],
    ids=["another pointing", "lamps off", "other rows", "another filter"],
)
def test_no_partner_of_a_worse_class_and_no_win_over_a_better(worse):
    assert chosen(arc(1, -50), arc(2, 1, **worse)) == [1]
    assert best_arc(STAR, (arc(1, -50), arc(2, 1, **worse))).id == 1
    assert chosen(arc(2, 1, **worse)) == [2]  # better than none


def test_arcs_of_other_pointings_bracket_where_there_are_none_of_its_own():
    assert chosen(arc(1, -50, **ELSEWHERE), arc(2, 40, **ELSEWHERE)) == [1, 2]


def test_arcs_of_another_setting_or_night_are_no_partners():
    assert chosen(arc(1, -5), arc(2, 5, camera_angle=LAMP.camera_angle + 0.06)) == [1]
    assert chosen(arc(1, -5), arc(2, 5, night=LAMP.night + 1)) == [1]


def test_an_arc_hours_away_is_no_partner():
    assert chosen(arc(1, -5), arc(2, 179)) == [1, 2]
    assert chosen(arc(1, -5), arc(2, 181)) == [1]
    assert chosen(arc(1, -185), arc(2, 190)) == [1]


def test_a_wider_region_covers_the_frame():
    columns, rows = LAMP.roi_geometry.split("@")[0].split("x")
    taller = f"{columns}x{int(rows) + 400}@0,0"
    assert chosen(arc(1, -5, roi=taller), arc(2, 30)) == [1, 2]
    assert chosen(arc(1, -5, roi=taller), arc(2, -30)) == [2]  # its own region is preferred on one side


def test_a_small_offset_is_the_same_pointing():
    ra, dec = STAR.ra, STAR.dec
    assert (ra, dec) == ("05:34:22.372", "-5:24:52.448")
    along_the_slit = {"ra": "05:34:21.9", "dec": "-05:25:12.0", "block_id": None}
    assert chosen(arc(1, -5, **along_the_slit), arc(2, 1, **ELSEWHERE)) == [1]
    assert chosen(arc(1, -5, **{**along_the_slit, "dec": "-05:26:12.0"}), arc(2, 1, **ELSEWHERE)) == [1, 2]


@pytest.mark.parametrize("exposure", [-1.0, 1e14])
def test_an_absurd_exposure_time_is_not_believed(exposure):
    assert bracketing_arcs(replace(STAR, exposure=exposure), (arc(1, -600), arc(2, 5)))


def test_a_row_of_the_table_gives_the_candidate_back():
    assert Candidate.from_item(arc(1, 5).to_item()) == arc(1, 5)
    old = arc(1, 5).to_item()
    for name in ("exposure", "lamps", "lamps_known"):
        del old[name]
    read = Candidate.from_item(old)
    assert (read.exposure, read.lamps, read.lamps_known) == (0.0, (), False)


ARCS = st.lists(
    st.builds(
        dict,
        minutes=st.integers(-240, 240),
        ra=st.sampled_from([LAMP.ra, "12:00:00.0"]),
        block_id=st.sampled_from([LAMP.block_id, None]),
        filter=st.sampled_from([LAMP.filter, "OG570"]),
        lamps=st.sampled_from([("Hg", "Ar"), ()]),
        roi=st.sampled_from([LAMP.roi_geometry, "4140x100@0,700"]),
    ),
    max_size=7,
)


@given(ARCS, st.randoms(use_true_random=False))
def test_the_choice_is_of_the_candidates_not_of_their_order(drawn, shuffler):
    candidates = [arc(10 + i, **values) for i, values in enumerate(drawn)]
    chosen_first = bracketing_arcs(STAR, candidates)
    shuffler.shuffle(candidates)
    assert bracketing_arcs(STAR, candidates) == chosen_first
    assert best_arc(STAR, candidates) in (chosen_first or (None,))
    if len(chosen_first) == 2:
        before, after = map(middle_of, chosen_first)
        assert before <= middle_of(STAR) <= after and before < after
        assert after - before <= 2 * matching.BRACKET_REACH
        assert matching._arc_class(STAR, chosen_first[0]) == matching._arc_class(STAR, chosen_first[1])

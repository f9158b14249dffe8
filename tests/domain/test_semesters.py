"""Semesters, SOAR ids, slips in them, and rosters of any kind."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import roster, semesters
from chalicelib.domain.nights import night_number
from chalicelib.domain.records import scope_of

SEMESTER = [semesters.preset("2026B", number) for number in range(1, 61)] + ["calibrate"]


@given(st.dates(date(2001, 1, 1), date(2090, 1, 1)))
def test_every_night_has_a_semester_and_the_next_begins_when_it_ends(day: date):
    mine = semesters.semester_of(night_number(day))
    later = semesters.semester_of(night_number(day + timedelta(days=184)))
    assert later in (semesters.after(mine), semesters.after(mine, 2))
    assert semesters.after(semesters.after(mine), -1) == mine
    assert mine in semesters.around(night_number(day), night_number(day))


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("SOAR2026B-O14", ["SOAR2026B-014"]),
        ("SOAR 2026B_014", ["SOAR2026B-014"]),
        ("SOAR2026B014", ["SOAR2026B-014"]),
        ("SAOR2026B-014", ["SOAR2026B-014"]),
        ("S0AR2026B-0l4", ["SOAR2026B-014"]),
        ("OAR2026B-014", ["SOAR2026B-014"]),
        ("calibrat", ["calibrate"]),
        ("engineering", []),
        ("X", []),
        ("", []),
    ],
)
def test_a_slip_is_recognised(mistyped: str, meant: list[str]):
    assert semesters.likely(mistyped, SEMESTER) == meant


def test_of_many_that_are_as_likely_a_few_are_named_and_never_the_id_itself():
    found = semesters.likely("SOAR2026B-999", [*SEMESTER, "SOAR2026B-999"])
    assert found == []
    found = semesters.likely("SOAR2026B-061", SEMESTER)
    assert len(found) == semesters.SUGGESTIONS
    assert all(semesters.distance(one, "SOAR2026B-061", 1) == 1 for one in found)


@given(st.text(alphabet="AB01-", max_size=9), st.text(alphabet="AB01-", max_size=9), st.integers(0, 4))
def test_the_distance_is_symmetric_bounded_and_zero_only_for_the_same(first: str, second: str, limit: int):
    found = semesters.distance(first, second, limit)
    assert found == semesters.distance(second, first, limit)
    assert (found == 0) == (first == second)
    assert found is None or abs(len(first) - len(second)) <= found <= limit
    true = plain_distance(first, second)
    assert found == (true if true <= limit else None)


@cache
def plain_distance(first: str, second: str) -> int:
    """The same by its definition."""
    if not first or not second:
        return len(first) + len(second)
    found = min(
        plain_distance(first[1:], second) + 1,
        plain_distance(first, second[1:]) + 1,
        plain_distance(first[1:], second[1:]) + (first[0] != second[0]),
    )
    if first[:2] == second[1::-1] and len(first) > 1:
        found = min(found, plain_distance(first[2:], second[2:]) + 1)
    return found


@given(st.text(max_size=200))
def test_any_text_is_a_roster_or_is_refused_in_a_sentence(text: str):
    for prefix in ("", "soar_id,title,email\n"):
        try:
            rows = roster.read(prefix + text)
        except roster.BadRoster as bad:
            assert str(bad).endswith(".")
        else:
            assert all(one.problems or scope_of(one.soar_id) == one.scope for one in rows)


def test_rows_know_their_lines_whatever_lies_between():
    text = 'title,soar_id,email\n\n"Two\nlines",SOAR2026B-001,a@example.org\r\n  \nOne,SOAR2026B-002,b@example.org'
    assert [(row.line, row.title, row.soar_id) for row in roster.read(text)] == [
        (3, "Two lines", "SOAR2026B-001"),
        (6, "One", "SOAR2026B-002"),
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("SOAR2026B-001,Novae,a@example.org,extra", "4 fields for 3 columns"),
        (f"SOAR2026B-001,{'x' * 301},a@example.org", "301 characters"),
        ("SOAR2026B-00é,Novae,a@example.org", "no FITS card"),
        ("SOAR2026B-001,Novae,a@example", "no e-mail address"),
        ("SOAR2026B-001,Novae,a@ex ample.org", "no e-mail address"),
        ("engineering,Novae,a@example.org", "names no semester"),
        (",Novae,a@example.org", "The column soar_id is empty."),
        (",Novae,a@example.org", "The row names no semester; add a column semester."),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row: str, says: str):
    (read,) = roster.read(f"soar_id,title,email\n{row}\n")
    assert any(says in sentence for sentence in read.problems)
    assert all(sentence.endswith(".") for sentence in read.problems)

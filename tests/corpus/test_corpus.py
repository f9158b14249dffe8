"""Every file of the corpus ends in a record that says what is wrong and what to do, and takes nothing with it."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from chalicelib.domain.headers import observe
from chalicelib.domain.records import UNASSIGNED_SCOPE
from chalicelib.science import rawfile
from tests.corpus import corpus
from tests.corpus.corpus import CASES, MEGABYTE
from tests.corpus.observatory import Night, Upload, play

STATUSES = {"done", "provisional", "waiting", "failed", "rejected"}


@pytest.fixture(scope="module")
def intake() -> Night:
    """The whole corpus dropped at once into one night."""
    return play([[Upload(case.name, case.data if case.stream else case.data()) for case in CASES]])


def test_nothing_ends_as_a_dead_letter(intake):
    assert intake.raised == []
    assert {record["status"] for record in intake.records} <= STATUSES
    assert not [name for name, subject in intake.subjects.items() if "open" in subject]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_file_ends_with_its_status_and_sentence(intake, case):
    record = intake.raw(case.name)
    assert (record["status"], case.told(record["status_reason"])) == (case.status, True), record["status_reason"]
    assert (record["failure"] or {}).get("code") == case.code
    if case.status == "rejected":
        assert not intake.made_from(case.name)
        told = [e["sentence"] for e in intake.events if e["file_name"] == case.name]
        assert told == [record["status_reason"]]
    else:
        assert set(intake.made_from(case.name)) == {"2"}


@pytest.mark.parametrize("case", [c for c in CASES if c.heavy], ids=lambda case: case.name)
def test_what_is_far_too_large_is_read_in_little_memory(case):
    data = io.BytesIO() if case.stream else io.BytesIO(case.data())
    rawfile.scan(case.data() if case.stream else io.BytesIO(data.getvalue()))  # what is imported once is not counted
    tracemalloc.start()
    try:
        opened = case.data() if case.stream else data
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        scanned = rawfile.scan(opened)
        scanning = tracemalloc.get_traced_memory()[1] - before
        if case.code is None:
            rawfile.read_raw(data.getvalue())
        reading = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert scanned.code == case.code
    assert scanning < 8 * MEGABYTE
    assert reading < 20 * MEGABYTE


@pytest.mark.parametrize("name", ["PROPID_missing.fits", "PROPID_is_true.fits"])
def test_a_frame_of_no_proposal_is_reduced_for_staff_to_assign(intake, name):
    assert intake.raw(name)["scope"] == intake.made_from(name)["2"]["scope"] == UNASSIGNED_SCOPE


def test_a_frame_of_an_unknown_proposal_waits_under_its_name(intake):
    assert intake.raw("PROPID_unknown.fits")["scope"] == "SOAR1999A-999"


def test_a_rejected_frame_still_tells_whose_it_was(intake):
    assert intake.raw("truncated_data.fits")["scope"] == intake.raw("GAIN_missing.fits")["scope"] == "SOAR2026B-014"


def test_a_rejected_frame_tells_when_it_was_taken_if_its_header_says(intake):
    assert intake.raw("truncated_data.fits")["observed"].startswith("20")
    assert intake.raw("GAIN_missing.fits")["observed"].startswith("20")
    assert intake.raw("zero_bytes.fits")["observed"] is None


def test_the_night_of_what_has_no_date_is_that_of_its_upload(intake):
    assert intake.raw("zero_bytes.fits")["night"] > 20260814
    assert intake.raw("GAIN_missing.fits")["night"] >= 20260814


def test_angles_the_header_does_not_ask_for_are_the_encoders():
    o = [observe(rawfile.scan(io.BytesIO(corpus.arc(**cards))).header) for cards in ({}, {"CAM_TARG": None})]
    assert o[1].camera_angle == pytest.approx(o[0].camera_angle, abs=0.01)
    assert o[1].wavmode == o[0].wavmode == "400_M2"

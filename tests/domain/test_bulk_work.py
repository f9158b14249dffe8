"""Messages of bulk work: small enough for SQS, nothing left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.bulk import MAX_BYTES, MAX_SUBJECTS, BadBulkWork, BulkWork, split

SUBJECTS = st.lists(st.one_of(st.integers(1, 500).map(lambda n: f"frame#{n}"), st.text(max_size=40)), max_size=400)


@given(subjects=SUBJECTS, reprocess=st.booleans())
def test_parts_are_small_and_together_the_whole(subjects, reprocess):
    work = BulkWork(tuple(subjects), reprocess=reprocess, actor="staff")
    parts = list(split(work))
    assert all(len(part.subjects) <= MAX_SUBJECTS and len(part.body().encode()) <= MAX_BYTES for part in parts)
    assert [subject for part in parts for subject in part.subjects] == list(dict.fromkeys(subjects))
    assert all(BulkWork.parse(part.body()) == part for part in parts)
    assert all((part.reprocess, part.actor) == (reprocess, "staff") for part in parts)


def test_long_names_make_more_messages():
    subjects = [f"pool#{number:02d}{'å' * 1000}" for number in range(90)]  # å takes six bytes in JSON
    parts = list(split(BulkWork(tuple(subjects))))
    assert len(parts) == 3
    assert all(len(part.body().encode()) <= MAX_BYTES for part in parts)


def test_a_name_no_message_can_hold_is_refused():
    with pytest.raises(BadBulkWork, match="too long"):
        list(split(BulkWork(("x" * MAX_BYTES,))))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("no json", "not JSON"),
        ("3", "not a JSON object"),
        ('{"subjects": ["a"], "raw_night": 20261121}', "either"),
        ('{"subjects": []}', "either"),
        ('{"subjects": ["a"], "reprocess": 1}', "reprocess"),
        ('{"raw_night": true}', "raw_night"),
        ('{"raw_night": "20261121"}', "raw_night"),
    ],
)
def test_other_messages_are_refused_in_a_sentence(body, says):
    with pytest.raises(BadBulkWork, match=says):
        BulkWork.parse(body)

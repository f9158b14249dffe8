"""What people may write."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.plaintext import NotPlain, plain


def test_lines_end_alike_and_nothing_blank_is_around():
    assert plain(" \r\n seeing 0.8″\rclouds\r\n\tthin \n\n") == "seeing 0.8″\nclouds\n\tthin"
    assert plain("e\u0301toile") == "étoile"


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\x00", "a\x1b[2J", "a\x7f", "a\u202eb", "\u2066a", "\ud800", "a\u0085b"]
)
def test_what_hides_or_turns_is_refused(text):
    with pytest.raises(NotPlain):
        plain(text)


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\rb"])
def test_a_subject_is_one_line(text):
    with pytest.raises(NotPlain):
        plain(text, lines=False)
    assert plain("  one line ", lines=False) == "one line"


@given(st.text(max_size=50))
def test_what_is_kept_can_be_shown_and_is_kept_again_as_it_is(text):
    try:
        kept = plain(text)
    except NotPlain:
        return
    assert kept == kept.strip()
    assert plain(kept) == kept
    assert {c for c in kept if unicodedata.category(c) in ("Cc", "Cs")} <= {"\n", "\t"}
    kept.encode()

"""Cards without astropy read as astropy reads them."""

from __future__ import annotations

import pytest
from astropy.io import fits

from chalicelib.domain import cards


def test_agrees_with_astropy():
    header = fits.Header()
    header["INSTRUME"] = ("GHTS_RED", "the spectrograph")
    header["GAIN"] = (1.54, "e-/ADU")
    header["SMALL"] = -3.25e-19
    header["COUNT"] = -12
    header["SWITCH"] = False
    header["QUOTE"] = ("it's / 'so'", "with / a slash")
    header["LONG"] = ("a long value that does not fit " * 6).strip()
    header["HIERARCH ESO DET ID"] = ("x1", "hierarch")
    header["NOTHING"] = None
    header.add_history("a step = was done / here")
    header.add_comment("said")
    data = header.tostring(padding=True).encode("latin-1")
    assert cards.header_length(data + b"\0" * 2880) == len(data)
    read = cards.parse(data)
    assert [(c["keyword"], c["value"]) for c in read] == [
        (c.keyword, None if isinstance(c.value, fits.card.Undefined) else c.value) for c in header.cards
    ]
    assert [c["comment"] for c in read if c["keyword"] not in ("HISTORY", "COMMENT")] == [
        c.comment for c in header.cards if c.keyword not in ("HISTORY", "COMMENT")
    ]


@pytest.mark.parametrize("data", [b"", b"SIMPLE  =", b"SIMPLE  =                    T".ljust(2880)])
def test_a_header_without_an_end_has_no_length(data: bytes):
    assert cards.header_length(data) is None


def test_bytes_that_are_not_ascii_are_kept():
    (card,) = cards.parse("OBSERVER= 'Muñoz'".ljust(80).encode("latin-1"))
    assert card["value"] == "Muñoz"


def test_commented_out_and_broken_cards_do_not_stop_the_rest():
    lines = ("/GAIN   = 1.0", "BAD     = 'no end", "GAIN    = 2.06", "END")
    read = cards.parse("".join(line.ljust(80) for line in lines).encode())
    assert cards.value(read, "GAIN") == 2.06
    assert cards.value(read, "BAD") == "'no end"

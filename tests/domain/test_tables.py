"""Exports of spectra whose names and values are hostile."""

from __future__ import annotations

import io
import json
import math
from array import array

import numpy as np
import pytest
from astropy.io.votable import parse_single_table
from astropy.table import Table

from chalicelib.domain import tables
from chalicelib.domain.previews import MAGIC, NotAPreview, read

HOSTILE = 'A&B <i>"x"</i> ]]> \n# - {name: y}\t\x00 µ é'


def preview(flux: list[float], header: dict | None = None) -> bytes:
    """A spectrum's preview with one column."""
    body = array("f", flux).tobytes()
    entry = {"offset": 0, "length": len(body), "encoding": "raw", "dtype": "<f4", "shape": [len(flux)]}
    content = {"kind": "spectrum", "length": len(flux), "first_column": 7.0, "unit": "electron"}
    text = json.dumps(content | {"columns": {"flux": entry}} | (header or {})).encode()
    text += b" " * (-(8 + len(text)) % 8)
    return MAGIC + len(text).to_bytes(4, "little") + text + body


RECORD = {
    "file_name": "a.fits",
    "id": 1,
    "sha256": "0" * 64,
    "original_file": "r.fits",
    "object": HOSTILE,
    "proposal_id": "'\"",
    "target": None,
}


@pytest.mark.parametrize("form", ["ascii", "csv", "votable"])
def test_hostile_names_and_numbers_come_through(form: str):
    flux = [1.5, math.nan, -3.25e-38, 3.4e38, 0.1]
    found = read(preview(flux))
    columns, about = tables.columns_of(found), tables.provenance(RECORD, found)
    if form == "votable":
        text = tables.votable(columns, about)
        table = parse_single_table(io.BytesIO(text.encode()), verify="exception")
        said = {p.name: p.value for p in table.params}
        assert said["object"] == "".join(c if c.isprintable() else " " for c in HOSTILE)
        values = table.to_table()["flux"]
    else:
        text = tables.ecsv(columns, about, delimiter="," if form == "csv" else " ")
        table = Table.read(text, format="ascii.ecsv")
        assert table.meta["object"] == HOSTILE
        values = table["flux"]
    expected = array("f", flux)
    np.testing.assert_array_equal(np.ma.filled(np.ma.asarray(values), np.nan), expected)


@pytest.mark.parametrize(
    "data", [b"", b"GLPV", b"GLPV\x04\x00\x00\x00null", b"GLPV\xff\xff\xff\xff{}", b"PNG" + bytes(60)]
)
def test_what_is_no_preview_is_told(data: bytes):
    with pytest.raises(NotAPreview):
        read(data)


def test_a_preview_that_ends_early_is_told():
    with pytest.raises(NotAPreview):
        read(preview([1.0, 2.0])[:-4]).columns()

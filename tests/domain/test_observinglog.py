"""The observing log made of records and remarks."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.observinglog import COLUMNS, observing_log, to_csv, to_text
from tests.filing import record

NIGHT = 20261121


def frame(number: int = 1, **changes):
    return record(number=number, obstype="SPECTRUM", exposure=60.0) | changes


def spectrum(number: int, raw, kind: str = "3", **changes):
    return record(number=number, data_type=kind, original_file_id=raw["id"], **{"target": 1} | changes)


def remark(text: str, **changes):
    return {"text": text, "author": "pi", "time": "2026-11-22T01:02:03+00:00", "file_name": "x.fits"} | changes


def line(raw, *products):
    (only,) = observing_log(NIGHT, [raw, *products], {}).frames
    return only


def test_without_an_automatic_chain_the_chosen_one_is_shown():
    raw = frame()
    chosen = spectrum(2, raw, variant="9f", quality={"signal_to_noise": 5.0, "fwhm_arcsec": 1.0})
    assert line(raw, chosen)["signal_to_noise"] == 5.0
    auto = spectrum(3, raw, quality={"signal_to_noise": 4.0, "fwhm_arcsec": 1.1})
    assert line(raw, chosen, auto)["signal_to_noise"] == 4.0


def test_wavelengths_are_those_of_the_brightest_target():
    raw = frame()
    products = [
        spectrum(2, raw, target=1, quality={"signal_to_noise": 4.0}),
        spectrum(3, raw, target=2, quality={"signal_to_noise": 40.0, "fwhm_arcsec": 0.9}),
        spectrum(4, raw, "4", target=1, quality={"wavelength_rms": 0.9}),
        spectrum(5, raw, "4", target=2, quality={"wavelength_rms": 0.04}),
    ]
    shown = line(raw, *products)
    assert (shown["signal_to_noise"], shown["seeing"], shown["wavelength_rms"]) == (40.0, 0.9, 0.04)


def test_remarks_stand_with_their_frame_in_the_order_in_which_they_were_written():
    raw = frame()
    product = spectrum(2, raw)
    log = observing_log(
        NIGHT,
        [raw, product, record(number=9, data_type="1")],
        {
            None: [remark("note 2", time="2026-11-22T03"), remark("note 1", time="2026-11-22T02")],
            raw["id"]: [remark("second", time="2026-11-22T05")],
            product["id"]: [remark("first", time="2026-11-22T04")],
            record(number=9)["id"]: [remark("on a master")],
        },
    )
    assert [r["text"] for r in log.notes] == ["note 1", "note 2"]
    assert [r["text"] for r in log.frames[0]["comments"]] == ["first", "second"]
    assert [r["text"] for r in log.others] == ["on a master"]


def test_a_frame_of_which_nothing_is_known_has_a_line():
    raw = dict.fromkeys(record()) | {"id": 1, "original_file_id": 1, "data_type": "0", "status": "failed"}
    log = observing_log(NIGHT, [raw], {})
    assert "failed" in to_text(log)
    assert next(csv.DictReader(io.StringIO(to_csv(log))))["status"] == "failed"


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30))
def test_no_cell_starts_a_formula(text):
    raw = frame(object=text, slit=text)
    log = observing_log(NIGHT, [raw], {None: [remark(text)], raw["id"]: [remark(text, author=text)]})
    rows = list(csv.reader(io.StringIO(to_csv(log), newline="")))
    assert {len(row) for row in rows} == {len(COLUMNS) + 1}
    for cell in (cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))):
        assert cell[1:].replace(":", "").replace(".", "").isdecimal()
    to_text(log)


@pytest.mark.parametrize(
    ("value", "shown"), [("-48:23:59.899", "-48:23:59.899"), ("+2.5", "+2.5"), ("-1+cmd", "'-1+cmd"), ("=A1", "'=A1")]
)
def test_angles_stay_as_they_are(value, shown):
    log = observing_log(NIGHT, [frame(obsdec=value)], {})
    assert next(csv.DictReader(io.StringIO(to_csv(log))))["dec"] == shown

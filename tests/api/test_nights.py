"""Nights, and the observing log of one as the observer takes it home."""

from __future__ import annotations

import csv
import io
import json

import pytest

from chalicelib.api import nights
from chalicelib.domain.records import MASTERS_SCOPE
from tests.api.client import Api, problem
from tests.filing import file, record

NIGHT = 20261121
OTHERS = "SOAR2026B-021"


def frame(number: int, started: str, **changes):
    return record(
        number=number,
        exposure=300.0,
        observation={"started": started, "airmass": 1.21},
        **{"obstype": "SPECTRUM", "object": "SN 2026abc"} | changes,
    )


def product(number: int, raw: dict, kind: str, **changes):
    return record(
        number=number, data_type=kind, original_file_id=raw["id"], obstype=raw["obstype"], **{"target": 1} | changes
    )


@pytest.fixture
def night(api: Api) -> Api:
    late = frame(1, "2026-11-22T03:00:00+00:00")
    early = frame(2, "2026-11-22T01:30:00+00:00", object="=HYPERLINK(1)", quality={})
    unread = record(number=3, status="rejected", status_reason="No header.", object=None, obstype=None)
    theirs = frame(4, "2026-11-22T02:00:00+00:00", proposal_id=OTHERS)
    file(
        late,
        early,
        unread,
        theirs,
        product(10, late, "3", quality={"signal_to_noise": 8.25, "fwhm_arcsec": 1.31}),
        product(11, late, "3", target=2, quality={"signal_to_noise": 31.5, "fwhm_arcsec": 0.97}),
        product(12, late, "4", target=2, quality={"wavelength_rms": 0.061}),
        product(13, late, "4", target=1, quality={"wavelength_rms": 0.5}),
        product(14, late, "3", variant="9f", target=2, quality={"signal_to_noise": 99.0, "fwhm_arcsec": 0.5}),
        product(15, late, "2"),
        record(20261120, 1),
    )
    for path, body, role in (
        (f"/files/{late['id']}", {"text": "Guiding lost.\n=1+1"}, "pi"),
        (f"/files/{late['id'] + 14}", {"text": "Trace is good."}, "collaborator"),
        (f"/files/{theirs['id']}", {"text": "theirs"}, "staff"),
        (f"/nights/{NIGHT}", {"text": "Dome opened late."}, "staff"),
        (f"/nights/{NIGHT}", {"text": "not for you", "proposal": OTHERS}, "staff"),
    ):
        assert api.post(f"{path}/comments", body, role).status_code == 201
    return api


def test_the_log_holds_the_viewers_frames_in_order_with_what_was_measured(night: Api):
    log = night.json(f"/nights/{NIGHT}/log")
    assert log["complete"]
    assert [line["file_name"] for line in log["frames"]] == ["0002_frame.fits", "0001_frame.fits", "0003_frame.fits"]
    early, late, unread = log["frames"]
    assert (late["signal_to_noise"], late["seeing"], late["wavelength_rms"]) == (31.5, 0.97, 0.061)
    assert (late["exposure"], late["airmass"], late["time"]) == (300.0, 1.21, "2026-11-22T03:00:00+00:00")
    assert (early["signal_to_noise"], early["seeing"], early["wavelength_rms"]) == (None, None, None)
    assert (unread["time"], unread["status"], unread["status_reason"]) == (None, "rejected", "No header.")
    assert [(c["text"], c["file_name"]) for c in late["comments"]] == [
        ("Guiding lost.\n=1+1", "0001_frame.fits"),
        ("Trace is good.", "0015_frame.fits"),
    ]
    assert [note["text"] for note in log["notes"]] == ["Dome opened late."]
    assert "theirs" not in json.dumps(log) and "not for you" not in json.dumps(log)
    staff = night.json(f"/nights/{NIGHT}/log", "staff")
    assert len(staff["frames"]) == 4 and len(staff["notes"]) == 2
    one = night.json(f"/nights/{NIGHT}/log?proposal={OTHERS}", "staff")
    assert [line["comments"][0]["text"] for line in one["frames"]] == ["theirs"]
    assert [note["text"] for note in one["notes"]] == ["not for you"]
    assert night.json(f"/nights/{NIGHT}/log?proposal={OTHERS}")["frames"] == []
    assert night.json("/nights/20200101/log")["frames"] == []


def test_the_log_as_csv_starts_no_formula(night: Api):
    answer = night.get(f"/nights/{NIGHT}/log?format=csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="observing-log-20261121.csv"'
    note, early, late, _ = csv.DictReader(io.StringIO(answer.body.decode()))
    assert note["comments"].startswith("staff, 2026-") or "Dome opened late." in note["comments"]
    assert early["object"] == "'=HYPERLINK(1)"
    assert late["dec"] == "-48:23:59.899", "a declination is no formula"
    assert (late["signal_to_noise"], late["exposure"]) == ("31.5", "300")
    assert late["comments"].splitlines()[0].endswith("Guiding lost.")
    assert late["comments"].count("\n") == 2


def test_the_log_as_text_is_for_people(night: Api):
    answer = night.get(f"/nights/{NIGHT}/log?format=text")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.body.decode().splitlines()
    assert lines[0] == "Observing log of the night 2026-11-21"
    assert lines[2].startswith("* staff, ") and lines[2].endswith(": Dome opened late.")
    heading = next(line for line in lines if line.startswith("UT"))
    (late,) = (line for line in lines if "SN 2026abc" in line)
    assert late.startswith("03:00:00  0001_frame.fits")
    assert late[heading.index("S/N") :].split() == ["31.5", "0.97", "0.061"]
    below = lines[lines.index(late) + 1 :]
    assert below[0].startswith("    > pi, ") and below[1] == "      =1+1"


def test_a_night_larger_than_a_log_says_so(night: Api, monkeypatch: pytest.MonkeyPatch):
    for name, most in (
        ("MOST_FILES", 3),
        ("MOST_NOTES", 0),
        ("MOST_COMMENTED", 1),
        ("MOST_OF_A_FILE", 0),
        ("MOST_CHARACTERS", 20),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(nights, name, most)
            assert not night.json(f"/nights/{NIGHT}/log")["complete"], name
    monkeypatch.setattr(nights, "MOST_FILES", 3)
    assert b"This is not all" in night.get(f"/nights/{NIGHT}/log?format=text").body


def test_nights_are_those_with_files_one_sees(night: Api, monkeypatch: pytest.MonkeyPatch):
    assert night.json("/nights")["results"] == [
        {"night": NIGHT, "files": 9, "raw": 3, "masters": 0, "failed": 0},
        {"night": 20261120, "files": 1, "raw": 1, "masters": 0, "failed": 0},
    ]
    assert night.json("/nights", "stranger") == {"count": 0, "next": None, "previous": None, "results": []}
    assert night.json("/nights", "staff")["results"][0]["raw"] == 4
    calibrated = {"night": NIGHT, "files": 2, "raw": 0, "masters": 0, "failed": 0}
    assert night.json("/nights?data_type=4")["results"] == [calibrated]
    assert night.json("/nights?last_night=2026-11-20")["count"] == 1
    monkeypatch.setattr(nights, "PAGE_SIZE", 1)
    first = night.json("/nights")
    assert night.follow(first["next"])["results"][0]["night"] == 20261120
    problem(night.get("/nights?page=3"), 404)


def test_a_night_of_which_one_sees_only_masters_says_so(night: Api):
    file(record(20261119, 1, data_type="1", scope=MASTERS_SCOPE), record(20261119, 2, proposal_id=OTHERS))
    masters = {"night": 20261119, "files": 1, "raw": 0, "masters": 1, "failed": 0}
    assert night.json("/nights", "stranger")["results"] == [masters]
    assert night.json("/nights", "staff")["results"][-1] == masters | {"files": 2, "raw": 1}

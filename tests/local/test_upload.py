"""Which key a file of a folder gets."""

from __future__ import annotations

import gzip
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.upload import date_obs, files_below, plan_uploads, send

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def fits_header(**cards: str) -> bytes:
    lines = ["SIMPLE  =                    T", *(f"{name:<8}= '{value}'" for name, value in cards.items()), "END"]
    text = "".join(f"{line:<80}" for line in lines)
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    (raw / "a").mkdir(parents=True)
    (raw / "b").mkdir()
    return raw


def keys(folder: Path) -> dict[str, str]:
    return {upload.label: upload.key for upload in plan_uploads(folder, files_below(folder), NOW)}


def test_the_night_is_the_frames_whatever_its_compression(folder):
    (folder / "1.fits").write_bytes(fits_header(**{"DATE-OBS": "2018-02-05T04:03:02.1"}))
    (folder / "2.fits.gz").write_bytes(gzip.compress(fits_header(**{"DATE-OBS": "2018-02-04T17:00:00"})))
    (folder / "3.fits").write_bytes(fits_header(**{"DATE-OBS": "2018-02-04", "UT": "15:59:59"}))
    assert keys(folder) == {
        "1.fits": "raw/20180204/1.fits",
        "2.fits.gz": "raw/20180204/2.fits.gz",
        "3.fits": "raw/20180203/3.fits",
    }


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00", "9999-99-99T00:00:00", "yesterday", "T", ""])
def test_a_date_that_is_none_does_not_stop_the_folder(folder, when):
    (folder / "x.fits").write_bytes(fits_header(**{"DATE-OBS": when}))
    assert keys(folder) == {"x.fits": "raw/20261122/x.fits"}


def test_names_no_key_can_hold_are_written_out(folder):
    names = ["é ü.fits", "a\nb.fits", "a%0Ab.fits", os.fsdecode(b"bad\xff.fits")]
    for name in names:
        (folder / name).write_bytes(b"x")
    found = keys(folder)
    assert set(found) == {"é ü.fits", "a%0Ab.fits", "bad%FF.fits"}
    uploads = plan_uploads(folder, files_below(folder), NOW)
    assert len({upload.key for upload in uploads}) == 4
    assert all(upload.key.isprintable() and upload.key.encode() for upload in uploads)


def test_what_cannot_be_read_is_said_and_stops_nothing(folder):
    (folder / "x.fits").write_bytes(b"x")
    (folder / "gone.fits").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.fits")
    (folder / "a" / "loop").symlink_to(folder)
    uploads = plan_uploads(folder, files_below(folder), NOW)

    class Bucket:
        def put_object(self, **_: object) -> None:
            pass

    counts: list[int] = []
    result = send(uploads, Bucket(), "bucket", counts.append)
    assert set(result.sha256) == {"raw/20261122/x.fits"}
    assert {key.rsplit("/", 1)[1]: reason for key, reason in result.unread.items()} == {
        "gone.fits": "This is a link to something that does not exist.",
        "pipe.fits": "This is no file, but a pipe, a socket or a device.",
    }
    assert counts == [1, 2, 3]


@pytest.mark.parametrize(
    "content", [b"", b"no FITS", b"\x1f\x8bbroken", b"\xfd7zXZ\x00broken", b"BZhbroken", fits_header(OBJECT="x")]
)
def test_a_file_without_a_date_goes_to_the_night_of_its_upload(folder, content):
    (folder / "x.fits").write_bytes(content)
    assert date_obs(folder / "x.fits") == ""
    assert keys(folder) == {"x.fits": "raw/20261122/x.fits"}


def test_files_of_the_same_name_all_survive(folder):
    for place in ("a/x.fits", "b/x.fits", "y.fits"):
        (folder / place).write_bytes(fits_header(**{"DATE-OBS": "2018-02-05T04:03:02", "OBJECT": place}))
    assert keys(folder) == {
        "a/x.fits": "raw/20180204/a/x.fits",
        "b/x.fits": "raw/20180204/b/x.fits",
        "y.fits": "raw/20180204/y.fits",
    }


def test_files_go_in_the_order_they_were_taken(folder):
    for name, when in (("c.fits", "2018-02-04T20:00:00"), ("a.fits", "2018-02-05T04:00:00")):
        (folder / name).write_bytes(fits_header(**{"DATE-OBS": when}))
    (folder / "b.txt").write_text("a log")
    assert list(keys(folder)) == ["c.fits", "a.fits", "b.txt"]


def test_hidden_files_and_the_folder_of_products_are_left_out(folder):
    for place in ("a/x.fits", ".hidden", "a/.DS_Store"):
        (folder / place).write_bytes(b"x")
    out = folder / "b"
    (out / "product.fits").write_bytes(b"x")
    assert [path.name for path in files_below(folder, without=out)] == ["x.fits"]


def test_sending_tells_checksum_and_moment(folder):
    for number in range(7):
        (folder / f"{number}.fits").write_bytes(b"x" * number)
    uploads = plan_uploads(folder, files_below(folder), NOW)
    stored: dict[str, bytes] = {}

    class Bucket:
        def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
            stored[Key] = Body

    counts: list[int] = []
    result = send(uploads, Bucket(), "bucket", counts.append)
    assert {key: hashlib.sha256(body).hexdigest() for key, body in stored.items()} == result.sha256
    assert set(result.moment) == {upload.key for upload in uploads}
    assert counts == list(range(1, 8))


def test_an_upload_that_fails_is_not_swallowed(folder):
    (folder / "x.fits").write_bytes(b"x")

    class Broken:
        def put_object(self, **_: object) -> None:
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        send(plan_uploads(folder, files_below(folder), NOW), Broken(), "bucket")


def test_an_interval_sends_one_after_the_other(folder):
    for number in range(3):
        (folder / f"{number}.fits").write_bytes(b"x" * number)
    events: list[object] = []

    class Bucket:
        def put_object(self, *, Key: str, **_: object) -> None:
            events.append(Key.rsplit("/", 1)[1])

    send(plan_uploads(folder, files_below(folder), NOW), Bucket(), "bucket", interval=4.0, sleep=events.append)
    assert events == ["0.fits", 4.0, "1.fits", 4.0, "2.fits"]

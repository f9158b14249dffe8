"""Where a raw frame is brought: an address for these bytes, for a while, never over what is there."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from chalicelib.store import clients, identities
from tests.api.client import Api, problem

DATA = b"SIMPLE  =                    T".ljust(2880)
NAME = "0317_star.fits"


def asked(**changes):
    checksum = base64.b64encode(hashlib.sha256(changes.pop("data", DATA)).digest()).decode()
    return {"file_name": NAME, "night": 20261120, "size": len(DATA), "sha256": checksum} | changes


def put(upload: dict, data: bytes = DATA) -> requests.Response:
    headers = {name: value for name, value in upload["headers"].items() if name != "Content-Length"}
    return requests.request(upload["method"], upload["url"], data=data, headers=headers, timeout=10)


def test_the_very_bytes_go_where_they_belong_once(api: Api):
    answer = json.loads(api.post("/files", asked(), "staff").body)
    assert (answer["key"], answer["file"]) == (f"raw/20261120/{NAME}", None)
    assert put(answer["upload"]).status_code == 200
    stored = clients.s3().get_object(Bucket=clients.bucket(), Key=answer["key"])["Body"].read()
    assert stored == DATA
    assert put(answer["upload"], b"other").status_code == 412, "never over an object that is there"
    assert "is taken" in problem(api.post("/files", asked(data=b"other"), "staff"), 409)["detail"]


def test_all_that_matters_is_signed(api: Api):
    upload = json.loads(api.post("/files", asked(), "staff").body)["upload"]
    query = parse_qs(urlsplit(upload["url"]).query)
    signed = set(query["X-Amz-SignedHeaders"][0].split(";"))
    assert signed == {"host", *(name.lower() for name in upload["headers"])}
    assert {"if-none-match", "content-length", "x-amz-checksum-sha256"} <= signed
    assert query["X-Amz-Expires"] == ["900"]
    assert upload["headers"]["Content-Length"] == str(len(DATA))


def test_bytes_that_are_here_already_need_no_upload(api: Api):
    there = identities.identify(identities.raw_identity(hashlib.sha256(DATA).hexdigest()), 20261120)
    answer = json.loads(api.post("/files", asked(file_name="another name.fits.fz"), "staff").body)
    assert (answer["file"], answer["upload"]) == (there, None)


def test_observers_do_not_upload(api: Api):
    for role in ("pi", "collaborator", "stranger"):
        assert "Ask the observatory's staff" in problem(api.post("/files", asked(), role), 403)["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"file_name": "../../masters/x.fits"},
        {"file_name": "a/b.fits"},
        {"file_name": ".fits"},
        {"file_name": "notes.txt"},
        {"file_name": "x" * 130 + ".fits"},
        {"night": 20261399},
        {"night": 20991231},
        {"night": 19990101},
        {"size": 0},
        {"size": 10**10},
        {"sha256": "ab" * 22},
        {"sha256": "A" * 43 + "!"},
        {"sha256": "abc"},
        {"other": 1},
    ],
)
def test_what_cannot_be_a_frame_is_refused(still_api: Api, change):
    problem(still_api.post("/files", asked() | change, "staff"), 422)

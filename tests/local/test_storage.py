"""What the page's own requests to the storage of frames need: to be allowed, and to be told of errors."""

from __future__ import annotations

import pytest
import requests

from chalicelib.store import clients, objects, uploads
from infra import site
from infra.local import resources

ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture
def bucket(moto) -> str:
    resources.create_bucket(resources.create_queues())
    clients.s3().put_object(Bucket=clients.bucket(), Key="preview/ab/abc", Body=b"preview")
    return clients.bucket()


def ask(url: str, method: str = "GET", **headers: str) -> requests.Response:
    return requests.request(method, url, headers={"Origin": ORIGIN} | headers, timeout=10)


def test_a_page_may_read_what_it_was_given_an_address_for(bucket: str):
    url = objects.presigned("preview/ab/abc", name="abc.glpv")
    assert url.startswith(site.storage_address()), "the page's policy allows requests below this address only"
    answer = ask(url)
    assert (answer.status_code, answer.content) == (200, b"preview")
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)


def test_a_page_is_told_what_went_wrong(bucket: str):
    """Without the header a browser would say "network error" of an object that is not there any more."""
    answer = ask(objects.presigned("preview/no/none", name="none.glpv"))
    assert answer.status_code >= 400
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)


def test_a_page_may_upload(bucket: str):
    address = uploads.address("raw/20261120/a.fits", bytes(32), 1)
    sent = ", ".join(name.lower() for name in address.headers if name != "Content-Length")
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": sent}
    answer = ask(address.url, "OPTIONS", **asked)
    assert answer.status_code == 200
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in sent.split(", "))

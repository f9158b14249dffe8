"""Versions of one key are listed as S3 does, without a look at the bytes of all others."""

from __future__ import annotations

import pytest

from chalicelib.store import clients, objects
from infra.local import moto_versions
from infra.local.moto_server import MotoServer
from infra.local.resources import create_all


@pytest.mark.parametrize("patched", [True, False], ids=["ours", "moto's own"])
def test_versions_come_first_to_last_and_markers_apart(moto: MotoServer, patched: bool):
    create_all()
    if not patched:
        moto_versions.uninstall()
    client, bucket = clients.s3(), clients.bucket()
    for key, body in (("raw/1/a", b"1"), ("raw/1/a", b"2"), ("raw/1/ab", b"other"), ("raw/1/a", b"3")):
        client.put_object(Bucket=bucket, Key=key, Body=body)
    uploads = objects.raw_uploads("raw/1/a")
    bodies = [objects.open_raw("raw/1/a", upload.version).stream.read() for upload in uploads]
    assert sorted(bodies) == [b"1", b"2", b"3"]
    if patched:  # moto's own order depends on milliseconds
        assert bodies == [b"1", b"2", b"3"]
    client.delete_object(Bucket=bucket, Key="raw/1/ab")
    answer = client.list_object_versions(Bucket=bucket, Prefix="raw/1/a")
    assert [marker["Key"] for marker in answer["DeleteMarkers"]] == ["raw/1/ab"]
    assert sum(version["IsLatest"] for version in answer["Versions"]) == 1
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="raw/", PaginationConfig={"PageSize": 2}
    )
    assert sum(len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ())) for page in pages) == 5
    moto_versions.install()


def test_bytes_are_not_copied(moto: MotoServer, monkeypatch: pytest.MonkeyPatch):
    create_all()
    client, bucket = clients.s3(), clients.bucket()
    for number in range(3):
        client.put_object(Bucket=bucket, Key=f"raw/1/{number}", Body=b"x")

    def copied(self: object) -> dict:
        raise AssertionError("an object was copied")

    from moto.s3.models import FakeKey

    monkeypatch.setattr(FakeKey, "__getstate__", copied)
    assert len(objects.raw_uploads("raw/1/1")) == 1

"""Messages as S3 really sends them, names and ids."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from chalicelib.domain import naming, nights, settings
from chalicelib.domain.nudge import Nudge, parse

# As S3 sent it for a key with a blank and a plus sign (account and request ids replaced).
RECORDED = (
    '{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1",'
    '"eventTime":"2026-11-22T03:14:15.926Z","eventName":"ObjectCreated:CompleteMultipartUpload",'
    '"userIdentity":{"principalId":"AWS:X"},"requestParameters":{"sourceIPAddress":"192.0.2.1"},'
    '"responseElements":{"x-amz-request-id":"R","x-amz-id-2":"I"},"s3":{"s3SchemaVersion":"1.0",'
    '"configurationId":"raw","bucket":{"name":"goodman-live","ownerIdentity":{"principalId":"P"},'
    '"arn":"arn:aws:s3:::goodman-live"},"object":{"key":"raw/20261121/0317+a%2Bb.fits","size":3928320,'
    '"eTag":"0123456789abcdef","versionId":"v","sequencer":"00"}}}]}'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (RECORDED, [Nudge(raw_key="raw/20261121/0317 a+b.fits")]),
        ('{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-22T00:00:00.000Z","Bucket":"b"}', []),
        ('{"subject": "frame#2026112100001"}', [Nudge(subject="frame#2026112100001")]),
        ('{"key": "raw/20261121/x.fits"}', [Nudge(raw_key="raw/20261121/x.fits")]),
        ("not json", []),
        ("[1, 2]", []),
        (RECORDED.replace("ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:Delete"), []),
        (RECORDED.replace("0317+a%2Bb.fits", ""), []),  # a folder
    ],
)
def test_every_body_becomes_nudges(body, expected):
    assert parse(body) == expected


def test_a_products_event_names_its_file():
    key = naming.product_key("extracted/", 20261121, 2026112100007, "f" * 64, "ecfzst_x y.fits")
    assert naming.file_id_in(key) == 2026112100007
    event = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": key}}}]}
    assert parse(json.dumps(event)) == [Nudge(file_id=2026112100007)]


@pytest.mark.parametrize(
    ("name", "base"),
    [("0317_x.fits", "0317_x.fits"), ("a/0317_x.fits.gz", "0317_x.fits"), ("x.fits.fz", "x.fits"), ("x", "x.fits")],
)
def test_products_are_named_after_the_raw(name, base):
    assert naming.base_name(name) == base
    assert naming.product_name("cfzst", name) == f"cfzst_{base}"


def test_ids_sort_by_night_and_fit_javascript():
    first = nights.file_id(20261121, 99_999)
    second = nights.file_id(20261122, 1)
    assert first < second < 2**53
    assert nights.night_of_file(second) == 20261122
    with pytest.raises(ValueError, match="no room"):
        nights.file_id(20261121, 100_000)


def test_a_night_is_noon_to_noon_in_chile():
    assert nights.night_of(datetime(2018, 2, 5, 4, 3, tzinfo=timezone.utc)) == 20180204
    assert nights.night_of(datetime(2018, 2, 4, 19, 7, tzinfo=timezone.utc)) == 20180204


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"magic": 1}, "no setting"),
        ({"minimum_biases": 2}, "between 3 and 1000"),
        ({"minimum_biases": "10"}, "whole number"),
        ({"ignore_bias": 1}, "true or false"),
        ({"maximum_targets": True}, "whole number"),
        ({"cosmic_rays": "magic"}, "one of"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(values, says):
    with pytest.raises(settings.BadSetting, match=says):
        settings.settings_from(values)

"""Uploads by address: a signed request that puts just these bytes under a key where nothing is yet."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ..domain import naming
from . import clients, identities

SECONDS = 900
"""How long an address works."""

CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Address:
    """Where an upload goes: the signed address, and the headers that must be sent with it just as they are."""

    url: str
    headers: dict[str, str]


def address(key: str, sha256: bytes, size: int) -> Address:
    """An address that takes ``size`` bytes of this checksum, once, where no object is.

    All of it is signed: S3 refuses other bytes, another length, and a key that is taken (412).
    """
    checksum = base64.b64encode(sha256).decode()
    url = clients.s3().generate_presigned_url(
        "put_object",
        Params={
            "Bucket": clients.bucket(),
            "Key": key,
            "ContentLength": size,
            "ContentType": CONTENT_TYPE,
            "ChecksumSHA256": checksum,
            "IfNoneMatch": "*",
        },
        ExpiresIn=SECONDS,
    )
    headers = {
        "Content-Length": str(size),
        "Content-Type": CONTENT_TYPE,
        "If-None-Match": "*",
        "x-amz-checksum-sha256": checksum,
    }
    return Address(url, headers)


def raw_key(night: int, name: str) -> str:
    """Where a raw frame goes."""
    return naming.raw_key(night, name)


def taken(key: str) -> bool:
    """Whether an object is under a key."""
    client = clients.s3()
    try:
        client.head_object(Bucket=clients.bucket(), Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True


def known(sha256: bytes) -> int | None:
    """The file that has these very bytes, if there is one."""
    return identities.known(identities.raw_identity(sha256.hex()))

"""Objects in the bucket: raw frames, products, previews."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..domain.topology import RAW
from . import clients

_CACHED_BYTES = 192 * 1024 * 1024
_cache: OrderedDict[str, bytes] = OrderedDict()


class ObjectChanged(Exception):
    """The object's bytes are not those its record names."""


@dataclass(frozen=True)
class Opened:
    """An object being read: its stream, size in bytes, when it was uploaded, S3's tag of its content, its version."""

    stream: BinaryIO
    size: int
    modified: Any
    etag: str
    version: str | None = None


@dataclass(frozen=True)
class Upload:
    """One of the uploads under an object key: S3's version and tag of its content."""

    version: str | None
    etag: str


def raw_uploads(key: str) -> list[Upload]:
    """All that was ever uploaded under ``key``, first to last: an upload before INGEST looked is not lost."""
    found: list[Upload] = []
    pages = clients.s3().get_paginator("list_object_versions").paginate(Bucket=clients.bucket(), Prefix=key)
    for page in pages:
        for entry in page.get("Versions", ()):
            if entry["Key"] == key:
                found.append(Upload(entry.get("VersionId"), entry["ETag"].strip('"')))
    return found[::-1]  # S3 lists a key's versions newest first


def open_raw(key: str, version: str | None = None) -> Opened | None:
    """Open an object (the last upload, or a version) for streaming; None if it is gone."""
    client = clients.s3()
    which = {"VersionId": version} if version and version != "null" else {}
    try:
        response = client.get_object(Bucket=clients.bucket(), Key=key, **which)
    except (client.exceptions.NoSuchKey, client.exceptions.ClientError) as error:
        if _is_absent(error):
            return None
        raise
    return Opened(
        response["Body"],
        response["ContentLength"],
        response["LastModified"],
        response["ETag"],
        response.get("VersionId"),
    )


def list_raw(night: int) -> Iterator[tuple[str, str, float]]:
    """Key, tag and moment (seconds since the epoch) of the upload of every object under ``raw/<night>/``."""
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=clients.bucket(), Prefix=f"{RAW}{night}/")
    for page in pages:
        for entry in page.get("Contents", ()):
            if not entry["Key"].endswith("/"):
                yield entry["Key"], entry["ETag"], entry["LastModified"].timestamp()


def _is_absent(error: Any) -> bool:
    return error.response["Error"]["Code"] in ("NoSuchKey", "404", "NotFound")


def fetch(key: str, sha256: str, version: str | None = None, *, keep: bool = True) -> bytes:
    """The bytes of an object (of one version of it), verified; kept in the warm function's memory if asked.

    Raises
    ------
    ObjectChanged
        The bytes do not have the checksum ``sha256``.
    """
    if sha256 in _cache:
        _cache.move_to_end(sha256)
        return _cache[sha256]
    which = {"VersionId": version} if version else {}
    data = clients.s3().get_object(Bucket=clients.bucket(), Key=key, **which)["Body"].read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ObjectChanged(f"The object {key} does not have the bytes its record names (sha256 {sha256[:12]}…).")
    if keep:
        _cache[sha256] = data
    while sum(map(len, _cache.values())) > _CACHED_BYTES:
        _cache.popitem(last=False)
    return data


def store(key: str, data: bytes, *, content_type: str = "application/fits") -> None:
    """Write a product. The key names the run, so writing it again writes the same bytes."""
    clients.s3().put_object(Bucket=clients.bucket(), Key=key, Body=data, ContentType=content_type)


def erase(prefix: str) -> int:
    """Delete every version of every object under ``prefix`` for good; how many. Raw objects are never touched.

    Raises
    ------
    ValueError
        The prefix lies under ``raw/`` or does not name one file's products.
    """
    preview = prefix.startswith("preview/") and len(prefix.rsplit("/", 1)[-1]) == 64
    if prefix.startswith(RAW) or not (preview or re.search(r"/\d{8}/\d{9,15}/$", prefix)):
        raise ValueError(f"{prefix} is not the place of one product: nothing is erased there")
    client, count = clients.s3(), 0
    pages = client.get_paginator("list_object_versions").paginate(Bucket=clients.bucket(), Prefix=prefix)
    for page in pages:
        entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        gone = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        if gone:
            answer = client.delete_objects(Bucket=clients.bucket(), Delete={"Objects": gone, "Quiet": True})
            if answer.get("Errors"):
                raise RuntimeError(f"S3 did not delete {answer['Errors'][0]}")
            count += len(gone)
    return count


def erase_preview(sha256: str) -> None:
    """Delete the preview and the details of a product for good."""
    erase(preview_key(sha256))


def preview_key(sha256: str) -> str:
    """Key of the preview of the product with this checksum."""
    return f"preview/{sha256[:2]}/{sha256}"


def presigned(key: str, *, name: str, version: str | None = None, seconds: int = 900) -> str:
    """A URL that downloads the object under ``name`` for ``seconds``."""
    return clients.s3().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": clients.bucket(),
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
            **({"VersionId": version} if version else {}),
        },
        ExpiresIn=seconds,
    )

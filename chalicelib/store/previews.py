"""Previews and details of products: what lies beside them for the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ..domain.records import Record
from . import clients

if TYPE_CHECKING:
    from ..domain.previews import Preview

MOST_BYTES = 48 << 20
"""Of a preview; a frame of 4096 × 4112 pixels has about 20 MB."""


class NoPreview(LookupError):
    """The file has no preview; the sentence says why."""


def preview(record: Record) -> Preview:
    """The preview of a file.

    Raises
    ------
    NoPreview
        There is none, or it is too large.
    """
    from ..domain.previews import read  # only here: a start without previews does not wait for it

    if not record.get("preview"):
        raise NoPreview(f"{record['file_name']} has no preview: only what the pipeline made has one.")
    found = _read(record["preview"], f"The preview of {record['file_name']}")
    if found is None:
        raise NoPreview(f"The preview of {record['file_name']} is gone.")
    return read(found)


def details(record: Record) -> dict[str, Any]:
    """What the run that made a file measured: quality, lines, overlays; empty where nothing is kept."""
    if not record.get("preview"):
        return {}
    found = _read(f"{record['preview']}.json", f"What is known of {record['file_name']}")
    content = json.loads(found) if found is not None else {}
    return content if isinstance(content, dict) else {}


def _read(key: str, what: str) -> bytes | None:
    """The object's bytes; None if it is gone."""
    try:
        answer = clients.s3().get_object(Bucket=clients.bucket(), Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404", "NotFound"):
            return None
        raise
    with answer["Body"] as body:
        if answer["ContentLength"] > MOST_BYTES:
            raise NoPreview(f"{what} is too large to be shown.")
        return body.read()

"""From a message's body to what it says to look at; the only parser of messages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import unquote_plus

from .naming import file_id_in
from .topology import RAW


@dataclass(frozen=True)
class Nudge:
    """Look at this: a subject, a raw object by its key, or the subject of a product by the product's file id."""

    subject: str | None = None
    raw_key: str | None = None
    file_id: int | None = None


def parse(body: str) -> list[Nudge]:
    """The nudges in a queue message: a told one, an S3 event, or none (``s3:TestEvent``, strangers' messages).

    S3 URL-encodes keys, blanks as plus signs.
    """
    try:
        content = json.loads(body)
    except ValueError:
        return []
    if not isinstance(content, dict):
        return []
    if isinstance(content.get("subject"), str):
        return [Nudge(subject=content["subject"])]
    if isinstance(content.get("key"), str):
        return _of_key(content["key"])
    nudges: list[Nudge] = []
    for event in content.get("Records") or ():
        if str(event.get("eventName", "")).startswith("ObjectCreated"):
            nudges += _of_key(unquote_plus(event["s3"]["object"]["key"]))
    return nudges


def _of_key(key: str) -> list[Nudge]:
    if key.startswith(RAW):
        return [] if key.endswith("/") else [Nudge(raw_key=key)]
    file_id = file_id_in(key)
    return [Nudge(file_id=file_id)] if file_id is not None else []

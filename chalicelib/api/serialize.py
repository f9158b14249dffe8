"""Records as they go over the wire (design §8): the original's fields and types, then ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _inputs(value: Any) -> list[dict[str, Any]]:
    return [{"role": str(i["role"]), "id": int(i["id"])} for i in value or ()]


def _quality(value: Any) -> dict[str, Any]:
    return dict(value or {})


def _object(value: Any) -> dict[str, Any] | None:
    return dict(value) if value else None


WIRE: dict[str, Callable[[Any], Any]] = {
    "id": _whole,
    "created": _text,
    "last_modified": _text,
    "original_file": _text,
    "original_file_id": _whole,
    "parent_file": _text,
    "parent_file_id": _whole,
    "file_name": _text,
    "directory_name": _text,
    "full_path": _text,
    "obstype": _text,
    "object": _text,
    "filter": _text,
    "filter_2": _text,
    "grating": _text,
    "slit": _text,
    "cam_targ": _text,
    "grt_targ": _text,
    "obsra": _text,
    "obsdec": _text,
    "gain": _text,
    "rdnoise": _text,
    "roi": _text,
    "wavmode": _text,
    "proposal_id": _text,
    "observation_id": _whole,
    "configuration_id": _whole,
    "block_id": _whole,
    "image_id": _whole,
    "date": _text,
    "data_type": _text,
    "normalized": bool,
    "technique": _text,
    "saturation_value": _whole,
    "status": _text,
    "status_reason": _text,
    "provisional": bool,
    "quality": _quality,
    "inputs": _inputs,
    "night": _whole,
    "target": _whole,
    "variant": _text,
    "size": _whole,
    "sha256": _text,
    "failure": _object,
    "bad": _object,
    "superseded_by": _whole,
    "ancestor_deleted": bool,
    "settings_revision": _whole,
    "science_version": _text,
}
"""Field → its type. The first 34 are the original's, in its order."""


def file_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of the ``files`` table as the API shows it; what the table holds beyond :data:`WIRE` stays inside."""
    return {name: convert(record.get(name)) for name, convert in WIRE.items()}

"""Records as they go over the wire (design §8): the original's fields and types, then ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _count(value: Any) -> int:
    return int(value or 0)


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
    "observed": _text,
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
    "comments": _count,
}
"""Field → its type. The first 34 are the original's, in its order."""


def file_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of the ``files`` table as the API shows it; what the table holds beyond :data:`WIRE` stays inside."""
    return {name: convert(record.get(name)) for name, convert in WIRE.items()}


PERSON: dict[str, Callable[[Any], Any]] = {
    "id": _whole,
    "username": _text,
    "last_login": _text,
    "first_name": _text,
    "last_name": _text,
    "email": _text,
    "is_staff": bool,
    "is_active": bool,
    "date_joined": _text,
}
"""A person as the original shows one: field → type, in its order."""


def user_record(user: Mapping[str, Any]) -> dict[str, Any]:
    """A user as everybody who may see one sees one; what the table holds beyond :data:`PERSON` stays inside."""
    return {name: convert(user.get(name)) for name, convert in PERSON.items()}


def proposal_record(
    proposal: Mapping[str, Any], user: Mapping[str, Any], collaborators: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """A proposal as the original shows one: with its principal investigator and its collaborators."""
    shown = {name: proposal[name] for name in ("id", "soar_id", "semester", "title", "abstract")}
    return shown | {"user": user_record(user), "collaborators": [user_record(one) for one in collaborators]}

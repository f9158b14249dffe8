"""What a file is decides its id, once and for ever (design §4)."""

from __future__ import annotations

from ..domain import nights
from . import items
from .items import ConditionFailed


def raw_identity(sha256: str) -> str:
    """Identity of a raw frame: its bytes."""
    return f"raw#{sha256}"


def unreadable_identity(key: str, sha256: str) -> str:
    """Identity of an object that is no frame: its key and bytes."""
    return f"unreadable#{key}#{sha256}"


def product_identity(origin: int | str, stage: str, target: int | None, variant: str) -> str:
    """Identity of a product: the raw (id) or pool it comes from, its stage, target and variant."""
    return f"product#{origin}#{stage}#{target or 0}#{variant}"


def known(identity: str) -> int | None:
    """The id of an identity, if it has one."""
    item = items.get("identities", {"identity": identity})
    return None if item is None else item["id"]


def identify(identity: str, night: int) -> int:
    """The id of an identity, given now if it has none; the loser of a race reads the winner's."""
    found = known(identity)
    if found is not None:
        return found
    identifier = nights.file_id(night, next_number(f"night#{night}"))
    operation = items.operation(
        "Put",
        "identities",
        item={"identity": identity, "id": identifier},
        condition="attribute_not_exists(#identity)",
        names={"#identity": "identity"},
    )
    try:
        items.write([operation])
    except ConditionFailed as refused:
        return (refused.old[0] or {})["id"]
    return identifier


def object_identity(key: str) -> str:
    """Where INGEST notes that it has taken in the object ``key``, for the sweeper."""
    return f"object#{key}"


def note_operation(key: str, etag: str, identifier: int) -> dict:
    """The write that notes that the object ``key`` with this content has a record; what was noted before stays."""
    return items.operation(
        "Update",
        "identities",
        key={"identity": object_identity(key)},
        update="SET #id = :id, #seen = :yes",
        values={"id": identifier, "yes": identifier},
        names={"#id": "id", "#seen": _seen(etag)},
    )


def unknown_objects(found: list[tuple[str, str]]) -> list[str]:
    """Those of some (key, tag) that INGEST has not taken in as they are now."""
    rows = items.batch_get("identities", [{"identity": object_identity(key)} for key, _ in found])
    known = {row["identity"]: row for row in rows}
    return [key for key, etag in found if _seen(etag) not in known.get(object_identity(key), {})]


def noted(key: str) -> set[str]:
    """The tags of the contents of the object ``key`` that have a record."""
    row = items.get("identities", {"identity": object_identity(key)}) or {}
    return {name.removeprefix(_SEEN) for name in row if name.startswith(_SEEN)}


_SEEN = "seen:"


def _seen(etag: str) -> str:
    return f"{_SEEN}{etag.strip('"')}"


def next_number(counter: str) -> int:
    """The next number of an atomic counter, from 1; a lost answer leaves a gap, which is harmless."""
    operation = items.operation(
        "Update",
        "counters",
        key={"counter": counter},
        update="ADD #n :one",
        values={"one": 1},
        names={"#n": "n"},
    )
    return items.write([operation])["n"]

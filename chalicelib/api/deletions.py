"""Deleting products and taking that back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from chalice import Blueprint

from ..domain.permissions import may_change, may_restore, visible
from ..domain.records import RAW_TYPE, Record
from ..store import actions, clock, items, listing
from ..store.purge import UNDO_SECONDS
from . import schemas
from .files import visible_record
from .operation import Call, operation
from .parameters import FILE_ID, LARGEST_ID, Query
from .problems import Conflict, NotAllowed, NotFound, Unprocessable
from .schemas import FILE
from .serialize import file_record

routes = Blueprint(__name__)

MOST_FILES = 100

DELETED = schemas.named(
    "Deleted",
    schemas.record(
        {
            "deleted": schemas.array(
                schemas.record(
                    {
                        "id": schemas.integer(),
                        "file_name": schemas.text(),
                        "restorable_until": schemas.MOMENT,
                    }
                ),
                help="What is gone; until that moment it can be restored.",
            )
        }
    ),
)

IDS = schemas.named(
    "FileIds",
    schemas.record(
        {"ids": schemas.array(schemas.integer(1, LARGEST_ID), most=MOST_FILES, help="Ids of files.")},
        optional=("ids",),
    ),
)


@routes.route("/files", methods=["DELETE"], content_types=[])
@operation(
    "Delete files",
    query=(Query("id", "integer", low=1, high=LARGEST_ID, many=True, most=MOST_FILES, help="Ids of files."),),
    body=IDS,
    answers={200: DELETED},
    refuses=(403, 404, 409),
    tag="files",
)
def delete_files(call: Call) -> dict[str, Any]:
    """Delete products, named by their ids in the body or the query; all of them, or none if one cannot be deleted."""
    wanted = list(dict.fromkeys([*call.query["id"], *call.body.get("ids", ())]))
    if not wanted:
        raise Unprocessable("Name the files to delete: ids in the body, or id in the query.", [("/ids", "none given")])
    if len(wanted) > MOST_FILES:
        raise Unprocessable(f"At most {MOST_FILES} files are deleted at once.", [("/ids", f"{len(wanted)} given")])
    return _delete(call, wanted)


@routes.route("/files/{identifier}", methods=["DELETE"], content_types=[])
@operation("Delete a file", path=(FILE_ID,), answers={200: DELETED}, refuses=(403, 404, 409), tag="files")
def delete_file(call: Call) -> dict[str, Any]:
    """Delete a product: it is gone at once, and can be restored for a day. Raw files are never deleted.

    Of their proposal's products PI and collaborators delete, of masters staff.
    """
    return _delete(call, [call.path["identifier"]])


@routes.route("/files/{identifier}/restore", methods=["POST"], content_types=[])
@operation("Restore a deleted file", path=(FILE_ID,), answers={200: FILE}, refuses=(404, 409), tag="files")
def restore_file(call: Call) -> dict[str, Any]:
    """Take a deletion back; for a day, then the file is purged."""
    identifier = call.path["identifier"]
    record = items.get("files", {"id": identifier})
    if record is None or not may_restore(call.viewer, record):
        return file_record(visible_record(call.viewer, identifier))  # nothing to restore
    actions.restore(identifier, call.viewer.username)
    restored = items.get("files", {"id": identifier})
    if restored is None:
        raise NotFound(f"There is no file {identifier}.")
    return file_record(restored)


def _delete(call: Call, wanted: Sequence[int]) -> dict[str, Any]:
    there = {record["id"]: record for record in listing.records(list(wanted))}
    for identifier in wanted:
        if identifier not in there or not visible(call.viewer, there[identifier]):
            raise NotFound(f"There is no file {identifier}.")
    for record in there.values():
        _may_go(call, record)
    until = datetime.fromtimestamp(clock.now() + UNDO_SECONDS, timezone.utc).isoformat(timespec="seconds")
    for identifier in wanted:
        actions.delete(identifier, call.viewer.username)
    return {
        "deleted": [
            {"id": identifier, "file_name": there[identifier]["file_name"], "restorable_until": until}
            for identifier in wanted
        ]
    }


def _may_go(call: Call, record: Record) -> None:
    if record["data_type"] == RAW_TYPE:
        raise Conflict(f"{record['file_name']} is a raw file; raw files are never deleted.")
    if not may_change(call.viewer, record):
        raise NotAllowed(f"{record['file_name']} serves everybody: only staff delete masters.")

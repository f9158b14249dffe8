"""``GET /logs``: what happened, for people to read; ``GET /files/{identifier}/history``: to one file."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from ..domain.permissions import scopes_of
from ..store import eventlog
from . import links, schemas
from .events import EVENT, LONGEST_CURSOR, shown
from .files import visible_record
from .operation import Call, operation
from .parameters import FILE_ID, Query
from .schemas import array, listing, named, record

routes = Blueprint(__name__)

MOST = 200

IMPORTANT = frozenset(
    {
        "failed",
        "rejected",
        "deleted",
        "restored",
        "purged",
        "bad",
        "good",
        "asked",
        "commented",
        "comment edited",
        "comment removed",
    }
)
"""What people want to know of: what went wrong, and what people did."""

HISTORY = named(
    "History",
    record(
        {
            "events": array(EVENT, help="Oldest first."),
            "complete": schemas.FLAG | {"description": "False where the night has more events than are searched."},
        }
    ),
)


@routes.route("/logs", methods=["GET"], content_types=[])
@operation(
    "Read the log",
    query=(
        Query("night", "night", help="Only about files of this night."),
        Query("important", "flag", help="Only what went wrong and what people did."),
        Query("outcome", many=True, longest=40, help="Only events with this outcome; several add up."),
        Query("search", longest=100, help="Only events with these letters in sentence, file name, block or actor."),
        Query("before", longest=LONGEST_CURSOR, shortest=1, help="The cursor of a page: see next."),
        Query("limit", "integer", low=1, high=MOST, default=50, help="Events in a page at the most."),
    ),
    answers={200: listing(EVENT)},
    tag="events",
)
def read_log(call: Call) -> dict[str, Any]:
    """What happened to files you may see, the newest night first; a page may be short and yet ``next`` go on."""
    query = call.query
    outcomes = frozenset(query["outcome"])
    if query["important"]:
        outcomes = outcomes & IMPORTANT if outcomes else IMPORTANT
    found = eventlog.log(
        scopes_of(call.viewer),
        night=query["night"],
        before=query["before"],
        limit=query["limit"],
        outcomes=outcomes if outcomes or query["important"] else None,
        search=query["search"],
    )
    return {
        "count": None,
        "next": links.here(call.request, before=found.cursor) if found.cursor else None,
        "previous": None,
        "results": [shown(event) for event in found.events],
    }


@routes.route("/files/{identifier}/history", methods=["GET"], content_types=[])
@operation("Show a file's history", path=(FILE_ID,), answers={200: HISTORY}, refuses=(404,), tag="events")
def show_history(call: Call) -> dict[str, Any]:
    """What happened to a file, and to the frame it was made of."""
    history = eventlog.of_file(visible_record(call.viewer, call.path["identifier"]))
    return {"events": [shown(event) for event in history.events], "complete": history.complete}

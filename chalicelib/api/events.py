"""``GET /events``: what happened, for those who keep up."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint, Response

from ..domain.permissions import scopes_of
from ..domain.records import MASTERS_SCOPE, UNASSIGNED_SCOPE
from ..store import changefeed
from ..store.events import Event
from . import schemas
from .operation import Call, operation
from .parameters import Query
from .schemas import array, integer, named, nullable, record, text

routes = Blueprint(__name__)

MOST = 500
LONGEST_CURSOR = 1_000
_MOST_TAGS = 20

EVENT = named(
    "Event",
    record(
        {
            "id": text(help="Of this event and no other."),
            "time": schemas.MOMENT,
            "night": integer(help="yyyymmdd."),
            "proposal": nullable(text(help="SOAR id; null for master calibrations and frames without a proposal.")),
            "actor": text(help="User name, or pipeline."),
            "block": text(help="The process block, or user."),
            "outcome": text(),
            "sentence": text(),
            "file_id": nullable(integer()),
            "file_name": nullable(text()),
        }
    ),
)

FEED = named(
    "Feed",
    record(
        {
            "events": array(EVENT, help="Oldest first; some may have been in the answers before: tell them by id."),
            "cursor": text(LONGEST_CURSOR, help="What to send as after next time."),
            "more": schemas.FLAG | {"description": "There is more now; else come again after some seconds."},
        }
    ),
)


@routes.route("/events", methods=["GET"], content_types=[])
@operation(
    "Follow what happens",
    query=(
        Query("after", "text", longest=LONGEST_CURSOR, shortest=1, help="The cursor of the answer before; none: now."),
        Query("limit", "integer", low=1, high=MOST, default=100, help="Events in an answer at the most."),
    ),
    answers={200: FEED, 304: None},
    tag="events",
)
def follow_events(call: Call) -> Response:
    """What happened to files you may see since a cursor; 304 if you send the ETag and nothing did.

    Send back the cursor and the ETag of the last answer, and leave out events whose id you have had: none is missed.
    """
    tags = _tags(call.request.headers.get("if-none-match", ""))
    answer = changefeed.poll(scopes_of(call.viewer), call.query["after"], tags, call.query["limit"])
    headers: dict[str, str | list[str]] = {"ETag": f'"{answer.tag}"'}
    if answer.feed is None:
        return Response(body="", status_code=304, headers=headers | {"Content-Type": "text/plain"})
    body = {
        "events": [shown(event) for event in answer.feed.events],
        "cursor": answer.feed.cursor,
        "more": answer.feed.more,
    }
    return Response(body=body, status_code=200, headers=headers | {"Content-Type": "application/json"})


def shown(event: Event) -> dict[str, Any]:
    """An event as the API shows it."""
    return {
        "id": event.id,
        "time": event.time,
        "night": event.night,
        "proposal": None if event.scope in (MASTERS_SCOPE, UNASSIGNED_SCOPE) else event.scope,
        "actor": event.actor,
        "block": event.block,
        "outcome": event.outcome,
        "sentence": event.sentence,
        "file_id": event.file_id,
        "file_name": event.file_name,
    }


def _tags(header: str) -> list[str]:
    """The tags of an If-None-Match, weak or not: what lies between may have compressed the answer."""
    return [tag.strip().removeprefix("W/").strip('"') for tag in header[:2_000].split(",")[:_MOST_TAGS]]

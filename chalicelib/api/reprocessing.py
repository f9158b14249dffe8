"""``POST /reprocess``: all of a proposal's frames reduced anew, paced so that tonight's never wait for it."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint, Response

from ..domain.permissions import may_reprocess, sees
from ..store import proposals, reprocessing
from . import schemas
from .jobs import accepted
from .operation import Call, operation
from .problems import NotAllowed, NotFound, Unprocessable
from .schemas import ACCEPTED

routes = Blueprint(__name__)

_NIGHT = schemas.integer(20030101, 99991231, help="yyyymmdd.")

ASK_REPROCESS = schemas.named(
    "AskReprocess",
    schemas.record(
        {
            "proposal": schemas.text(60, shortest=1, help="The proposal's SOAR id."),
            "first_night": _NIGHT,
            "last_night": _NIGHT,
            "dry_run": schemas.described(schemas.FLAG, "Only say how many frames it would be."),
        },
        optional=("first_night", "last_night", "dry_run"),
    ),
)
REPROCESS = schemas.named(
    "Reprocess",
    schemas.record(
        {
            "frames": schemas.integer(help="How many frames are meant."),
            "nights": schemas.integer(help="Of how many nights."),
            "settings_revision": schemas.integer(help="Of the settings they get."),
            "science_version": schemas.text(help="Of the reduction they get."),
        }
    ),
)


@routes.route("/reprocess", methods=["POST"], content_types=[])
@operation(
    "Reprocess a proposal",
    body=ASK_REPROCESS,
    answers={200: REPROCESS, 202: ACCEPTED},
    refuses=(403, 404, 409),
    tag="actions",
    idempotent=True,
)
def reprocess_proposal(call: Call) -> Any:
    """Reduce a proposal's frames anew with its present settings and the present science; a dry run counts them.

    For the proposal's PI and staff. Its job counts the frames that are done; tonight's frames go first.
    """
    body = call.body
    proposal = proposals.find(body["proposal"])
    if proposal is None or not sees(call.viewer, proposal["scope"]):
        raise NotFound(f"There is no proposal {body['proposal']}.")
    if not may_reprocess(call.viewer, proposal):
        raise NotAllowed("Reprocessing is asked for by the proposal's PI, or by staff.")
    first, last = body.get("first_night"), body.get("last_night")
    try:
        wanted = reprocessing.frames(proposal["scope"], first, last)
    except reprocessing.TooMany as many:
        raise Unprocessable(str(many), [("/first_night", "choose fewer nights")]) from many
    if body.get("dry_run"):
        return {
            "frames": len(wanted.raw_ids),
            "nights": wanted.nights,
            "settings_revision": wanted.revision,
            "science_version": wanted.version,
        }
    reprocessing.start(wanted, call.viewer.username)
    facts = {"subjects": wanted.raw_ids, "settings_revision": wanted.revision, "science_version": wanted.version}
    made = accepted(call, "reprocess", scope=proposal["scope"], **facts)
    return Response(body=made, status_code=202, headers={"Content-Type": "application/json"})

"""``/files``: lists with exact counts, records, headers, downloads."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from chalice import Blueprint, Response

from ..domain.facets import FACETS, Selection
from ..domain.permissions import Viewer, scopes_of, visible
from ..domain.records import scope_of
from ..store import clock, headers, ledger, listing, objects
from . import links, parameters
from .problems import BadParameter, NotFound, answers
from .serialize import file_record
from .session import signed_in

routes = Blueprint(__name__)

PAGE_SIZE = 20
DOWNLOAD_SECONDS = 900
"""How long a download's address works."""

LIST_PARAMETERS = (*FACETS, "proposal", "night", "first_night", "last_night", "page")


@routes.route("/files", methods=["GET"], content_types=[])
@answers
def list_files() -> dict[str, Any]:
    """A page of the files the viewer may see, newest first, with the exact count."""
    request = routes.current_request
    viewer = signed_in(request)
    parameters.only(request, LIST_PARAMETERS)
    selection = _selection(request)
    page = parameters.integer(request, "page", low=1, high=parameters.LARGEST_PAGE, default=1)
    scopes = scopes_of(viewer)
    totals = ledger.nights(ledger.read(scopes, selection), selection)
    count = sum(totals.values())
    pages = max(1, -(-count // PAGE_SIZE))
    if page > pages:
        raise NotFound(f"There is no page {page}: {count} files fill {pages} page{'s' if pages > 1 else ''}.")
    stretches = ledger.locate(totals, (page - 1) * PAGE_SIZE, PAGE_SIZE)
    records = listing.records(listing.ids(stretches, scopes, selection))
    return {
        "count": count,
        "next": links.page_link(request, "/files", page + 1) if page < pages else None,
        "previous": links.page_link(request, "/files", page - 1) if page > 1 else None,
        "results": [file_record(record) for record in records],
    }


@routes.route("/files/header", methods=["GET"], content_types=[])
@answers
def show_header() -> dict[str, Any]:
    """The header cards of a file, in order."""
    request = routes.current_request
    viewer = signed_in(request)
    parameters.only(request, ("id",))
    identifier = parameters.integer(request, "id", low=1, high=parameters.LARGEST_ID)
    record = _visible_record(viewer, identifier)
    return {"id": identifier, "file_name": record["file_name"], "cards": headers.read(record["key"])}


@routes.route("/files/{identifier}", methods=["GET"], content_types=[])
@answers
def show_file(identifier: str) -> dict[str, Any]:
    """The record of a file."""
    viewer = signed_in(routes.current_request)
    return file_record(_visible_record(viewer, parameters.file_id(identifier)))


@routes.route("/files/{identifier}/download", methods=["GET"], content_types=[])
@answers
def download_file(identifier: str) -> dict[str, Any] | Response:
    """An address from which the file can be downloaded for a quarter of an hour; ``?redirect=1`` goes there."""
    request = routes.current_request
    viewer = signed_in(request)
    parameters.only(request, ("redirect",))
    redirect = parameters.flag(request, "redirect")
    record = _visible_record(viewer, parameters.file_id(identifier))
    url = objects.presigned(
        record["key"], name=_safe(record["file_name"]), version=record.get("version"), seconds=DOWNLOAD_SECONDS
    )
    if redirect:
        return Response(body="", status_code=302, headers={"Location": url, "Content-Type": "text/plain"})
    expires = datetime.fromtimestamp(clock.now(), timezone.utc) + timedelta(seconds=DOWNLOAD_SECONDS)
    return {"url": url, "expires": expires.isoformat(timespec="seconds"), "sha256": record["sha256"]}


def _selection(request: Any) -> Selection:
    values = {name: frozenset(found) for name in FACETS if (found := parameters.values(request, name))}
    proposals = parameters.values(request, "proposal")
    if len(proposals) > 1:
        raise BadParameter("The parameter proposal must be given once.")
    night = parameters.night(request, "night")
    return Selection(
        values=values,
        scope=scope_of(proposals[0]) if proposals else None,
        first_night=night or parameters.night(request, "first_night"),
        last_night=night or parameters.night(request, "last_night"),
    )


def _visible_record(viewer: Viewer, identifier: int) -> dict[str, Any]:
    """The record, or :class:`NotFound`, which does not tell a file that is hidden from one that never was."""
    record = listing.record(identifier)
    if record is None or not visible(viewer, record):
        raise NotFound(f"There is no file {identifier}.")
    return record


def _safe(name: str) -> str:
    """A file name that fits into a header field."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", name)

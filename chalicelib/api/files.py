"""``/files``: lists with exact counts, records, headers, downloads."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from chalice import Blueprint, Response

from ..domain.cards import as_text
from ..domain.facets import FACETS, LONGEST_VALUE, Selection
from ..domain.manifests import safe_name
from ..domain.permissions import Viewer, scopes_of, visible
from ..domain.records import scope_of
from ..store import clock, headers, ledger, listing, objects
from ..store.listing import Wanted
from . import links, schemas
from .operation import Call, operation
from .parameters import FILE_ID, LARGEST_ID, NIGHTS, PAGE, Query
from .problems import BadParameter, NotFound
from .schemas import FILE, FILE_LIST, Media
from .serialize import file_record

routes = Blueprint(__name__)

PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 200
DOWNLOAD_SECONDS = 900
"""How long a download's address works."""

SELECTION = (
    *(
        Query(name, many=True, longest=LONGEST_VALUE, help=f"Only files whose {name} is this; several add up.")
        for name in FACETS
    ),
    Query("proposal", longest=LONGEST_VALUE, help="Only files of the proposal with this SOAR id."),
    *NIGHTS,
)
"""What selects files, wherever files are selected."""

SEARCH = (
    Query("search", shortest=2, longest=80, help="Only files whose object or file name has this in it, in any case."),
    Query("object", shortest=2, longest=80, help="Only files whose object's name has this in it, in any case."),
    Query("name", shortest=2, longest=80, help="Only files whose own name has this in it, in any case."),
)
"""Texts to look for: such lists are not counted, and are paged by cursor."""

ORDER = Query("order", "choice", choices=("newest", "oldest"), default="newest", help="What comes first.")
SIZE = Query("page_size", "integer", low=1, high=LARGEST_PAGE_SIZE, default=PAGE_SIZE, help="Files on a page.")
CURSOR = Query("cursor", longest=80, help="Where a search goes on: from the link next of the page before.")

HEADER = schemas.named(
    "Header",
    schemas.record(
        {
            "id": schemas.integer(),
            "file_name": schemas.text(),
            "cards": schemas.array(
                schemas.record({"keyword": schemas.text(), "value": {}, "comment": schemas.text()}),
                help="In the order of the file.",
            ),
        }
    ),
)

DOWNLOAD = schemas.named(
    "Download",
    schemas.record(
        {"url": schemas.text(form="uri"), "expires": schemas.MOMENT, "sha256": schemas.nullable(schemas.text(64))}
    ),
)

MENUS = schemas.named(
    "FacetMenus",
    schemas.record(
        {
            "count": schemas.integer(help="Files the selection has now."),
            "nights": schemas.integer(help="Nights they are of."),
            "first_night": schemas.nullable(schemas.integer()),
            "last_night": schemas.nullable(schemas.integer()),
            "facets": schemas.mapping(
                schemas.mapping(schemas.integer()),
                help="Facet → value → files there would be with this value, everything else being as it is.",
            ),
        }
    ),
)


@routes.route("/files", methods=["GET"], content_types=[])
@operation(
    "List files",
    query=(*SELECTION, *SEARCH, ORDER, PAGE, SIZE, CURSOR),
    answers={200: FILE_LIST},
    refuses=(404,),
    tag="files",
)
def list_files(call: Call) -> dict[str, Any]:
    """A page of the files you may see, newest first, with the exact count.

    With a text to search for, the count is null and the pages follow each other by cursor: a page may hold few files or
    none while the link ``next`` leads on, since one request looks at a bounded number of files.
    """
    wanted = wanted_of(call)
    if wanted:
        return _search(call, wanted)
    if call.query["cursor"] is not None:
        raise BadParameter("The parameter cursor is for searches; other lists are paged with page.")
    selection, page, size = selection_of(call), call.query["page"], call.query["page_size"]
    scopes = scopes_of(call.viewer)
    totals = ledger.nights(ledger.read(scopes, selection), selection)
    count = sum(totals.values())
    pages = max(1, -(-count // size))
    if page > pages:
        raise NotFound(f"There is no page {page}: {count} files fill {pages} page{'s' if pages > 1 else ''}.")
    oldest = call.query["order"] == "oldest"
    records = listing.page_of(totals, scopes, selection, offset=(page - 1) * size, limit=size, oldest=oldest)
    return {
        "count": count,
        "next": links.here(call.request, page=page + 1) if page < pages else None,
        "previous": links.here(call.request, page=page - 1) if page > 1 else None,
        "results": [file_record(record) for record in records],
    }


def _search(call: Call, wanted: Wanted) -> dict[str, Any]:
    if call.query["page"] != 1:
        raise BadParameter("A search is paged by cursor: follow the link next instead of naming a page.")
    found = listing.search(
        wanted,
        scopes_of(call.viewer),
        selection_of(call),
        limit=call.query["page_size"],
        cursor=call.query["cursor"],
        oldest=call.query["order"] == "oldest",
    )
    return {
        "count": None,
        "next": links.here(call.request, cursor=found.cursor) if found.cursor is not None else None,
        "previous": None,
        "results": [file_record(record) for record in found.records],
    }


@routes.route("/files/facets", methods=["GET"], content_types=[])
@operation("Count files by facet", query=SELECTION, answers={200: MENUS}, tag="files")
def show_facets(call: Call) -> dict[str, Any]:
    """Menus for the present selection: each facet's values with how many files each of them would select."""
    selection = selection_of(call)
    view = ledger.read(scopes_of(call.viewer), selection)
    totals = ledger.nights(view, selection)
    return {
        "count": sum(totals.values()),
        "nights": len(totals),
        "first_night": min(totals, default=None),
        "last_night": max(totals, default=None),
        "facets": ledger.facet_counts(view, selection),
    }


@routes.route("/files/header", methods=["GET"], content_types=[])
@operation(
    "Show a file's header",
    query=(
        Query("id", "integer", low=1, high=LARGEST_ID, required=True, help="The file's id."),
        Query("format", "choice", choices=("json", "text"), default="json", help="text: the cards as they are read."),
    ),
    answers={200: (HEADER, Media("text/plain", "One card a line."))},
    refuses=(404, 409),
    tag="files",
)
def show_header(call: Call) -> dict[str, Any] | Response:
    """The header cards of a file, in order."""
    record = visible_record(call.viewer, call.query["id"])
    cards = headers.read(record["key"], record.get("version"))
    if call.query["format"] == "text":
        return text_response(as_text(cards), "text/plain")
    return {"id": record["id"], "file_name": record["file_name"], "cards": cards}


@routes.route("/files/{identifier}", methods=["GET"], content_types=[])
@operation("Show a file", path=(FILE_ID,), answers={200: FILE}, refuses=(404,), tag="files")
def show_file(call: Call) -> dict[str, Any]:
    """The record of a file."""
    return file_record(visible_record(call.viewer, call.path["identifier"]))


@routes.route("/files/{identifier}/download", methods=["GET"], content_types=[])
@operation(
    "Download a file",
    path=(FILE_ID,),
    query=(Query("redirect", "flag", help="Go there at once."),),
    answers={200: DOWNLOAD, 302: Media("text/plain", "Redirected to the file.")},
    refuses=(404,),
    tag="files",
)
def download_file(call: Call) -> dict[str, Any] | Response:
    """An address from which the file can be downloaded for a quarter of an hour; ``?redirect=1`` goes there."""
    record = visible_record(call.viewer, call.path["identifier"])
    url = download_url(record, safe_name(record["file_name"]))
    if call.query["redirect"]:
        return redirected(url)
    return {"url": url, "expires": until(), "sha256": record["sha256"]}


def download_url(record: dict[str, Any], name: str) -> str:
    """Where a file's object can be fetched from for a while, under ``name``."""
    return objects.presigned(record["key"], name=name, version=record.get("version"), seconds=DOWNLOAD_SECONDS)


def until() -> str:
    """When an address signed now stops working."""
    expires = datetime.fromtimestamp(clock.now(), timezone.utc) + timedelta(seconds=DOWNLOAD_SECONDS)
    return expires.isoformat(timespec="seconds")


def redirected(url: str) -> Response:
    """Go there."""
    return Response(body="", status_code=302, headers={"Location": url, "Content-Type": "text/plain"})


def text_response(text: str, kind: str, *, name: str = "") -> Response:
    """A text, to be saved under ``name`` if one is given."""
    disposition: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'} if name else {}
    return Response(body=text, status_code=200, headers={"Content-Type": f"{kind}; charset=utf-8", **disposition})


def wanted_of(call: Call) -> Wanted:
    """What the parameters of :data:`SEARCH` look for."""
    return Wanted(object=call.query["object"] or "", name=call.query["name"] or "", either=call.query["search"] or "")


def selection_of(call: Call) -> Selection:
    """What the parameters of :data:`SELECTION` select."""
    query = call.query
    night = query["night"]
    return Selection(
        values={name: frozenset(query[name]) for name in FACETS if query[name]},
        scope=scope_of(query["proposal"]) if query["proposal"] is not None else None,
        first_night=night or query["first_night"],
        last_night=night or query["last_night"],
    )


def visible_record(viewer: Viewer, identifier: int) -> dict[str, Any]:
    """The record, or :class:`NotFound`, which does not tell a file that is hidden from one that never was."""
    record = listing.record(identifier)
    if record is None or not visible(viewer, record):
        raise NotFound(f"There is no file {identifier}.")
    return record

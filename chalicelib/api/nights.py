"""``/nights``: the nights there are, and the observing log of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from chalice import Blueprint, Response

from ..domain import observinglog
from ..domain.facets import Selection
from ..domain.observinglog import ObservingLog
from ..domain.permissions import Viewer, scopes_of, visible
from ..domain.records import MASTER_TYPE, RAW_TYPE, scope_of
from ..domain.steps import FAILED
from ..store import comments, ledger, listing
from . import links, schemas
from .comments import COMMENT, NIGHT, shown
from .files import SELECTION, selection_of
from .operation import Call, operation
from .parameters import PAGE, Query
from .problems import NotFound
from .schemas import Media, array, integer, named, nullable, number, record, text

routes = Blueprint(__name__)

PAGE_SIZE = 50

MOST_FILES = 5_000
"""Files of a night an observing log reads."""

MOST_NOTES, MOST_COMMENTED, MOST_OF_A_FILE, MOST_CHARACTERS = 300, 500, 50, 1_000_000
"""Notes, files with comments, comments of one file, and characters of all of them that a log shows."""

NIGHT_ROW = named(
    "Night",
    record(
        {
            "night": integer(help="yyyymmdd."),
            "files": integer(help="Files selected."),
            "raw": integer(help="Raw frames of them."),
            "masters": integer(help="Master calibrations of them, which everybody sees."),
            "failed": integer(help="Failed ones of them."),
        }
    ),
)

_NUMBERS = {
    "exposure": "s",
    "airmass": "",
    "signal_to_noise": "Of the brightest target, per pixel.",
    "seeing": "FWHM along the slit, arcsec.",
    "wavelength_rms": "ångström",
}

LOG = named(
    "ObservingLog",
    record(
        {
            "night": integer(help="yyyymmdd."),
            "complete": schemas.FLAG | {"description": "False where a night has more than one log holds."},
            "notes": array(COMMENT, help="On the night."),
            "frames": array(
                record(
                    {
                        name: nullable(number(help=_NUMBERS[name]))
                        if name in _NUMBERS
                        else integer()
                        if name == "id"
                        else nullable(text())
                        for name in observinglog.COLUMNS
                    }
                    | {"comments": array(COMMENT, help="On the frame and on what was made of it.")}
                )
            ),
            "others": array(COMMENT, help="On files that are neither frames nor made of one."),
        }
    ),
)

FORMATS = {
    "csv": ("text/csv; charset=utf-8", "csv", observinglog.to_csv),
    "text": ("text/plain; charset=utf-8", "txt", observinglog.to_text),
}


@routes.route("/nights", methods=["GET"], content_types=[])
@operation(
    "List nights",
    query=(*SELECTION, PAGE),
    answers={200: schemas.listing(NIGHT_ROW)},
    refuses=(404,),
    tag="nights",
)
def list_nights(call: Call) -> dict[str, Any]:
    """The nights with files you may see, newest first, and how many."""
    selection = selection_of(call)
    view = ledger.read(scopes_of(call.viewer), selection)
    files = ledger.nights(view, selection)
    raw = ledger.nights(view, _narrowed(selection, "data_type", RAW_TYPE))
    masters = ledger.nights(view, _narrowed(selection, "data_type", MASTER_TYPE))
    failed = ledger.nights(view, _narrowed(selection, "status", FAILED))
    page = call.query["page"]
    pages = max(1, -(-len(files) // PAGE_SIZE))
    if page > pages:
        raise NotFound(f"There is no page {page}: {len(files)} nights fill {pages} page{'s' if pages > 1 else ''}.")
    nights = sorted(files, reverse=True)[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return {
        "count": len(files),
        "next": links.here(call.request, page=page + 1) if page < pages else None,
        "previous": links.here(call.request, page=page - 1) if page > 1 else None,
        "results": [
            {
                "night": night,
                "files": files[night],
                "raw": raw.get(night, 0),
                "masters": masters.get(night, 0),
                "failed": failed.get(night, 0),
            }
            for night in nights
        ],
    }


@routes.route("/nights/{night}/log", methods=["GET"], content_types=[])
@operation(
    "Export the observing log of a night",
    path=(NIGHT,),
    query=(
        Query("format", "choice", choices=("json", *FORMATS), default="json"),
        Query("proposal", help="Only frames of and notes for the proposal with this SOAR id."),
    ),
    answers={
        200: (
            LOG,
            Media("text/csv", "A row a frame; comments in the last column."),
            Media("text/plain", "For people: columns, and comments below their frames."),
        )
    },
    tag="nights",
)
def export_log(call: Call) -> Response | dict[str, Any]:
    """The frames of a night in the order in which they were taken, what was measured, and what people wrote.

    In CSV, an apostrophe comes before texts that a spreadsheet would take for a formula.
    """
    proposal = call.query["proposal"]
    log = _log(call.viewer, call.path["night"], None if proposal is None else scope_of(proposal))
    if call.query["format"] == "json":
        return vars(log)
    kind, ending, render = FORMATS[call.query["format"]]
    name = f"observing-log-{log.night}.{ending}"
    headers: dict[str, str | list[str]] = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(body=render(log), status_code=200, headers=headers)


def _narrowed(selection: Selection, facet: str, value: str) -> Selection:
    """The selection with one facet's value in addition to what it asks for already."""
    wanted = selection.values.get(facet, frozenset({value})) & {value}
    return replace(selection, values={**selection.values, facet: wanted})


def _log(viewer: Viewer, night: int, scope: str | None) -> ObservingLog:
    scopes = scopes_of(viewer)
    selection = Selection(scope=scope, first_night=night, last_night=night)
    ids = list(islice(listing.selected(night, scopes, selection), MOST_FILES + 1))
    records = {r["id"]: r for r in listing.records(ids[:MOST_FILES]) if visible(viewer, r)}
    seen = scopes if scope is None else frozenset({scope}) if scopes is None else scopes & {scope}
    notes = comments.of_night(night, seen, limit=MOST_NOTES + 1)
    commented = sorted(identifier for identifier, r in records.items() if r.get("comments"))
    remarks: dict[int | None, list[Mapping[str, Any]]] = {None: [shown(n, viewer) for n in notes[:MOST_NOTES]]}
    left, complete = MOST_CHARACTERS, len(ids) <= MOST_FILES and len(notes) <= MOST_NOTES
    for identifier, found in zip(commented, comments.of_files(commented[:MOST_COMMENTED], MOST_OF_A_FILE + 1)):
        left -= sum(len(comment.text) for comment in found)
        if left < 0:
            break
        complete &= len(found) <= MOST_OF_A_FILE
        remarks[identifier] = [shown(comment, viewer, records[identifier]) for comment in found[:MOST_OF_A_FILE]]
    complete &= len(remarks) == len(commented) + 1
    return observinglog.observing_log(night, records.values(), remarks, complete=complete)

"""``/files/{id}/visualize``: what the page draws, and pictures for scripts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from chalice import Blueprint, Response

from ..domain.permissions import Viewer, visible
from ..domain.records import AUTO, REDUCED_TYPE, Record
from ..domain.topology import EXPORTS
from ..store import exports, listing, objects, previews, subjects
from . import schemas
from .files import DOWNLOAD_SECONDS, redirected, until, visible_record
from .operation import Call, operation
from .parameters import FILE_ID, Query
from .problems import BadParameter, Conflict
from .schemas import Media

if TYPE_CHECKING:
    from ..domain.previews import Preview

routes = Blueprint(__name__)

STRETCHES = ("asinh", "linear", "sqrt", "log")
COLOURS = ("gray", "inverse", "heat", "cool", "night", "green")
"""Those of ``domain/pictures.py`` and ``domain/png.py``, which are loaded when the first picture is drawn."""

MOST_OVERLAYS = 20

_NUMBER = r"[+-]?[0-9]{1,12}(\.[0-9]{0,6})?"
_A_NUMBER = "a number, like 120 or -3.5"

VISUALIZATION = schemas.named(
    "Visualization",
    schemas.record(
        {
            "id": schemas.integer(),
            "file_name": schemas.text(),
            "kind": schemas.nullable(schemas.one_of("image", "spectrum")),
            "preview": schemas.nullable(
                schemas.record(
                    {"url": schemas.text(form="uri"), "expires": schemas.MOMENT, "type": schemas.text()},
                    help="A binary preview; its container is described in science/preview.py.",
                )
            ),
            "quality": schemas.mapping(help="The record's figures."),
            "details": schemas.mapping(help="What the run measured: lines and residuals, profile, sky, zero point."),
            "overlays": schemas.array(
                schemas.record(
                    {
                        "id": schemas.integer(),
                        "target": schemas.nullable(schemas.integer()),
                        "variant": schemas.text(help="auto, or the name of somebody's choice."),
                        "overlay": {},
                    }
                ),
                help="Of a reduced frame: trace, target and sky zones of each spectrum extracted from it.",
            ),
        }
    ),
)


@routes.route("/files/{identifier}/visualize", methods=["GET"], content_types=[])
@operation(
    "Show a file",
    path=(FILE_ID,),
    query=(
        Query("format", "choice", choices=("json", "png"), default="json", help="png: a picture."),
        Query("stretch", "choice", choices=STRETCHES, default="asinh", help="Of a picture of an image."),
        Query("colours", "choice", choices=COLOURS, default="gray", help="The colour map of a picture of an image."),
        Query("low", pattern=_NUMBER, says=_A_NUMBER, longest=20, help="Lower limit in electrons; else a percentile."),
        Query("high", pattern=_NUMBER, says=_A_NUMBER, longest=20, help="Upper limit in electrons; else a percentile."),
        Query("size", "choice", choices=("coarse", "full"), default="coarse", help="Of a picture of an image."),
        Query("overlay", "flag", help="Draw traces, zones, saturated pixels and cosmic rays."),
    ),
    answers={200: VISUALIZATION, 302: Media("text/plain", "Redirected to the picture.")},
    refuses=(404, 409),
    tag="files",
)
def visualize_file(call: Call) -> dict[str, Any] | Response:
    """A product's preview, quality and details; ``format=png`` leads to a picture of it (``curl --location``)."""
    record = visible_record(call.viewer, call.path["identifier"])
    if call.query["format"] == "png":
        return redirected(_picture(call, record))
    details = previews.details(record)
    shown = None
    if record.get("preview"):
        url = objects.presigned(record["preview"], name=f"{record['id']}.glpv", seconds=DOWNLOAD_SECONDS)
        shown = {"url": url, "expires": until(), "type": "application/octet-stream"}
    return {
        "id": record["id"],
        "file_name": record["file_name"],
        "kind": _kind(record),
        "preview": shown,
        "quality": dict(record.get("quality") or {}),
        "details": details,
        "overlays": _overlays(call.viewer, record),
    }


def _kind(record: Record) -> str | None:
    if not record.get("preview"):
        return None
    return "spectrum" if record["data_type"] in ("3", "4", "5") else "image"


def _overlays(viewer: Viewer, record: Record) -> list[dict[str, Any]]:
    """What EXTRACT found on a reduced frame."""
    if record["data_type"] != REDUCED_TYPE or not record.get("subject"):
        return []
    stages = subjects.read(record["subject"]).get("stages") or {}
    made = [
        product["id"]
        for key, state in sorted(stages.items())
        if key.split("@")[0] == "extract" and record["id"] in state.get("used", ())
        for product in state.get("products", ())
    ]
    found = [one for one in listing.records(made[:MOST_OVERLAYS]) if visible(viewer, one)]
    read = [(one, previews.details(one).get("overlay")) for one in found]
    return [
        {"id": one["id"], "target": one.get("target"), "variant": one.get("variant") or AUTO, "overlay": overlay}
        for one, overlay in read
        if overlay
    ]


def _picture(call: Call, record: Record) -> str:
    """Where a picture of a file is; the same request finds the same picture."""
    from ..domain.pictures import TooManyPixels  # only here: a start without pictures does not wait for it

    low, high = (None if call.query[name] is None else float(call.query[name]) for name in ("low", "high"))
    if low is not None and high is not None and high <= low:
        raise BadParameter("The parameter high must be larger than low.")
    overlays = [one["overlay"] for one in _overlays(call.viewer, record)] if call.query["overlay"] else []
    choices = {name: call.query[name] for name in ("stretch", "colours", "size", "overlay")}
    asked = json.dumps([record["sha256"], choices, low, high, overlays], sort_keys=True)
    key = f"{EXPORTS}pictures/{hashlib.sha256(asked.encode()).hexdigest()}.png"
    if not exports.exists(key):
        preview = previews.preview(record)
        try:
            objects.store(key, _drawn(preview, choices, low, high, overlays), content_type="image/png")
        except TooManyPixels as large:
            raise Conflict(str(large)) from None
    return objects.presigned(key, name=f"{record['id']}.png", seconds=DOWNLOAD_SECONDS)


def _drawn(
    preview: Preview, choices: dict[str, Any], low: float | None, high: float | None, overlays: list[Any]
) -> bytes:
    from ..domain import pictures, plots

    if preview.is_spectrum:
        return plots.spectrum(preview, low=low, high=high)
    return pictures.image(
        preview,
        stretch=choices["stretch"],
        colours=choices["colours"],
        low=low,
        high=high,
        coarse=choices["size"] == "coarse",
        overlays=overlays,
        marks=choices["overlay"],
    )

"""``/files/{id}/export``: a spectrum as a table of text."""

from __future__ import annotations

from chalice import Blueprint, Response

from ..domain.manifests import safe_name
from ..domain.records import CALIBRATED_TYPE, EXTRACTED_TYPE
from ..store import previews
from .files import text_response, visible_record
from .operation import Call, operation
from .parameters import FILE_ID, Query
from .problems import Conflict
from .schemas import Media

routes = Blueprint(__name__)

FLUXED_TYPE = "5"
SPECTRA = (EXTRACTED_TYPE, CALIBRATED_TYPE, FLUXED_TYPE)

FORMATS = {
    "ascii": ("text/plain", ".ecsv"),
    "csv": ("text/csv", ".csv"),
    "votable": ("application/x-votable+xml", ".vot"),
}
"""Format → media type, ending of the file's name."""


@routes.route("/files/{identifier}/export", methods=["GET"], content_types=[])
@operation(
    "Export a spectrum",
    path=(FILE_ID,),
    query=(Query("format", "choice", choices=tuple(FORMATS), default="ascii", help="How the table is written."),),
    answers={
        200: (
            Media("text/plain", "ECSV 1.0, a blank between the values."),
            Media("text/csv", "ECSV 1.0, a comma between the values: lines that begin with # come first."),
            Media("application/x-votable+xml", "VOTable 1.4."),
        )
    },
    refuses=(404, 409),
    tag="files",
)
def export_file(call: Call) -> Response:
    """All columns of an extracted or calibrated spectrum at native sampling, with errors, units and origin."""
    from ..domain import tables  # only here: a start without exports does not wait for it

    record = visible_record(call.viewer, call.path["identifier"])
    if record["data_type"] not in SPECTRA:
        raise Conflict(f"{record['file_name']} is no spectrum: only extracted and calibrated files can be exported.")
    preview = previews.preview(record)
    if not preview.is_spectrum:
        raise Conflict(f"{record['file_name']} is no spectrum: only extracted and calibrated files can be exported.")
    columns, about = tables.columns_of(preview), tables.provenance(record, preview)
    form = call.query["format"]
    if form == "votable":
        text = tables.votable(columns, about)
    else:
        text = tables.ecsv(columns, about, delimiter="," if form == "csv" else " ")
    kind, ending = FORMATS[form]
    name = safe_name(record["file_name"]).removesuffix(".fits") + ending
    return text_response(text, kind, name=name)

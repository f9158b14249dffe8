"""``/files/{id}/lineage``: what a file was made from, and what was made from it."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from ..domain.permissions import visible
from ..domain.records import Record
from ..store import lineage
from . import schemas
from .files import visible_record
from .operation import Call, operation
from .parameters import FILE_ID

routes = Blueprint(__name__)

_SHOWN = (
    "original_file_id file_name data_type obstype object night observed status status_reason provisional target "
    "variant settings_revision science_version sha256 run_key created ancestor_deleted"
).split()

NODE = schemas.named(
    "LineageNode",
    schemas.record(
        {
            "id": schemas.integer(),
            "relation": schemas.one_of("itself", "ancestor", "descendant"),
            "original_file_id": schemas.integer(
                help="The raw frame it is of; a raw frame's and a master's are their own."
            ),
            "file_name": schemas.text(),
            "data_type": schemas.text(),
            "obstype": schemas.nullable(schemas.text()),
            "object": schemas.nullable(schemas.text()),
            "night": schemas.integer(),
            "observed": schemas.OBSERVED,
            "status": schemas.text(),
            "status_reason": schemas.text(),
            "provisional": schemas.FLAG,
            "target": schemas.nullable(schemas.integer()),
            "variant": schemas.text(help="auto, or the name of somebody's choice."),
            "settings_revision": schemas.nullable(schemas.integer()),
            "science_version": schemas.nullable(schemas.text()),
            "sha256": schemas.nullable(schemas.text()),
            "run_key": schemas.nullable(
                schemas.text(help="SHA-256 of what made it: inputs, settings, choices, version.")
            ),
            "created": schemas.nullable(schemas.text()),
            "ancestor_deleted": schemas.FLAG,
        }
    ),
)

LINEAGE = schemas.named(
    "Lineage",
    schemas.record(
        {
            "id": schemas.integer(),
            "nodes": schemas.array(NODE, help="The file itself first, then ancestors and descendants, nearest first."),
            "edges": schemas.array(
                schemas.record({"from": schemas.integer(), "to": schemas.integer(), "role": schemas.text()}),
                help="From an input to what was made of it; the role it played.",
            ),
            "hidden": schemas.integer(help="Files next to those shown that you may not see, or that were deleted."),
            "complete": {**schemas.FLAG, "description": "false: there are more than one answer shows."},
        }
    ),
)


@routes.route("/files/{identifier}/lineage", methods=["GET"], content_types=[])
@operation("Show a file's lineage", path=(FILE_ID,), answers={200: LINEAGE}, refuses=(404,), tag="files")
def show_lineage(call: Call) -> dict[str, Any]:
    """Ancestors and descendants of a file as a graph, with roles, settings, science version and run keys.

    Of a calibration that served very many frames, the nearest are shown.
    """
    viewer = call.viewer
    record = visible_record(viewer, call.path["identifier"])
    graph = lineage.of(record, lambda other: visible(viewer, other))
    nodes = [_node(record, "itself")]
    nodes += [_node(one, "ancestor") for one in graph.ancestors.values()]
    nodes += [_node(one, "descendant") for one in graph.descendants.values() if one["id"] not in graph.ancestors]
    return {
        "id": record["id"],
        "nodes": nodes,
        "edges": [{"from": source, "to": made, "role": role} for source, made, role in sorted(graph.edges)],
        "hidden": len(graph.hidden),
        "complete": graph.complete,
    }


def _node(record: Record, relation: str) -> dict[str, Any]:
    shown = {name: record.get(name) for name in _SHOWN}
    flags = {name: bool(shown[name]) for name in ("provisional", "ancestor_deleted")}
    texts = {
        "status_reason": shown["status_reason"] or "",
        "variant": shown["variant"] or "auto",
        "run_key": shown["run_key"] or None,
    }
    return {"id": record["id"], "relation": relation, **shown, **flags, **texts}

"""``/files/{id}/candidates``: which calibrations would serve a frame, in order, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalice import Blueprint

from ..domain import matching
from ..domain.facets import Selection
from ..domain.headers import ARC, BIAS, FLAT, Observation
from ..domain.permissions import Viewer, scopes_of, sees, visible
from ..domain.records import MASTER_TYPE, RAW_TYPE, REDUCED_TYPE, Record, observation_of, scope_of
from ..domain.settings import Settings, settings_from
from ..store import configurations, listing, subjects
from . import schemas
from .files import visible_record
from .operation import Call, operation
from .parameters import FILE_ID
from .problems import Conflict, NotFound

if TYPE_CHECKING:
    from ..domain.candidates import Ranked

routes = Blueprint(__name__)

MOST_OTHERS = 200
"""Calibrations of the night that are looked at besides those offered."""

CANDIDATE = schemas.named(
    "Candidate",
    schemas.record(
        {
            "id": schemas.integer(),
            "file_name": schemas.text(),
            "night": schemas.integer(),
            "rank": schemas.nullable(schemas.integer(1, help="1 is taken first; null: it does not serve.")),
            "chosen": {**schemas.FLAG, "description": "The automatic way takes it, as things are now."},
            "used": {**schemas.FLAG, "description": "The frame's present products were made with it."},
            "reasons": schemas.array(
                schemas.text(), help="What counts, the weightiest first; or why it does not serve."
            ),
            "figures": schemas.mapping(help="The numbers behind the reasons."),
        }
    ),
)

KIND = schemas.record(
    {
        "ignored": {**schemas.FLAG, "description": "The settings say that this kind is not used."},
        "hidden": schemas.integer(help="Candidates of proposals that are not yours; their ranks are missing."),
        "candidates": schemas.array(CANDIDATE),
    }
)

CANDIDATES = schemas.named(
    "Candidates",
    schemas.record(
        {
            "id": schemas.integer(help="The raw frame they are for."),
            "file_name": schemas.text(),
            "bias": KIND,
            "flat": KIND,
            "arc": KIND,
        },
        optional=("bias", "flat", "arc"),
    ),
)


@routes.route("/files/{identifier}/candidates", methods=["GET"], content_types=[])
@operation(
    "List calibrations that would serve", path=(FILE_ID,), answers={200: CANDIDATES}, refuses=(404, 409), tag="files"
)
def list_candidates(call: Call) -> dict[str, Any]:
    """Master biases, master flats and arcs for a frame (or for the frame a product is of).

    The order is the pipeline's own. Those that do not serve come last, each with the reason, and with them calibrations
    of the same night that were marked bad or are of another configuration.
    """
    from ..domain import candidates  # only here: most starts do not need it

    viewer = call.viewer
    raw = _raw_of(viewer, visible_record(viewer, call.path["identifier"]))
    o = observation_of(raw["observation"])
    kinds = candidates.kinds(o)
    if not kinds:
        raise Conflict(f"{raw['file_name']} is of the type {o.obstype}: it is not reduced with calibrations.")
    subject = subjects.read(subjects.frame_subject(raw["id"]))
    settings = settings_from(subject.get("settings") or {})
    used = {int(i) for state in (subject.get("stages") or {}).values() for i in state.get("used", ())}
    others = _others(viewer, o)
    shown = {kind: _of_kind(viewer, kind, o, settings, used, others) for kind in kinds}
    return {"id": raw["id"], "file_name": raw["file_name"], **shown}


def _raw_of(viewer: Viewer, record: Record) -> Record:
    if record["data_type"] != RAW_TYPE and record["original_file_id"] != record["id"]:
        raw = listing.record(record["original_file_id"])
        if raw is None or not visible(viewer, raw):
            raise NotFound(f"There is no file {record['original_file_id']}.")
        record = raw
    if not record.get("observation"):
        raise Conflict(f"{record['file_name']} is no frame that calibrations could serve.")
    return record


def _of_kind(
    viewer: Viewer, kind: str, o: Observation, settings: Settings, used: set[int], others: list[Record]
) -> dict[str, Any]:
    from ..domain import candidates

    key = candidates.key_of(kind, o)
    found = configurations.candidates(key, o.night, reach=matching.reach(key))
    ranked = candidates.ranked(kind, o, found, settings)
    scopes = {c.id: scope_of(c.proposal) for c in found} if kind == "arc" else {}
    seen = [r for r in ranked if r.id not in scopes or sees(viewer, scopes[r.id])]
    chosen = _chosen(kind, o, found, ranked, settings)
    shown = [
        {
            "id": r.id,
            "file_name": r.name,
            "night": r.night,
            "rank": r.rank,
            "chosen": r.id in chosen,
            "used": r.id in used,
            "reasons": list(r.reasons),
            "figures": dict(r.figures),
        }
        for r in seen
    ]
    shown += _not_offered(kind, o, {c.id for c in found}, used, others)
    return {
        "ignored": candidates.ignored(kind, settings),
        "hidden": len(ranked) - len(seen),
        "candidates": shown,
    }


def _chosen(
    kind: str,
    o: Observation,
    found: Iterable[matching.Candidate],
    ranked: Iterable[Ranked],
    settings: Settings,
) -> set[int]:
    """What the plan takes: the first, of arcs two if they bracket the frame."""
    from ..domain import candidates

    if candidates.ignored(kind, settings):
        return set()
    if kind == "arc":
        return {c.id for c in matching.bracketing_arcs(o, [c for c in found if not c.withdrawn])}
    return {r.id for r in ranked if r.rank == 1}


def _others(viewer: Viewer, o: Observation) -> list[Record]:
    """The masters and arcs of the frame's night that the viewer sees."""
    wanted: list[int] = []
    for obstypes, data_types in (((BIAS, FLAT), (MASTER_TYPE,)), ((ARC,), (RAW_TYPE, REDUCED_TYPE))):
        values = {"obstype": frozenset(obstypes), "data_type": frozenset(data_types)}
        rows = listing.selected(o.night, scopes_of(viewer), Selection(values=values))
        wanted += islice(rows, MOST_OTHERS)
    return [record for record in listing.records(wanted) if visible(viewer, record)]


def _not_offered(
    kind: str, o: Observation, offered: set[int], used: set[int], others: list[Record]
) -> list[dict[str, Any]]:
    """The night's calibrations of a kind that are not found under the frame's configuration key, with the reason."""
    from ..domain import candidates

    if kind == "arc":
        serving = {r["original_file_id"] for r in others if r["data_type"] == REDUCED_TYPE and r["id"] in offered}
        left = [r for r in others if r["obstype"] == ARC and r["data_type"] == RAW_TYPE and r["id"] not in serving]
        sources = {r["id"]: r for r in left}
    else:
        obstype = BIAS if kind == "bias" else FLAT
        left = [r for r in others if r["obstype"] == obstype and r["id"] not in offered]
        members = {r["id"]: next((i["id"] for i in r.get("inputs") or () if i["role"] == "member"), None) for r in left}
        raws = {r["id"]: r for r in listing.records(sorted({m for m in members.values() if m is not None}))}
        sources = {i: raws[member] for i, member in members.items() if member in raws}
    return [
        {
            "id": record["id"],
            "file_name": record["file_name"],
            "night": record["night"],
            "rank": None,
            "chosen": False,
            "used": record["id"] in used,
            "reasons": candidates.why_not(kind, o, record, _observation(sources.get(record["id"]))),
            "figures": {},
        }
        for record in left
    ]


def _observation(record: Record | None) -> Observation | None:
    return observation_of(record["observation"]) if record and record.get("observation") else None

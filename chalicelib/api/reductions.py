"""What is asked of the pipeline: reduce, extract, calibrate, combine, with somebody's choices or once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalice import Blueprint

from ..domain import asking, choices
from ..domain.permissions import may_change
from ..domain.records import MASTER_TYPE, RAW_TYPE, Record
from ..domain.settings import DEFAULTS
from ..domain.steps import AUTO, EXTRACT, REDUCE, WAVELENGTH, stage_key
from ..store import actions, masters, subjects
from . import schemas
from .files import visible_record
from .jobs import accepted
from .operation import Call, operation
from .parameters import LARGEST_ID
from .problems import NotAllowed, NotBuilt, Unprocessable
from .schemas import ACCEPTED

routes = Blueprint(__name__)

FILE = schemas.integer(1, LARGEST_ID, help="A raw frame, or one of its products: what is asked is done to the frame.")
MASTER = schemas.integer(0, LARGEST_ID, help="A master's id, 0 for none; without it the best there is.")
ARCS = schemas.array(
    schemas.integer(1, LARGEST_ID),
    fewest=1,
    most=choices.MOST_ARCS,
    help="Ids of reduced arcs: one, or two that bracket the spectrum.",
)
_ROW = schemas.number(-choices.LARGEST_ROW, choices.LARGEST_ROW)
_ZONE = schemas.array(_ROW, fewest=2, most=2, help="Low and high edge, unbinned rows from the trace.")
APERTURE = schemas.named(
    "Aperture",
    schemas.record(
        {
            "column": schemas.number(0, choices.LARGEST_ROW, help="Unbinned column of a place on the trace."),
            "row": schemas.number(0, choices.LARGEST_ROW, help="Unbinned row of that place."),
            "target": _ZONE,
            "sky": schemas.array(_ZONE, fewest=1, most=choices.MOST_ZONES, help="Zones of pure sky."),
        }
    ),
)
SETTINGS = schemas.mapping(
    help=f"Settings in place of the proposal's: {', '.join(sorted(vars(DEFAULTS)))}; see the proposal's settings."
)


def _asked(name: str, **optional: Mapping[str, Any]) -> schemas.Schema:
    return schemas.named(name, schemas.record({"file": FILE, **optional}, optional=tuple(optional)))


ASK_REDUCE = _asked("AskReduce", bias=MASTER, flat=MASTER, settings=SETTINGS)
ASK_EXTRACT = _asked(
    "AskExtract",
    apertures=schemas.array(APERTURE, fewest=1, most=choices.MOST_APERTURES),
    arcs=ARCS,
    settings=SETTINGS,
)
ASK_WAVELENGTH = _asked("AskWavelength", arcs=ARCS)
ASK_FILE = _asked("AskFile")
ASK_MASTER = schemas.named(
    "AskMaster",
    schemas.record(
        {
            "members": schemas.array(
                schemas.integer(1, LARGEST_ID),
                fewest=1,
                most=choices.MOST_MEMBERS,
                help="Raw biases or flats of one night and configuration, of which a master of its own is made.",
            ),
            "file": schemas.integer(
                1, LARGEST_ID, help="A raw bias or flat, or a master: the master of its whole pool is made again."
            ),
        },
        optional=("members", "file"),
        help="Either members or file.",
    ),
)

REFUSES = (403, 404, 409)


@routes.route("/reduce", methods=["POST"], content_types=[])
@operation("Reduce a frame", body=ASK_REDUCE, answers={202: ACCEPTED}, refuses=REFUSES, tag="actions", idempotent=True)
def reduce_file(call: Call) -> dict[str, Any]:
    """Reduce a raw frame with chosen masters or settings, as a variant beside the automatic chain; without, once more.

    What follows from the reduced frame (extraction, calibration) is made for the variant too.
    """
    return _ask(call, REDUCE)


@routes.route("/spectrum/extract", methods=["POST"], content_types=[])
@operation(
    "Extract spectra", body=ASK_EXTRACT, answers={202: ACCEPTED}, refuses=REFUSES, tag="actions", idempotent=True
)
def extract_spectrum(call: Call) -> dict[str, Any]:
    """Extract spectra with chosen apertures and sky zones, lamps or settings, as a variant; without, once more.

    Chosen lamps are pinned for the wavelength calibration that follows.
    """
    return _ask(call, EXTRACT)


@routes.route("/spectrum/calibrate/wavelength", methods=["POST"], content_types=[])
@operation(
    "Calibrate wavelengths",
    body=ASK_WAVELENGTH,
    answers={202: ACCEPTED},
    refuses=REFUSES,
    tag="actions",
    idempotent=True,
)
def calibrate_wavelength(call: Call) -> dict[str, Any]:
    """Calibrate a frame's spectra with chosen lamps, as a variant; without lamps, once more with the best there are."""
    return _ask(call, WAVELENGTH)


@routes.route("/spectrum/calibrate/flux", methods=["POST"], content_types=[])
@operation("Calibrate fluxes", body=ASK_FILE, answers={202: ACCEPTED}, refuses=(404, 501), tag="actions")
def calibrate_flux(call: Call) -> dict[str, Any]:
    """Calibrate a spectrum's flux. Not built yet: answers 501."""
    visible_record(call.viewer, call.body["file"])
    raise NotBuilt("Flux calibration is not built yet. Wavelength-calibrated spectra are in counts.")


@routes.route("/image/astrometry", methods=["POST"], content_types=[])
@operation("Solve an image", body=ASK_FILE, answers={202: ACCEPTED}, refuses=(404, 501), tag="actions")
def solve_image(call: Call) -> dict[str, Any]:
    """Find the astrometric solution of an image. Not built yet: answers 501."""
    visible_record(call.viewer, call.body["file"])
    raise NotBuilt("Astrometric solutions are not built yet. Reduced images keep the telescope's coordinates.")


@routes.route("/calibrations", methods=["POST"], content_types=[])
@operation("Make a master", body=ASK_MASTER, answers={202: ACCEPTED}, refuses=REFUSES, tag="actions", idempotent=True)
def make_master(call: Call) -> dict[str, Any]:
    """Make a master bias or flat of chosen frames, or that of a pool again; for everybody who sees the frames.

    A master of chosen frames is never used by itself: it is chosen for a frame with ``/reduce``.
    """
    body = call.body
    if len(body) != 1:
        raise Unprocessable("Name either members or file.", [("", "exactly one of members and file is needed")])
    actor = call.viewer.username
    if "members" in body:
        for identifier in body["members"]:
            visible_record(call.viewer, identifier)
        pool, variant = masters.combine(body["members"], actor)
    else:
        record = visible_record(call.viewer, body["file"])
        pool, variant = masters.pool_of_record(record), record["variant"]
        masters.combine_again(pool, actor, variant)
    stage = masters.pool_kind(pool)
    return accepted(call, "master", subject=pool, stage=stage, variant=variant)


def frame_of(call: Call, identifier: int) -> tuple[Record, Record]:
    """A visible file and its raw frame, about which the viewer decides.

    Raises
    ------
    NotFound, NotAllowed
        The viewer does not see it; sees it and does not decide about it.
    BadChoice
        It is a master, which has no raw frame.
    """
    record = visible_record(call.viewer, identifier)
    if record["data_type"] == MASTER_TYPE:
        raise choices.BadChoice(f"{record['file_name']} is a master, made of many frames; name one frame.")
    raw = record if record["data_type"] == RAW_TYPE else visible_record(call.viewer, record["original_file_id"])
    if not may_change(call.viewer, raw):
        raise NotAllowed("This is decided by the proposal's PI and collaborators, and by staff.")
    return record, raw


def _ask(call: Call, stage: str) -> dict[str, Any]:
    """Make a choice of what the body names, or ask for the stage once more."""
    record, raw = frame_of(call, call.body["file"])
    asking.check_frame(raw, stage)
    wanted = {name: value for name, value in call.body.items() if name != "file"}
    there = subjects.read(subjects.frame_subject(raw["id"])).get("stages") or {}
    if wanted:
        variant = _choose(call, raw, stage, wanted, _base(record["variant"], stage, there))
    else:
        given = record["variant"]
        variant = given if stage_key(stage, given) in there else AUTO
        actions.run_again(raw["id"], stage, call.viewer.username, variant)
    return accepted(
        call,
        stage,
        subject=subjects.frame_subject(raw["id"]),
        obstype=raw["obstype"],
        stage=stage,
        variant=variant,
        scope=raw["scope"],
    )


def _choose(call: Call, raw: Record, stage: str, wanted: dict[str, Any], base: str) -> str:
    for kind in ("bias", "flat"):
        if wanted.get(kind):
            asking.check_master(kind, visible_record(call.viewer, wanted[kind]))
    if "arcs" in wanted:
        wanted = wanted | {"arcs": _arcs(call, raw, wanted["arcs"])}
    choice = {"stage": stage, **wanted, **({} if base == AUTO else {"of": base})}
    return actions.choose(raw["id"], choice, call.viewer.username)


def _arcs(call: Call, raw: Record, identifiers: Sequence[int]) -> list[int]:
    """The reduced arcs that are meant: a raw one stands for what was made of it."""
    found = []
    for identifier in identifiers:
        record = visible_record(call.viewer, identifier)
        if record["data_type"] == RAW_TYPE and record["obstype"] == "ARC":
            stages = subjects.read(subjects.frame_subject(identifier)).get("stages") or {}
            made = (stages.get(REDUCE) or {}).get("products") or ()
            record = visible_record(call.viewer, made[0]["id"]) if made else record
        asking.check_arc(record, raw)
        found.append(record["id"])
    return found


def _base(variant: str, stage: str, there: Mapping[str, Any]) -> str:
    """The variant a choice builds on: that of the file it was asked of, if the stage above was made in it."""
    above = {EXTRACT: REDUCE, WAVELENGTH: EXTRACT}.get(stage)
    return variant if above and stage_key(above, variant) in there else AUTO

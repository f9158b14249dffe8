"""WAVELENGTH: the lamp along the science trace, its lines, the solution, and the zero point on the frame's own sky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..domain import matching, naming, plan, records, topology
from ..domain.headers import Observation
from ..domain.plan import FrameFacts, Input, Step
from ..store import items
from . import driver, inputs
from .driver import Facts, Product
from .extract import light_of
from .identity_cards import Card, identity_cards

if TYPE_CHECKING:
    from ..science.dispersion import WavelengthSolution
    from ..science.errors import ScienceError
    from ..science.frame import Frame
    from ..science.spectrum import Spectrum, Trace
    from ..science.wavelength import Arc, Bracket
    from ..science.zeropoint import ZeroPoint


@dataclass(frozen=True)
class ArcFrame:
    """A reduced arc, its raw frame's record, and when it was taken: seconds from middle to middle of the exposures.

    ``role`` is what it is to the frame, whichever arc plays the part: it makes the identity of the lamps.
    """

    source: Input
    frame: Frame
    observation: Observation
    raw: dict[str, Any]
    time: float
    role: str


@dataclass(frozen=True)
class Solved:
    """A target with the arcs that show light along its trace, their lamps, and what these say of its wavelengths."""

    source: Input
    spectrum: Spectrum
    arcs: list[ArcFrame]
    lamps: list[Arc]
    bracket: Bracket
    notes: list[str]


def handle(subject: str) -> str:
    """Look at a frame."""
    return driver.work(topology.WAVELENGTH, subject, {plan.WAVELENGTH: make_calibrated})


def make_calibrated(step: Step, facts: Facts) -> Sequence[Product]:
    """Each spectrum with its wavelengths, and beside it the lamps as extracted and as calibrated."""
    from ..science.errors import ScienceError
    from ..science.wavelength import combine

    assert isinstance(facts, FrameFacts)
    arcs, unread = _arc_frames(step, facts.observation)
    sources = [i for i in step.inputs if i.role == "spectrum"]
    solved: list[Solved] = []
    refused: list[ScienceError] = []
    for source in sources:
        spectrum = inputs.spectrum(source)
        try:
            there, lamps, dark = _along(arcs, spectrum.trace)
            bracket = combine(lamps, inputs.library())
        except ScienceError as error:
            refused.append(error)  # the other targets of the frame need not suffer
            continue
        solved.append(Solved(source, spectrum, there, lamps, bracket, [*bracket.notes, *unread, *dark]))
    if not solved:
        raise refused[0]
    zero = _frame_zero_point(solved)
    products: list[Product] = []
    for target in solved:
        spectrum, bracket = target.spectrum, target.bracket
        calibrated = spectrum.with_data(solution=zero.apply(bracket.solution))
        number = spectrum.target if len(sources) > 1 else None
        products.append(
            _calibrated(step, facts, target.source, target.arcs, calibrated, bracket, zero, target.notes, number)
        )
        for arc, lamp, own in zip(target.arcs, target.lamps, bracket.own, strict=True):
            products += _lamps(step, facts, arc, lamp, spectrum, own, number)
    return products


def _arc_frames(step: Step, o: Observation) -> tuple[list[ArcFrame], list[str]]:
    """The step's arcs in order of time, and a sentence for each that cannot be read; one must be."""
    from ..science.errors import ScienceError

    arcs: list[ArcFrame] = []
    unread: list[tuple[Input, ScienceError]] = []
    taken = []
    for source in (i for i in step.inputs if i.role == "arc"):
        record = items.get("files", {"id": source.id}) or {}
        raw = items.get("files", {"id": record["original_file_id"]}) or {}
        observation = records.observation_of(raw["observation"])
        time = (matching.middle_of(observation) - matching.middle_of(o)).total_seconds()
        taken.append((time, source, observation, raw))
    roles = _roles([time for time, *_ in taken])
    for (time, source, observation, raw), role in zip(taken, roles, strict=True):
        try:
            frame = inputs.frame(source)
        except ScienceError as error:
            unread.append((source, error))
            continue
        assert frame is not None
        arcs.append(ArcFrame(source, frame, observation, raw, time, role))
    if not arcs:
        raise unread[0][1]
    return sorted(arcs, key=lambda arc: arc.time), [_not_used(*pair) for pair in unread]


def _roles(times: Sequence[float]) -> list[str]:
    """``before`` or ``after`` for arcs at so many seconds; the second nearest on a side is ``before-2`` and so on."""
    nearest = sorted(range(len(times)), key=lambda k: (abs(times[k]), k))
    sides = ["after" if time > 0 else "before" for time in times]
    roles = list(sides)
    for side in ("before", "after"):
        for number, k in enumerate((k for k in nearest if sides[k] == side), start=1):
            roles[k] = side if number == 1 else f"{side}-{number}"
    return roles


def _along(arcs: Sequence[ArcFrame], trace: Trace) -> tuple[list[ArcFrame], list[Arc], list[str]]:
    """The arcs that show light along a trace, their lamps, and a sentence for each that does not; one must."""
    from ..science.errors import ScienceError
    from ..science.wavelength import Arc, collapse_arc

    there: list[ArcFrame] = []
    lamps: list[Arc] = []
    dark: list[tuple[ArcFrame, ScienceError]] = []
    for arc in arcs:
        try:
            lamp = collapse_arc(arc.frame, trace)
        except ScienceError as error:
            dark.append((arc, error))
            continue
        there.append(arc)
        lamps.append(Arc(lamp, _setup(arc.observation), arc.time, arc.source.name))
    if not lamps:
        raise min(dark, key=lambda pair: abs(pair[0].time))[1]
    return there, lamps, [_not_used(arc.source, error) for arc, error in dark]


def _not_used(source: Input, error: ScienceError) -> str:
    return f"{source.name} is not used for the wavelengths. {error}"


def _setup(o: Observation):
    from ..science.wavelength import Setup

    return Setup(
        lines_per_mm=o.lines_per_mm,
        grating_angle=o.grating_angle,
        camera_angle=o.camera_angle,
        camera=o.camera,
        lamps=o.lamps,
        mode=o.wavmode,
        filters=tuple(f for f in (o.filter, o.filter_2) if f != "NO_FILTER"),
    )


def _frame_zero_point(solved: Sequence[Solved]) -> ZeroPoint:
    """The zero point of a frame: the sky lit the whole slit in the same minutes, one shift holds for all targets.

    The first target whose sky verifies it decides, and no more are measured; where none does, the first one's word on
    why stands.
    """
    measured: list[ZeroPoint] = []
    for target in solved:
        measured.append(_zero_point(target.spectrum, target.bracket.solution))
        if measured[-1].verified:
            return measured[-1]
    return measured[0]


def _zero_point(spectrum: Spectrum, solution: WavelengthSolution) -> ZeroPoint:
    from ..science import zeropoint

    columns = spectrum.geometry.detector_column(spectrum.column)
    return zeropoint.measure(columns, spectrum.sky, spectrum.sky_error, spectrum.mask, solution)


def _zero_cards(zero: ZeroPoint) -> list[Card]:
    measured = zero.verified
    return [
        ("GSP_ZVER", zero.verified, "zero point verified on the frame's own sky"),
        ("GSP_ZAPP", zero.applied, "zero-point shift applied"),
        ("GSP_ZMET", zero.method, "what the zero point was measured on"),
        *([("GSP_ZSHI", float(zero.shift), "zero-point shift (Angstrom)")] if measured else []),
        *([("GSP_ZERR", float(zero.error), "its 1-sigma error (Angstrom)")] if measured else []),
        *([("GSP_ZPIX", float(zero.shift_pixels), "the same in unbinned pixels")] if measured else []),
    ]


def _quality(o: Observation, lamps: Sequence[ArcFrame], bracket: Bracket, zero: ZeroPoint) -> dict[str, Any]:
    solution = bracket.solution
    middle = sum(solution.span) / 2
    pixel = abs(float(solution.dispersion(middle))) * o.binning[0]
    used = [line for line in solution.lines if line.used]
    return {
        "wavelength_rms": round(solution.rms, 5),
        "wavelength_rms_pixels": round(solution.rms / pixel, 5),
        "wavelength_lines": len(used),
        "wavelength_rejected": len(solution.lines) - len(used),
        "wavelength_method": solution.method,
        "wavelength_template": solution.template,
        "wavelength_from": round(float(solution.wavelength(solution.span[0])), 2),
        "wavelength_to": round(float(solution.wavelength(solution.span[1])), 2),
        "lamps": "".join(solution.lamps),
        "arcs": _arcs_quality(o, lamps, bracket),
        "zero_point_verified": zero.verified,
        "zero_point_applied": zero.applied,
        "zero_point_method": zero.method,
        "zero_point_reason": zero.reason,
        **({"zero_point": round(zero.shift, 4), "zero_point_error": round(zero.error, 4)} if zero.verified else {}),
    }


def _arcs_quality(o: Observation, arcs: Sequence[ArcFrame], bracket: Bracket) -> dict[str, Any]:
    """Which arcs, minutes from the frame, and the drift between two in the frame's own (binned) pixels."""
    said: dict[str, Any] = {
        "names": [arc.source.name for arc in arcs],
        "minutes": [round(arc.time / 60, 2) for arc in arcs],
        "used": list(bracket.used),
    }
    if sum(bracket.used) > 1:
        binning = o.binning[0]
        said["drift_pixels"] = round(bracket.drift / binning, 4)
        said["drift_error_pixels"] = round(bracket.drift_error / binning, 4)
        said["interpolation_error_pixels"] = round(bracket.doubt / binning, 4)
    return said


def _lamp_cards(used: Sequence[ArcFrame], bracket: Bracket) -> list[Card]:
    if len(used) == 1:
        return [("GSP_LAMP", used[0].source.name, "comparison lamp")]
    return [
        ("GSP_LAMP", used[0].source.name, "first comparison lamp"),
        ("GSP_LAM2", used[1].source.name, "second comparison lamp"),
        ("GSP_DRFT", float(bracket.drift), "drift from lamp to lamp (unbinned pixels)"),
        ("GSP_DERR", float(bracket.drift_error), "its 1-sigma error"),
        ("GSP_DINT", float(bracket.doubt), "error of interpolating it (unbinned pixels)"),
    ]


def _wavelength_history(used: Sequence[ArcFrame], bracket: Bracket) -> str:
    sentence = f"wavelengths from {' and '.join(arc.source.name for arc in used)}"
    if len(used) == 1:
        return sentence
    if not used[0].time <= 0 <= used[1].time:
        return f"{sentence}, which do not bracket the frame, at the time of the nearer"
    return f"{sentence}: a drift of {bracket.drift:+.3f} unbinned pixels between them, taken as linear in time"


def _calibrated(
    step: Step,
    facts: FrameFacts,
    source: Input,
    arcs: Sequence[ArcFrame],
    spectrum: Spectrum,
    bracket: Bracket,
    zero: ZeroPoint,
    notes: list[str],
    number: int | None,
) -> Product:
    from ..science import preview, product

    o = facts.observation
    name = naming.product_name("w" + naming.steps_of(source.name), facts.raw.name, target=number, variant=step.variant)
    used = [arc for arc, serves in zip(arcs, bracket.used, strict=True) if serves]
    cards = identity_cards(
        o,
        name=name,
        parent=source.name,
        original=facts.raw.name,
        prefix=topology.CALIBRATED,
        inputs=(source, *(i for i in step.inputs if i.role == "arc")),
    )
    cards += [*_lamp_cards(used, bracket), *_zero_cards(zero)]
    return Product(
        role=plan.PRODUCT_ROLE[plan.WAVELENGTH],
        kind=plan.WAVELENGTH,
        prefix=topology.CALIBRATED,
        name=name,
        data=product.write_spectrum(spectrum, cards, [_wavelength_history(used, bracket), *notes, zero.reason]),
        preview=preview.spectrum_preview(spectrum),
        data_type=records.CALIBRATED_TYPE,
        observation=o,
        original=(facts.raw.id, facts.raw.name),
        parent=(source.id, source.name),
        target=spectrum.target,
        quality=light_of(spectrum, o) | _quality(o, arcs, bracket, zero) | {"wavelength_notes": notes},
        details={"solution": spectrum.solution.to_dict() if spectrum.solution else None, "zero": zero.to_dict()},
    )


def _lamps(
    step: Step,
    facts: FrameFacts,
    arc: ArcFrame,
    lamp: Arc,
    spectrum: Spectrum,
    solution: WavelengthSolution | None,
    number: int | None,
) -> list[Product]:
    """The lamp along the science trace, extracted and, where it has a solution of its own, calibrated with that.

    They belong to the arc's raw frame.
    """
    from ..science import preview, product
    from ..science.lamp import lamp_spectrum

    products = []
    extracted = lamp_spectrum(lamp.lamp, arc.frame.geometry, spectrum)
    shown: list[tuple[str, str, str, Spectrum, dict[str, Any]]]
    shown = [(topology.EXTRACTED, "e", records.EXTRACTED_TYPE, extracted, {})]
    if solution is not None:
        calibrated = extracted.with_data(solution=solution)
        own = {"solution": solution.to_dict()}
        shown.append((topology.CALIBRATED, "we", records.CALIBRATED_TYPE, calibrated, own))
    original = str(arc.raw["file_name"])
    stem = naming.base_name(facts.raw.name).rsplit(".", 1)[0]
    arc_name = f"{naming.base_name(original).rsplit('.', 1)[0]}_for_{stem}.fits"
    for prefix, letters, data_type, lamp_shown, details in shown:
        name = naming.product_name(
            letters + naming.steps_of(arc.source.name), arc_name, target=number, variant=step.variant
        )
        cards = identity_cards(
            arc.observation,
            name=name,
            parent=arc.source.name,
            original=original,
            prefix=prefix,
            inputs=(arc.source,),
        )
        cards.append(("GSP_SCTR", facts.raw.name, "science target file of the lamp"))
        products.append(
            Product(
                role="lamp",
                kind=f"lamp-{arc.role}-{letters}",
                prefix=prefix,
                name=name,
                data=product.write_spectrum(lamp_shown, cards, [f"lamp along the trace of {facts.raw.name}"]),
                preview=preview.spectrum_preview(lamp_shown),
                data_type=data_type,
                observation=arc.observation,
                original=(arc.raw["id"], original),
                parent=(arc.source.id, arc.source.name),
                target=spectrum.target,
                details=details,
            )
        )
    return products

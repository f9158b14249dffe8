"""WAVELENGTH: the lamp along the science trace, its lines, the solution, and the zero point on the frame's own sky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..domain import naming, plan, records, topology
from ..domain.headers import Observation
from ..domain.plan import FrameFacts, Input, Step
from ..store import items
from . import driver, inputs
from .driver import Facts, Product
from .identity_cards import Card, identity_cards

if TYPE_CHECKING:
    from ..science.dispersion import WavelengthSolution
    from ..science.spectrum import Spectrum
    from ..science.zeropoint import ZeroPoint


def handle(subject: str) -> str:
    """Look at a frame."""
    return driver.work(topology.WAVELENGTH, subject, {plan.WAVELENGTH: make_calibrated})


def make_calibrated(step: Step, facts: Facts) -> Sequence[Product]:
    """Each spectrum with its wavelengths, and beside it the lamp as extracted and as calibrated."""
    from ..science.errors import ScienceError
    from ..science.wavelength import collapse_arc, quality, solve

    assert isinstance(facts, FrameFacts)
    arc = step.input("arc")
    assert arc is not None
    arc_frame = inputs.frame(arc)
    arc_record = items.get("files", {"id": arc.id}) or {}
    arc_raw = items.get("files", {"id": arc_record["original_file_id"]}) or {}
    arc_observation = records.observation_of(arc_raw["observation"])
    assert arc_frame is not None
    setup = _setup(arc_observation)
    products: list[Product] = []
    sources = [i for i in step.inputs if i.role == "spectrum"]
    zero: ZeroPoint | None = None
    refused: list[ScienceError] = []
    for source in sources:
        spectrum = inputs.spectrum(source)
        try:
            lamp = collapse_arc(arc_frame, spectrum.trace)
            solution = solve(lamp, setup, inputs.library())
        except ScienceError as error:
            refused.append(error)  # the other targets of the frame need not suffer
            continue
        notes = quality(solution, setup)["notes"]
        # the sky lit the whole slit in the same minutes: one shift holds for all targets of a frame
        zero = zero or _zero_point(spectrum, solution)
        calibrated = spectrum.with_data(solution=zero.apply(solution))
        number = spectrum.target if len(sources) > 1 else None
        products.append(_calibrated(step, facts, source, arc, calibrated, solution, zero, notes, number))
        geometry = arc_frame.geometry
        products += _lamps(step, facts, arc, arc_observation, arc_raw, lamp, geometry, spectrum, solution, number)
    if refused and not products:
        raise refused[0]
    return products


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


def _quality(o: Observation, solution: WavelengthSolution, zero: ZeroPoint) -> dict[str, Any]:
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
        "zero_point_verified": zero.verified,
        "zero_point_applied": zero.applied,
        "zero_point_method": zero.method,
        "zero_point_reason": zero.reason,
        **({"zero_point": round(zero.shift, 4), "zero_point_error": round(zero.error, 4)} if zero.verified else {}),
    }


def _calibrated(
    step: Step,
    facts: FrameFacts,
    source: Input,
    arc: Input,
    spectrum: Spectrum,
    solution: WavelengthSolution,
    zero: ZeroPoint,
    notes: list[str],
    number: int | None,
) -> Product:
    from ..science import preview, product

    o = facts.observation
    name = naming.product_name("w" + naming.steps_of(source.name), facts.raw.name, target=number)
    cards = identity_cards(
        o, name=name, parent=source.name, original=facts.raw.name, prefix=topology.CALIBRATED, inputs=(source, arc)
    )
    cards += [("GSP_LAMP", arc.name, "comparison lamp"), *_zero_cards(zero)]
    return Product(
        role=plan.PRODUCT_ROLE[plan.WAVELENGTH],
        kind=plan.WAVELENGTH,
        prefix=topology.CALIBRATED,
        name=name,
        data=product.write_spectrum(spectrum, cards, [f"wavelengths from {arc.name}", *notes, zero.reason]),
        preview=preview.spectrum_preview(spectrum),
        data_type=records.CALIBRATED_TYPE,
        observation=o,
        original=(facts.raw.id, facts.raw.name),
        parent=(source.id, source.name),
        target=spectrum.target,
        quality=_quality(o, solution, zero) | {"wavelength_notes": notes},
        details={"solution": spectrum.solution.to_dict() if spectrum.solution else None, "zero": zero.to_dict()},
    )


def _lamps(
    step: Step,
    facts: FrameFacts,
    arc: Input,
    o: Observation,
    arc_raw: dict,
    lamp,
    arc_geometry,
    spectrum: Spectrum,
    solution: WavelengthSolution,
    number: int | None,
) -> list[Product]:
    """The lamp along the science trace, extracted and calibrated; they belong to the arc's raw frame."""
    from ..science import preview, product
    from ..science.lamp import lamp_spectrum

    products = []
    extracted = lamp_spectrum(lamp, arc_geometry, spectrum)
    stem = naming.base_name(facts.raw.name).rsplit(".", 1)[0]
    for prefix, letters, data_type, shown in (
        (topology.EXTRACTED, "e", records.EXTRACTED_TYPE, extracted),
        (topology.CALIBRATED, "we", records.CALIBRATED_TYPE, extracted.with_data(solution=solution)),
    ):
        arc_name = f"{naming.base_name(arc_raw['file_name']).rsplit('.', 1)[0]}_for_{stem}.fits"
        name = naming.product_name(letters + naming.steps_of(arc.name), arc_name, target=number)
        cards = identity_cards(
            o, name=name, parent=arc.name, original=arc_raw["file_name"], prefix=prefix, inputs=(arc,)
        )
        products.append(
            Product(
                role="lamp",
                kind=f"lamp-{letters}",
                prefix=prefix,
                name=name,
                data=product.write_spectrum(shown, cards, [f"lamp along the trace of {facts.raw.name}"]),
                preview=preview.spectrum_preview(shown),
                data_type=data_type,
                observation=o,
                original=(arc_raw["id"], arc_raw["file_name"]),
                parent=(arc.id, arc.name),
                target=spectrum.target,
            )
        )
    return products

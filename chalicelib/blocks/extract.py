"""EXTRACT: find the targets, trace them, extract them. Needs no arc: the pixel spectrum is there in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain import naming, plan, records, topology
from ..domain.headers import Observation
from ..domain.plan import FrameFacts, Step
from . import driver, inputs
from .driver import Facts, Product
from .identity_cards import identity_cards

if TYPE_CHECKING:
    from ..science.extraction import UserAperture
    from ..science.spectrum import Spectrum


def handle(subject: str) -> str:
    """Look at a frame."""
    return driver.work(topology.EXTRACT, subject, {plan.EXTRACT: make_spectra})


def _apertures(step: Step) -> tuple[UserAperture, ...] | None:
    """The apertures somebody drew for this step."""
    from ..science.extraction import UserAperture

    drawn = step.choice.parameters.get("apertures") if step.choice else None
    if not drawn:
        return None
    return tuple(
        UserAperture(a["column"], a["row"], tuple(a["target"]), tuple((low, high) for low, high in a["sky"]))
        for a in drawn
    )


def light_of(spectrum: Spectrum, o: Observation) -> dict[str, float]:
    """How good the light of a target is: what lists show of a spectrum, whether it has wavelengths yet or not."""
    return {
        "signal_to_noise": round(float(spectrum.signal_to_noise), 3),
        "fwhm_pixels": round(spectrum.trace.fwhm / o.binning[1], 3),
        "fwhm_arcsec": round(spectrum.trace.fwhm * 0.15, 3),
    }


def make_spectra(step: Step, facts: Facts) -> Sequence[Product]:
    """One spectrum a target, at native sampling, with errors, sky and mask."""
    from ..science import preview, product
    from ..science.extraction import ExtractionOptions, analyse

    assert isinstance(facts, FrameFacts)
    o, settings = facts.observation, step.settings(facts.settings)
    source = step.inputs[0]
    options = ExtractionOptions(
        method=settings.extraction,
        profile=settings.target_model,
        max_targets=settings.maximum_targets,
        apertures=_apertures(step),
    )
    reduced = inputs.frame(source)
    assert reduced is not None
    extraction = analyse(reduced, options)
    spectra = extraction.spectra
    frame_figures = {name: value for name, value in extraction.quality.items() if name != "targets"}
    profile = [float(f"{value:.5g}") for value in extraction.profile]
    steps = "e" + naming.steps_of(source.name)
    products = []
    for spectrum, figures in zip(spectra, extraction.quality["targets"], strict=True):
        number = spectrum.target if len(spectra) > 1 else None
        name = naming.product_name(steps, facts.raw.name, target=number, variant=step.variant)
        cards = identity_cards(
            o, name=name, parent=source.name, original=facts.raw.name, prefix=topology.EXTRACTED, inputs=step.inputs
        )
        products.append(
            Product(
                role=plan.PRODUCT_ROLE[plan.EXTRACT],
                kind=plan.EXTRACT,
                prefix=topology.EXTRACTED,
                name=name,
                data=product.write_spectrum(spectrum, cards, [f"extracted target {spectrum.target} of {len(spectra)}"]),
                preview=preview.spectrum_preview(spectrum),
                data_type=records.EXTRACTED_TYPE,
                observation=o,
                original=(facts.raw.id, facts.raw.name),
                parent=(source.id, source.name),
                target=spectrum.target,
                quality={
                    **light_of(spectrum, o),
                    "trace_rms_pixels": round(spectrum.trace.rms / o.binning[1], 4),
                    "targets": len(spectra),
                },
                details={
                    "overlay": preview.overlay(reduced.geometry, reduced.shape[1], spectrum.trace, spectrum.apertures),
                    "extraction": {**frame_figures, **figures},
                    "profile": profile,
                },
            )
        )
    return products

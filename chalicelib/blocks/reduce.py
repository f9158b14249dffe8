"""REDUCE: trim, slit trim, bias, flat, cosmic rays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..domain import naming, plan, records, topology
from ..domain.headers import ARC, IMAGING_TECHNIQUE
from ..domain.plan import FrameFacts, Step
from . import driver, inputs
from .driver import Facts, Product
from .identity_cards import identity_cards


def handle(subject: str) -> str:
    """Look at a frame."""
    return driver.work(topology.REDUCE, subject, {plan.REDUCE: make_reduced})


def make_reduced(step: Step, facts: Facts) -> Sequence[Product]:
    """The reduced frame, with variance and mask."""
    from ..science import preview, product
    from ..science.reduction import ReductionOptions, reduce_image, reduce_spectrum

    assert isinstance(facts, FrameFacts)
    o, settings = facts.observation, step.settings(facts.settings)
    options = ReductionOptions(
        cosmic_rays=settings.cosmic_rays,
        ignore_bias=settings.ignore_bias,
        ignore_flats=settings.ignore_flats,
        flat_normalization=settings.flat_normalization,
        flat_order=settings.flat_order,
    )
    bias, flat = step.input("bias"), step.input("flat")
    given: dict[str, Any] = {"bias": inputs.frame(bias), "flat": inputs.frame(flat), "options": options}
    given["clean_cosmic_rays"] = o.obstype != ARC  # the lines of a lamp are as sharp as rays, with or without grating
    given |= {"bias_name": bias.name if bias else None, "flat_name": flat.name if flat else None}
    raw = inputs.raw(facts.raw)
    detector = inputs.detector_of(o)
    if o.technique == IMAGING_TECHNIQUE:
        prefix = topology.REDUCED_IMAGE
        reduced = reduce_image(raw, detector, **given)
    else:
        prefix = topology.REDUCED_SPECTRUM
        reduced = reduce_spectrum(raw, detector, **given)
    name = naming.product_name(reduced.steps, facts.raw.name, variant=step.variant)
    cards = identity_cards(
        o, name=name, parent=facts.raw.name, original=facts.raw.name, prefix=prefix, inputs=step.inputs
    )
    return [
        Product(
            role=plan.PRODUCT_ROLE[plan.REDUCE],
            kind=plan.REDUCE,
            prefix=prefix,
            name=name,
            data=product.write_image(reduced.frame, [*cards, *reduced.cards], reduced.history),
            preview=preview.image_preview(reduced.frame),
            data_type=records.REDUCED_TYPE,
            observation=o,
            original=(facts.raw.id, facts.raw.name),
            parent=(facts.raw.id, facts.raw.name),
            quality=reduced.quality,
            normalized="f" in reduced.steps,
        )
    ]

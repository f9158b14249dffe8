"""COMBINE: the members of a pool become a master bias or flat."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain import naming, plan, records, topology
from ..domain.plan import PoolFacts, Step
from ..store.objects import ObjectChanged
from . import driver, inputs
from .driver import Facts, Product
from .identity_cards import identity_cards


def handle(subject: str) -> str:
    """Look at a pool."""
    return driver.work(topology.COMBINE, subject, {plan.BIAS_STAGE: make_bias, plan.FLAT_STAGE: make_flat})


def make_bias(step: Step, facts: Facts) -> Sequence[Product]:
    """A master bias from a pool of biases."""
    from ..science.combine import combine_bias

    assert isinstance(facts, PoolFacts) and facts.observation is not None
    raws, unreadable = _members(step)
    return [_master(step, facts, combine_bias(raws, inputs.detector_of(facts.observation)), unreadable)]


def make_flat(step: Step, facts: Facts) -> Sequence[Product]:
    """A master flat, un-normalised, from a pool of flats; bias-subtracted where there is a bias."""
    from ..science.combine import combine_flat

    assert isinstance(facts, PoolFacts) and facts.observation is not None
    raws, unreadable = _members(step)
    combined = combine_flat(
        raws,
        inputs.detector_of(facts.observation),
        inputs.frame(step.input("bias")),
        saturation_threshold=facts.settings.saturation_threshold,
    )
    return [_master(step, facts, combined, unreadable)]


def _members(step: Step) -> tuple[list, dict[int, str]]:
    """The members' frames, and by their number in the pool why some cannot be read: one must not spoil the rest."""
    from ..science.errors import ScienceError, UnusableFrame

    raws, unreadable = [], {}
    for number, member in enumerate(i for i in step.inputs if i.role == "member"):
        try:
            raws.append(inputs.raw(member))
        except (ScienceError, ObjectChanged) as problem:
            unreadable[number] = str(problem)
    if not raws:
        raise UnusableFrame("None of the frames of this pool can be read: " + next(iter(unreadable.values())))
    return raws, unreadable


def _master(step: Step, facts: PoolFacts, combined, unreadable: dict[int, str]) -> Product:
    from ..science import preview, product

    o = facts.observation
    assert o is not None
    members = [i for i in step.inputs if i.role == "member"]
    readable = [number for number in range(len(members)) if number not in unreadable]
    rejected = unreadable | {readable[number]: reason for number, reason in combined.rejected}
    name = naming.product_name("", naming.master_name(facts.kind, o), variant=step.variant)
    cards = identity_cards(o, name=name, parent=name, original=name, prefix=topology.MASTERS, inputs=())
    used = [m for number, m in enumerate(members) if number not in rejected]
    cards += [(f"GSP_IC{n:02d}", m.name, "combined input") for n, m in enumerate(used[:99], start=1)]
    bias = step.input("bias")
    if bias is not None:
        cards.append(("GSP_BIAS", bias.name, "master bias subtracted"))
        cards.append(("GSP_BIAH", bias.sha256, "its SHA-256"))
    history = [f"combined {len(used)} of {len(members)} frames"]
    history += [f"combined {m.name} sha256 {m.sha256}" for m in used]
    history += [f"left out {members[number].name}: {reason}" for number, reason in sorted(rejected.items())]
    return Product(
        role=plan.PRODUCT_ROLE[step.stage],
        kind=step.stage,
        prefix=topology.MASTERS,
        name=name,
        data=product.write_image(combined.frame, cards, history),
        preview=preview.image_preview(combined.frame),
        data_type=records.MASTER_TYPE,
        observation=o,
        parent=(0, name),
        quality={**combined.quality, "members": len(used)},
        details={"left_out": {members[n].name: reason for n, reason in rejected.items()}},
        scope=records.MASTERS_SCOPE,
    )

"""What to do next about a subject: a pure function of what is known about it (design §6, rule 1).

From top to bottom ``plan`` computes for each stage the run key it *should* have with the best inputs present now; the
first that differs from what is there is the next step. Nothing else in the pipeline decides anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import matching
from .headers import ARC, BIAS, EXPOSE, FLAT, FOCUS, SPECTRUM, Observation
from .matching import Candidate
from .settings import DEFAULTS, Settings, that_matter

BIAS_STAGE, FLAT_STAGE = "bias", "flat"
REDUCE, EXTRACT, WAVELENGTH = "reduce", "extract", "wavelength"

BLOCK_OF_STAGE = {
    BIAS_STAGE: "combine",
    FLAT_STAGE: "combine",
    REDUCE: "reduce",
    EXTRACT: "extract",
    WAVELENGTH: "wavelength",
}

CHAINS = {
    SPECTRUM: (REDUCE, EXTRACT, WAVELENGTH),
    ARC: (REDUCE,),
    EXPOSE: (REDUCE,),
    BIAS: (),
    FLAT: (),
    FOCUS: (),
}
"""The stages a raw frame of each type goes through."""

DONE, PROVISIONAL, WAITING, FAILED, REJECTED = "done", "provisional", "waiting", "failed", "rejected"

PRODUCT_ROLE = {
    BIAS_STAGE: "bias",
    FLAT_STAGE: "flat",
    REDUCE: "reduced",
    EXTRACT: "spectrum",
    WAVELENGTH: "calibrated",
}
"""The role a stage's main products play for the stage after it; lamps published beside them have the role ``lamp``."""

MOST_MEMBERS = 60
"""Frames one master is made of at the most (the first of the night): more gain little and fill the memory."""

AUTO = "auto"
"""The variant made without anybody's explicit choice."""


@dataclass(frozen=True)
class Input:
    """A file a step uses: its role, and enough to fetch, name and verify it."""

    role: str
    id: int
    sha256: str
    key: str
    name: str
    target: int | None = None
    version: str | None = None


@dataclass(frozen=True)
class StageState:
    """What is there for a stage: the run key it was made (or failed) with, and its current products."""

    run_key: str
    outcome: str
    products: tuple[Input, ...] = ()
    provisional: tuple[str, ...] = ()
    code: str = ""
    sentence: str = ""
    retryable: bool = False
    attempts: int = 0

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> StageState:
        """The state as it stands in the subject's ``stages`` map."""
        products = tuple(Input(**product) for product in item.get("products", ()))
        return cls(**{**item, "products": products, "provisional": tuple(item.get("provisional", ()))})

    def to_item(self) -> dict[str, Any]:
        """The entry of the subject's ``stages`` map."""
        return asdict(self)


@dataclass(frozen=True)
class FrameFacts:
    """Everything that decides what a frame needs next."""

    raw: Input
    observation: Observation
    stages: Mapping[str, StageState] = field(default_factory=dict)
    settings: Settings = DEFAULTS
    science_version: str = ""
    biases: tuple[Candidate, ...] = ()
    flats: tuple[Candidate, ...] = ()
    arcs: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class PoolFacts:
    """Everything that decides what a pool needs next; ``minimum`` is the smallest any proposal asks for."""

    kind: str
    members: tuple[Candidate, ...]
    observation: Observation | None
    minimum: int
    stages: Mapping[str, StageState] = field(default_factory=dict)
    settings: Settings = DEFAULTS
    science_version: str = ""
    biases: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Step:
    """A run that is due."""

    block: str
    stage: str
    run_key: str
    inputs: tuple[Input, ...]
    provisional: tuple[str, ...] = ()

    def input(self, role: str) -> Input | None:
        """The (first) input with a role."""
        return next((i for i in self.inputs if i.role == role), None)


@dataclass(frozen=True)
class Settled:
    """Nothing is due: the subject rests in this status for this reason."""

    status: str
    reason: str = ""


def run_key(stage: str, science_version: str, inputs: Iterable[Input], settings: Settings) -> str:
    """The identity of a run: what goes in, with what settings, by which version. 64 hex digits."""
    content = {
        "block": stage,
        "version": science_version,
        "inputs": [[i.role, i.target, i.sha256] for i in inputs],
        "settings": that_matter(settings, stage),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def plan_frame(facts: FrameFacts) -> Step | Settled:
    """The next step of a raw frame's chain, or the status it rests in."""
    chain = CHAINS[facts.observation.obstype]
    if not chain:
        return resting(facts.observation, facts.settings)
    reductions = _reduction_inputs(facts)
    if isinstance(reductions, Settled):
        return reductions
    inputs, provisional = reductions
    for stage in chain:
        if stage == WAVELENGTH:
            arc = matching.best_arc(facts.observation, facts.arcs)
            if arc is None:
                return Settled(WAITING, _missing_arc(facts.observation))
            inputs = (*inputs, _as_input("arc", arc))
        step = _due(facts, stage, inputs, provisional)
        if step is not None:
            return step
        there = facts.stages[stage]
        if there.outcome == FAILED:
            return Settled(FAILED, there.sentence)
        provisional = there.provisional
        inputs = tuple(product for product in there.products if product.role == PRODUCT_ROLE[stage])
    return Settled(PROVISIONAL, reasons(provisional)) if provisional else Settled(DONE)


def plan_pool(facts: PoolFacts) -> Step | Settled:
    """The next step of a pool: to combine its members, if there are enough and they are not combined yet."""
    if len(facts.members) < facts.minimum or facts.observation is None:
        return Settled(WAITING, f"{len(facts.members)} of at least {facts.minimum} frames are there")
    members = sorted(facts.members, key=lambda m: (m.started, m.id))[:MOST_MEMBERS]
    inputs = tuple(_as_input("member", member) for member in members)
    provisional: tuple[str, ...] = ()
    if facts.kind == FLAT_STAGE:
        bias = matching.best_bias(facts.observation, facts.biases)
        inputs, provisional = _with_master(inputs, "bias", bias, facts.observation.night)
    key = run_key(facts.kind, facts.science_version, inputs, facts.settings)
    there = facts.stages.get(facts.kind)
    if there is None or there.run_key != key:
        return Step(BLOCK_OF_STAGE[facts.kind], facts.kind, key, inputs, provisional)
    if there.outcome == FAILED:
        return Settled(FAILED, there.sentence)
    return Settled(PROVISIONAL, reasons(there.provisional)) if there.provisional else Settled(DONE)


def _due(facts: FrameFacts, stage: str, inputs: tuple[Input, ...], provisional: tuple[str, ...]) -> Step | None:
    key = run_key(stage, facts.science_version, inputs, facts.settings)
    there = facts.stages.get(stage)
    if there is not None and there.run_key == key:
        return None
    return Step(BLOCK_OF_STAGE[stage], stage, key, inputs, provisional)


def _reduction_inputs(facts: FrameFacts) -> tuple[tuple[Input, ...], tuple[str, ...]] | Settled:
    """Raw frame and masters for REDUCE with what is provisional about them, or what to wait for."""
    o, settings = facts.observation, facts.settings
    inputs: tuple[Input, ...] = (facts.raw,)
    provisional: tuple[str, ...] = ()
    wanted = [] if settings.ignore_bias else [("bias", matching.best_bias, facts.biases, settings.minimum_biases)]
    if o.obstype != ARC and not settings.ignore_flats:
        wanted.append(("flat", matching.best_flat, facts.flats, settings.minimum_flats))
    for kind, best, candidates, minimum in wanted:
        master = best(o, [c for c in candidates if c.members >= minimum])
        if settings.calibration_policy == "wait" and (master is None or master.night != o.night):
            return Settled(WAITING, f"a master {kind} of this night and configuration")
        inputs, why = _with_master(inputs, kind, master, o.night)
        provisional += why
    return inputs, provisional


def _with_master(
    inputs: tuple[Input, ...], kind: str, master: Candidate | None, night: int
) -> tuple[tuple[Input, ...], tuple[str, ...]]:
    if master is None:
        return inputs, (f"no master {kind} of this configuration yet",)
    inputs = (*inputs, _as_input(kind, master))
    if master.night != night:
        return inputs, (f"the master {kind} is of the night {master.night}",)
    return inputs, ()


def _as_input(role: str, candidate: Candidate) -> Input:
    return Input(role, candidate.id, candidate.sha256, candidate.key, candidate.name, version=candidate.version)


def reasons(parts: Iterable[str]) -> str:
    """Reasons as one sentence."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def resting(o: Observation, settings: Settings) -> Settled:
    """The status of a frame that goes through no stage of its own."""
    if o.obstype == FOCUS:
        return Settled(DONE, "Focus frames are kept as raw files only.")
    kind, minimum = ("biases", settings.minimum_biases) if o.obstype == BIAS else ("flats", settings.minimum_flats)
    return Settled(DONE, f"One of its night's {kind} of this configuration; a master is made of at least {minimum}.")


def _missing_arc(o: Observation) -> str:
    angles = f"camera {o.camera_angle}° and grating {o.grating_angle}°"
    return f"Extracted; waits for an arc of this night with the {o.camera} camera, grating {o.grating}, {angles}."

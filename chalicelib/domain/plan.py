"""What to do next about a subject: a pure function of what is known about it (design §6, rule 1).

From top to bottom ``plan`` computes for each stage the run key it *should* have with the best inputs present now; the
first that differs from what is there is the next step. Nothing else in the pipeline decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from . import matching, sentences
from .choices import Choice
from .headers import ARC, BIAS, EXPOSE, FLAT, FOCUS, IMAGING_TECHNIQUE, Observation
from .matching import Candidate
from .settings import DEFAULTS, Settings
from .steps import (
    AUTO,
    BIAS_STAGE,
    BLOCK_OF_STAGE,
    CHAINS,
    DONE,
    EXTRACT,
    FAILED,
    FLAT_STAGE,
    PRODUCT_ROLE,
    PROVISIONAL,
    REDUCE,
    REJECTED,
    WAITING,
    WAVELENGTH,
    Input,
    Settled,
    StageState,
    Step,
    reasons,
    run_key,
    stage_key,
    stage_of,
    variant_of,
)

__all__ = [
    "AUTO", "BIAS_STAGE", "BLOCK_OF_STAGE", "CHAINS", "DONE", "EXTRACT", "FAILED", "FLAT_STAGE", "MOST_MEMBERS",
    "PRODUCT_ROLE", "PROVISIONAL", "REDUCE", "REJECTED", "WAITING", "WAVELENGTH", "FrameFacts", "Input", "PoolFacts",
    "Settled", "StageState", "Step", "plan_frame", "plan_pool", "reasons", "resting", "run_key", "serving",
    "variant_of",
]  # fmt: skip

MOST_MEMBERS = 60
"""Frames one master is made of at the most (the first of the night): more gain little and fill the memory."""


@dataclass(frozen=True)
class UserFacts:
    """What people decided about a subject.

    Attributes
    ----------
    bad
        Why somebody marked it as no good calibration; empty if nobody did.
    tombstones
        Ids of its deleted products.
    choices
        What somebody chose instead of the automatic way.
    chosen
        The files those choices name that are there and serve, by id.
    retries
        How many times a stage was asked to run again.
    """

    bad: str = ""
    tombstones: frozenset[int] = frozenset()
    choices: tuple[Choice, ...] = ()
    chosen: Mapping[int, Input] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FrameFacts:
    """Everything that decides what a frame needs next.

    ``superseded_by`` is the id of a later upload under the same name; ``withdrawn`` are ids of arcs somebody deleted;
    ``declared`` is the type the header says, where somebody gave the frame another.
    """

    raw: Input
    observation: Observation
    stages: Mapping[str, StageState] = field(default_factory=dict)
    settings: Settings = DEFAULTS
    science_version: str = ""
    biases: tuple[Candidate, ...] = ()
    flats: tuple[Candidate, ...] = ()
    arcs: tuple[Candidate, ...] = ()
    withdrawn: frozenset[int] = frozenset()
    superseded_by: int | None = None
    declared: str = ""
    user: UserFacts = UserFacts()


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
    user: UserFacts = UserFacts()


@dataclass(frozen=True)
class _Reduction:
    """Raw frame and masters for REDUCE, and what is provisional about them."""

    inputs: tuple[Input, ...]
    provisional: tuple[str, ...]


def plan_frame(facts: FrameFacts) -> Step | Settled:
    """The next step of a raw frame's chain or of a variant's, or the status it rests in.

    The status is the automatic chain's, or that of the variant chosen last.
    """
    if facts.superseded_by is not None:
        sentence = f"Superseded by a later upload of the same name, file {facts.superseded_by}; kept as it was taken."
        return Settled(DONE, sentence, obsolete=tuple(sorted(facts.stages)))
    o = facts.observation
    chain = CHAINS[o.obstype]
    if not chain:
        rests = replace(resting(o, facts.settings), obsolete=tuple(sorted(facts.stages)))
        return _judged(facts.user, rests)
    result = _walk(facts, chain, None)
    if isinstance(result, Step):
        return result
    obsolete = set(result.obsolete)
    for choice in sorted(facts.user.choices, key=lambda c: (c.time, c.variant)):
        if choice.stage in chain:
            result = _walk(facts, chain[chain.index(choice.stage) :], choice)
            if isinstance(result, Step):
                return result
            obsolete |= set(result.obsolete)
    if o.obstype == ARC and o.lamps_known and not o.lamps:
        result = replace(result, reason=f"{sentences.no_line_lamp(o)} {result.reason}".strip())
    if o.obstype == EXPOSE and o.technique != IMAGING_TECHNIQUE and result.status in (DONE, PROVISIONAL):
        result = replace(result, reason=f"{sentences.EXPOSED_THROUGH_GRATING} {result.reason}".strip())
    kept = {AUTO} | {choice.variant for choice in facts.user.choices}
    obsolete |= {key for key in facts.stages if variant_of(key) not in kept or stage_of(key) not in chain}
    return _judged(facts.user, replace(result, obsolete=tuple(sorted(obsolete))))


def plan_pool(facts: PoolFacts) -> Step | Settled:
    """The next step of a pool: to combine its members, if there are enough, or those that somebody chose of them.

    The status is the automatic master's, or that of the master chosen last.
    """
    result = _combination(facts, None)
    obsolete: set[str] = set()
    for choice in sorted(facts.user.choices, key=lambda c: (c.time, c.variant)):
        if isinstance(result, Step):
            return result
        obsolete |= set(result.obsolete)
        result = _combination(facts, choice)
    if isinstance(result, Step):
        return result
    kept = {AUTO} | {choice.variant for choice in facts.user.choices}
    obsolete |= {*result.obsolete, *(key for key in facts.stages if variant_of(key) not in kept)}
    return replace(result, obsolete=tuple(sorted(obsolete)))


def _combination(facts: PoolFacts, choice: Choice | None) -> Step | Settled:
    """The step by which a pool's master is made, of all members or of those chosen, or how that rests."""
    stage_name = stage_key(facts.kind, choice.variant if choice else AUTO)
    there = facts.stages.get(stage_name)
    waits = _missing_members(facts, choice)
    if waits or facts.observation is None:
        return Settled(WAITING, waits, obsolete=(stage_name,) if there is not None else ())
    if there is not None and _deleted(facts.user, there):
        return Settled(DONE, "The master was deleted; it is not made again by itself.")
    wanted = [m for m in facts.members if choice is None or m.id in choice.members]
    members = sorted(wanted, key=lambda m: (m.started, m.id))[:MOST_MEMBERS]
    inputs = tuple(_as_input("member", member) for member in members)
    provisional: tuple[str, ...] = ()
    if facts.kind == FLAT_STAGE:
        bias = matching.best_bias(facts.observation, facts.biases)
        inputs, provisional = _with_master(inputs, "bias", bias, facts.observation.night)
    retries = facts.user.retries.get(stage_name, 0)
    key = run_key(facts.kind, facts.science_version, inputs, facts.settings, choice=choice, retries=retries)
    if there is None or there.run_key != key:
        return Step(BLOCK_OF_STAGE[facts.kind], facts.kind, key, inputs, provisional, choice)
    return _judged(facts.user, _ended(facts.kind, there)) if choice is None else _ended(facts.kind, there)


def _missing_members(facts: PoolFacts, choice: Choice | None) -> str:
    """What a master waits for; nothing if it can be made."""
    if choice is None:
        there = facts.stages.get(facts.kind)
        made_of = len(set(there.used) - {bias.id for bias in facts.biases}) if there and there.outcome == DONE else 0
        # a master stays when the minimum is raised afterwards: settings apply to what is new
        needed = min(facts.minimum, made_of or facts.minimum)
        enough = len(facts.members) >= needed and facts.observation is not None
        return "" if enough else f"{len(facts.members)} of at least {facts.minimum} frames are there"
    gone = sorted(set(choice.members) - {member.id for member in facts.members})
    if not gone:
        return ""
    return f"Chosen frames serve no more ({', '.join(map(str, gone))}); choose others."


def serving(facts: FrameFacts | PoolFacts, obsolete: Iterable[str] = ()) -> Input | None:
    """What this subject offers to others as a calibration; None if it must not serve.

    A bias or flat serves its pool as it is, an arc by its reduced frame, a pool by its master. What is marked bad,
    deleted or superseded serves nobody.
    """
    if facts.user.bad:
        return None
    if isinstance(facts, PoolFacts):
        key = facts.kind
    else:
        if facts.superseded_by is not None:
            return None
        o = facts.observation
        if o.obstype in (BIAS, FLAT):
            return facts.raw
        if o.obstype != ARC or (o.lamps_known and not o.lamps):
            return None
        key = REDUCE
    state = facts.stages.get(key)
    if state is None or key in obsolete or not state.products or _deleted(facts.user, state):
        return None
    return state.products[0]


def _walk(facts: FrameFacts, stages: Iterable[str], choice: Choice | None) -> Step | Settled:
    """One chain from top to bottom: its first due step, or how it rests."""
    variant = choice.variant if choice else AUTO
    settings = choice.settings(facts.settings) if choice else facts.settings
    start: _Reduction | None = None
    keys = [stage_key(stage, variant) for stage in stages]
    for place, (stage, key) in enumerate(zip(stages, keys)):
        there = facts.stages.get(key)
        if there is not None and _deleted(facts.user, there):
            block = BLOCK_OF_STAGE[stage].upper()
            return _so_far(start, f"The result of {block} was deleted; restore it or run it again.")
        below = tuple(k for k in keys[place:] if k in facts.stages)
        if start is None:
            begin = _start(facts, stage, settings, choice)
            if isinstance(begin, Settled):
                return replace(begin, obsolete=below)
            start = begin
        inputs, provisional = start.inputs, start.provisional
        if stage == WAVELENGTH:
            arcs = _arcs(facts, choice)
            if not arcs:
                return _without_arc(facts, there, below, choice)
            inputs = (*inputs, *arcs)
        retries = facts.user.retries.get(key, 0)
        given = facts.observation.obstype if facts.declared else ""
        wanted = run_key(stage, facts.science_version, inputs, settings, choice=choice, retries=retries, obstype=given)
        if there is None or there.run_key != wanted:
            return Step(BLOCK_OF_STAGE[stage], stage, wanted, inputs, provisional, choice)
        if there.outcome == FAILED:
            return replace(_ended(stage, there), obsolete=below[1:])
        start = _Reduction(_results(facts, stage, there), there.provisional)
    return _so_far(start)


def _start(facts: FrameFacts, stage: str, settings: Settings, choice: Choice | None) -> _Reduction | Settled:
    """What the first stage of a chain begins with: raw and masters, or what the stage above it made."""
    if stage == REDUCE:
        return _reduction_inputs(facts, settings, choice)
    above = REDUCE if stage == EXTRACT else EXTRACT
    state = facts.stages.get(stage_key(above, choice.base if choice else AUTO))
    made = _results(facts, above, state) if state is not None and state.outcome == DONE else ()
    if state is None or not made:
        return Settled(WAITING, f"The choice made for {stage.upper()} waits for the result of {above.upper()}.")
    return _Reduction(made, state.provisional)


def _so_far(start: _Reduction | None, reason: str = "") -> Settled:
    """The status of what was made so far: provisional as its inputs are."""
    if start is not None and start.provisional:
        return Settled(PROVISIONAL, f"{reason} {reasons(start.provisional)}".strip())
    return Settled(DONE, reason)


def _results(facts: FrameFacts, stage: str, state: StageState) -> tuple[Input, ...]:
    role, gone = PRODUCT_ROLE[stage], facts.user.tombstones
    return tuple(product for product in state.products if product.role == role and product.id not in gone)


def _deleted(user: UserFacts, state: StageState) -> bool:
    """Whether somebody deleted everything a stage made for the next: then the chain stops here."""
    made = [product.id for product in state.products if product.role in PRODUCT_ROLE.values()]
    return bool(made) and user.tombstones.issuperset(made)


def _arcs(facts: FrameFacts, choice: Choice | None) -> tuple[Input, ...]:
    wanted = choice.parameters.get("arcs") if choice else None
    if wanted:
        return tuple(facts.user.chosen[i] for i in wanted if i in facts.user.chosen)
    return tuple(_as_input("arc", arc) for arc in matching.bracketing_arcs(facts.observation, facts.arcs))


def _without_arc(facts: FrameFacts, there: StageState | None, below: tuple[str, ...], choice: Choice | None) -> Settled:
    """No lamp serves: what was calibrated with one that was deleted stays, what no lamp vouches for goes."""
    if there is not None and facts.withdrawn.intersection(there.used):
        return Settled(WAITING, "The arc it was calibrated with was deleted; waits for another of this setting.")
    if choice is not None and choice.parameters.get("arcs"):
        return Settled(WAITING, "The chosen lamp serves no more; choose another.", obsolete=below)
    return Settled(WAITING, sentences.missing_arc(facts.observation), obsolete=below)


def _ended(stage: str, there: StageState) -> Settled:
    """How a stage whose run key is the one it should have has ended."""
    if there.outcome == FAILED:
        failure = {
            "block": BLOCK_OF_STAGE[stage],
            "code": there.code,
            "retryable": there.retryable,
            "attempts": there.attempts,
        }
        return Settled(FAILED, there.sentence, failure=failure)
    return Settled(PROVISIONAL, reasons(there.provisional)) if there.provisional else Settled(DONE)


def _judged(user: UserFacts, settled: Settled) -> Settled:
    """The same, saying that somebody marked the calibration bad."""
    if not user.bad:
        return settled
    return replace(settled, reason=f"Marked bad: {user.bad} It serves as no calibration. {settled.reason}".strip())


def _reduction_inputs(facts: FrameFacts, settings: Settings, choice: Choice | None) -> _Reduction | Settled:
    """Raw frame and masters for REDUCE with what is provisional about them, or what to wait for."""
    o = facts.observation
    inputs: tuple[Input, ...] = (facts.raw,)
    provisional: tuple[str, ...] = ()
    wanted = [] if settings.ignore_bias else [("bias", matching.best_bias, facts.biases, settings.minimum_biases)]
    if o.obstype != ARC and not settings.ignore_flats:
        wanted.append(("flat", matching.best_flat, facts.flats, settings.minimum_flats))
    for kind, best, candidates, minimum in wanted:
        chosen = choice.parameters.get(kind) if choice else None
        if chosen is not None:
            if chosen and chosen not in facts.user.chosen:
                return Settled(WAITING, f"The chosen master {kind} serves no more; choose another.")
            inputs = (*inputs, replace(facts.user.chosen[chosen], role=kind)) if chosen else inputs
            continue
        master = best(o, [c for c in candidates if _acceptable(c, kind, minimum, settings)])
        if settings.calibration_policy == "wait" and (master is None or master.night != o.night):
            return Settled(WAITING, f"A master {kind} of this night and configuration is waited for.")
        inputs, why = _with_master(inputs, kind, master, o.night)
        provisional += why
    return _Reduction(inputs, provisional)


def _acceptable(master: Candidate, kind: str, minimum: int, settings: Settings) -> bool:
    """Whether a master, made with the observatory's defaults, meets what the frame's proposal asks for."""
    if master.members < minimum:
        return False
    return kind != FLAT_STAGE or master.saturated < settings.saturation_threshold or master.saturated == 0


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


def resting(o: Observation, settings: Settings) -> Settled:
    """The status of a frame that goes through no stage of its own."""
    if o.obstype == FOCUS:
        return Settled(DONE, "Focus frames are kept as raw files only.")
    kind, minimum = ("biases", settings.minimum_biases) if o.obstype == BIAS else ("flats", settings.minimum_flats)
    return Settled(DONE, f"One of its night's {kind} of this configuration; a master is made of at least {minimum}.")

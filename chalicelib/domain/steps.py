"""What plans speak of: inputs, the state of a stage, a step that is due, a subject at rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .choices import Choice
from .headers import ARC, BIAS, EXPOSE, FLAT, FOCUS, SPECTRUM
from .settings import Settings, that_matter

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
    """What is there for a stage: the run key it was made (or failed) with, and its current products.

    ``used`` are the ids of the files it was made from.
    """

    run_key: str
    outcome: str
    products: tuple[Input, ...] = ()
    provisional: tuple[str, ...] = ()
    code: str = ""
    sentence: str = ""
    retryable: bool = False
    attempts: int = 0
    used: tuple[int, ...] = ()

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> StageState:
        """The state as it stands in the subject's ``stages`` map."""
        products = tuple(Input(**product) for product in item.get("products", ()))
        tuples = {name: tuple(item.get(name, ())) for name in ("provisional", "used")}
        return cls(**{**item, "products": products, **tuples})

    def to_item(self) -> dict[str, Any]:
        """The entry of the subject's ``stages`` map."""
        return asdict(self)


@dataclass(frozen=True)
class Step:
    """A run that is due; ``key`` is where its state will stand (:func:`stage_key`)."""

    block: str
    stage: str
    run_key: str
    inputs: tuple[Input, ...]
    provisional: tuple[str, ...] = ()
    choice: Choice | None = None

    @property
    def key(self) -> str:
        """The entry of the subject's ``stages`` map that this step makes."""
        return stage_key(self.stage, self.variant)

    @property
    def variant(self) -> str:
        """``auto``, or the name of the user's choice."""
        return self.choice.variant if self.choice else AUTO

    def settings(self, settings: Settings) -> Settings:
        """The settings of the run: the frame's, with those of the choice in their place."""
        return self.choice.settings(settings) if self.choice else settings

    def input(self, role: str) -> Input | None:
        """The (first) input with a role."""
        return next((i for i in self.inputs if i.role == role), None)


@dataclass(frozen=True)
class Settled:
    """Nothing is due: the subject rests in this status for this reason.

    ``failure`` tells what a failed run's record shows; ``obsolete`` are stages whose state must go because with the
    present facts they would never have been made.
    """

    status: str
    reason: str = ""
    failure: Mapping[str, Any] | None = None
    obsolete: tuple[str, ...] = ()


def stage_key(stage: str, variant: str) -> str:
    """Where a stage's state stands in its subject: under its name, for a user's choice with the variant's.

    >>> stage_key("wavelength", "auto"), stage_key("wavelength", "3fa9c1d20b44")
    ('wavelength', 'wavelength@3fa9c1d20b44')
    """
    return stage if variant == AUTO else f"{stage}@{variant}"


def stage_of(key: str) -> str:
    """The stage of a key made by :func:`stage_key`."""
    return key.split("@", 1)[0]


def variant_of(key: str) -> str:
    """The variant of a key made by :func:`stage_key`."""
    return key.split("@", 1)[1] if "@" in key else AUTO


def run_key(
    stage: str,
    science_version: str,
    inputs: Iterable[Input],
    settings: Settings,
    *,
    choice: Choice | None = None,
    retries: int = 0,
    obstype: str = "",
) -> str:
    """The identity of a run: what goes in, with what settings and choices, by which version. 64 hex digits.

    A user's retry counts too: it makes another key, so that a failure is tried again. So does ``obstype``, the type
    somebody gave a frame instead of its header's: the same bytes are reduced otherwise as an arc than as a spectrum.
    """
    content: dict[str, Any] = {
        "block": stage,
        "version": science_version,
        "inputs": [[i.role, i.target, i.sha256] for i in inputs],
        "settings": that_matter(settings, stage),
    }
    if choice is not None:
        content["choice"] = choice.that_matters(stage)
    if retries:
        content["retries"] = retries
    if obstype:
        content["obstype"] = obstype
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def reasons(parts: Iterable[str]) -> str:
    """Reasons as one sentence."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""

"""Explicit choices of a user (lamp, apertures, masters), each of which makes a variant beside the automatic one."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .settings import DEFAULTS, BadSetting, Settings, settings_from

POOL_STAGES = ("bias", "flat")
STAGES = (*POOL_STAGES, "reduce", "extract", "wavelength")
MOST_APERTURES = 10
MOST_ZONES = 8
MOST_ARCS = 2
FEWEST_MEMBERS, MOST_MEMBERS = 3, 60
"""Frames of a chosen master: of fewer, what one of them got from a cosmic ray cannot be told from the rest."""
LARGEST_ROW = 4200.0
"""Unbinned rows or columns of the largest frame, with a margin."""

_ALLOWED = {
    "bias": ("members",),
    "flat": ("members",),
    "reduce": ("bias", "flat", "settings"),
    "extract": ("apertures", "arcs", "of", "settings"),
    "wavelength": ("arcs", "of"),
}


class BadChoice(ValueError):
    """A choice that cannot be made; the sentence says why."""


@dataclass(frozen=True)
class Choice:
    """What somebody asked for instead of the automatic way.

    Attributes
    ----------
    stage
        The stage it applies to; the stages below follow it.
    parameters
        ``bias``, ``flat``: the id of a master, 0 for none. ``arcs``: ids of reduced arcs. ``apertures``: places on the
        detector with target and sky zones, in unbinned rows from the trace. ``settings``: settings in place of the
        proposal's. ``of``: the variant it builds on. ``members``: ids of the raw frames of a master.
    actor, time
        Who chose it, when (ISO 8601, UTC).
    """

    stage: str
    parameters: Mapping[str, Any]
    actor: str = field(default="", compare=False)
    time: str = field(default="", compare=False)

    @property
    def variant(self) -> str:
        """The choice's name: the same choice made twice is one variant. 12 hex digits."""
        content = json.dumps([self.stage, self.parameters], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def base(self) -> str:
        """The variant it builds on."""
        return str(self.parameters.get("of", "auto"))

    @property
    def members(self) -> tuple[int, ...]:
        """Ids of the raw frames a master is to be made of."""
        return tuple(self.parameters.get("members", ()))

    @property
    def files(self) -> tuple[int, ...]:
        """Ids of the products it names: masters and arcs."""
        masters = tuple(self.parameters[name] for name in ("bias", "flat") if self.parameters.get(name))
        return (*masters, *self.parameters.get("arcs", ()))

    def settings(self, settings: Settings) -> Settings:
        """The proposal's settings with those of this choice in their place."""
        return settings_from({**vars(settings), **self.parameters.get("settings", {})})

    def that_matters(self, stage: str) -> dict[str, Any]:
        """What of the choice changes a stage's result beyond its inputs and settings."""
        apertures = self.parameters.get("apertures")
        return {"apertures": apertures} if stage == "extract" and apertures else {}

    def to_item(self) -> dict[str, Any]:
        """The choice as the subject keeps it."""
        return {"stage": self.stage, "parameters": dict(self.parameters), "actor": self.actor, "time": self.time}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Choice:
        """The choice :meth:`to_item` stored."""
        return cls(item["stage"], item["parameters"], item["actor"], item["time"])


def choice_from(request: Mapping[str, Any], *, actor: str, time: str) -> Choice:
    """The choice a request ``{"stage": …, parameters…}`` asks for, checked and in its one form.

    Raises
    ------
    BadChoice
        Unknown stage or parameter, a value of the wrong type or beyond its limits.
    """
    stage = request.get("stage")
    if stage not in STAGES:
        raise BadChoice(f"There is no stage {stage!r} to choose for; there are {', '.join(STAGES)}.")
    given = {name: value for name, value in request.items() if name != "stage" and value is not None}
    unknown = sorted(set(given) - set(_ALLOWED[stage]))
    if unknown:
        raise BadChoice(f"The stage {stage} takes no {', '.join(unknown)}; it takes {', '.join(_ALLOWED[stage])}.")
    parameters = {name: _CHECKS[name](value) for name, value in sorted(given.items())}
    if stage in POOL_STAGES and "members" not in parameters:
        raise BadChoice("Say which frames to combine: members must list their file ids.")
    if stage == "wavelength" and not parameters.get("arcs"):
        raise BadChoice("Say which lamp to use: arcs must name one reduced arc, or two that bracket the spectrum.")
    return Choice(stage, parameters, actor, time)


def _identifier(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise BadChoice(f"A file is named by its id (0 means no master); {str(value)[:60]!r} is none.")
    return value


def _arcs(value: Any) -> list[int]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= MOST_ARCS:
        raise BadChoice(f"arcs must be a list of one to {MOST_ARCS} file ids.")
    return sorted(_identifier(entry) for entry in value)


def _members(value: Any) -> list[int]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise BadChoice("members must be a list of file ids.")
    found = sorted({_identifier(entry) for entry in value})
    if not FEWEST_MEMBERS <= len(found) <= MOST_MEMBERS:
        raise BadChoice(
            f"A master is made of {FEWEST_MEMBERS} to {MOST_MEMBERS} different frames, not of {len(found)}."
        )
    return found


def _apertures(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= MOST_APERTURES:
        raise BadChoice(f"apertures must be a list of one to {MOST_APERTURES} apertures.")
    return [_aperture(entry) for entry in value]


def _aperture(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) != {"column", "row", "target", "sky"}:
        raise BadChoice(
            "An aperture has column, row (a place on its trace), target [low, high] and sky [[low, high], …]."
        )
    sky = value["sky"]
    if not isinstance(sky, Sequence) or isinstance(sky, str) or not 1 <= len(sky) <= MOST_ZONES:
        raise BadChoice(f"An aperture has one to {MOST_ZONES} sky zones.")
    return {
        "column": _place(value["column"]),
        "row": _place(value["row"]),
        "target": _zone(value["target"]),
        "sky": [_zone(zone) for zone in sky],
    }


def _place(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadChoice(f"A place on the detector is a number of unbinned pixels, not {value!r}.")
    if not -LARGEST_ROW <= value <= LARGEST_ROW:
        raise BadChoice(f"{value!r} unbinned pixels lie outside every frame.")
    return _plain(round(float(value), 3))


def _plain(value: Any) -> Any:
    """Whole numbers as int, as they come back from the table: the variant's name must not change on the way."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _zone(value: Any) -> list[int | float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise BadChoice("A zone is [low, high], in unbinned rows from the trace.")
    low, high = (_place(edge) for edge in value)
    if low >= high:
        raise BadChoice(f"A zone's lower edge must be below its upper edge, not {low:g} and {high:g}.")
    return [low, high]


def _settings(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadChoice("settings must be names with values.")
    try:
        settings_from({**vars(DEFAULTS), **value})
    except BadSetting as refused:
        raise BadChoice(str(refused)) from refused
    return {name: _plain(setting) for name, setting in sorted(value.items())}


def _variant(value: Any) -> str:
    if value == "auto" or (isinstance(value, str) and len(value) == 12 and set(value) <= set("0123456789abcdef")):
        return value
    raise BadChoice(f"{value!r} is no variant.")


_CHECKS = {
    "bias": _identifier,
    "flat": _identifier,
    "arcs": _arcs,
    "members": _members,
    "apertures": _apertures,
    "settings": _settings,
    "of": _variant,
}

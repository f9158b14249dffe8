"""Data-reduction settings of a proposal: defaults, limits and a sentence of help each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


def _setting(
    default: Any, help: str, *, choices: tuple = (), low: float | None = None, high: float | None = None
) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices, "low": low, "high": high})


@dataclass(frozen=True)
class Settings:
    """How a proposal's frames are reduced. They apply to every new file; each product records its revision."""

    saturation_threshold: float = _setting(
        1.0,
        "A flat with at least this percentage of its pixels above half of the full well is left out of the master.",
        low=0,
        high=100,
    )
    cosmic_rays: str = _setting(
        "default",
        "Cosmic-ray method of spectra: default is DCR for unbinned frames and LACosmic otherwise. Images are cleaned "
        "by LACosmic unless it is none. Arcs are never cleaned.",
        choices=("default", "dcr", "lacosmic", "none"),
    )
    ignore_bias: bool = _setting(False, "Reduce without a master bias, even where there is one.")
    ignore_flats: bool = _setting(False, "Reduce without a master flat, even where there is one.")
    minimum_biases: int = _setting(10, "A master bias needs at least this many frames.", low=3, high=1000)
    minimum_flats: int = _setting(10, "A master flat needs at least this many frames.", low=3, high=1000)
    flat_normalization: str = _setting(
        "simple",
        "How the master flat is normalised: by its mean, by a smooth curve along the dispersion of the slit's "
        "average (simple), or by one for every row (full).",
        choices=("mean", "simple", "full"),
    )
    flat_order: int = _setting(15, "Order of the curve that normalises the flat.", low=1, high=40)
    extraction: str = _setting(
        "optimal",
        "What the FLUX column holds: a profile-weighted sum (optimal) or a plain sum over fractional pixels. "
        "Both are always computed.",
        choices=("fractional", "optimal"),
    )
    target_model: str = _setting("moffat", "Spatial profile of a target.", choices=("moffat", "gaussian"))
    maximum_targets: int = _setting(3, "At most this many targets are extracted from one frame.", low=1, high=10)
    calibration_policy: str = _setting(
        "provisional",
        "provisional: reduce at once with the best calibrations there are and again when better ones come; "
        "wait: wait for a master of the same night.",
        choices=("provisional", "wait"),
    )


DEFAULTS = Settings()

_STAGE_SETTINGS = {
    "reduce": (
        "cosmic_rays",
        "ignore_bias",
        "ignore_flats",
        "flat_normalization",
        "flat_order",
    ),
    "extract": ("extraction", "target_model", "maximum_targets"),
    "wavelength": (),
    "bias": (),
    "flat": ("saturation_threshold",),
}


class BadSetting(ValueError):
    """A setting is unknown or outside its limits; the sentence says which and what is allowed."""


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings with ``values`` in place of the defaults.

    Raises
    ------
    BadSetting
        An unknown name, a value of the wrong type, outside its limits or not among its choices.
    """
    for _, sentence in errors_of(values):
        raise BadSetting(sentence)
    # a number that came as 1 is stored and hashed as 1.0: the same setting must make the same run key
    typed: dict[str, Any] = {n: float(v) if isinstance(getattr(DEFAULTS, n), float) else v for n, v in values.items()}
    return Settings(**typed)


def errors_of(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with some settings: name, sentence."""
    known = {f.name: f for f in fields(Settings)}
    found = []
    for name, value in values.items():
        if name not in known:
            found.append((name, f"There is no setting {name[:60]!r}; there are {', '.join(known)}."))
            continue
        sentence = _wrong(name, value, getattr(DEFAULTS, name), known[name].metadata)
        if sentence:
            found.append((name, sentence))
    return found


def _wrong(name: str, value: Any, default: Any, rules: Mapping[str, Any]) -> str:
    """What is wrong with one value; nothing if it may be."""
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
        return f"The setting {name} must be {_KINDS[type(default)][1]}, not {_shown(value)}."
    if isinstance(value, float) and not math.isfinite(value):
        return f"The setting {name} must be a finite number."
    if rules["choices"] and value not in rules["choices"]:
        return f"The setting {name} must be one of {', '.join(rules['choices'])}, not {_shown(value)}."
    if rules["low"] is not None and not rules["low"] <= value <= rules["high"]:
        return f"The setting {name} must lie between {rules['low']} and {rules['high']}, not be {_shown(value)}."
    return ""


def _shown(value: Any) -> str:
    return repr(value)[:60]


_KINDS: dict[type, tuple[str, str]] = {
    bool: ("boolean", "true or false"),
    int: ("integer", "a whole number"),
    float: ("number", "a number"),
    str: ("string", "a text"),
}
"""Type of a setting → its name in JSON, and in a sentence."""


def described() -> list[dict[str, Any]]:
    """Each setting's name, type (as JSON names it), default, limits, choices and help."""
    return [
        {
            "name": f.name,
            "type": _KINDS[type(f.default)][0],
            "default": f.default,
            "low": f.metadata["low"],
            "high": f.metadata["high"],
            "choices": list(f.metadata["choices"]),
            "help": f.metadata["help"],
        }
        for f in fields(Settings)
    ]


def that_matter(settings: Settings, stage: str) -> dict[str, Any]:
    """The settings that change a stage's result: only they enter its run key."""
    values = asdict(settings)
    return {name: values[name] for name in _STAGE_SETTINGS[stage]}

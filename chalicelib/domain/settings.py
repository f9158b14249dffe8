"""Data-reduction settings of a proposal: defaults, limits and a sentence of help each."""

from __future__ import annotations

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
        1.0, "A flat with at least this percentage of saturated pixels is left out of the master.", low=0, high=100
    )
    cosmic_rays: str = _setting(
        "default",
        "Cosmic-ray method: default is DCR for unbinned frames and LACosmic otherwise. Arcs are never cleaned.",
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
    known = {f.name: f for f in fields(Settings)}
    for name, value in values.items():
        if name not in known:
            raise BadSetting(f"There is no setting {name!r}; there are {', '.join(known)}.")
        _check(name, value, getattr(DEFAULTS, name), known[name].metadata)
    return Settings(**values)


def _check(name: str, value: Any, default: Any, rules: Mapping[str, Any]) -> None:
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
        raise BadSetting(f"The setting {name} must be of the type {type(default).__name__}, not {value!r}.")
    if rules["choices"] and value not in rules["choices"]:
        raise BadSetting(f"The setting {name} must be one of {', '.join(rules['choices'])}, not {value!r}.")
    if rules["low"] is not None and not rules["low"] <= value <= rules["high"]:
        raise BadSetting(f"The setting {name} must lie between {rules['low']} and {rules['high']}, not be {value!r}.")


def that_matter(settings: Settings, stage: str) -> dict[str, Any]:
    """The settings that change a stage's result: only they enter its run key."""
    values = asdict(settings)
    return {name: values[name] for name in _STAGE_SETTINGS[stage]}

"""Which calibrations would serve a frame, in the order in which the plan prefers them, and why others do not.

Order and fitness are :mod:`.matching`'s own: the best of all comes first, then the best of the rest, and so on. What is
written here is only the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import matching
from .headers import ARC, EXPOSE, IMAGING_TECHNIQUE, SPECTRUM, Observation
from .instrument import ANGLE_TOLERANCE
from .matching import Candidate
from .nights import nights_between
from .settings import Settings

BEST: dict[str, Callable[[Observation, Iterable[Candidate]], Candidate | None]] = {
    "bias": matching.best_bias,
    "flat": matching.best_flat,
    "arc": matching.best_arc,
}

MOST = 200
"""Candidates of a kind that are ranked."""


@dataclass(frozen=True)
class Ranked:
    """A calibration and what speaks for and against it.

    Attributes
    ----------
    rank : int or None
        1 is what the plan takes first; None: it does not serve.
    reasons : tuple of str
        What was compared; where it does not serve, why not.
    figures : mapping
        The numbers behind the reasons.
    """

    id: int
    name: str
    night: int
    rank: int | None
    reasons: tuple[str, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)


def kinds(o: Observation) -> tuple[str, ...]:
    """The kinds of calibration a frame is reduced with."""
    if o.obstype == ARC:
        return ("bias",)
    if o.obstype == SPECTRUM and o.technique != IMAGING_TECHNIQUE:
        return ("bias", "flat", "arc")
    return ("bias", "flat") if o.obstype in (SPECTRUM, EXPOSE) else ()


def key_of(kind: str, o: Observation) -> str:
    """The configuration key under which candidates of a kind are found."""
    return {"bias": matching.bias_key, "flat": matching.flat_key, "arc": matching.arc_key}[kind](o)


def ignored(kind: str, settings: Settings) -> bool:
    """Whether the frame's settings say that this kind is not used."""
    return (kind == "bias" and settings.ignore_bias) or (kind == "flat" and settings.ignore_flats)


def ranked(kind: str, o: Observation, candidates: Sequence[Candidate], settings: Settings) -> list[Ranked]:
    """All candidates under the configuration key: first those that serve, best first, then those that do not."""
    left = {c.id: c for c in sorted(candidates, key=lambda c: (nights_between(c.night, o.night), c.id))[:MOST]}
    against = {c.id: _against(kind, o, c, settings) for c in left.values()}
    for c in left.values():
        if not against[c.id] and BEST[kind](o, [c]) is None:
            against[c.id] = ["It does not fit the frame."]
    serving = [c for c in left.values() if not against[c.id]]
    order: list[Candidate] = []
    while (best := BEST[kind](o, serving)) is not None:
        order.append(best)
        serving = [c for c in serving if c.id != best.id]
    said = [
        Ranked(c.id, c.name, c.night, rank, tuple(_for(kind, o, c)), figures(o, c)) for rank, c in enumerate(order, 1)
    ]
    return said + [
        Ranked(c.id, c.name, c.night, None, tuple(against[c.id]), figures(o, c)) for c in left.values() if against[c.id]
    ]


def figures(o: Observation, c: Candidate) -> dict[str, Any]:
    """What a candidate is compared by."""
    return {
        "nights_apart": nights_between(c.night, o.night),
        "minutes_apart": round((matching.middle_of(c) - matching.middle_of(o)).total_seconds() / 60, 2),
        "members": c.members,
        "saturated_percent": c.saturated,
        "readout": c.readout,
        "roi": c.roi,
        "camera_angle": c.camera_angle,
        "grating_angle": c.grating_angle,
        "filter": c.filter,
        "filter_2": c.filter_2,
        "slit": c.slit,
        "lamps": list(c.lamps),
    }


def _against(kind: str, o: Observation, c: Candidate, settings: Settings) -> list[str]:
    """Why a candidate does not serve; empty where it does."""
    said = []
    apart = nights_between(c.night, o.night)
    reach = matching.reach(key_of(kind, o))
    if apart > reach:
        far = "another night, and arcs serve their own night only" if kind == "arc" else f"{apart} nights away"
        said.append(f"It is of {far}." if kind == "arc" else f"It is {far}; at most {reach} nights do.")
    if kind in ("flat", "arc") and o.technique != IMAGING_TECHNIQUE:
        said += _other_angles(o, c)
    if kind == "flat" and (c.filter, c.filter_2) != (o.filter, o.filter_2):
        said.append(f"Its filters are {c.filter} and {c.filter_2}; the frame's are {o.filter} and {o.filter_2}.")
    if c.withdrawn:
        said.append("It was deleted.")
    if kind != "arc":
        minimum = settings.minimum_biases if kind == "bias" else settings.minimum_flats
        if c.members < minimum:
            said.append(f"It is made of {c.members} frames; the proposal asks for at least {minimum}.")
    if kind == "flat" and c.saturated > 0 and c.saturated >= settings.saturation_threshold:
        limit = settings.saturation_threshold
        much = f"{c.saturated:g} % of its pixels are above half of the full well"
        said.append(f"{much}; the proposal allows less than {limit:g} %.")
    return said


def _other_angles(o: Observation, c: Candidate) -> list[str]:
    said = []
    pairs = (("camera", o.camera_angle, c.camera_angle), ("grating", o.grating_angle, c.grating_angle))
    for name, own, other in pairs:
        if own is None:
            said.append(f"The frame's header does not give the {name} angle.")
        elif other is None:
            said.append(f"Its header does not give the {name} angle.")
        elif round(abs(own - other), 6) > ANGLE_TOLERANCE:
            said.append(f"Its {name} angle is {other:g}°; the frame's is {own:g}°.")
    return said


def _for(kind: str, o: Observation, c: Candidate) -> list[str]:
    """What ranks a candidate that serves, in the order of weight."""
    apart = nights_between(c.night, o.night)
    if kind == "arc":
        return _for_arc(o, c)
    said = ["The same night." if apart == 0 else f"{apart} night{'s' if apart > 1 else ''} away."]
    if kind == "flat":
        said.append("The same setting and filters." if o.technique != IMAGING_TECHNIQUE else "The same filters.")
        for name, own, its in (("readout mode", o.readout, c.readout), ("slit", o.slit, c.slit)):
            said.append(f"The same {name}." if own == its else f"Another {name} ({its}; the frame's: {own}).")
    else:
        said.append("The same readout mode, region and binning.")
    return [*said, f"Made of {c.members} frames."]


def _for_arc(o: Observation, c: Candidate) -> list[str]:
    said = ["The same setting."]
    if c.lamps_known:
        said.append(
            f"Lamps on: {', '.join(c.lamps)}." if c.lamps else "No lamp with known lines was on: it comes last."
        )
    minutes = (matching.middle_of(c) - matching.middle_of(o)).total_seconds() / 60
    if c.roi != o.roi_geometry:
        said.append(f"Another region of the detector ({c.roi}; the frame's: {o.roi_geometry}).")
    if c.block_id is not None and c.block_id == o.block_id and c.proposal == o.proposal:
        said.append("The same observing block.")
    elif c.ra and (c.ra, c.dec) == (o.ra, o.dec):
        said.append("The same pointing.")
    elif c.ra:
        said.append(f"Taken at {c.ra} {c.dec}; the frame at {o.ra} {o.dec}.")
    if (c.filter, c.filter_2) != (o.filter, o.filter_2):
        said.append(f"Other filters ({c.filter} and {c.filter_2}; the frame's: {o.filter} and {o.filter_2}).")
    said.append(f"{abs(minutes):.1f} min {'after' if minutes > 0 else 'before'} the frame, from middle to middle.")
    return said


def why_not(kind: str, o: Observation, record: Mapping[str, Any], other: Observation | None) -> list[str]:
    """Why a calibration of the frame's night that is not offered under its key is no candidate.

    ``other`` is the observation it, or a frame it is made of, comes from; None where that is not known.
    """
    if record.get("bad"):
        return [f"Marked bad: {record['bad'].get('reason') or 'no reason given'}"]
    if other is None:
        return [record.get("status_reason") or "It has no header the pipeline understands."]
    if key_of(kind, other) != key_of(kind, o):
        return [_other_key(kind, o, other)]
    if kind == "arc" and other.lamps_known and not other.lamps:
        return ["No lamp with known lines was on while it was taken."]
    return [record.get("status_reason") or "It is not reduced yet."]


def _other_key(kind: str, o: Observation, other: Observation) -> str:
    pairs = [("camera", o.camera, other.camera)]
    if kind == "bias":
        pairs.append(("readout mode", o.readout, other.readout))
    if kind != "arc":
        pairs.append(("region", o.roi_geometry, other.roi_geometry))
        pairs.append(("binning", _binning(o), _binning(other)))
    if kind != "bias":
        pairs.append(("grating", o.grating, other.grating))
    found = [f"its {name} is {its}, the frame's is {own}" for name, own, its in pairs if own != its]
    return f"Another configuration: {'; '.join(found) or 'its key differs'}."


def _binning(o: Observation) -> str:
    return f"{o.binning[0]} × {o.binning[1]}"

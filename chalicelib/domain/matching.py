"""What must agree for a calibration to serve, and which of several is best.

The table of the instrument's manual as code: keys hold what *must* agree exactly, the comparison after the query what
must agree within a tolerance, the order what is preferred. ``best`` is a total order, so the same candidates give the
same choice whatever order they came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .headers import ARC, BIAS, FLAT, IMAGING_TECHNIQUE, Observation
from .instrument import ANGLE_TOLERANCE
from .nights import nights_between

CALIBRATION_NIGHTS = 7
"""Masters of so many nights before or after may serve, the nearest first."""

ARC_NIGHTS = 0
"""Arcs serve within their own night only: flexure and the next set-up move the lines by many pixels."""


def bias_key(o: Observation) -> str:
    """Configuration key of a master bias: camera, readout mode, ROI, both binnings."""
    return f"master_bias|{o.camera}|{o.readout}|{o.roi_geometry}|{o.binning[0]}x{o.binning[1]}"


def flat_key(o: Observation) -> str:
    """Configuration key of a master flat: camera, ROI, both binnings, grating (or filter for images)."""
    return f"master_flat|{o.camera}|{o.roi_geometry}|{o.binning[0]}x{o.binning[1]}|{o.grating}"


def arc_key(o: Observation) -> str:
    """Configuration key of an arc: camera and grating."""
    return f"arc|{o.camera}|{o.grating}"


def pool_of(o: Observation) -> str | None:
    """The pool (subject) a bias or flat is a member of; None for other frames.

    Members of one pool are interchangeable: same configuration, and for flats the same mode, setting, filters and slit.
    """
    if o.obstype == BIAS:
        return f"pool#{bias_key(o)}#{o.night}"
    if o.obstype == FLAT:
        setting = f"{_rounded(o.camera_angle)},{_rounded(o.grating_angle)}"
        parts = (flat_key(o), o.readout, setting, o.filter, o.filter_2, o.slit)
        return f"pool#{'|'.join(parts)}#{o.night}"
    return None


def pool_kind(subject: str) -> str:
    """``"bias"`` or ``"flat"`` of a pool's subject."""
    return "bias" if subject.startswith("pool#master_bias|") else "flat"


def pool_night(subject: str) -> int:
    """The night of a pool's subject."""
    return int(subject.rsplit("#", 1)[1])


def reach(key: str) -> int:
    """How many nights away calibrations under a configuration key may serve."""
    return ARC_NIGHTS if key.startswith("arc|") else CALIBRATION_NIGHTS


def interests(o: Observation) -> tuple[str, ...]:
    """The configuration keys whose changes concern a frame."""
    if o.obstype in (BIAS, FLAT) or o.obstype not in ("SPECTRUM", ARC, "EXPOSE"):
        return ()
    if o.obstype == ARC:
        return (bias_key(o),)
    if o.technique == IMAGING_TECHNIQUE:
        return (bias_key(o), flat_key(o))
    return (bias_key(o), flat_key(o), arc_key(o))


def _rounded(angle: float | None) -> str:
    return "-" if angle is None else f"{angle:.2f}"


@dataclass(frozen=True)
class Candidate:
    """A calibration that may serve: what the ``configurations`` table holds of it."""

    id: int
    night: int
    started: datetime
    readout: str
    roi: str
    binning: tuple[int, int]
    camera_angle: float | None
    grating_angle: float | None
    filter: str
    filter_2: str
    slit: str
    ra: str
    dec: str
    block_id: int | None
    proposal: str
    sha256: str
    key: str
    name: str
    members: int = 1
    version: str | None = None

    @classmethod
    def of(cls, o: Observation, **made: Any) -> Candidate:
        """A candidate with the configuration of ``o``; ``made`` gives id, sha256, key, name and members."""
        return cls(
            night=o.night,
            started=o.started,
            readout=o.readout,
            roi=o.roi_geometry,
            binning=o.binning,
            camera_angle=o.camera_angle,
            grating_angle=o.grating_angle,
            filter=o.filter,
            filter_2=o.filter_2,
            slit=o.slit,
            ra=o.ra,
            dec=o.dec,
            block_id=o.block_id,
            proposal=o.proposal,
            **made,
        )

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Candidate:
        """A candidate from its row in the ``configurations`` table."""
        names = cls.__dataclass_fields__
        values = {name: item[name] for name in names if name in item}
        values["started"] = datetime.fromisoformat(item["started"])
        values["binning"] = tuple(item["binning"])
        return cls(**values)

    def to_item(self) -> dict[str, Any]:
        """The row's attributes in the ``configurations`` table."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {"started": self.started.isoformat(), "binning": list(self.binning)}


def best_bias(o: Observation, candidates: Iterable[Candidate]) -> Candidate | None:
    """The master bias for a frame: the nearest night's."""
    usable = [c for c in candidates if nights_between(c.night, o.night) <= CALIBRATION_NIGHTS]
    return min(usable, key=lambda c: _nearness(o, c), default=None)


def best_flat(o: Observation, candidates: Iterable[Candidate]) -> Candidate | None:
    """The master flat for a frame: same setting and filters; same readout mode and slit preferred; then the nearest."""
    usable = [
        c
        for c in candidates
        if nights_between(c.night, o.night) <= CALIBRATION_NIGHTS and _same_filters(o, c) and _same_setting(o, c)
    ]
    return min(
        usable,
        key=lambda c: (nights_between(c.night, o.night), c.readout != o.readout, c.slit != o.slit, *_nearness(o, c)),
        default=None,
    )


def best_arc(o: Observation, candidates: Iterable[Candidate]) -> Candidate | None:
    """The arc for a spectrum: same setting; its own pointing or block first; then same filters and ROI, the nearest."""
    usable = [c for c in candidates if nights_between(c.night, o.night) <= ARC_NIGHTS and _same_setting(o, c)]
    return min(usable, key=lambda c: (not _same_pointing(o, c), *_preference(o, c), *_nearness(o, c)), default=None)


def _preference(o: Observation, c: Candidate) -> tuple[bool, bool]:
    return not _same_filters(o, c), not (c.roi == o.roi_geometry and c.binning[1] == o.binning[1])


def _nearness(o: Observation, c: Candidate) -> tuple:
    return (nights_between(c.night, o.night), abs((c.started - o.started).total_seconds()), c.started, c.id)


def _same_filters(o: Observation, c: Candidate) -> bool:
    return (c.filter, c.filter_2) == (o.filter, o.filter_2)


def _same_setting(o: Observation, c: Candidate) -> bool:
    pairs = ((o.camera_angle, c.camera_angle), (o.grating_angle, c.grating_angle))
    if o.technique == IMAGING_TECHNIQUE:
        return True
    return all(a is not None and b is not None and round(abs(a - b), 6) <= ANGLE_TOLERANCE for a, b in pairs)


def _same_pointing(o: Observation, c: Candidate) -> bool:
    if o.block_id is not None and o.block_id == c.block_id and o.proposal == c.proposal:
        return True
    return bool(o.ra) and (o.ra[:8], o.dec[:9]) == (c.ra[:8], c.dec[:9])

"""What must agree for a calibration to serve, and which of several is best.

The table of the instrument's manual as code: keys hold what *must* agree exactly, the comparison after the query what
must agree within a tolerance, the order what is preferred. ``best`` is a total order, so the same candidates give the
same choice whatever order they came in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .headers import ARC, BIAS, EXPOSE, FLAT, IMAGING_TECHNIQUE, SPECTRUM, Observation
from .instrument import ANGLE_TOLERANCE, nominal_angles
from .nights import nights_between

CALIBRATION_NIGHTS = 7
"""Masters of so many nights before or after may serve, the nearest first."""

ARC_NIGHTS = 0
"""Arcs serve within their own night only: flexure and the next set-up move the lines by many pixels."""

BRACKET_REACH = timedelta(hours=3)
"""Arcs farther from the middle of an exposure are no partner of another: over so long the telescope has turned and the
instrument bent back and forth, and a straight line between the two arcs says nothing about the time of the frame."""

POINTING_TOLERANCE = 60.0
"""Seconds of arc by which frames of one pointing may differ: offsets along the slit, but no other target."""

LONGEST_EXPOSURE = 86400.0
"""Seconds; what a header says beyond that is no exposure time."""

ROW_TOLERANCE = 8
"""Unbinned rows that an arc may lack at an edge of the frame: what binning and rounding take, never a target."""


NAME_PREFIX = "name|"

ANY_NIGHT = 20_000
"""A reach, in nights, beyond every archive: uploads of one name concern each other whatever their headers say."""


def bias_key(o: Observation) -> str:
    """Configuration key of a master bias: camera, readout mode, ROI, both binnings."""
    return f"master_bias|{o.camera}|{o.readout}|{o.roi_geometry}|{o.binning[0]}x{o.binning[1]}"


def flat_key(o: Observation) -> str:
    """Configuration key of a master flat: camera, ROI, both binnings, grating (or filter for images)."""
    return f"master_flat|{o.camera}|{o.roi_geometry}|{o.binning[0]}x{o.binning[1]}|{o.grating}"


def arc_key(o: Observation) -> str:
    """Configuration key of an arc: camera and grating."""
    return f"arc|{o.camera}|{o.grating}"


def name_key(key: str) -> str:
    """Configuration key of the uploads under one object key: the last one supersedes the others."""
    return f"{NAME_PREFIX}{key}"


def pool_of(o: Observation) -> str | None:
    """The pool (subject) a bias or flat is a member of; None for other frames.

    Members of one pool are interchangeable: same configuration, and for flats the same mode, setting, filters and slit.
    """
    if o.obstype == BIAS:
        return f"pool#{bias_key(o)}#{o.night}"
    if o.obstype == FLAT:
        parts = (flat_key(o), o.readout, _setting(o), o.filter, o.filter_2, o.slit)
        return f"pool#{'|'.join(parts)}#{o.night}"
    return None


def pool_kind(subject: str) -> str:
    """``"bias"`` or ``"flat"`` of a pool's subject."""
    return "bias" if subject.startswith("pool#master_bias|") else "flat"


def pool_night(subject: str) -> int:
    """The night of a pool's subject."""
    return int(subject.rsplit("#", 1)[1])


def served_key(subject: str) -> str:
    """The configuration key under which the master of a pool (its subject) is found.

    >>> served_key("pool#master_flat|RED|4096x800@0,500|2x2|400_SYZY|slow|16.10,7.50|NO_FILTER|GG455|NO_MASK#20261121")
    'master_flat|RED|4096x800@0,500|2x2|400_SYZY'
    """
    key = subject.removeprefix("pool#").rsplit("#", 1)[0]
    return key if pool_kind(subject) == "bias" else "|".join(key.split("|")[:5])


def reach(key: str) -> int:
    """How many nights away calibrations under a configuration key may serve."""
    if key.startswith(NAME_PREFIX):
        return ANY_NIGHT
    return ARC_NIGHTS if key.startswith("arc|") else CALIBRATION_NIGHTS


def interests(o: Observation) -> tuple[str, ...]:
    """The configuration keys whose changes concern a frame."""
    if o.obstype in (BIAS, FLAT) or o.obstype not in (SPECTRUM, ARC, EXPOSE):
        return ()
    if o.obstype == ARC:
        return (bias_key(o),)
    if o.technique == IMAGING_TECHNIQUE or o.obstype == EXPOSE:  # neither is extracted, so no arc is used
        return (bias_key(o), flat_key(o))
    return (bias_key(o), flat_key(o), arc_key(o))


def _setting(o: Observation) -> str:
    """Camera and grating angle as they stand in a pool's key.

    Encoders differ by hundredths of a degree from frame to frame of one setting: what they read is taken for the
    standard setting it is within reach of, and else to a tenth.
    """
    angles: tuple[float | None, ...] = (o.camera_angle, o.grating_angle)
    if o.angles_read:
        # "+ 0.0" makes one zero of two
        tenths = tuple(None if angle is None else round(angle, 1) + 0.0 for angle in angles)
        angles = nominal_angles(o.wavmode) or tenths
    return ",".join("-" if angle is None else f"{angle:.2f}" for angle in angles)


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
    saturated: float = 0.0
    withdrawn: bool = False
    exposure: float = 0.0
    lamps: tuple[str, ...] = ()
    lamps_known: bool = False

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
            exposure=o.exposure,
            lamps=o.lamps,
            lamps_known=o.lamps_known,
            **made,
        )

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Candidate:
        """A candidate from its row in the ``configurations`` table."""
        names = cls.__dataclass_fields__
        values = {name: item[name] for name in names if name in item}
        values["started"] = datetime.fromisoformat(item["started"])
        values["binning"] = tuple(item["binning"])
        values["lamps"] = tuple(item.get("lamps", ()))
        return cls(**values)

    def to_item(self) -> dict[str, Any]:
        """The row's attributes in the ``configurations`` table."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        lists = {"binning": list(self.binning), "lamps": list(self.lamps)}
        return values | lists | {"started": self.started.isoformat()}


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
    """The one arc for a spectrum: same setting, of its night; the best by :func:`_arc_order`."""
    return min(_usable_arcs(o, candidates), key=lambda c: _arc_order(o, c), default=None)


def bracketing_arcs(o: Observation, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The arcs for a spectrum, in order of time: none, one, or two with the exposure between them.

    The first chosen is :func:`best_arc`. The best one on the other side of the middle of the exposure joins it if it
    is of the same class (a lamp that is on, covering the frame's rows, at the same pointing or both elsewhere, seen
    through the same filters: another filter moves the lines too) and both are within ``BRACKET_REACH`` of the middle.
    """
    usable = sorted(_usable_arcs(o, candidates), key=lambda c: _arc_order(o, c))
    if not usable:
        return ()
    first, middle = usable[0], middle_of(o)
    late = middle_of(first) > middle
    for second in usable[1:]:
        across = (middle_of(second) > middle) != late
        near = all(abs(middle_of(c) - middle) <= BRACKET_REACH for c in (first, second))
        if across and near and _arc_class(o, second) == _arc_class(o, first):
            return (second, first) if late else (first, second)
    return (first,)


def middle_of(frame: Observation | Candidate) -> datetime:
    """The moment in the middle of an exposure."""
    return frame.started + timedelta(seconds=min(max(frame.exposure, 0.0), LONGEST_EXPOSURE)) / 2


def _usable_arcs(o: Observation, candidates: Iterable[Candidate]) -> list[Candidate]:
    return [c for c in candidates if nights_between(c.night, o.night) <= ARC_NIGHTS and _same_setting(o, c)]


def _arc_class(o: Observation, c: Candidate) -> tuple[bool, bool, bool, bool]:
    """What counts before time, worst last: a lamp known to be off and missing rows make an arc all but useless."""
    return c.lamps_known and not c.lamps, not _covers_rows(o, c), not _same_pointing(o, c), not _same_filters(o, c)


def _arc_order(o: Observation, c: Candidate) -> tuple:
    """A total order, the best first: class; the frame's own region of interest; the nearest in time, the older."""
    same_region = c.roi == o.roi_geometry and c.binning[1] == o.binning[1]
    away = abs(middle_of(c) - middle_of(o))
    return (*_arc_class(o, c), not same_region, away, c.started, c.id)


def _covers_rows(o: Observation, c: Candidate) -> bool:
    """Whether the arc was read where the frame was; True where either does not say."""
    frame, arc = _rows(o.roi_geometry), _rows(c.roi)
    if frame is None or arc is None:
        return True
    return arc[0] <= frame[0] + ROW_TOLERANCE and arc[1] >= frame[1] - ROW_TOLERANCE


def _rows(roi: str) -> tuple[int, int] | None:
    """First and last unbinned row (exclusive) of a region as :attr:`Observation.roi_geometry` writes it."""
    found = re.fullmatch(r"\d+x(\d+)@\d+,(\d+)", roi)
    return (int(found[2]), int(found[2]) + int(found[1])) if found else None


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
    apart = _separation(o, c)
    if apart is None:
        return bool(o.ra) and (o.ra, o.dec) == (c.ra, c.dec)
    return apart <= POINTING_TOLERANCE


def _separation(o: Observation, c: Candidate) -> float | None:
    """Seconds of arc between two pointings (haversine formula); None where a header's is not sexagesimal."""
    angles = [_degrees(text) for text in (o.ra, c.ra, o.dec, c.dec)]
    if any(angle is None for angle in angles):
        return None
    ra, other_ra, dec, other_dec = (math.radians(angle) for angle in angles if angle is not None)
    ra, other_ra = ra * 15, other_ra * 15
    chord = math.sin((dec - other_dec) / 2) ** 2
    chord += math.cos(dec) * math.cos(other_dec) * math.sin((ra - other_ra) / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(min(chord, 1.0)))) * 3600


def _degrees(text: str) -> float | None:
    """A sexagesimal text as a number of its first unit (hours or degrees)."""
    found = re.fullmatch(r"([+-]?)(\d{1,3})[: ](\d{1,2})[: ](\d{1,2}(?:\.\d*)?)", text.strip())
    if not found:
        return None
    value = int(found[2]) + int(found[3]) / 60 + float(found[4]) / 3600
    return -value if found[1] == "-" else value

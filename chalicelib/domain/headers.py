"""From a raw header in any dialect to one :class:`Observation`.

Dialects differ by year: see the tables below. The state of the instrument (angles, grating, lamps) outranks labels
(WAVMODE, OBJECT). Values on the wire are in the newest dialect; the header itself is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import instrument
from .nights import night_of, parse_moment

LONGEST_TEXT = 80
"""Characters of a card's text that are kept: what a card holds; CONTINUE cards can run to any length."""

BIAS, FLAT, ARC, SPECTRUM, EXPOSE, FOCUS = "BIAS", "LAMPFLAT", "ARC", "SPECTRUM", "EXPOSE", "FOCUS"

_OBSTYPES = {
    "BIAS": BIAS,
    "ZERO": BIAS,
    "LAMPFLAT": FLAT,
    "DFLAT": FLAT,
    "FLAT": FLAT,
    "ARC": ARC,
    "COMP": ARC,
    "SPECTRUM": SPECTRUM,
    "EXPOSE": EXPOSE,
    "FOCUS": FOCUS,
}

SPECTROSCOPY_TECHNIQUE, IMAGING_TECHNIQUE = "Spectroscopy", "Imaging"
NO_GRATING = "NO_GRATING"

CORRECT = "Correct the card and upload the file again."
"""What the observer is told to do about a card."""

LARGEST_SIDE = 4400
"""Unbinned pixels: more than any region of the detector with its pre- and overscan (4142 × 4112) has."""


class NotGoodman(ValueError):
    """The file is no frame of this spectrograph, or its header lacks what the pipeline cannot do without."""

    def __init__(self, code: str, sentence: str):
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Observation:
    """What a raw frame is, normalised. Angles in degrees, gain in e⁻/ADU, read noise in e⁻."""

    obstype: str
    object: str
    technique: str
    camera: str
    readout: str
    gain: float
    read_noise: float
    saturation: int
    binning: tuple[int, int]
    shape: tuple[int, int]
    roi: str
    roi_origin: tuple[int, int]
    trim_section: str | None
    grating: str
    lines_per_mm: int | None
    grating_angle: float | None
    camera_angle: float | None
    wavmode: str
    filter: str
    filter_2: str
    slit: str
    lamps: tuple[str, ...]
    lamps_known: bool
    started: datetime
    night: int
    date: str
    exposure: float
    proposal: str
    ra: str
    dec: str
    airmass: float | None
    observation_id: int | None
    configuration_id: int | None
    block_id: int | None
    image_id: int | None
    other_lamps: str = ""
    angles_read: bool = False
    """An angle is the one an encoder read, for want of a card that says which was asked for."""

    @property
    def roi_geometry(self) -> str:
        """The part of the detector that was read, whatever the ROI is called: unbinned size and origin."""
        columns = self.shape[1] * self.binning[0]
        rows = self.shape[0] * self.binning[1]
        # multiples of 4: an odd size loses a pixel by binning and is still the same region
        return f"{columns // 4 * 4}x{rows // 4 * 4}@{self.roi_origin[0]},{self.roi_origin[1]}"


def observe(header: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> Observation:
    """Understand a raw header.

    Parameters
    ----------
    header : mapping
        Keyword → value (an ``astropy.io.fits.Header`` serves).
    comments : mapping, optional
        Keyword → comment; needed to find the ROI's origin, which only the comments of the PG cards name.

    Raises
    ------
    NotGoodman
        With a sentence saying which card is missing or wrong.
    """
    _must_be_goodman(header)
    started = _start(header)
    shape = _shape(header)
    binning = _binning(header, shape)
    camera = _camera(header)
    gain = _needed_number(header, "GAIN", "counts cannot be turned into electrons", low=0.01, high=100.0)
    read_noise = _needed_number(header, "RDNOISE", "errors cannot be computed", low=0.1, high=500.0)
    readout = instrument.readout_mode(camera, gain, read_noise)
    grating = _grating(_text(header, "GRATING"))
    camera_angle, grating_angle = _angle(header, "CAM"), _angle(header, "GRT")
    technique = _technique(header, grating, camera_angle)
    lines = _lines_per_mm(grating)
    obstype = _obstype(header, technique)
    _must_name_grating(header, camera_angle)
    lamps, lamps_known = _lamps(header)
    imaging = technique == IMAGING_TECHNIQUE
    return Observation(
        obstype=obstype,
        object=_text(header, "OBJECT"),
        technique=technique,
        camera=camera,
        readout=readout.name,
        gain=gain,
        read_noise=read_noise,
        saturation=readout.half_full_well,
        binning=binning,
        shape=shape,
        roi=_text(header, "ROI") or _roi_name(technique, binning),
        roi_origin=_roi_origin(header, comments or {}),
        trim_section=_text(header, "TRIMSEC") or None,
        grating=grating,
        lines_per_mm=lines,
        grating_angle=grating_angle,
        camera_angle=camera_angle,
        wavmode=instrument.IMAGING if imaging else instrument.grating_mode(lines, camera_angle, grating_angle),
        filter=_filter(_text(header, "FILTER")),
        filter_2=_filter(_text(header, "FILTER2")),
        slit=_slit(_text(header, "SLIT")),
        lamps=lamps,
        lamps_known=lamps_known,
        started=started,
        night=night_of(started),
        date=_date(header) or started.date().isoformat(),
        exposure=_number(header, "EXPTIME") or 0.0,
        proposal=_text(header, "PROPID"),
        ra=_text(header, "OBSRA") or _text(header, "RA"),
        dec=_text(header, "OBSDEC") or _text(header, "DEC"),
        airmass=_number(header, "AIRMASS"),
        observation_id=_integer(header, "OBSID"),
        configuration_id=_integer(header, "CONFID"),
        block_id=_integer(header, "BLKUID"),
        image_id=_integer(header, "IMAGEID"),
        other_lamps=instrument.other_lamps(header),
        angles_read=any(_number(header, card) is None for card in ("CAM_TARG", "GRT_TARG")),
    )


def began(header: Mapping[str, Any]) -> datetime | None:
    """When the exposure began (UT), were it all that can be understood of a header; None if DATE-OBS does not say."""
    try:
        return _start(header)
    except NotGoodman:
        return None


def _text(header: Mapping[str, Any], key: str) -> str:
    value = header.get(key)
    if value is None or isinstance(value, bool):
        return ""
    return " ".join(str(value).split())[:LONGEST_TEXT]


def _number(header: Mapping[str, Any], key: str) -> float | None:
    try:
        value = float(header[key])
    except (KeyError, TypeError, ValueError):
        return None
    # beyond these no card of this instrument is real, and DynamoDB's numbers end
    return value if value == 0 or 1e-30 < abs(value) < 1e15 else None


def _integer(header: Mapping[str, Any], key: str) -> int | None:
    value = _number(header, key)
    return None if value is None else int(value)


def _needed_number(header: Mapping[str, Any], key: str, why: str, *, low: float, high: float) -> float:
    value = _number(header, key)
    if value is None:
        shown = f"is {_text(header, key)!r}, not a number" if _text(header, key) else "is missing"
        raise NotGoodman(f"bad_{key.lower()}", f"The card {key} {shown}: without it {why}. {CORRECT}")
    if not low <= value <= high:
        sentence = f"The card {key} is {value:g}, outside {low:g} to {high:g}: {why}. {CORRECT}"
        raise NotGoodman(f"bad_{key.lower()}", sentence)
    return value


def _angle(header: Mapping[str, Any], axis: str) -> float | None:
    """The angle asked for (``CAM_TARG``, ``GRT_TARG``), else the one the encoder read."""
    target = _number(header, f"{axis}_TARG")
    return _number(header, f"{axis}_ANG") if target is None else target


def _date(header: Mapping[str, Any]) -> str:
    match = re.match(r"\d{4}-\d{2}-\d{2}(?!\d)", _text(header, "DATE"))
    return match[0] if match else ""


def _must_be_goodman(header: Mapping[str, Any]) -> None:
    name = _text(header, "INSTRUME")
    if not name:
        raise NotGoodman(
            "no_instrument",
            "The card INSTRUME is missing: nothing says that this is a frame of the Goodman spectrograph. "
            "If it is one, correct the card and upload the file again.",
        )
    if not ("GOODMAN" in name.upper() or name.upper().startswith("GHTS")):
        raise NotGoodman(
            "other_instrument",
            f"The frame is from {name!r}, not from the Goodman spectrograph: it is kept and not reduced.",
        )


def _camera(header: Mapping[str, Any]) -> str:
    """INSTCONF says which, else the instrument's name; before there was a Red camera, neither did."""
    label = _text(header, "INSTCONF")
    for text in (label.upper(), _text(header, "INSTRUME").upper()):
        named = [camera for camera in ("Red", "Blue") if camera.upper() in text]
        if len(named) == 1:
            return named[0]
    if str(header.get("INSTCONF", "")).strip():
        raise NotGoodman("bad_instconf", f"The card INSTCONF is {label!r}; the cameras are Red and Blue. {CORRECT}")
    return "Blue"


def _must_name_grating(header: Mapping[str, Any], camera_angle: float | None) -> None:
    """A spectrum, lamp or flat that does not say through which grating is no image: nothing would match it."""
    seen = _text(header, "OBSTYPE").upper()
    turned = not _undispersed(camera_angle or 0.0)
    spectroscopic = turned or ((seen == "SPECTRUM" or _OBSTYPES.get(seen) == ARC) and not _labelled_image(header))
    if _text(header, "GRATING") or not spectroscopic or _OBSTYPES.get(seen) in (BIAS, FOCUS, EXPOSE):
        return
    raise NotGoodman(
        "bad_grating", f"The card GRATING is missing: no flat and no arc can be matched with the frame. {CORRECT}"
    )


def _start(header: Mapping[str, Any]) -> datetime:
    text = _text(header, "DATE-OBS")
    if not text:
        raise NotGoodman(
            "bad_date_obs", f"The card DATE-OBS is missing: the frame cannot be put into a night. {CORRECT}"
        )
    clock = _text(header, "UT")
    try:
        moment = parse_moment(text if "T" in text or not clock else f"{text}T{clock}")
    except ValueError:
        raise NotGoodman("bad_date_obs", f"The card DATE-OBS is {text!r}, not a UT date and time. {CORRECT}") from None
    if not 2000 <= moment.year < 2100:
        raise NotGoodman(
            "bad_date_obs", f"The card DATE-OBS is {text!r}, before the instrument existed or far ahead. {CORRECT}"
        )
    return moment


def _shape(header: Mapping[str, Any]) -> tuple[int, int]:
    compressed = "ZNAXIS" in header
    axes = _integer(header, "ZNAXIS" if compressed else "NAXIS") or 0
    prefix = "ZNAXIS" if compressed else "NAXIS"
    sizes = [_integer(header, f"{prefix}{axis}") or 0 for axis in range(1, axes + 1)]
    if axes < 2 or any(size != 1 for size in sizes[2:]) or 0 in sizes:
        shown = " × ".join(map(str, sizes)) or "no"
        sentence = f"The image has {shown} pixels: a Goodman frame is one two-dimensional image. Upload each by itself."
        raise NotGoodman("bad_naxis", sentence)
    return sizes[1], sizes[0]


def _binning(header: Mapping[str, Any], shape: tuple[int, int]) -> tuple[int, int]:
    text = _text(header, "CCDSUM")
    match = re.fullmatch(r"(\d)\s*[ x,]\s*(\d)", text)
    if match is None or "0" in match.groups():
        wrong = f"is {text!r}: the binning must be given as '2 2' or '1 1'" if text else "is missing"
        raise NotGoodman("bad_ccdsum", f"The card CCDSUM {wrong}. {CORRECT}")
    serial, parallel = int(match[1]), int(match[2])
    if max(shape[1] * serial, shape[0] * parallel) > LARGEST_SIDE:
        raise NotGoodman(
            "bad_ccdsum",
            f"The card CCDSUM is {text!r}, but {shape[1]} × {shape[0]} pixels binned so are more than the detector "
            f"has. {CORRECT}",
        )
    return serial, parallel


def _grating(text: str) -> str:
    """``SYZY_400``, ``400_SYZY`` → ``400_SYZY``; ``<NO GRATING>`` → ``NO_GRATING``."""
    cleaned = _plain(text)
    if cleaned in ("", NO_GRATING, "NONE"):
        return NO_GRATING
    match = re.fullmatch(r"([A-Z]+)_(\d+)(.*)", cleaned)
    return f"{match[2]}_{match[1]}{match[3]}" if match else cleaned


def _lines_per_mm(grating: str) -> int | None:
    match = re.search(r"\d{3,4}", grating)
    return int(match[0]) if match else None


def _plain(text: str) -> str:
    return text.strip("<> ").upper().replace(" ", "_")


def _filter(text: str) -> str:
    cleaned = text.strip("<> ")
    return "NO_FILTER" if _plain(cleaned) in ("", "NO_FILTER", "NONE", "OPEN") else cleaned.replace(" ", "_")


def _slit(text: str) -> str:
    """``0.45" long slit`` → ``0.45_LONG_SLIT``; ``<NO MASK>`` → ``NO_MASK``."""
    return _plain(text.replace('"', "")) or "NO_MASK"


def _technique(header: Mapping[str, Any], grating: str, camera_angle: float | None) -> str:
    """An image has no grating in the beam, or says so with its camera straight behind the collimator."""
    straight = camera_angle is not None and _undispersed(camera_angle)
    imaging = grating == NO_GRATING or (_labelled_image(header) and straight)
    return IMAGING_TECHNIQUE if imaging else SPECTROSCOPY_TECHNIQUE


def _labelled_image(header: Mapping[str, Any]) -> bool:
    """Whether WAVMODE says so: a label, and a label left over from the frame before is no rarity."""
    return "imaging" in _text(header, "WAVMODE").lower()


def _undispersed(camera_angle: float) -> bool:
    """Whether the camera looks straight at the collimator, where no standard grating sends its first order."""
    return abs(camera_angle) <= 1.0


def _obstype(header: Mapping[str, Any], technique: str) -> str:
    text = _text(header, "OBSTYPE").upper()
    if text == "OBJECT":
        return EXPOSE if technique == IMAGING_TECHNIQUE else SPECTRUM
    if not text:
        raise NotGoodman("bad_obstype", f"The card OBSTYPE is missing: the frame could be anything. {CORRECT}")
    if text not in _OBSTYPES:
        known = ", ".join(sorted({*_OBSTYPES, "OBJECT"}))
        raise NotGoodman("bad_obstype", f"The card OBSTYPE is {text!r}; known are {known}. {CORRECT}")
    obstype = _OBSTYPES[text]
    if obstype == SPECTRUM and technique == IMAGING_TECHNIQUE:
        return EXPOSE
    return obstype


def _lamps(header: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """Elements of the lamps that were on, and whether the header says so by itself (LAMP_* cards)."""
    on = instrument.elements_on(header)
    return (instrument.elements_in_name(_text(header, "OBJECT")), False) if on is None else (on, True)


def _roi_origin(header: Mapping[str, Any], comments: Mapping[str, str]) -> tuple[int, int]:
    """Unbinned (column, row) of the ROI's first pixel: the camera's cards say it in their comments only."""
    origin = {"serial": 0, "parallel": 0}
    for key in header:
        if re.fullmatch(r"PG\d+_\d+", str(key)):
            match = re.match(r"(serial|parallel) origin", str(comments.get(key, "")).strip().lower())
            if match:
                origin[match[1]] = _integer(header, key) or 0
    return origin["serial"], origin["parallel"]


def _roi_name(technique: str, binning: tuple[int, int]) -> str:
    kind = "Imaging" if technique == IMAGING_TECHNIQUE else "Spectroscopic"
    return f"{kind} {binning[0]}x{binning[1]}"

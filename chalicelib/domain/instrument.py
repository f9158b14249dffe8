"""The Goodman spectrograph as tables: readout modes, grating modes, lamps.

Facts from the instrument's documentation and ``goodman-pipeline`` 3.1.0. To add a readout mode, add a row to
:data:`READOUT_MODES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

CONVERTER_LIMIT = 65_535
"""Largest ADU value the 16-bit converter gives."""


@dataclass(frozen=True)
class ReadoutMode:
    """A readout mode: gain in electrons per ADU, read noise in electrons, half the full well in ADU."""

    camera: str
    name: str
    gains: tuple[float, ...]
    read_noise: float
    half_full_well: int


READOUT_MODES = (
    ReadoutMode("Red", "100/3", (1.54,), 3.45, 66558),
    ReadoutMode("Red", "100/2", (3.48,), 5.88, 29454),
    ReadoutMode("Red", "344/3", (1.48,), 3.89, 69257),
    ReadoutMode("Red", "344/0", (3.87,), 7.05, 26486),
    ReadoutMode("Red", "750/2", (1.47, 1.45), 5.27, 69728),
    ReadoutMode("Red", "750/0", (3.77, 3.78), 8.99, 27188),
    ReadoutMode("Blue", "50/0", (0.25,), 3.33, 279600),
    ReadoutMode("Blue", "50/2", (0.47,), 3.35, 148723),
    ReadoutMode("Blue", "50/3", (0.91,), 3.41, 76813),
    ReadoutMode("Blue", "100/0", (0.56,), 3.69, 124821),
    ReadoutMode("Blue", "100/2", (1.06,), 3.72, 65943),
    ReadoutMode("Blue", "100/3", (2.06,), 3.99, 33932),
    ReadoutMode("Blue", "200/0", (1.40,), 4.74, 49928),
    ReadoutMode("Blue", "200/2", (2.67,), 5.12, 26179),
    ReadoutMode("Blue", "400/0", (5.67,), 8.62, 12328),
)


def readout_mode(camera: str, gain: float, read_noise: float) -> ReadoutMode:
    """The readout mode with this gain and read noise (to 0.01); an unlisted one is named by its numbers.

    An unlisted mode keeps the header's gain, and the converter's limit stands for its saturation.
    """
    for mode in READOUT_MODES:
        same_gain = any(abs(gain - listed) < 0.006 for listed in mode.gains)
        if mode.camera == camera and same_gain and abs(read_noise - mode.read_noise) < 0.011:
            return mode
    return ReadoutMode(camera, f"G{gain:g}-R{read_noise:g}", (gain,), read_noise, CONVERTER_LIMIT)


@dataclass(frozen=True)
class GratingMode:
    """A standard setting: camera and grating angle in degrees and its order-blocking filter."""

    name: str
    lines_per_mm: int
    camera_angle: float
    grating_angle: float
    blocking_filter: str | None = None


GRATING_MODES = (
    GratingMode("400_M1", 400, 11.6, 5.8),
    GratingMode("400_M2", 400, 16.1, 7.5, "GG455"),
    GratingMode("600_UV", 600, 15.25, 7.0),
    GratingMode("600_BLUE", 600, 17.0, 7.0),
    GratingMode("600_MID", 600, 20.0, 10.0, "GG385"),
    GratingMode("600_RED", 600, 27.0, 12.0, "GG495"),
    GratingMode("930_M1", 930, 20.6, 10.3),
    GratingMode("930_M2", 930, 25.2, 12.6),
    GratingMode("930_M3", 930, 29.9, 15.0, "GG385"),
    GratingMode("930_M4", 930, 34.6, 18.3, "GG495"),
    GratingMode("930_M5", 930, 39.4, 19.7, "GG495"),
    GratingMode("930_M6", 930, 44.2, 22.1, "OG570"),
    GratingMode("1200_M0", 1200, 26.0, 16.3),
    GratingMode("1200_M1", 1200, 29.5, 16.3),
    GratingMode("1200_M2", 1200, 34.4, 18.7),
    GratingMode("1200_M3", 1200, 39.4, 20.2),
    GratingMode("1200_M4", 1200, 44.4, 22.2, "GG455"),
    GratingMode("1200_M5", 1200, 49.6, 24.8, "GG455"),
    GratingMode("1200_M6", 1200, 54.8, 27.4, "GG495"),
    GratingMode("1200_M7", 1200, 60.2, 30.1, "OG570"),
)

CUSTOM = "CUSTOM"
IMAGING = "IMAGING"
ANGLE_TOLERANCE = 0.05
"""Degrees within which two settings of grating and camera are the same."""


def grating_mode(lines_per_mm: int | None, camera_angle: float | None, grating_angle: float | None) -> str:
    """Name of the standard setting with these angles, or :data:`CUSTOM`."""
    if lines_per_mm is None or camera_angle is None or grating_angle is None:
        return CUSTOM
    for mode in GRATING_MODES:
        if (
            mode.lines_per_mm == lines_per_mm
            and round(abs(mode.camera_angle - camera_angle), 6) <= ANGLE_TOLERANCE
            and round(abs(mode.grating_angle - grating_angle), 6) <= ANGLE_TOLERANCE
        ):
            return mode.name
    return CUSTOM


def nominal_angles(mode: str) -> tuple[float, float] | None:
    """Camera and grating angle of a standard setting by its name; None for any other."""
    return next(((m.camera_angle, m.grating_angle) for m in GRATING_MODES if m.name == mode), None)


LAMP_CARDS = {
    "LAMP_HGA": ("Hg", "Ar"),
    "LAMP_NE": ("Ne",),
    "LAMP_AR": ("Ar",),
    "LAMP_FE": ("Fe", "Ar"),
    "LAMP_CU": ("Cu", "He", "Ar"),
}
"""Comparison lamps and the elements whose lines they show; the hollow cathodes are filled with argon."""

CONTINUUM_CARDS = {"LAMP_QUA": "quartz", "LAMP_BUL": "bulb", "LAMP_DOM": "dome"}
"""Lamps for flats, which show no lines, and what they are called."""


def elements_on(header: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Elements of the comparison lamps that were on; None where no card says of one whether it was."""
    states = {card: _on(header, card) for card in LAMP_CARDS}
    if all(state is None for state in states.values()):
        return None
    return tuple(dict.fromkeys(e for card, elements in LAMP_CARDS.items() if states[card] for e in elements))


def other_lamps(header: Mapping[str, Any]) -> str:
    """The lamps that were on and whose lines are not known: ``"the quartz lamp and LAMP_THA"``."""
    cards = [key for key in map(str, header) if re.fullmatch(r"LAMP_(?!.?PE$)\w+", key)]  # LAMP_QPE is in per cent
    on = [card for card in dict.fromkeys(cards) if card not in LAMP_CARDS and _on(header, card)]
    return " and ".join(f"the {CONTINUUM_CARDS[card]} lamp" if card in CONTINUUM_CARDS else card for card in on)


def _on(header: Mapping[str, Any], card: str) -> bool | None:
    """Whether a lamp was on; None where its card does not say."""
    value = str(header.get(card, "")).strip().upper()
    return True if value in ("TRUE", "T", "ON", "1") else False if value in ("FALSE", "F", "OFF", "0") else None


_ELEMENTS = ("Hg", "Ar", "Ne", "Fe", "Cu", "He")
_ANY_CASE = re.compile(f"(?:{'|'.join(_ELEMENTS)})+", re.IGNORECASE)
_IN_SYMBOLS = re.compile(f"(?:{'|'.join(_ELEMENTS)})+")
_LAMP_WORDS = frozenset(("lamp", "lamps", "comp", "comps", "comparison", "arc", "arcs"))
_SETTING = re.compile(r"\b\d{3,4}[ _-]?m\d(?!\d)", re.IGNORECASE)
_SETTING_WORDS = frozenset(("blue", "mid", "red", "uv", "long", "slit"))


def elements_in_name(name: str) -> tuple[str, ...]:
    """Elements of the lamps that a name names: ``"HgArNe 400M2"`` → ``("Hg", "Ar", "Ne")``; empty if it names none.

    A name of nothing but elements is a lamp's. In a longer one, elements beside each other are a lamp if they are
    written as symbols, or stand with words about lamps and settings only. One element alone needs such company, and
    helium a word for a lamp: NE is also a direction, and HE begins the names of quasars.

    >>> elements_in_name("CuHeAr"), elements_in_name("Fe lamp"), elements_in_name("comp HgAr"), elements_in_name("Fe")
    (('Cu', 'He', 'Ar'), ('Fe', 'Ar'), ('Hg', 'Ar'), ('Fe', 'Ar'))
    >>> elements_in_name("Feige110"), elements_in_name("M83 NE"), elements_in_name("HE 0435-1223")
    ((), (), ())
    """
    words = re.findall(r"[^\W\d_]+|\d+", _SETTING.sub(" 0 ", name))
    runs = [list(run) for lamp, run in groupby(words, lambda word: bool(_ANY_CASE.fullmatch(word))) if lamp]
    others = {word.lower() for word in words if not (_ANY_CASE.fullmatch(word) or word.isdigit())}
    if not runs:
        return ()
    company = others <= _LAMP_WORDS | _SETTING_WORDS
    for run in runs:
        text = "".join(run)
        found = list(dict.fromkeys(e.capitalize() for e in re.findall("|".join(_ELEMENTS), text, re.IGNORECASE)))
        alone = found == ["He"] and run != words and not others & _LAMP_WORDS
        if (company and not alone) or (len(found) > 1 and _IN_SYMBOLS.fullmatch(text)):
            return (*found, "Ar") if found in (["Fe"], ["Cu"]) else tuple(found)
    return ()

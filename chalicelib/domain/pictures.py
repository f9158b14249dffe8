"""An image's preview as a picture: stretched, coloured, with what was found drawn over it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from . import png, previews
from .previews import Level, Preview

STRETCHES = ("asinh", "linear", "sqrt", "log")
_SOFTNESS = {"asinh": 20.0, "log": 1000.0}
_SATURATED, _COSMIC_RAY = 2, 4

MOST_PIXELS = 6_000_000
"""Of a picture: a second of work for every one or two million."""


class TooManyPixels(ValueError):
    """The picture would take too long."""


def image(
    preview: Preview,
    *,
    stretch: str = "asinh",
    colours: str = "gray",
    low: float | None = None,
    high: float | None = None,
    coarse: bool = True,
    overlays: Iterable[Mapping[str, Any]] = (),
    marks: bool = False,
) -> bytes:
    """A picture of an image's preview, the bottom of the slit below.

    Parameters
    ----------
    preview : Preview
    stretch : str
        One of :data:`STRETCHES`: from electrons between the limits to shades.
    colours : str
        One of ``png.MAPS``.
    low, high : float, optional
        Limits in electrons; without them the preview's own (percentiles).
    coarse : bool
        The coarse level (at most 512 pixels wide), not the full one.
    overlays : iterable of mapping
        Targets as previews describe them: trace, target and sky zones are drawn.
    marks : bool
        Draw saturated pixels and cosmic rays in colours of their own.
    """
    level = previews.level(preview, coarse=coarse)
    if level.width * level.height > MOST_PIXELS:
        raise TooManyPixels("The image has too many pixels for a picture; ask for the coarse one.")
    limits = preview.header["limits"]
    bottom = float(limits["low"]) if low is None else low
    top = float(limits["high"]) if high is None else high
    table = _table(level, bottom, max(top, bottom + 1e-6), stretch)
    rows = [bytearray(map(table.__getitem__, steps)) for steps in level.rows]
    if marks:
        _mark(rows, preview, level)
    for overlay in overlays:
        _draw(rows, overlay, level)
    return png.write((bytes(row) for row in reversed(rows)), level.width, level.height, png.palette(colours))


def _table(level: Level, low: float, high: float, stretch: str) -> bytes:
    """The shade of every step."""
    span, soft, last = high - low, _SOFTNESS.get(stretch, 1.0), png.SHADES - 1
    shades = bytearray(65536)
    for step in range(65536):
        part = (level.electrons(step) - low) / span
        if part >= 1:
            shades[step:] = bytes([last]) * (65536 - step)
            break
        if part > 0:
            if stretch == "asinh":
                part = math.asinh(soft * part) / math.asinh(soft)
            elif stretch == "log":
                part = math.log1p(soft * part) / math.log1p(soft)
            elif stretch == "sqrt":
                part = math.sqrt(part)
            shades[step] = round(part * last)
    return bytes(shades)


def _mark(rows: list[bytearray], preview: Preview, level: Level) -> None:
    for row, bits in zip(rows, previews.flags(preview, factor=level.factor), strict=False):
        for place, bit in enumerate(bits[: len(row)]):
            if bit & _SATURATED:
                row[place] = png.RED
            elif bit & _COSMIC_RAY:
                row[place] = png.BLUE


def _draw(rows: list[bytearray], overlay: Mapping[str, Any], level: Level) -> None:
    """The trace of a target, the edges of its zone and of those of its sky."""
    columns, trace = overlay["trace_columns"], overlay["trace"]
    lines = [(0.0, png.ORANGE), *((edge, png.GREEN) for edge in overlay["target"])]
    lines += [(edge, png.BLUE) for zone in overlay["sky"] for edge in zone]
    for first, second, at, then in zip(columns, columns[1:], trace, trace[1:], strict=False):
        if at is None or then is None or second <= first:
            continue
        for column in range(first // level.factor, min(second // level.factor + 1, level.width)):
            part = min(max((column * level.factor - first) / (second - first), 0.0), 1.0)
            for offset, pen in lines:
                row = int((at + (then - at) * part + offset + 0.5) // level.factor)
                if 0 <= row < level.height:
                    rows[row][column] = pen

"""A spectrum as a picture: flux against wavelength (or column) with its error band, on axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import lettering, png
from .previews import Preview

WIDTH, HEIGHT = 1000, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 14, 14, 44


def spectrum(preview: Preview, *, low: float | None = None, high: float | None = None) -> bytes:
    """A picture of a spectrum's preview.

    Of the columns that fall on one pixel the smallest and the largest flux are joined, so no line is lost.

    Parameters
    ----------
    preview : Preview
    low, high : float, optional
        Limits of the flux; without them the preview's own, with a margin.
    """
    columns = preview.columns()
    flux, error = columns["flux"], columns["error"]
    first = float(preview.header["first_column"])
    along: Sequence[float] = columns["wavelength"] if "wavelength" in columns else range(len(flux))
    start = along[0] if len(along) else 0.0
    end = along[-1] if len(along) else 1.0
    shift = 0.0 if "wavelength" in columns else first
    limits = preview.header["limits"]
    span = max(float(limits["high"]) - float(limits["low"]), 1e-12)
    bottom = float(limits["low"]) - 0.08 * span if low is None else low
    top = float(limits["high"]) + 0.12 * span if high is None else high
    top = max(top, bottom + 1e-12)
    rows = [bytearray([png.WHITE]) * WIDTH for _ in range(HEIGHT)]
    _curve(rows, along, flux, error, (min(start, end), max(start, end)), (bottom, top))
    _axes(rows, (min(start, end) + shift, max(start, end) + shift), (bottom, top))
    title = "Angstrom" if "wavelength" in columns else "column"
    lettering.write(rows, "ct" if preview.header.get("unit") == "electron" else "", left=6, top=_TOP, pen=png.BLACK)
    middle = (_LEFT + WIDTH - _RIGHT - lettering.width_of(title)) // 2
    lettering.write(rows, title, left=middle, top=HEIGHT - 14, pen=png.BLACK)
    return png.write((bytes(row) for row in rows), WIDTH, HEIGHT, png.palette("gray"))


def _curve(rows, along, flux, error, reach: tuple[float, float], limits: tuple[float, float]) -> None:
    inner = WIDTH - _LEFT - _RIGHT
    scale = (inner - 1) / max(reach[1] - reach[0], 1e-12)
    spans: dict[int, list[float]] = {}
    order = sorted(range(len(flux)), key=lambda k: along[k]) if len(flux) and along[0] > along[-1] else range(len(flux))
    before = None
    for k in order:
        value, doubt = flux[k], error[k]
        if value != value:
            before = None
            continue
        at = int((along[k] - reach[0]) * scale)
        doubt = doubt if doubt == doubt else 0.0
        found = spans.setdefault(at, [value, value, value - doubt, value + doubt])
        found[0], found[1] = min(found[0], value), max(found[1], value)
        found[2], found[3] = min(found[2], value - doubt), max(found[3], value + doubt)
        if before is not None and at > before[0]:  # join to the column before
            found[0], found[1] = min(found[0], before[1]), max(found[1], before[1])
        before = (at, value)
    for at, (least, most, under, over) in spans.items():
        _stroke(rows, _LEFT + at, under, over, limits, png.LIGHT)
        _stroke(rows, _LEFT + at, least, most, limits, png.BLUE)


def _stroke(rows, column: int, low: float, high: float, limits: tuple[float, float], pen: int) -> None:
    if high < limits[0] or low > limits[1]:
        return
    for row in range(_row(min(high, limits[1]), limits), _row(max(low, limits[0]), limits) + 1):
        rows[row][column] = pen


def _row(value: float, limits: tuple[float, float]) -> int:
    inner = HEIGHT - _TOP - _BOTTOM - 1
    part = (value - limits[0]) / (limits[1] - limits[0])
    return _TOP + round((1 - min(max(part, 0.0), 1.0)) * inner)


def _axes(rows, reach: tuple[float, float], limits: tuple[float, float]) -> None:
    floor, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    for column in range(_LEFT - 1, right + 1):
        rows[_TOP - 1][column] = rows[floor][column] = png.BLACK
    for row in range(_TOP - 1, floor + 1):
        rows[row][_LEFT - 1] = rows[row][right] = png.BLACK
    scale = (right - _LEFT - 1) / max(reach[1] - reach[0], 1e-12)
    for value, text in _ticks(*reach, 8):
        column = _LEFT + round((value - reach[0]) * scale)
        for row in range(floor, floor + 5):
            rows[row][column] = png.BLACK
        left = min(max(column - lettering.width_of(text) // 2, 0), WIDTH - lettering.width_of(text))
        lettering.write(rows, text, left=left, top=floor + 9, pen=png.BLACK)
    for value, text in _ticks(*limits, 6):
        row = _row(value, limits)
        for column in range(_LEFT - 5, _LEFT):
            rows[row][column] = png.BLACK
        left = max(_LEFT - 8 - lettering.width_of(text), 0)
        lettering.write(rows, text, left=left, top=row - 3, pen=png.BLACK)


def _ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Round numbers between two limits, at most about ``most``."""
    rough = (high - low) / most
    if not rough > 0 or not math.isfinite(rough):
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [(k * step, f"{k * step:.6g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]

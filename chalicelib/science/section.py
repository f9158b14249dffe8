"""Which part of a raw frame the light falls on."""

from __future__ import annotations

import re

from .errors import UnusableFrame

# Lit part of a full-width readout in unbinned pixels, from frames whose prescan, overscan and edge columns were
# looked at: the first and last lit column of the Blue chip collect the light of their neighbours outside.
_LIT_COLUMNS = {"Blue": (20, 4110), "Red": (50, 4142), "": (50, 4110)}
_FULL_WIDTH = (4130, 4160)
_SECTION = re.compile(r"\s*\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]\s*$")


#: Rows or columns, and pixels, below which a frame can be neither combined, reduced nor extracted from.
_LEAST_SIDE, _LEAST_PIXELS = 16, 2000


def check_size(shape: tuple[int, ...]) -> None:
    """Refuse a frame (or what is left of it after trimming) that is too small to work on.

    Raises
    ------
    UnusableFrame
    """
    ny, nx = shape
    if min(ny, nx) < _LEAST_SIDE or ny * nx < _LEAST_PIXELS:
        raise UnusableFrame(
            f"The frame has only {nx} x {ny} lit pixels: too few pixels to work on; read out a larger region."
        )


def is_full_width(columns: int, binning: int) -> bool:
    """Whether a frame of that many columns was read with its prescan (``columns`` binned by ``binning``)."""
    return _FULL_WIDTH[0] <= columns * binning + binning - 1 and columns * binning <= _FULL_WIDTH[1]


def section(
    text: str | None, shape: tuple[int, int], binning: tuple[int, int], camera: str = ""
) -> tuple[slice, slice]:
    """The part of a raw frame that light falls on: TRIMSEC where it makes sense, else the geometry's.

    Parameters
    ----------
    text : str or None
        The TRIMSEC card, ``[x1:x2,y1:y2]``, 1-based and inclusive, in binned or in unbinned pixels, or nonsense of
        any type.
    shape : (ny, nx)
        Of the raw frame, binned pixels.
    binning : (serial, parallel)
    camera : str
        ``"Red"``, ``"Blue"`` or ``""`` (unknown: what is safe for both).

    Returns
    -------
    (slice, slice)
        Rows and columns of the array. Prescan, overscan and the first row (it carries the charge of the rows that
        were skipped) are never part of it; a TRIMSEC that would leave less than half of the frame is not believed.
    """
    ny, nx = shape
    bx, by = binning
    columns, rows = (0, nx), (1 if ny > 16 else 0, ny)
    if is_full_width(nx, bx):
        low, high = _LIT_COLUMNS.get(camera, _LIT_COLUMNS[""])
        columns = (-(-low // bx), min(high // bx, nx))
    match = _SECTION.match(str(text))  # some headers hold a number there
    if match:
        x1, x2, y1, y2 = map(int, match.groups())
        columns = _narrowed(columns, (x1, x2), nx, bx)
        rows = _narrowed(rows, (y1, y2), ny, by)
    return slice(*rows), slice(*columns)


def _narrowed(default: tuple[int, int], limits: tuple[int, int], size: int, binning: int) -> tuple[int, int]:
    first, last = limits[0] - 1, limits[1]  # 0-based, half open
    if last > size:  # unbinned units
        first, last = -(-first // binning), last // binning
    first, last = max(first, default[0]), min(last, default[1])
    return (first, last) if last - first > (default[1] - default[0]) / 2 else default

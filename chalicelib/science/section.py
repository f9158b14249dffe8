"""Which part of a raw frame the light falls on."""

from __future__ import annotations

import re

from .errors import UnusableFrame

# Lit part of a full-width readout in unbinned pixels, from frames whose prescan, overscan and edge columns were
# looked at: the first and last lit column of the Blue chip collect the light of their neighbours outside.
_LIT_COLUMNS = {"Blue": (20, 4110), "Red": (50, 4142), "": (50, 4110)}
_FULL_WIDTH = (4130, 4160)
#: A TRIMSEC that ends this many times beyond a binned frame is in unbinned pixels; at less it is a few pixels long.
_LONGER = 1.25
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
        # Some headers count a pixel more than there are, others unbinned pixels: one rule for both axes tells which.
        # Where the binning is 1 the two are the same, and the axis has no say.
        unbinned = any(b > 1 and last > _LONGER * size for b, last, size in ((bx, x2, nx), (by, y2, ny)))
        columns = _narrowed(columns, (x1, x2), bx if unbinned else 1)
        rows = _narrowed(rows, (y1, y2), by if unbinned else 1)
    return slice(*rows), slice(*columns)


def _narrowed(default: tuple[int, int], limits: tuple[int, int], unit: int) -> tuple[int, int]:
    """``default`` (binned, 0-based, half open) cut to ``limits`` (1-based, inclusive, ``unit`` of them a pixel)."""
    first, last = -(-(limits[0] - 1) // unit), limits[1] // unit
    first, last = max(first, default[0]), min(last, default[1])
    return (first, last) if last - first > (default[1] - default[0]) / 2 else default

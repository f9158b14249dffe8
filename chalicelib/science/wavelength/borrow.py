"""An arc with too few lines for a solution of its own read by the solution of another arc of the same setting.

A handful of lines cannot tell a dispersion relation, but they can tell how far it has moved: all of them have to fall
on laboratory lines at one displacement, and at no other within what flexure can do.
"""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np

from ..dispersion import IdentifiedLine, WavelengthSolution
from ..reference import LabLines, Library
from .fit import FLOOR
from .lines import ArcSpectrum, measure
from .match import brightest, nearest_index
from .solver import Setup

FEWEST_PAIRS = 3
#: Share of the measured lines (by number) that must find their name.
SHARE = 0.6
#: Unbinned pixels: a line this near to where a laboratory line should be is that line.
TOLERANCE = 0.3
STEP = 0.1
#: Probability that chance finds as many pairs at any of the displacements tried.
CHANCE = 1e-3
BRIGHTEST_PER_ION = 30
LARGEST_ERROR = 0.25


def borrow(
    lamp: ArcSpectrum, setup: Setup, other: WavelengthSolution, library: Library, reach: float
) -> WavelengthSolution | None:
    """The other arc's solution moved onto this lamp's lines; None if they do not say where to.

    Parameters
    ----------
    lamp : ArcSpectrum
    setup : Setup
        Of this lamp: its elements name the lines that may be seen.
    other : WavelengthSolution
        Of an arc of the same setting.
    library : Library
    reach : float
        Unbinned pixels either way that are tried.

    Returns
    -------
    WavelengthSolution or None
        ``lines`` are this lamp's own, ``rms`` their scatter about the moved solution.
    """
    lines = measure(lamp)
    lines = lines.select(lines.clean & (lines.error < LARGEST_ERROR))
    elements = tuple(e for e in setup.elements if e in library.elements)
    if len(lines) < FEWEST_PAIRS or not elements:
        return None
    lab = library.lines(elements)
    low, high = other.wavelength(np.array([lines.column.min(), lines.column.max()]) + np.array([-reach, reach]))
    lab = brightest(lab.select((lab.wavelength > low) & (lab.wavelength < high)), BRIGHTEST_PER_ION)
    if len(lab) < FEWEST_PAIRS:
        return None
    shift = _displacement(lines.column, other, lab, reach)
    if shift is None:
        return None
    return _moved(lines.column, lines.error, other, lab, shift)


def _offsets(column: np.ndarray, other: WavelengthSolution, lab: LabLines) -> tuple[np.ndarray, np.ndarray]:
    """For each line the nearest laboratory line's index, and how far (pixels) the line lies right of it."""
    predicted = other.wavelength(column)
    nearest = nearest_index(lab.wavelength, predicted)
    return nearest, (predicted - lab.wavelength[nearest]) / other.dispersion(column)


def _displacement(column: np.ndarray, other: WavelengthSolution, lab: LabLines, reach: float) -> float | None:
    """The one displacement at which the lines find their names; None if none stands out from chance and rivals."""
    tried = np.arange(-reach, reach + STEP / 2, STEP)
    pairs = np.array([np.count_nonzero(np.abs(_offsets(column - s, other, lab)[1]) < TOLERANCE) for s in tried])
    most = int(pairs.max())
    best = tried[pairs == most]
    if most < max(FEWEST_PAIRS, SHARE * len(column)) or np.ptp(best) > 2 * TOLERANCE:
        return None
    rivals = pairs[np.abs(tried - best.mean()) > 3 * TOLERANCE]
    if len(rivals) and rivals.max() > most - 2:
        return None
    pixels = np.ptp(lab.wavelength) / abs(float(np.mean(other.dispersion(column))))
    hit = min(1.0, 2 * TOLERANCE * len(lab) / max(pixels, 1.0))
    n = len(column)
    tail = sum(comb(n, k) * hit**k * (1 - hit) ** (n - k) for k in range(most, n + 1))
    if tail * reach / TOLERANCE > CHANCE:
        return None
    _, offset = _offsets(column - best.mean(), other, lab)
    return float(best.mean() + np.median(offset[np.abs(offset) < TOLERANCE]))


def _moved(column, error, other: WavelengthSolution, lab: LabLines, shift: float) -> WavelengthSolution:
    nearest, offset = _offsets(column - shift, other, lab)
    step = other.dispersion(column - shift)
    named = np.abs(offset) < 2 * TOLERANCE
    used = np.abs(offset) < max(FLOOR, TOLERANCE)
    lines = tuple(
        IdentifiedLine(float(c), float(e), float(lab.wavelength[j]), str(lab.ion[j]), float(o * s), bool(u))
        for c, e, j, o, s, u, n in zip(column, error, nearest, offset, step, used, named, strict=True)
        if n
    )
    scatter = float(np.sqrt(np.mean((offset[used] * step[used]) ** 2)))
    seen = {str(ion).split()[0] for ion in lab.ion[nearest[used]]}
    return replace(
        other,
        domain=(other.domain[0] + shift, other.domain[1] + shift),
        span=(float(column[used].min()), float(column[used].max())),
        lines=lines,
        rms=float(np.hypot(other.rms, scatter)),
        rms_fit=scatter,
        lamps=tuple(sorted(seen)),
        template="",
    )

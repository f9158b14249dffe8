"""Collapse a two-dimensional arc to one spectrum, following the tilt and curvature of its lines.

Lines are tilted and curved across the slit by 0.5 to 1.8 pixels; a plain sum over rows would smear and shift them. The
displacement of each row against a reference row is measured on the arc itself, block by block, and modelled as a low
polynomial in row and column (as in Kelson 2003, PASP 115, 688, rows stay on their native sampling until they are
added).
"""

from __future__ import annotations

import numpy as np

from ..errors import CalibrationMismatch, UnusableFrame
from ..frame import Frame, MaskBit
from ..spectrum import Trace
from .lines import ArcSpectrum

REACH = 60.0
BANDS = 16
BLOCKS = 4
LARGEST_TILT = 6.0
BAD_BITS = MaskBit.BAD | MaskBit.COSMIC_RAY | MaskBit.OUTSIDE_SLIT


def collapse_arc(arc: Frame, trace: Trace | None = None) -> ArcSpectrum:
    """The lamp's spectrum along ``trace``.

    Parameters
    ----------
    arc : Frame
        (ny, nx) electrons; any binning and window.
    trace : Trace or None
        Of the science target, in unbinned detector columns and rows. None collapses about the middle of the lit slit.

    Returns
    -------
    ArcSpectrum
        Mean electrons per pixel of the rows used, lines aligned to the trace's row.

    Raises
    ------
    CalibrationMismatch
        The trace lies outside the arc's window.
    UnusableFrame
        The arc holds no light at all.
    """
    data = np.asarray(arc.data, dtype=float)
    bad = ((arc.mask & BAD_BITS) != 0) | ~np.isfinite(data) | ~(arc.variance > 0)
    data = np.where(bad, np.nan, data)
    lit = lit_rows(data)
    if len(lit) == 0:
        raise UnusableFrame("The arc frame has no light in any row, so no lamp spectrum can be taken from it.")
    nx = data.shape[1]
    columns = np.arange(nx, dtype=float)
    rows = reference_rows(arc, trace, lit, columns)
    shifts = row_shifts(data, lit)
    return stack(arc, data, lit, rows, shifts)


def lit_rows(data: np.ndarray) -> np.ndarray:
    """Indices of the rows that see the lamp: their bright pixels stand out like those of the best rows."""
    filled = np.nan_to_num(data, nan=0.0)
    strength = np.percentile(filled, 99, axis=1) - np.percentile(filled, 40, axis=1)
    top = np.percentile(strength, 90)
    if not np.isfinite(top) or top <= 0:
        return np.empty(0, dtype=int)
    return np.flatnonzero((strength > 0.4 * top) & (np.isfinite(data).mean(axis=1) > 0.5))


def reference_rows(arc: Frame, trace: Trace | None, lit: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Array row of the spectrum wanted at each column: along the trace, or the middle of the slit."""
    if trace is None:
        return np.full(len(columns), float(np.median(lit)))
    rows = trace.row_in(arc.geometry, columns)
    middle = float(np.median(rows))
    if middle < lit[0] - 2 or middle > lit[-1] + 2:
        wanted, low, high = (float(arc.geometry.detector_row(row)) for row in (middle, lit[0], lit[-1]))
        raise CalibrationMismatch(
            f"The target's trace (detector row {wanted:.0f}) lies outside the lamp frame's window (rows {low:.0f} to "
            f"{high:.0f}); take an arc with the science frame's region of interest."
        )
    return np.clip(rows, lit[0], lit[-1])


def row_shifts(data: np.ndarray, lit: np.ndarray):
    """Displacement of the lines (pixels) as a function of (row, column), zero in the middle row.

    Bands of rows are compared with the middle band in blocks of columns; a polynomial quadratic in row, with a term
    in row x column, goes through the displacements that are well measured.
    """
    nx = data.shape[1]
    middle = float(np.median(lit))
    half = max(1.0, (lit[-1] - lit[0]) / 2)
    bands = [b for b in np.array_split(lit, min(BANDS, max(1, len(lit) // 3))) if len(b)]
    with np.errstate(all="ignore"):
        spectra = np.array([_nanmedian(data[b]) for b in bands])
    centre = int(np.argmin([abs(np.mean(b) - middle) for b in bands]))
    points = []
    for low, high in zip(
        np.linspace(0, nx, BLOCKS + 1)[:-1].astype(int), np.linspace(0, nx, BLOCKS + 1)[1:].astype(int), strict=True
    ):
        for band, spectrum in zip(bands, spectra, strict=True):
            shift, weight = displacement(spectra[centre, low:high], spectrum[low:high])
            if weight > 0:
                points.append(((np.mean(band) - middle) / half, ((low + high) / nx - 1), shift, weight))
    if len(points) < 8:
        return lambda row, column: np.zeros(np.broadcast(row, column).shape)
    r, c, shift, weight = np.array(points).T

    def design(r, c):
        return np.array([np.ones_like(r), c, r, r**2, r * c, r**2 * c])

    keep = np.ones(len(r), dtype=bool)
    for _ in range(4):
        root = np.sqrt(weight[keep])
        solution = np.linalg.lstsq((design(r, c)[:, keep] * root).T, shift[keep] * root, rcond=None)[0]
        residual = shift - solution @ design(r, c)
        scatter = max(0.02, 1.4826 * np.median(np.abs(residual[keep])))
        keep = np.abs(residual) < 4 * scatter
        if keep.sum() < 8:
            return lambda row, column: np.zeros(np.broadcast(row, column).shape)
    # the constant belongs to the middle band's own mean row, not to the tilt
    solution[:2] = 0.0

    def shifts(row, column):
        row, column = np.broadcast_arrays(np.asarray(row, dtype=float), np.asarray(column, dtype=float))
        return np.tensordot(solution, design((row - middle) / half, 2 * column / nx - 1), axes=1)

    return shifts


def _nanmedian(rows: np.ndarray) -> np.ndarray:
    filled = np.where(np.isfinite(rows).any(axis=0), rows, 0.0)
    return np.nanmedian(filled, axis=0) if np.isnan(filled).any() else np.median(filled, axis=0)


def displacement(reference: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """How far (pixels) ``other`` lies to the right of ``reference``, and the weight of that; 0 weight: cannot say.

    Least-squares by Gauss-Newton on shift, scale and level of the reference's linear interpolation.
    """
    reach = int(LARGEST_TILT) + 2
    flat = reference - np.median(reference)
    if len(reference) < 8 * reach or np.sum(flat**2) <= 0:
        return 0.0, 0.0
    other = other - np.median(other)
    lags = np.arange(-reach, reach + 1)
    inner = slice(reach, len(flat) - reach)
    correlation = np.array([np.dot(other[inner], flat[reach - lag : len(flat) - reach - lag]) for lag in lags])
    best = int(np.argmax(correlation))
    if best in (0, len(lags) - 1) or correlation[best] <= 0:
        return 0.0, 0.0
    left, top, right = correlation[best - 1 : best + 2]
    shift = lags[best] + 0.5 * (left - right) / (left - 2 * top + right)
    x = np.arange(len(flat), dtype=float)
    weight = 0.0
    for _ in range(5):
        moved = np.interp(x - shift, x, flat)[inner]
        slope = -np.gradient(moved)
        design = np.array([slope, moved, np.ones_like(moved)])
        normal = design @ design.T
        if np.linalg.cond(normal) > 1e14:
            return 0.0, 0.0
        solution = np.linalg.solve(normal, design @ other[inner])
        step = solution[0] / solution[1] if solution[1] > 0.05 else 0.0
        shift += float(np.clip(step, -0.5, 0.5))
        misfit = np.var(other[inner] - solution @ design) + 1e-12
        weight = float(np.sum(slope**2) / misfit)
        if abs(step) < 1e-3:
            break
    # an error above a third of a pixel says nothing about the tilt
    return (shift, weight) if weight > 10 and abs(shift) < LARGEST_TILT else (0.0, 0.0)


def stack(arc: Frame, data, lit, rows, shifts) -> ArcSpectrum:
    """Mean of the rows near the wanted one, each moved onto it, outliers left out."""
    ny, nx = data.shape
    columns = np.arange(nx, dtype=float)
    reach = REACH / arc.geometry.binning[1]
    near = lit[(lit > rows.min() - reach) & (lit < rows.max() + reach)]
    if len(near) == 0:
        near = lit[np.argsort(np.abs(lit - np.median(rows)))[:5]]
    variance = np.where(np.isfinite(data), arc.variance, np.nan)
    saturated = (arc.mask & MaskBit.SATURATED) != 0
    at_trace = shifts(rows, columns)
    planes, noises, burnt = [], [], np.zeros(nx)
    for row in near:
        # the sample of this row that shows the same wavelength as the wanted row does at each column
        source = columns + shifts(np.full(nx, float(row)), columns) - at_trace
        good = np.isfinite(data[row])
        if good.sum() < nx // 2:
            continue
        values = np.interp(source, columns[good], data[row][good])
        gone = np.interp(source, columns, (~good).astype(float)) > 0.01
        values[gone] = np.nan
        planes.append(values)
        noises.append(np.interp(source, columns[good], variance[row][good]))
        burnt += np.interp(source, columns, saturated[row].astype(float)) > 0.01
    if not planes:
        raise UnusableFrame("The arc frame has no usable row beside the target's trace.")
    cube, noise = np.array(planes), np.array(noises)
    middle = np.nanmedian(np.where(np.isnan(cube).all(axis=0), 0.0, cube), axis=0)
    # a lamp's brightness along the slit varies by a few tenths; a cosmic ray does not look like that
    wild = np.abs(cube - middle) > 6 * np.sqrt(noise) + 0.4 * np.abs(middle)
    cube = np.where(wild, np.nan, cube)
    count = np.isfinite(cube).sum(axis=0)
    safe = np.maximum(count, 1)
    flux = np.where(count > 0, np.nansum(cube, axis=0) / safe, 0.0)
    total = np.where(count > 0, np.nansum(np.where(np.isfinite(cube), noise, np.nan), axis=0) / safe**2, 0.0)
    mask = np.where(count == 0, MaskBit.BAD, 0) | np.where(burnt > 0.2 * len(planes), MaskBit.SATURATED, 0)
    return ArcSpectrum(arc.geometry.detector_column(columns), flux, total, mask.astype(np.uint8))

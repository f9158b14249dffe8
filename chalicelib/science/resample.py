"""Resampling that conserves flux: exact overlap of bins."""

from __future__ import annotations

import numpy as np

from .spectrum import Spectrum


def rebin(edges_in, values, variances, edges_out) -> tuple[np.ndarray, np.ndarray]:
    """Redistribute binned counts over other bins by exact overlap.

    Every input bin is taken as evenly filled; an output bin receives from it the share that lies inside. Counts outside
    ``edges_out`` are lost, output bins outside ``edges_in`` stay empty, everything else is conserved.

    Parameters
    ----------
    edges_in : (n + 1,) array_like
        Input bin edges, strictly rising.
    values : (n,) array_like
        Counts (not densities) per input bin.
    variances : (n,) array_like or None
        Their variances; None for zeros.
    edges_out : (m + 1,) array_like
        Output bin edges, strictly rising.

    Returns
    -------
    values, variances : (m,) float64
        Counts per output bin and the diagonal of their covariance, ``sum(share**2 * variance)``. Neighbouring output
        bins that share an input bin are correlated, so the sum of many bins has a larger variance than these add up to.
    """
    low, high = np.asarray(edges_in, dtype=float), np.asarray(edges_out, dtype=float)
    values = np.asarray(values, dtype=float)
    variances = np.zeros_like(values) if variances is None else np.asarray(variances, dtype=float)
    if low.ndim != 1 or high.ndim != 1 or low.size != values.size + 1 or variances.shape != values.shape:
        raise ValueError("n values and variances need n + 1 input edges")
    if not (np.all(np.diff(low) > 0) and np.all(np.diff(high) > 0)):
        raise ValueError("bin edges must rise strictly")
    # Between two neighbouring edges of either set lies exactly one pair (input bin, output bin).
    edges = np.union1d(low, high)
    edges = edges[(edges >= max(low[0], high[0])) & (edges <= min(low[-1], high[-1]))]
    total, variance = np.zeros(high.size - 1), np.zeros(high.size - 1)
    if edges.size < 2:
        return total, variance
    middle = (edges[1:] + edges[:-1]) / 2
    source = np.clip(np.searchsorted(low, middle, side="right") - 1, 0, values.size - 1)
    target = np.clip(np.searchsorted(high, middle, side="right") - 1, 0, total.size - 1)
    share = np.diff(edges) / np.diff(low)[source]
    np.add.at(total, target, share * values[source])
    np.add.at(variance, target, share**2 * variances[source])
    return total, variance


def wavelength_edges(spectrum: Spectrum) -> np.ndarray:
    """Air wavelengths (Angstrom) of the edges of a calibrated spectrum's columns, shape ``(n + 1,)``.

    Raises
    ------
    ValueError
        If the spectrum has no solution, its columns are not consecutive, or its wavelengths do not change steadily.
    """
    if spectrum.solution is None:
        raise ValueError("a spectrum without a wavelength solution has no wavelength edges")
    column = np.asarray(spectrum.column, dtype=float)
    if column.size > 1 and not np.allclose(np.diff(column), 1):
        raise ValueError("the columns of a spectrum must be consecutive")
    places = np.append(column - 0.5, column[-1] + 0.5)
    edges = spectrum.solution.wavelength(spectrum.geometry.detector_column(places))
    steps = np.diff(edges)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise ValueError("the wavelength solution is not monotonic over the spectrum")
    return edges


def to_linear(spectrum: Spectrum) -> tuple[np.ndarray, np.ndarray, float, float]:
    """A calibrated spectrum on a linear air-wavelength axis, flux conserved.

    The axis has as many pixels as the spectrum has columns and covers exactly what they cover. Columns without a finite
    flux are bridged by linear interpolation, so that old programs meet no NaN; the error says where that happened.

    Parameters
    ----------
    spectrum : Spectrum
        With a wavelength solution; ``n`` columns.

    Returns
    -------
    flux : (n,) float32
        Electrons (or whatever unit ``spectrum.flux`` has per column) per output pixel.
    error : (n,) float32
        1-sigma errors (diagonal; see :func:`rebin`); NaN where more than half of a pixel comes from bridged columns.
    crval : float
        Air wavelength (Angstrom) of the centre of the first pixel.
    cdelt : float
        Angstrom per pixel, positive.

    Raises
    ------
    ValueError
        As :func:`wavelength_edges`.
    """
    edges = wavelength_edges(spectrum)
    flux = np.asarray(spectrum.flux, dtype=float)
    variance = np.asarray(spectrum.error, dtype=float) ** 2
    if edges[0] > edges[-1]:
        edges, flux, variance = edges[::-1], flux[::-1], variance[::-1]
    known = np.isfinite(flux) & np.isfinite(variance)
    width = np.diff(edges)
    if known.any() and not known.all():
        index = np.arange(flux.size)
        # Densities, not counts, are smooth along the spectrum.
        density = np.interp(index, index[known], (flux / width)[known])
        flux = np.where(known, flux, density * width)
        variance = np.where(known, variance, 0.0)
    elif not known.any():
        flux, variance = np.zeros_like(flux), np.zeros_like(flux)
    step = (edges[-1] - edges[0]) / flux.size
    axis = edges[0] + step * np.arange(flux.size + 1)
    axis[-1] = edges[-1]
    out, out_variance = rebin(edges, flux, variance, axis)
    covered, _ = rebin(edges, np.where(known, width, 0.0), None, axis)
    error = np.where(covered >= 0.5 * step, np.sqrt(out_variance), np.nan)
    return out.astype(np.float32), error.astype(np.float32), float(edges[0] + step / 2), float(step)

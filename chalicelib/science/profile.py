"""Spatial profiles: their shape across the slit, and the targets that stand out of the sky."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

#: Moffat exponent of an average night; the prior where a target is too faint to tell.
TYPICAL_BETA = 3.0
#: Rows collapsed at a time.
_ROWS = 16
#: Nodes and weights of the 3-point Gauss-Legendre rule over one pixel (exact to order 5).
_NODES = (-0.5 * math.sqrt(0.6), 0.0, 0.5 * math.sqrt(0.6))
_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)


def moffat_alpha(fwhm, beta: float):
    """Core radius of a Moffat profile of the given full width at half maximum and exponent."""
    return fwhm / (2 * math.sqrt(2 ** (1 / beta) - 1))


def profile_value(offset, fwhm, beta: float) -> np.ndarray:
    """Fraction of a target's light per pixel at ``offset`` pixels from its centre, integrated over the pixel.

    Parameters
    ----------
    offset : array_like
        Pixel centre minus target centre, pixels.
    fwhm : array_like
        Full width at half maximum before pixel integration, pixels; broadcast against ``offset``.
    beta : float
        Moffat exponent (Moffat 1969, A&A 3, 455); infinity is a Gaussian.

    Returns
    -------
    ndarray
        Sums to 1 over all pixels; same dtype as ``offset`` if floating.
    """
    offset = np.asarray(offset)
    out = 0.0
    if math.isinf(beta):
        sigma = fwhm / 2.3548200450309493
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            out = out + weight * np.exp(-0.5 * ((offset + node) / sigma) ** 2)
        return out / (sigma * math.sqrt(2 * math.pi))
    alpha = moffat_alpha(fwhm, beta)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        out = out + weight * (1 + ((offset + node) / alpha) ** 2) ** -beta
    norm = math.sqrt(math.pi) * math.exp(math.lgamma(beta - 0.5) - math.lgamma(beta))
    return out / (alpha * norm)


@dataclass(frozen=True)
class Collapsed:
    """A sky-subtracted frame averaged over blocks of columns.

    Attributes
    ----------
    value, variance : (nb, ny) float64
        Mean electrons per pixel and its variance; variance infinite where nothing is usable.
    column : (nb,) float64
        Mean array column of each block.
    width : int
        Columns per block.
    columns : int
        Columns of the frame.
    """

    value: np.ndarray
    variance: np.ndarray
    column: np.ndarray
    width: int
    columns: int

    @property
    def xi(self) -> np.ndarray:
        """Block centres scaled to -1 … 1 over the frame, (nb,)."""
        return (2 * self.column - (self.columns - 1)) / max(self.columns - 1, 1)

    def coarser(self) -> Collapsed:
        """Pairs of blocks averaged."""
        nb = len(self.column) // 2 * 2
        weight = np.where(np.isfinite(self.variance), 1 / self.variance, 0.0)[:nb].reshape(nb // 2, 2, -1)
        total = weight.sum(axis=1)
        value = np.sum(weight * self.value[:nb].reshape(weight.shape), axis=1)
        with np.errstate(divide="ignore"):
            spread = 1 / total
        value = np.divide(value, total, out=np.zeros_like(total), where=total > 0)
        return Collapsed(value, spread, self.column[:nb].reshape(-1, 2).mean(axis=1), 2 * self.width, self.columns)

    def minus(self, model: np.ndarray) -> Collapsed:
        """The same with ``model`` (nb, ny) subtracted."""
        return Collapsed(self.value - model, self.variance, self.column, self.width, self.columns)


def collapse(residual, variance, good, blocks: int = 32, clip: float = 6.0) -> Collapsed:
    """Average a sky-subtracted frame over blocks of columns, row by row, rejecting what only one pixel claims.

    Parameters
    ----------
    residual, variance : (ny, nx) float32
        Sky-subtracted electrons; variance of the sky and read noise (not of each pixel's own noise).
    good : (ny, nx) bool
        Usable pixels.
    blocks : int
        Number of blocks; fewer for narrow frames.
    clip : float
        Pixels this many sigma above the median of their row within the block are cosmic rays.

    Returns
    -------
    Collapsed
    """
    ny, nx = residual.shape
    width = max(1, -(-nx // blocks))
    blocks = -(-nx // width)
    mean, spread = np.empty((ny, blocks)), np.empty((ny, blocks))
    # In groups of rows that stay in the processor's cache.
    for first in range(0, ny, _ROWS):
        part = slice(first, first + _ROWS)
        mean[part], spread[part] = _collapse_rows(residual[part], variance[part], good[part], blocks, width, clip)
    column = np.minimum(np.arange(blocks) * width + (width - 1) / 2, nx - 1.0)
    return Collapsed(np.ascontiguousarray(mean.T), np.ascontiguousarray(spread.T), column, width, nx)


def _collapse_rows(residual, variance, good, blocks: int, width: int, clip: float) -> tuple[np.ndarray, np.ndarray]:
    ny, nx = residual.shape
    weight = np.zeros((ny, blocks * width), np.float32)
    np.divide(good, variance, out=weight[:, :nx], where=good)
    value = np.zeros((ny, blocks * width), np.float32)
    value[:, :nx] = np.where(good, residual, 0)
    weight, value = weight.reshape(ny, blocks, width), value.reshape(ny, blocks, width)
    # Every third pixel is enough for a centre to clip against.
    centre = np.median(value[:, :, ::3], axis=2)[:, :, None]
    excess = value - centre
    light = 1.5 * np.abs(centre) + (0.3 * centre) ** 2
    # Written without dividing: excess² > clip² (1 / weight + light).
    out = (excess > 0) & (excess * excess * weight > clip**2 * (1 + light * weight))
    weight[out] = 0
    total = weight.sum(axis=2, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(total > 0, np.einsum("ybw,ybw->yb", weight, value) / total, 0.0)
        spread = 1 / total
    # A row of which little is left in a block says nothing certain.
    spread[np.count_nonzero(weight, axis=2) < 0.25 * width] = np.inf
    return mean, spread


def running_background(collapsed: Collapsed, exclude: np.ndarray, half: int) -> np.ndarray:
    """Slowly varying residual sky along the slit, per block: running medians over ``2 * half + 1`` rows.

    Parameters
    ----------
    collapsed : Collapsed
    exclude : (nb, ny) bool
        Places of known targets.
    half : int
        Half width of the window, rows.

    Returns
    -------
    (nb, ny) float64
        Electrons per pixel.
    """
    nb, ny = collapsed.value.shape
    value = np.where(np.isfinite(collapsed.variance) & ~exclude, collapsed.value, np.nan)
    step = max(1, half // 4)
    nodes = np.unique(np.append(np.arange(0, ny, step), ny - 1))
    # Every window is as wide: at the ends of the slit it stops being centred.
    size = min(2 * half + 1, ny)
    first = np.clip(nodes - half, 0, ny - size)
    windows = np.sort(value[:, first[:, None] + np.arange(size)], axis=2)  # NaNs come last
    count = np.count_nonzero(np.isfinite(windows), axis=2)
    lower, upper = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, size - 1)
    pick = [np.take_along_axis(windows, k[:, :, None], axis=2)[:, :, 0] for k in (lower, upper)]
    out = np.where(count > 0.15 * size, (pick[0] + pick[1]) / 2, np.nan)
    rows = np.arange(ny)
    result = np.zeros((nb, ny))
    for b in range(nb):
        known = np.isfinite(out[b])
        if known.any():
            result[b] = np.interp(rows, nodes[known], out[b][known])
    return result


@dataclass(frozen=True)
class Candidate:
    """A place where light stands out: row on the middle column and how it drifts along the frame.

    ``slope`` and ``curve`` are the Chebyshev coefficients T1 and T2 of the trace in rows, ``fwhm`` the matched width in
    rows, ``significance`` the signal-to-noise ratio of the matched filter.
    """

    row: float
    slope: float
    curve: float
    fwhm: float
    significance: float


def matched_filter(collapsed: Collapsed, drifts, widths) -> np.ndarray:
    """Significance of a target at every row, for every assumed drift and width.

    Parameters
    ----------
    collapsed : Collapsed
        With all known light subtracted.
    drifts : sequence of (nb,) arrays
        Row offsets of each block from the middle column's row.
    widths : sequence of float
        Full widths at half maximum, rows.

    Returns
    -------
    (n_drifts, n_widths, ny) float64
        Signal-to-noise ratio.
    """
    nb, ny = collapsed.value.shape
    weight = np.where(np.isfinite(collapsed.variance), 1 / collapsed.variance, 0.0)
    signal = weight * collapsed.value
    # Filter first, shift and add afterwards: there are far more drifts than widths.
    pad = int(max((np.max(np.abs(d)) for d in drifts), default=0)) + 2
    filtered = np.zeros((nb, 2, len(widths), ny + 2 * pad))
    norms = np.empty(len(widths))
    for j, fwhm in enumerate(widths):
        half = max(1, math.ceil(1.5 * fwhm))
        kernel = profile_value(np.arange(-half, half + 1.0), fwhm, TYPICAL_BETA)
        norms[j] = np.sum(kernel**2)
        for k, p in zip(range(-half, half + 1), kernel, strict=True):
            source, target = slice(max(0, k), min(ny, ny + k)), slice(pad + max(0, -k), pad + min(ny, ny - k))
            filtered[:, 0, j, target] += p * signal[:, source]
            filtered[:, 1, j, target] += p * p * weight[:, source]
    out = np.zeros((len(drifts), len(widths), ny))
    sums = np.empty((2, len(widths), ny))
    for i, drift in enumerate(drifts):
        sums[:] = 0
        for b, shift in enumerate(np.rint(drift).astype(int)):
            sums += filtered[b, :, :, pad + shift : pad + shift + ny]
        top, bottom = sums
        # At the ends of the slit half the profile is outside: a peak there is not a target's centre.
        enough = bottom > 0.6 * np.median(bottom, axis=1, keepdims=True)
        np.divide(top, np.sqrt(bottom), out=out[i], where=enough & (bottom > 0))
    return out


def find_candidate(collapsed: Collapsed, shapes, widths, forbidden: np.ndarray, improbability=None) -> Candidate | None:
    """The most significant target.

    Parameters
    ----------
    collapsed : Collapsed
        With all known light subtracted.
    shapes : sequence of (slope, curve)
        Drifts to try, rows.
    widths : sequence of float
        Full widths at half maximum to try, rows.
    forbidden : (ny,) bool
        Middle-column rows where no centre may lie.
    improbability : (n_shapes, n_widths) array_like, optional
        Minus twice the logarithm of each shape's prior probability: what a target must bring in squared significance
        over one of the expected shape.

    Returns
    -------
    Candidate or None
        None where nothing is usable; the caller judges the significance, which is measured in units of the scatter of
        the filter's own output if that is larger than the noise predicts.
    """
    if len(shapes) > 20:
        collapsed = collapsed.coarser()
    xi = collapsed.xi
    drifts = [slope * xi + curve * (2 * xi**2 - 1 + 1) for slope, curve in shapes]
    response = matched_filter(collapsed, drifts, widths)
    live = (response != 0) & ~forbidden
    if not live.any():
        return None
    squared = response * np.abs(response)
    if improbability is not None:
        squared = squared - np.asarray(improbability)[:, :, None]
    i, j, row = np.unravel_index(int(np.argmax(np.where(live, squared, -np.inf))), response.shape)
    # The scatter elsewhere along the slit, seen by the same filter.
    elsewhere = live[i, j] & (np.abs(np.arange(live.shape[2]) - row) > 3 * widths[j])
    values = response[i, j][elsewhere]
    scatter = 1.4826 * float(np.median(np.abs(values - np.median(values)))) if values.size > 20 else 1.0
    best = math.sqrt(max(float(squared[i, j, row]), 0.0)) / max(1.0, scatter)
    slope, curve = shapes[i]
    return Candidate(float(row), float(slope), float(curve), float(widths[j]), best)

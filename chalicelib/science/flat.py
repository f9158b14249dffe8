"""Flat fields: from a master in electrons to the response of each pixel, and its division."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from .frame import Frame, MaskBit
from .robust import median

METHODS = ("simple", "mean", "full")
_MINIMUM_SIGNAL_TO_NOISE = 20.0  # a flat below this adds more noise (5 %) than it removes
_LOWEST_RESPONSE = 0.1
_UNUSABLE = np.uint8(MaskBit.BAD | MaskBit.SATURATED | MaskBit.NO_FLAT)


@dataclass(frozen=True)
class Response:
    """Relative sensitivity of each pixel.

    Attributes
    ----------
    data : (ny, nx) float32
        About 1. Where the flat had no light, the mean illumination along the slit, so that nothing jumps there.
    variance : (ny, nx) float32
    no_flat : (ny, nx) bool
        Pixels that the flat says nothing about.
    method : str
    """

    data: np.ndarray
    variance: np.ndarray
    no_flat: np.ndarray
    method: str

    @property
    def covered(self) -> float:
        """Fraction of the pixels that have a flat."""
        return 1.0 - float(self.no_flat.mean())


def normalise(master: Frame, method: str = "simple", order: int = 15, outside: np.ndarray | None = None) -> Response:
    """Take the lamp's spectrum out of a flat.

    Parameters
    ----------
    master : Frame
        Electrons, bias-subtracted.
    method : {"simple", "mean", "full"}
        ``simple``: the slit-collapsed flat, smoothed by a Chebyshev series along the dispersion, divides every row;
        ``full``: a series of its own for each row; ``mean``: one number.
    order : int
        Of the Chebyshev series.
    outside : (ny, nx) bool, optional
        Pixels outside the slit.

    Returns
    -------
    Response
    """
    if method not in METHODS:
        raise ValueError(f"flat normalisation {method!r} is none of {', '.join(METHODS)}")
    good = (master.mask & _UNUSABLE) == 0
    if outside is not None:
        good &= ~outside
    lit = lit_columns(master, good)
    if not lit.any() or good[:, lit].mean() < 0.01:
        no_flat = np.ones(master.shape, bool)
        return Response(np.ones(master.shape, np.float32), np.zeros(master.shape, np.float32), no_flat, method)
    collapsed, usable = _collapse(master.data, good)
    usable &= lit
    if method == "mean":
        lamp: np.ndarray = np.full(master.shape[1], float(np.median(collapsed[usable])), np.float32)
    else:
        lamp = _series(collapsed, usable, order)
    lamp = np.where(lit, np.maximum(lamp, 1e-3 * np.max(collapsed[usable])), 1).astype(np.float32)
    inverse = (1 / lamp).astype(np.float32)
    data = master.data * inverse
    variance = master.variance * inverse**2
    if method == "full":
        shape = _row_series(data, good & lit, order)
        data /= shape
        variance /= shape**2
    noisy = data < _MINIMUM_SIGNAL_TO_NOISE * np.sqrt(variance)
    no_flat = ~good | ~lit | noisy | (data < _LOWEST_RESPONSE)
    illumination = _illumination(data, no_flat)
    data = np.where(no_flat, illumination[:, None], data)
    variance[no_flat] = 0
    return Response(data, variance, no_flat, method)


def lit_columns(master: Frame, good: np.ndarray) -> np.ndarray:
    """``(nx,)`` bool: columns where the flat has a usable signal-to-noise ratio in most of its good pixels."""
    signal = np.where(good, master.data, 0).sum(axis=0)
    noise = np.where(good, master.variance, 0).sum(axis=0)
    number = np.maximum(good.sum(axis=0), 1)
    per_pixel = (signal / number) / np.sqrt(np.maximum(noise / number, 1e-6))
    return (per_pixel > _MINIMUM_SIGNAL_TO_NOISE) & (number > 0.2 * max(1, number.max()))


def divide(frame: Frame, response: Response) -> Frame:
    """Divide by the response; the flat's variance goes into the frame's, pixels without flat are flagged.

    Parameters
    ----------
    frame : Frame
        Electrons; same shape as ``response``.

    Returns
    -------
    Frame
    """
    inverse = 1 / response.data
    data = frame.data * inverse
    variance = frame.variance + data**2 * response.variance
    variance *= inverse**2
    mask = frame.mask.copy()
    mask[response.no_flat] |= np.uint8(MaskBit.NO_FLAT)
    return frame.with_data(data=data, variance=variance, mask=mask)


def _collapse(data: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median along the slit of the good pixels and which columns have any."""
    if good.all():
        return median(data, 0).astype(np.float64), np.ones(data.shape[1], bool)
    rows = good.mean(axis=1) > 0.5  # rows that are good nearly everywhere give one profile for all columns
    if rows.sum() < 4:
        rows[:] = True
    chosen, flags = data[rows], good[rows]
    number = flags.sum(axis=0)
    ordered = np.sort(np.where(flags, chosen, np.inf), axis=0)
    usable = number > 0.3 * rows.sum()
    low, high = np.maximum(number - 1, 0) // 2, number // 2
    columns = np.arange(data.shape[1])
    high = np.minimum(high, len(ordered) - 1)
    middle = 0.5 * (ordered[low, columns].astype(np.float64) + ordered[high, columns])
    return np.where(usable, middle, 0.0), usable


def _series(values: np.ndarray, usable: np.ndarray, order: int) -> np.ndarray:
    """Chebyshev series through positive ``values`` with equal relative weights, clipped at 4 sigma.

    A lamp's spectrum spans decades; an unweighted fit would follow its bright end only.
    """
    x = np.linspace(-1, 1, len(values))
    kept = usable & (values > 0)
    degree = min(order, max(1, int(np.count_nonzero(kept)) // 10))
    basis = chebyshev.chebvander(x, degree)
    fit = np.ones(len(values))
    for _ in range(4):
        weighted = basis[kept] / values[kept, None]
        weighted, size = weighted / (norms := np.linalg.norm(weighted, axis=0)), int(kept.sum())
        coefficients = np.linalg.solve(weighted.T @ weighted, weighted.T @ np.ones(size)) / norms
        fit = basis @ coefficients
        residual = np.divide(fit, values, out=np.ones_like(fit), where=values > 0) - 1
        sigma = max(1.4826 * float(np.median(np.abs(residual[kept]))), 1e-4)
        again = usable & (values > 0) & (np.abs(residual) < 4 * sigma)
        if (again == kept).all() or again.sum() < 4 * degree:
            break
        kept = again
    return fit


def _row_series(data: np.ndarray, good: np.ndarray, order: int) -> np.ndarray:
    """``(ny, nx)`` Chebyshev series of each row of an already lamp-free flat, bad pixels left out."""
    ny, nx = data.shape
    columns = good.mean(axis=0) > 0.5
    degree = min(order, max(1, int(np.count_nonzero(columns)) // 10))
    basis = chebyshev.chebvander(np.linspace(-1, 1, nx), degree)
    level = median(data[:, columns], 1)
    values = np.where(good, data, level[:, None])[:, columns].astype(np.float64)
    inverse = np.linalg.pinv(basis[columns])
    fit = (values @ inverse.T) @ basis.T
    residual = values - fit[:, columns]
    sigma = 1.4826 * median(np.abs(residual), 1)[:, None]
    values = np.where(np.abs(residual) < 4 * sigma, values, fit[:, columns])
    fit = (values @ inverse.T) @ basis.T
    return np.maximum(fit, 0.02).astype(np.float32)


def _illumination(data: np.ndarray, no_flat: np.ndarray) -> np.ndarray:
    """``(ny,)`` mean response of each row where the flat has light, 1 where it has none in the whole row."""
    number = (~no_flat).sum(axis=1)
    total = np.where(no_flat, 0, data).sum(axis=1)
    return np.divide(total, number, out=np.ones(len(total)), where=number > 0.05 * data.shape[1]).astype(np.float32)

"""The sky background on native pixels, following sky lines that are tilted and curved across the slit.

After Kelson (2003, PASP 115, 688): pixels are never resampled. Every sky pixel votes at its own *sky column*
``u = column - shift(column, row)`` for one cubic B-spline; because tilted lines sample each line at many pixel
phases, the spline resolves them better than any one row does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .spline import SkySpline, fit_spline, unresolved
from .tilt import LineTilt, measure_tilt, no_tilt

#: A one-knot spline's error, in units of a pixel's noise, from which on a line gets two knots a column.
SHARP = 0.05
#: Squared share of the model that a clip forgives, for lines whose shape changes along the slit.
_MISFIT = 0.1**2
#: Columns over which a tilted line may wander between rows.
_NEARBY = 3


@dataclass(frozen=True)
class SlitSky:
    """The sky over a whole frame: a spline along the sky column times a smooth illumination along the slit.

    Attributes
    ----------
    spline : SkySpline
        Electrons per pixel on an average row.
    illumination : (ny,) float64
        Relative sky level of each row.
    tilt : LineTilt
    rows : (ny,) bool
        Rows free of targets, on which the fit stands.
    variance : (nx,) float64
        Variance (electrons squared) a local fit at one knot a column cannot take over: zero but at sharp lines.
    """

    spline: SkySpline
    illumination: np.ndarray
    tilt: LineTilt
    rows: np.ndarray
    variance: np.ndarray

    def image(self, rows: slice = slice(None)) -> np.ndarray:
        """The sky, electrons, on the given rows: (ny, nx) float32."""
        ny, nx = self.tilt.shape
        y = np.arange(ny)[rows]
        level = self.illumination[rows].astype(np.float32)[:, None]
        columns = np.arange(nx, dtype=np.float32)
        if self.tilt.is_zero:
            return level * self.spline(columns)[None, :]
        return level * self.spline(self.tilt.sky_column(columns[None, :], y[:, None]))


def target_free_rows(data, good, step: int = 8) -> np.ndarray:
    """Rows without an obvious target, (ny,) bool: those whose level does not stand out of their wider neighbourhood."""
    sample = np.where(good[:, ::step], data[:, ::step], np.nan)
    sample = sample[:, np.count_nonzero(np.isfinite(sample), axis=0) > 0.2 * len(sample)]
    usable = np.count_nonzero(np.isfinite(sample), axis=1) > 0.2 * max(sample.shape[1], 1)
    if not usable.any():
        return usable
    column = np.nanmedian(sample[usable], axis=0)
    ratio = np.full(len(sample), np.nan)
    ratio[usable] = np.nanmedian(sample[usable] - column, axis=1)
    rows = np.arange(len(sample))
    keep = usable.copy()
    eta = 2 * rows / max(len(rows) - 1, 1) - 1
    for _ in range(8):
        order = 3 if np.count_nonzero(keep) > 30 else 0
        fit = np.polyval(np.polyfit(eta[keep], ratio[keep], order), eta)
        residual = ratio - fit
        sigma = 1.4826 * np.median(np.abs(residual[keep] - np.median(residual[keep])))
        # Targets only add light: the upper side is clipped harder.
        new = usable & (residual < 2.5 * sigma + 1e-6) & (residual > -5 * sigma - 1e-6)
        if np.count_nonzero(new) < 0.2 * np.count_nonzero(usable) or np.array_equal(new, keep):
            break
        keep = new
    # Wings reach further than what was clipped.
    hit = usable & ~keep & (ratio - fit > 3 * sigma)
    grown = np.convolve(hit, np.ones(5), mode="same") > 1.5
    return keep & ~grown if np.count_nonzero(keep & ~grown) > 10 else keep


def fit_slit_sky(data, variance, good, max_rows: int = 300) -> SlitSky:
    """The sky of a whole frame, robust against targets and cosmic rays.

    Parameters
    ----------
    data, variance : (ny, nx) float32
        Electrons, electrons squared.
    good : (ny, nx) bool
        Usable pixels.
    max_rows : int
        Rows the spline stands on at most, evenly spread; more do not matter where local zones refine it.

    Returns
    -------
    SlitSky
    """
    ny, nx = data.shape
    rows = target_free_rows(data, good)
    chosen = np.flatnonzero(rows)
    if not chosen.size:
        return SlitSky(SkySpline(np.zeros(nx + 9), -3), np.ones(ny), no_tilt(data.shape), rows, np.full(nx, np.inf))
    chosen = chosen[:: max(1, -(-chosen.size // max_rows))]
    d = data[chosen]
    # Weights from the columns' level, not from each pixel's own noise, which would pull the sky down.
    some = chosen[:: max(1, chosen.size // 60)]
    typical, column = np.median(variance[some], axis=0), np.median(data[some], axis=0)
    w = good[chosen] / np.maximum(typical, 1e-3).astype(np.float32)
    # What no column nearby (lines are tilted) comes close to is a cosmic ray nobody flagged.
    nearby = np.lib.stride_tricks.sliding_window_view(np.pad(column, _NEARBY, mode="edge"), 2 * _NEARBY + 1)
    most, least = nearby.max(axis=1), nearby.min(axis=1)
    slack = 6 * np.sqrt(typical) + 0.4 * (np.abs(most) + np.abs(column))
    w *= (d < most + slack) & (d > least - slack)
    weight = np.zeros_like(data)
    weight[chosen] = w
    tilt = measure_tilt(data, weight, weight.any(axis=1))
    columns = np.arange(nx, dtype=np.float32)
    u = tilt.sky_column(columns[None, :], chosen[:, None])
    u = np.broadcast_to(u, d.shape)
    eta = 2 * np.arange(ny) / max(ny - 1, 1) - 1
    spline, spread = fit_spline(u.ravel(), d.ravel(), w.ravel(), nx)
    model = spline(u)
    part = slice(None, None, 3)
    power = np.sum(w[:, part] * model[:, part] ** 2, axis=1)
    signal = np.sum(w[:, part] * model[:, part] * d[:, part], axis=1)
    ratio = np.divide(signal, power, out=np.ones(len(chosen)), where=power > 0)
    order = 3 if chosen.size > 60 and float(np.median(column)) > 0 else 0
    fit = np.polynomial.Polynomial.fit(eta[chosen], ratio, order, domain=[-1, 1], w=np.sqrt(power) + 1e-9)
    illumination = np.clip(fit(eta), 0.2, 5)
    gain = illumination[chosen].astype(np.float32)[:, None]
    w = w * ((d - model * gain) ** 2 * w < 25 + _MISFIT * model**2 * w)
    # Half a column's resolution only where a line needs it: elsewhere it would turn differences between rows, which
    # come with the phase of a tilted line, into wiggles along the spectrum.
    sharp = (unresolved(spline, nx) > SHARP * np.sqrt(typical)) & (not tilt.is_zero)
    knots, smooth = (2, np.where(sharp, 1e-4, 1.0)) if sharp.any() else (1, 1e-4)
    spline, spread = fit_spline(u.ravel(), (d / gain).ravel(), (w * gain**2).ravel(), nx, knots, smooth)
    spread = np.where(sharp, spread, 0)
    return SlitSky(spline, illumination, tilt, rows, spread)

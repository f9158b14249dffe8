"""Tilt and curvature of sky lines across the slit, measured on the sky itself.

Emission lines in dark time, solar absorption lines under the moon; where the sky shows neither the shift stays at
zero, and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .spline import fit_spline

#: Prior 1-sigma size (columns) of each tilt term over half the frame's height: real lines bend by up to 2 pixels in
#: all.
TILT_PRIOR = 1.5
#: Improvement of chi-squared a tilt must bring over no tilt.
TILT_SIGNIFICANCE = 40.0


@dataclass(frozen=True)
class LineTilt:
    """Shift of spectral lines along columns as a function of place in the frame, in columns of the frame.

    ``shift = sum c[k, l] * eta**(k + 1) * T_l(xi)``, ``eta`` = -1 … 1 over the rows, ``xi`` = -1 … 1 over the columns;
    zero on the middle row. Positive: a line lies further right than on the middle row.
    """

    coefficients: tuple[tuple[float, ...], ...]
    shape: tuple[int, int]
    significance: float = 0.0

    @property
    def is_zero(self) -> bool:
        return not any(any(row) for row in self.coefficients)

    @property
    def span(self) -> float:
        """Peak-to-peak shift (columns) over the frame's rows in its middle column."""
        rows = np.linspace(0, self.shape[0] - 1, 51)
        shift = self.shift(np.full(51, (self.shape[1] - 1) / 2), rows)
        return float(np.ptp(shift))

    def shift(self, column, row) -> np.ndarray:
        """Shift in columns at array ``column``, ``row`` (broadcast against each other)."""
        ny, nx = self.shape
        eta = (2 * np.asarray(row, dtype=float) - (ny - 1)) / max(ny - 1, 1)
        xi = (2 * np.asarray(column, dtype=float) - (nx - 1)) / max(nx - 1, 1)
        out = np.zeros(np.broadcast_shapes(eta.shape, xi.shape))
        for k, terms in enumerate(self.coefficients):
            for order, c in enumerate(terms):
                if c:
                    out = out + c * eta ** (k + 1) * (1.0 if order == 0 else xi)
        return out

    def sky_column(self, column, row) -> np.ndarray:
        """Sky column ``u`` of array ``column``, ``row``, float32."""
        if self.is_zero:
            shape = np.broadcast_shapes(np.shape(column), np.shape(row))
            return np.broadcast_to(np.asarray(column, dtype=np.float32), shape)
        ny, nx = self.shape
        eta = ((2 * np.asarray(row, dtype=float) - (ny - 1)) / max(ny - 1, 1)).astype(np.float32)
        x = np.asarray(column, dtype=np.float32)
        xi = (2 * x - (nx - 1)) / max(nx - 1, 1)
        flat = sum(np.float32(terms[0]) * eta ** (k + 1) for k, terms in enumerate(self.coefficients))
        slope = sum(np.float32(terms[1]) * eta ** (k + 1) for k, terms in enumerate(self.coefficients))
        return x - flat - slope * xi


def no_tilt(shape: tuple[int, int]) -> LineTilt:
    """Lines that run exactly along the columns of a frame of ``shape``."""
    return LineTilt(((0.0, 0.0), (0.0, 0.0)), shape)


def measure_tilt(data, weight, sky_rows, groups: int = 16, chunks: int = 5) -> LineTilt:
    """Tilt and curvature of sky lines, measured on the sky itself.

    Rows are averaged in groups, and each group's spectrum is compared, chunk by chunk of columns, with the common one:
    the shift is the coefficient of the common spectrum's derivative in a fit that leaves level and gain free.

    Parameters
    ----------
    data : (ny, nx) float32
        Electrons, sky included.
    weight : (ny, nx) float32
        Inverse variance, 0 for unusable pixels.
    sky_rows : (ny,) bool
        Rows free of targets.
    groups, chunks : int
        Cells along rows and columns.

    Returns
    -------
    LineTilt
        Zero where a tilt is not significant (chi-squared must improve by 40).
    """
    ny, nx = data.shape
    rows = np.flatnonzero(sky_rows)
    tilt = no_tilt(data.shape)
    if rows.size < 3 * groups:
        groups = max(rows.size // 3, 0)
    if groups < 4:
        return tilt
    parts = np.array_split(rows, groups)
    spectra = np.zeros((groups, nx))
    weights = np.zeros((groups, nx))
    for g, part in enumerate(parts):
        w = weight[part]
        weights[g] = w.sum(axis=0)
        spectra[g] = np.divide((w * data[part]).sum(axis=0), weights[g], out=np.zeros(nx), where=weights[g] > 0)
    centre = np.array([part.mean() for part in parts])
    columns = np.arange(nx, dtype=float)
    edges = np.linspace(0, nx, chunks + 1).astype(int)
    middle = (edges[:-1] + edges[1:] - 1) / 2
    for _ in range(4):
        u = np.array([tilt.sky_column(columns, y) for y in centre], dtype=float)
        spline, _ = fit_spline(u.ravel(), spectra.ravel(), weights.ravel(), nx)
        reference = spline(u)
        slope = (spline(u + 0.25) - spline(u - 0.25)) * 2
        shift, error = _chunk_shifts(spectra, weights, reference, slope, edges)
        measured = shift + tilt.shift(middle[None, :], centre[:, None])
        new = _fit_tilt(measured, error, middle, centre, data.shape)
        moved = np.max(np.abs(np.subtract(new.coefficients, tilt.coefficients)))
        tilt = new
        if tilt.is_zero or moved < 0.003:
            break
    return tilt


def _chunk_shifts(spectra, weights, reference, slope, edges) -> tuple[np.ndarray, np.ndarray]:
    """Shift of each (group, chunk) against the reference, and its error; infinite error where it has no feature."""
    size = int(np.min(np.diff(edges)))
    index = edges[:-1, None] + np.arange(size)
    w, base = weights[:, index], reference[:, index]
    ramp = np.broadcast_to(np.linspace(-1, 1, size), base.shape)
    design = np.stack([slope[:, index], base, np.ones_like(base), ramp], axis=-1)
    residual = spectra[:, index] - base
    enough = np.count_nonzero(w, axis=2) >= 20
    for _ in range(2):
        normal = np.einsum("gcni,gcn,gcnj->gcij", design, w, design, optimize=True)
        size2 = np.einsum("gcii->gci", normal)
        normal = normal + np.einsum("gci,ij->gcij", 1e-9 * size2 + 1e-30, np.eye(4))
        covariance = np.linalg.inv(normal)
        best = np.einsum("gcij,gcnj,gcn->gci", covariance, design, w * residual, optimize=True)
        pull = (residual - np.einsum("gcni,gci->gcn", design, best)) * np.sqrt(w)
        scatter = np.maximum(1.0, 1.4826 * np.median(np.abs(pull), axis=2))[:, :, None]
        w = np.where(np.abs(pull) > 5 * scatter, 0.0, w)
    # A line further right by s leaves the residual -s * slope.
    error = scatter[:, :, 0] * np.sqrt(np.maximum(covariance[:, :, 0, 0], 0))
    return -best[:, :, 0], np.where(enough & (error > 0) & np.isfinite(error), error, np.inf)


def _fit_tilt(measured, error, middle, centre, shape) -> LineTilt:
    """Robust weighted fit of the four tilt terms with a weak prior."""
    ny, nx = shape
    eta = ((2 * centre - (ny - 1)) / (ny - 1))[:, None] * np.ones_like(middle)
    xi = ((2 * middle - (nx - 1)) / (nx - 1))[None, :] * np.ones_like(centre)[:, None]
    ok = np.isfinite(error) & (error < 2)
    if np.count_nonzero(ok) < 6:
        return no_tilt(shape)
    # A common offset is free: the middle row is not special in the data.
    design = np.stack([np.ones_like(eta), xi, eta, eta * xi, eta**2, eta**2 * xi], axis=-1)[ok]
    y, base = measured[ok], 1 / np.hypot(error[ok], 0.005) ** 2
    w = base
    prior = np.diag([0.0, 0.0, 1, 4, 1, 4]) / TILT_PRIOR**2 + 1e-9 * np.eye(6)
    for _ in range(5):
        best = np.linalg.solve(design.T @ (w[:, None] * design) + prior, design.T @ (w * y))
        pull = np.abs(y - design @ best) * np.sqrt(base)
        w = base * np.minimum(1.0, 2.5 * max(1.0, np.median(pull)) / np.maximum(pull, 1e-9))
    plain = design[:, :2]
    flat = np.linalg.lstsq(plain * np.sqrt(w)[:, None], y * np.sqrt(w), rcond=None)[0]
    scale = max(1.0, 1.4826 * float(np.median(pull))) ** 2
    gain = (np.sum(w * (y - plain @ flat) ** 2) - np.sum(w * (y - design @ best) ** 2)) / scale
    if gain < TILT_SIGNIFICANCE:
        return no_tilt(shape)
    return LineTilt(((best[2], best[3]), (best[4], best[5])), shape, float(gain))

"""The sky background on native pixels, following sky lines that are tilted and curved across the slit.

After Kelson (2003, PASP 115, 688): pixels are never resampled. Every sky pixel votes at its own *sky column*
``u = column - shift(column, row)`` for one cubic B-spline; because tilted lines sample each line at many pixel phases, the
spline resolves them better than any one row does. The tilt itself is measured on the sky's own features, emission lines
in dark time and solar absorption lines under the moon; where the sky has none the shift stays at zero, and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Cells per column into which votes are gathered before the spline is fitted; each keeps its mean position, so the
#: error is second order in a sixteenth of a column.
CELLS = 8
#: Elements evaluated at a time.
_PIECE = 16384
#: Prior 1-sigma size (columns) of each tilt term over half the frame's height: real lines bend by up to 2 pixels in all.
TILT_PRIOR = 1.5
#: Improvement of chi-squared a tilt must bring over no tilt.
TILT_SIGNIFICANCE = 40.0


@dataclass(frozen=True)
class SkySpline:
    """A uniform cubic B-spline with one knot a column.

    Attributes
    ----------
    coefficients : (m,) float64
        Electrons (or the unit of what was fitted).
    start : int
        Column of the first knot interval.
    """

    coefficients: np.ndarray
    start: int

    def __call__(self, position: np.ndarray) -> np.ndarray:
        """Value at sky column(s) ``position``; constant extrapolation of the position."""
        position = np.ascontiguousarray(position)
        out = np.empty(position.shape, position.dtype if position.dtype.kind == "f" else float)
        c = self.coefficients.astype(out.dtype, copy=False)
        flat_in, flat_out = position.reshape(-1), out.reshape(-1)
        # In pieces that stay in the processor's cache: three times as fast on a whole frame.
        for first in range(0, flat_in.size, _PIECE):
            part = slice(first, first + _PIECE)
            u = np.clip(flat_in[part] - self.start, 0, len(c) - 3.001).astype(out.dtype, copy=False)
            cell = u.astype(np.intp)
            value = np.zeros_like(u)
            for k, weight in enumerate(_basis(u - cell.astype(out.dtype))):
                value += weight * c[cell + k]
            flat_out[part] = value
        return out


def _basis(t: np.ndarray) -> tuple[np.ndarray, ...]:
    """The four cubic B-spline values that are not zero at fraction ``t`` of a knot interval."""
    s = 1 - t
    t2, s2 = t * t, s * s
    sixth = t.dtype.type(1 / 6)
    return s2 * s * sixth, (4 - 3 * t2 * (1 + s)) * sixth, (4 - 3 * s2 * (1 + t)) * sixth, t2 * t * sixth


def fit_spline(position, value, weight, columns: int, smooth: float = 1e-4) -> tuple[SkySpline, np.ndarray]:
    """Weighted least-squares B-spline through scattered votes.

    Parameters
    ----------
    position, value, weight : (n,) array_like
        Sky column, electrons, inverse variance; votes of weight 0 are ignored.
    columns : int
        Number of columns of the frame; knots lie on every column and three beyond either end.
    smooth : float
        Strength of the third-difference penalty that bridges columns without votes, relative to the mean weight.

    Returns
    -------
    SkySpline
    variance : (columns,) float64
        Variance of the spline at each column's centre, electrons squared; infinite without votes nearby.
    """
    from scipy.linalg import solveh_banded

    start, count = -3, columns + 6
    cell = ((position - start) * CELLS).astype(np.intp)
    np.clip(cell, 0, count * CELLS - 1, out=cell)
    size = count * CELLS
    total = np.bincount(cell, weight, size)
    used = total > 0
    if not used.any():
        return SkySpline(np.zeros(count + 3), start), np.full(columns, np.inf)
    mean = np.bincount(cell, weight * value, size)[used] / total[used]
    place = np.bincount(cell, weight * position, size)[used] / total[used] - start
    w = total[used]
    knot = np.clip(place.astype(np.intp), 0, count - 1)
    basis = _basis(place - knot)
    unknowns = count + 3
    band = np.zeros((4, unknowns))
    right = np.zeros(unknowns)
    for i in range(4):
        right += np.bincount(knot + i, w * basis[i] * mean, unknowns)
        for j in range(i, 4):
            band[j - i] += np.bincount(knot + i, w * basis[i] * basis[j], unknowns)
    penalty = smooth * float(np.mean(total.reshape(count, CELLS).sum(axis=1)))
    for i, a in enumerate((-1.0, 3.0, -3.0, 1.0)):
        for j, b in enumerate((-1.0, 3.0, -3.0, 1.0)):
            if j >= i:
                band[j - i, i : i + unknowns - 3] += penalty * a * b
    band[0] += 1e-12 * band[0].max()
    spline = SkySpline(solveh_banded(band, right, lower=True), start)
    # Votes at mixed pixel phases constrain the centre of a column a little better than its own votes alone; to call the
    # variance that of a column's mean is right for untilted lines and errs by some per cent on the safe side otherwise.
    votes = np.bincount(np.clip(np.rint(place).astype(np.intp), 0, count - 1), w, count)[-start : -start + columns]
    with np.errstate(divide="ignore"):
        return spline, 1.0 / votes


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
    groups, chunks = len(spectra), len(edges) - 1
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
    scale = max(1.0, 1.4826 * float(np.median(pull)) ) ** 2
    gain = (np.sum(w * (y - plain @ flat) ** 2) - np.sum(w * (y - design @ best) ** 2)) / scale
    if gain < TILT_SIGNIFICANCE:
        return no_tilt(shape)
    return LineTilt(((best[2], best[3]), (best[4], best[5])), shape, float(gain))


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
        Rows the fit stands on.
    """

    spline: SkySpline
    illumination: np.ndarray
    tilt: LineTilt
    rows: np.ndarray

    def image(self, rows: slice = slice(None)) -> np.ndarray:
        """The sky, electrons, on the given rows: (ny, nx) float32."""
        ny, nx = self.tilt.shape
        y = np.arange(ny)[rows]
        level = self.illumination[rows].astype(np.float32)[:, None]
        columns = np.arange(nx, dtype=np.float32)
        if self.tilt.is_zero:
            return level * self.spline(columns)[None, :]
        return level * self.spline(self.tilt.sky_column(columns[None, :], y[:, None]))


def target_free_rows(data, good, step: int = 4) -> np.ndarray:
    """Rows without an obvious target, (ny,) bool: those whose level does not stand out of their wider neighbourhood."""
    sample = np.where(good[:, ::step], data[:, ::step], np.nan)
    usable = np.isfinite(sample).sum(axis=1) > 0.2 * sample.shape[1]
    if not usable.any():
        return usable
    with np.errstate(all="ignore"):
        column = np.nanmedian(sample[usable][:: max(1, int(usable.sum()) // 200)], axis=0)
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
        return SlitSky(SkySpline(np.zeros(nx + 9), -3), np.ones(ny), no_tilt(data.shape), rows)
    chosen = chosen[:: max(1, -(-chosen.size // max_rows))]
    d = data[chosen]
    # Weights from the columns' level, not from each pixel's own noise, which would pull the sky down.
    some = chosen[:: max(1, chosen.size // 60)]
    typical, column = np.median(variance[some], axis=0), np.median(data[some], axis=0)
    w = good[chosen] / np.maximum(typical, 1e-3).astype(np.float32)
    # The columns' typical value catches cosmic rays nobody flagged.
    w *= np.abs(d - column) < 6 * np.sqrt(typical) + 0.3 * np.abs(column)
    weight = np.zeros_like(data)
    weight[chosen] = w
    tilt = measure_tilt(data, weight, weight.any(axis=1))
    columns = np.arange(nx, dtype=np.float32)
    u = tilt.sky_column(columns[None, :], chosen[:, None])
    u = np.broadcast_to(u, d.shape)
    eta = 2 * np.arange(ny) / max(ny - 1, 1) - 1
    illumination = np.ones(ny)
    for turn in range(2):
        gain = illumination[chosen].astype(np.float32)[:, None]
        spline, _ = fit_spline(u.ravel(), (d / gain).ravel(), (w * gain**2).ravel(), nx)
        model = spline(u)
        if turn == 0:
            part = slice(None, None, 3)
            power = np.sum(w[:, part] * model[:, part] ** 2, axis=1)
            ratio = np.divide(np.sum(w[:, part] * model[:, part] * d[:, part], axis=1), power,
                              out=np.ones(len(chosen)), where=power > 0)
            order = 3 if chosen.size > 60 and float(np.median(column)) > 0 else 0
            fit = np.polynomial.Polynomial.fit(eta[chosen], ratio, order, domain=[-1, 1], w=np.sqrt(power) + 1e-9)
            illumination = np.clip(fit(eta), 0.2, 5)
            residual = d - model * illumination[chosen].astype(np.float32)[:, None]
            w = w * (residual**2 * w < 25)
    return SlitSky(spline, illumination, tilt, rows)

"""Tracing a target along the frame: its centre and width as smooth functions of column, from one likelihood.

Peak finders followed by a polynomial lose faint targets, because each peak has to be significant by itself. Here all
blocks of columns are fitted at once: centre (a cubic), width (a slope) and Moffat exponent are few numbers for the
whole frame, brightness is free per block (bright targets) or a low polynomial (faint ones), and weak priors, or the
shape of a brighter target or an earlier frame, hold what the data do not determine. Errors follow from the same fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev

from .frame import Geometry
from .profile import TYPICAL_BETA, Collapsed, profile_value
from .spectrum import Trace

#: Terms of the trace: a cubic.
TERMS = 4
#: Prior 1-sigma of the terms beyond the position, unbinned rows: measured traces drift by tens of rows and bend by a
#: few.
SHAPE_PRIOR = (15.0, 2.5, 0.8)
#: The same where the shape is known from a brighter target.
BORROWED_PRIOR = (0.6, 0.3, 0.15)
#: Largest step of each parameter in one iteration: rows, logarithm of the width and its slope, of the exponent.
_LIMIT = np.array([2.0, 2.0, 1.0, 1.0, 0.3, 0.1, 0.4])


@dataclass(frozen=True)
class TracePrior:
    """What is known before the fit; rows and columns of the frame.

    ``shape`` are the expected Chebyshev terms 1 … 3 (rows), ``shape_sigma`` their uncertainty; ``fwhm`` the expected
    width (rows), ``fwhm_sigma`` its relative uncertainty; ``beta`` the expected Moffat exponent, ``beta_sigma`` its
    relative uncertainty (0: fixed). ``start``: terms 1 and 2 and width the search suggests; where the fit begins.
    """

    shape: tuple[float, ...]
    shape_sigma: tuple[float, ...]
    fwhm: float
    fwhm_sigma: float = 0.5
    beta: float = TYPICAL_BETA
    beta_sigma: float = 0.3
    start: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class TraceFit:
    """A target's smooth description in rows and columns of one frame.

    Attributes
    ----------
    terms : (4,) float64
        Chebyshev coefficients of the centre, array rows over columns scaled to -1 … 1.
    log_fwhm : (float, float)
        Natural logarithm of the width in rows at the middle column, and its slope in ``xi``.
    beta : float
        Moffat exponent; infinity for a Gaussian.
    amplitude, amplitude_error : (nb,) float64
        Electrons per column of each block and its 1-sigma error.
    error : float
        1-sigma error of the centre, rows, mean over the frame.
    scatter : float
        Rms of the blocks' own centres about the fit, rows (weighted by their information).
    significance : float
        Signal-to-noise ratio of the target's light in all blocks together, less what an improbable shape costs.
    columns : int
        Columns of the frame.
    """

    terms: np.ndarray
    log_fwhm: tuple[float, float]
    beta: float
    amplitude: np.ndarray
    amplitude_error: np.ndarray
    error: float
    scatter: float
    significance: float
    columns: int

    def _xi(self, column) -> np.ndarray:
        return (2 * np.asarray(column, dtype=float) - (self.columns - 1)) / max(self.columns - 1, 1)

    def row(self, column) -> np.ndarray:
        """Array row of the centre at array column(s)."""
        return chebyshev.chebval(self._xi(column), self.terms)

    def fwhm(self, column) -> np.ndarray:
        """Full width at half maximum in rows at array column(s)."""
        return np.exp(self.log_fwhm[0] + self.log_fwhm[1] * self._xi(column))

    @property
    def flux(self) -> float:
        """Mean electrons per column."""
        known = np.isfinite(self.amplitude_error) & (self.amplitude_error < 10 * np.median(self.amplitude_error))
        return float(np.mean(self.amplitude[known])) if known.any() else 0.0

    def model(self, collapsed: Collapsed) -> np.ndarray:
        """The target's light in a collapsed frame, (nb, ny) electrons per pixel."""
        rows = np.arange(collapsed.value.shape[1])
        offset = rows[None, :] - self.row(collapsed.column)[:, None]
        return self.amplitude[:, None] * profile_value(offset, self.fwhm(collapsed.column)[:, None], self.beta)

    def to_trace(self, geometry: Geometry) -> Trace:
        """The trace in unbinned detector rows and columns."""
        binning = geometry.binning[1]
        first = float(geometry.detector_row(self.terms[0]))
        coefficients = (first, *(float(binning * c) for c in self.terms[1:]))
        domain = (float(geometry.detector_column(0)), float(geometry.detector_column(self.columns - 1)))
        width = float(binning * math.exp(self.log_fwhm[0]))
        model = "gaussian" if math.isinf(self.beta) else "moffat"
        return Trace(coefficients, domain, float(binning * self.scatter), width, model)


def shape_of(trace: Trace, geometry: Geometry, columns: int) -> tuple[float, ...]:
    """Chebyshev terms 1 … 3 (array rows) of a trace measured elsewhere, over the columns of this frame."""
    xi = np.cos(np.pi * (np.arange(16) + 0.5) / 16)
    column = (xi + 1) / 2 * (columns - 1)
    terms = chebyshev.chebfit(xi, trace.row_in(geometry, column), TERMS - 1)
    return tuple(float(c) for c in terms[1:])


class _Problem:
    """Residuals of one target's model in one collapsed frame; linear parameters are solved for on the way."""

    def __init__(self, collapsed: Collapsed, start_row: np.ndarray, half: int, free: bool, order: int):
        nb, ny = collapsed.value.shape
        offsets = np.arange(-half, half + 1)
        rows = np.rint(start_row).astype(int)[:, None] + offsets
        inside = (rows >= 0) & (rows < ny)
        blocks = np.arange(nb)[:, None]
        rows_in = np.clip(rows, 0, ny - 1)
        variance = collapsed.variance[blocks, rows_in]
        self.rows = rows.astype(float)
        self.value = np.where(inside, collapsed.value[blocks, rows_in], 0.0)
        self.weight = np.where(inside & np.isfinite(variance), 1 / variance, 0.0)
        self.xi = collapsed.xi
        self.width = collapsed.width
        self.free, self.order, self.half = free, order, half
        self.robust = np.ones_like(self.weight)

    def profile(self, p: np.ndarray, gaussian: bool) -> np.ndarray:
        centre = chebyshev.chebval(self.xi, p[:TERMS])[:, None]
        fwhm = np.exp(np.clip(p[TERMS] + p[TERMS + 1] * self.xi, -1, 5))[:, None]
        beta = math.inf if gaussian else 1 + math.exp(min(p[TERMS + 2], 4.0))
        return profile_value(self.rows - centre, fwhm, beta)

    def solve(self, profile: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Best amplitudes, their errors and the model for a given profile."""
        w = self.weight * self.robust
        if self.free:
            ramp = (np.arange(-self.half, self.half + 1) / self.half)[None, :]
            columns = np.stack([profile, np.ones_like(profile), np.broadcast_to(ramp, profile.shape)], axis=-1)
            normal = np.einsum("bri,br,brj->bij", columns, w, columns)
            size = np.einsum("bii->bi", normal)
            # Blocks without light or with half a window keep a solvable system: a faint pull towards no background.
            normal = normal + np.einsum("bi,ij->bij", 1e-6 * size + 1e-12, np.eye(3))
            right = np.einsum("bri,br,br->bi", columns, w, self.value)
            inverse = np.linalg.inv(normal)
            best = np.einsum("bij,bj->bi", inverse, right)
            model = np.einsum("bri,bi->br", columns, best)
            return best[:, 0], np.sqrt(inverse[:, 0, 0]), model
        basis = chebyshev.chebvander(self.xi, self.order)
        power = np.sum(w * profile**2, axis=1)
        signal = np.sum(w * profile * self.value, axis=1)
        normal = basis.T @ (power[:, None] * basis)
        normal[np.diag_indices(len(normal))] += 1e-9 * np.trace(normal) + 1e-30
        covariance = np.linalg.inv(normal)
        amplitude = basis @ (covariance @ (basis.T @ signal))
        error = np.sqrt(np.einsum("bi,ij,bj->b", basis, covariance, basis))
        return amplitude, error, amplitude[:, None] * profile


def fit_trace(
    collapsed: Collapsed, row: float, prior: TracePrior, significance: float, gaussian: bool = False
) -> TraceFit:
    """Fit centre, width, exponent and brightness of one target.

    Parameters
    ----------
    collapsed : Collapsed
        All other targets' light subtracted.
    row : float
        Expected array row at the middle column.
    prior : TracePrior
    significance : float
        Signal-to-noise ratio of the detection; decides how freely the brightness may vary from block to block.
    gaussian : bool
        Gaussian instead of Moffat profile.

    Returns
    -------
    TraceFit
    """
    nb = len(collapsed.column)
    free = significance > 4 * math.sqrt(nb)
    order = 0 if significance < 15 else 3
    mean = np.array([0.0, *prior.shape, math.log(prior.fwhm), 0.0, math.log(prior.beta - 1)])
    sigma = np.array([np.inf, *prior.shape_sigma, prior.fwhm_sigma, 0.1, max(prior.beta_sigma, 1e-6)])
    p = mean.copy()
    if prior.start is not None:
        p[1:3], p[TERMS] = prior.start[:2], math.log(prior.start[2])
    # Chebyshev T2 at the middle is -1: start with the given row there.
    p[0] = row + p[2]
    if free:
        followed = follow(collapsed, p[:TERMS], math.exp(p[TERMS]))
        p[:TERMS] = p[:TERMS] if followed is None else followed
    active = np.arange(len(p) - (1 if gaussian or prior.beta_sigma == 0 else 0))
    step = np.array([0.02, 0.02, 0.02, 0.02, 0.01, 0.01, 0.02])
    damping, problem = 1e-3, None
    precision = np.where(np.isfinite(sigma), 1 / sigma, 0.0)
    centred, width = p.copy(), 0.0
    for _ in range(20):
        here = math.exp(p[TERMS])
        if (
            problem is None
            or np.max(np.abs(p[:TERMS] - centred[:TERMS])) > 0.5 * width
            or not 0.8 < here / width < 1.25
        ):
            # The window has to be where the target is.
            half = int(max(5, math.ceil((5 if free else 3) * here)))
            problem = _Problem(collapsed, chebyshev.chebval(collapsed.xi, p[:TERMS]), half, free, order)
            centred, width = p.copy(), here
        _, _, model = problem.solve(problem.profile(p, gaussian))
        root = np.sqrt(problem.weight * _robust(problem, model))
        residual = np.concatenate([((problem.value - model) * root).ravel(), (mean - p) * precision])
        columns = []
        for k in active:
            q = p.copy()
            q[k] += step[k]
            _, _, moved = problem.solve(problem.profile(q, gaussian))
            prior_row = np.zeros(len(p))
            prior_row[k] = precision[k]
            columns.append(np.concatenate([((moved - model) * root / step[k]).ravel(), prior_row]))
        jacobian = np.stack(columns, axis=1)
        normal, gradient = jacobian.T @ jacobian, jacobian.T @ residual
        chi2, accepted = residual @ residual, False
        for _ in range(6):
            delta = np.zeros(len(p))
            delta[active] = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-12), gradient)
            delta *= min(1.0, float(np.min(_LIMIT / np.maximum(np.abs(delta), 1e-12))))
            _, _, trial = problem.solve(problem.profile(p + delta, gaussian))
            new = np.sum(((problem.value - trial) * root) ** 2) + np.sum(((mean - p - delta) * precision) ** 2)
            if new <= chi2 * (1 + 1e-12):
                accepted = True
                break
            damping = min(damping * 8, 1e3)
        if not accepted:
            break
        p, damping = p + delta, max(damping / 4, 1e-6)
        # What is still to be gained is far below one sigma of any parameter.
        if delta[active] @ gradient < 1e-2:
            break
    assert problem is not None  # the loop runs at least once
    return _finish(problem, p, gaussian, normal, collapsed, float(np.sum(((mean - p) * precision) ** 2)))


def follow(collapsed: Collapsed, terms: np.ndarray, fwhm: float) -> np.ndarray | None:
    """Follow a bright target from block to block, as a start for the fit.

    Where brightness is free in each block, a trace that leaves the target on one side finds a minimum with no light
    there; so the fit must begin on the target everywhere.

    Parameters
    ----------
    terms : (4,) float64
        Chebyshev terms of a guess that need only be right near the middle, array rows.
    fwhm : float
        Expected width, rows.

    Returns
    -------
    (4,) float64 or None
        Chebyshev terms through the blocks' centroids; None where too few blocks show the target.
    """
    xi, nb = collapsed.xi, len(collapsed.column)
    guess = chebyshev.chebval(xi, terms)
    half = max(3.0, 1.5 * fwhm)
    centre, strength = np.full(nb, np.nan), np.zeros(nb)
    middle = np.flatnonzero(np.abs(xi) < 0.4)
    found = {int(b): _centroid(collapsed, int(b), guess[b], half) for b in middle}
    if not found:
        return None
    seed = max(found, key=lambda b: found[b][1])
    for direction in (1, -1):
        last, drift = found[seed][0], 0.0
        for block in range(seed, nb if direction > 0 else -1, direction):
            here, signal = _centroid(collapsed, block, last + drift, half)
            if signal < 8 or abs(here - last - drift) > half:
                last += drift
                continue
            if block != seed:
                drift = 0.7 * drift + 0.3 * (here - last)
            centre[block], strength[block], last = here, signal, here
    seen = np.isfinite(centre)
    if seen.sum() < max(8, 0.5 * nb):
        return None
    for _ in range(3):
        best = chebyshev.chebfit(xi[seen], centre[seen], TERMS - 1, w=np.minimum(strength[seen], 100))
        miss = np.abs(centre - chebyshev.chebval(xi, best))
        seen = np.isfinite(centre) & (miss < max(3 * float(np.median(miss[seen])), 0.3))
    return best


def _centroid(collapsed: Collapsed, block: int, row: float, half: float) -> tuple[float, float]:
    """Centroid of the light within ``half`` rows of ``row`` in one block, moved onto it twice, and its S/N."""
    value, variance = collapsed.value[block], collapsed.variance[block]
    rows = np.arange(len(value))
    signal = 0.0
    for _ in range(3):
        near = (np.abs(rows - row) <= half) & np.isfinite(variance)
        if near.sum() < 3:
            return row, 0.0
        light = np.maximum(value[near] - np.min(value[near]), 0)
        total = float(light.sum())
        if total <= 0:
            return row, 0.0
        signal = float(value[near].sum() / math.sqrt(variance[near].sum()))
        row = float(np.sum(light * rows[near]) / total)
    return row, signal


def _robust(problem: _Problem, model: np.ndarray) -> np.ndarray:
    """Huber weights; what a smooth profile cannot describe (2 % of the light) does not count as an outlier."""
    with np.errstate(divide="ignore", invalid="ignore"):
        photons = np.maximum(model, 0) / problem.width
        noise = np.sqrt(1 / problem.weight + photons + (0.02 * model) ** 2)
        pull = np.abs(problem.value - model) / noise
        # The target's own photon noise, and what no smooth profile describes, belong into the weights too.
        share = 1 / (1 + problem.weight * (photons + (0.01 * model) ** 2))
    problem.robust = np.where(problem.weight > 0, np.minimum(1.0, 4 / np.maximum(pull, 1e-9)) * share, 0.0)
    return problem.robust


def _finish(problem: _Problem, p, gaussian: bool, normal: np.ndarray, collapsed: Collapsed, cost: float) -> TraceFit:
    profile = problem.profile(p, gaussian)
    amplitude, amplitude_error, model = problem.solve(profile)
    basis = chebyshev.chebvander(problem.xi, TERMS - 1)
    covariance = np.linalg.pinv(normal)[:TERMS, :TERMS]
    error = math.sqrt(max(float(np.mean(np.einsum("bi,ij,bj->b", basis, covariance, basis))), 0.0))
    # Each block's own centre: one Newton step from the fit.
    shifted = p.copy()
    shifted[0] += 0.02
    slope = (problem.profile(shifted, gaussian) - profile) / 0.02 * np.maximum(amplitude, 0)[:, None]
    w = problem.weight * problem.robust
    power = np.sum(w * slope**2, axis=1)
    step = np.divide(
        np.sum(w * slope * (problem.value - model), axis=1), power, out=np.zeros_like(power), where=power > 0
    )
    step = np.clip(step, -2 * math.exp(p[TERMS]), 2 * math.exp(p[TERMS]))
    scatter = math.sqrt(float(np.sum(power * step**2) / np.sum(power))) if np.any(power > 0) else math.nan
    signal = np.sum(problem.weight * profile * (problem.value if not problem.free else model), axis=1)
    depth = np.sum(problem.weight * profile**2, axis=1)
    if problem.free:
        own = np.divide(amplitude, amplitude_error, out=np.zeros(len(amplitude)), where=amplitude_error > 0)
        significance = math.sqrt(float(np.sum(np.clip(own, 0, None) ** 2)))
    else:
        significance = float(signal.sum() / math.sqrt(depth.sum())) if depth.sum() > 0 else 0.0
    significance = math.copysign(math.sqrt(max(significance**2 - cost, 0.0)), significance)
    beta = math.inf if gaussian else 1 + math.exp(min(p[TERMS + 2], 4.0))
    return TraceFit(
        p[:TERMS].copy(),
        (float(p[TERMS]), float(p[TERMS + 1])),
        beta,
        amplitude,
        amplitude_error,
        error,
        scatter,
        significance,
        collapsed.columns,
    )


def prior_from(fit: TraceFit, binning: int) -> TracePrior:
    """The shape and profile of a well-measured target as the expectation for a fainter one on the same frame."""
    return TracePrior(
        shape=tuple(float(c) for c in fit.terms[1:]),
        shape_sigma=tuple(s / binning for s in BORROWED_PRIOR),
        fwhm=math.exp(fit.log_fwhm[0]),
        fwhm_sigma=0.1,
        beta=fit.beta if math.isfinite(fit.beta) else TYPICAL_BETA,
        beta_sigma=0.05,
    )


def wide_prior(shape: tuple[float, ...], fwhm: float, binning: int) -> TracePrior:
    """Weak expectations for a target nothing is known about."""
    return TracePrior(shape, tuple(s / binning for s in SHAPE_PRIOR), fwhm)


def shifted_fit(fit: TraceFit, row: float) -> TraceFit:
    """The same shape through another row at the middle column: a trace for an aperture without measurable light."""
    middle = float(chebyshev.chebval(0.0, fit.terms))
    terms = fit.terms.copy()
    terms[0] += row - middle
    return replace(fit, terms=terms, significance=0.0)

"""From a shape that is right to a pixel to the final solution: name the lines, fit, hold out, judge.

The fit is a cubic in the detector column on top of the grating equation, its cubic term held by the instrument's known
shape where lines are few. Rows of the robust loop never clip below a floor: a clip without one throws good lines away
and flatters the rms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from ..dispersion import IdentifiedLine, WavelengthSolution
from ..reference import LabLines
from .grating import HALF
from .lines import Lines
from .match import EXPECTED, PRIOR, Shape, fit_shape, ion_scales, pair, visible

FLOOR = 0.15
CLIP = 4.0
FOLDS = 5
SYSTEMATIC = 0.03
LARGEST_ERROR = 0.25
BLEND_SHIFT = 0.12
DOMAIN = (0.0, 4141.0)
OUTPUT_ORDER = 7


@dataclass(frozen=True)
class Fitted:
    """A fitted shape and its lines.

    ``seen`` and ``lab`` index measured and laboratory lines, ``wavelength`` is the laboratory wavelength with
    unresolved neighbours weighed in, ``used`` which are in the fit, ``held_out`` residuals (pixels) of used lines from
    fits without them (NaN for others), ``residual`` those of the fit (laboratory minus fit).
    """

    shape: Shape
    seen: np.ndarray
    lab: np.ndarray
    wavelength: np.ndarray
    used: np.ndarray
    residual: np.ndarray
    held_out: np.ndarray

    @property
    def rms(self) -> float:
        """Held-out rms, pixels."""
        return float(np.sqrt(np.mean(self.held_out[self.used] ** 2))) if self.used.any() else float("nan")


def blends(lines: Lines, lab: LabLines, shape: Shape, seen, found) -> tuple[np.ndarray, np.ndarray]:
    """Effective wavelength of each pair and whether it can be trusted.

    A laboratory neighbour within 0.75 widths is one line with it: their mean, weighted by brightness, is what is seen.
    One further off that was measured on its own does no harm; one that was not pulls the centroid. A pull of more than
    ``BLEND_SHIFT`` pixels is not trusted, since intensities are known to a factor of two only.
    """
    scales = ion_scales(lines, lab, seen, found)
    fallback = np.median([s for s, _ in scales.values()]) if scales else 0.0
    light = np.array([i * np.exp(scales.get(str(ion), (fallback - 1.5, 0))[0])
                      for i, ion in zip(lab.intensity, lab.ion, strict=True)])  # fmt: skip
    step = shape.grating.dispersion
    width = lines.fwhm * step
    wavelength, trusted = lab.wavelength[found].copy(), np.ones(len(found), dtype=bool)
    taken = set(found.tolist())
    for k, j in enumerate(found):
        near = np.flatnonzero(np.abs(lab.wavelength - lab.wavelength[j]) < 1.3 * width)
        near = near[near != j]
        offset = lab.wavelength[near] - lab.wavelength[j]
        together = np.abs(offset) < 0.75 * width
        share = light[near] / (light[j] + light[near].sum())
        wavelength[k] += np.sum(offset[together] * share[together])
        pull = np.abs(offset) * share / step * np.where(together, 0.6, 1.0)
        alone = np.array([i in taken for i in near], dtype=bool) & ~together
        trusted[k] = not np.any(pull[~alone] > BLEND_SHIFT)
    return wavelength, trusted


def effective_weight(error: np.ndarray, residual: np.ndarray, used: np.ndarray) -> np.ndarray:
    """1 / pixels: the centroid error and, on top, the scatter the lines show that it does not explain.

    Unlisted blends make well-measured lines disagree by more than their centroid errors; without this the few
    brightest would decide alone.
    """
    excess = SYSTEMATIC
    if used.sum() >= 6:
        scatter = 1.4826 * np.median(np.abs(residual[used]))
        excess = max(SYSTEMATIC, np.sqrt(max(0.0, scatter**2 - np.median(error[used]) ** 2)))
    return 1 / np.hypot(error, excess)


def robust_fit(shape: Shape, column, wavelength, error, allowed) -> tuple[Shape, np.ndarray, np.ndarray]:
    """Fit, clip at 4 sigma but never below the floor, fit again: shape, used, residuals (pixels)."""
    used = allowed.copy()
    for _ in range(12):
        for _ in range(3):
            residual = shape.pixels(column, wavelength)
            weight = effective_weight(error, residual, used)
            huber = np.sqrt(np.minimum(1.0, 2.0 / np.maximum(np.abs(residual) * weight, 1e-9)))
            shape = fit_shape(shape, column[used], residual[used], (weight * huber)[used])
        residual = shape.pixels(column, wavelength)
        if used.sum() < 4:
            break
        scatter = 1.4826 * np.median(np.abs(residual[used]))
        limit = np.maximum(FLOOR, CLIP * np.maximum(scatter, error))
        limit = np.minimum(limit, np.maximum(FLOOR, 6 * scatter))
        again = allowed & (np.abs(residual) < limit)
        if np.array_equal(again, used):
            break
        used = again
    return shape, used, residual


def finish(lines: Lines, lab: LabLines, shape: Shape) -> Fitted:
    """Name all lines by a shape good to about a pixel and fit them."""
    width = lines.fwhm
    tolerance = max(1.2, 0.4 * width)
    for step in range(3):
        keep = visible(lines, lab, shape, tolerance)
        listed, numbers = lab.select(keep), np.flatnonzero(keep)
        seen, found, _ = pair(lines, listed, shape, tolerance)
        if len(seen) < 2:
            break
        wavelength, trusted = blends(lines, listed, shape, seen, found)
        allowed = eligible(lines, seen, trusted)
        shape, used, residual = robust_fit(shape, lines.column[seen], wavelength, lines.error[seen], allowed)
        tolerance = max(0.5, min(tolerance, 0.25 * width, 6 * np.std(residual[used]) if used.any() else tolerance))
    else:
        held_out = hold_out(shape, lines.column[seen], wavelength, lines.error[seen], used)
        return Fitted(shape, seen, numbers[found], wavelength, used, residual, held_out)
    nothing = np.empty(0)
    return Fitted(shape, seen, numbers[found], nothing, nothing.astype(bool), nothing, nothing)


def eligible(lines: Lines, seen: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """Which pairs may enter the fit: the strictest set that has enough lines and leaves no end of the lamp uncovered.

    Few lines are better than none, so distorted profiles and doubtful blends are let in where the clean ones do not
    suffice.
    """
    precise = lines.error[seen] < LARGEST_ERROR
    everything = np.ones(len(seen), dtype=bool)
    reach = np.ptp(lines.column[seen][trusted & precise]) if (trusted & precise).any() else 0.0
    for allowed, enough in ((trusted & precise & lines.clean[seen], 10), (trusted & precise, 6), (trusted, 6)):
        if allowed.sum() >= enough and np.ptp(lines.column[seen][allowed]) >= 0.75 * reach:
            return allowed
    return everything


def hold_out(shape: Shape, column, wavelength, error, used) -> np.ndarray:
    """Residual (pixels) of each used line from a fit without its fold; identifications kept."""
    result = np.full(len(column), np.nan)
    members = np.flatnonzero(used)
    folds = min(FOLDS, len(members))
    weight = effective_weight(error, shape.pixels(column, wavelength), used)
    for fold in range(folds):
        out = members[fold::folds]
        rest = np.setdiff1d(members, out)
        if len(rest) < 2:
            continue
        fitted = shape
        for _ in range(3):
            residual = fitted.pixels(column[rest], wavelength[rest])
            huber = np.sqrt(np.minimum(1.0, 2.0 / np.maximum(np.abs(residual) * weight[rest], 1e-9)))
            fitted = fit_shape(fitted, column[rest], residual, weight[rest] * huber)
        result[out] = fitted.pixels(column[out], wavelength[out])
    return result


def shape_is_sane(shape: Shape) -> bool:
    """Whether the departure from the grating equation is one this instrument has shown (generously)."""
    departure = np.array(shape.corrections[2:5]) - EXPECTED[2:5]
    return bool(np.all(np.abs(departure) < 4 * PRIOR[2:5])) and abs(shape.corrections[1]) < 0.06 * HALF


def series(shape: Shape, domain: tuple[float, float] = DOMAIN) -> tuple[float, ...]:
    """Chebyshev coefficients (Angstrom) of a shape over ``domain``."""
    nodes = chebyshev.chebpts1(64)
    low, high = domain
    values = shape.wavelength(low + (nodes + 1) / 2 * (high - low))
    return tuple(float(c) for c in chebyshev.chebfit(nodes, values, OUTPUT_ORDER))


def as_solution(fitted: Fitted, lines: Lines, lab: LabLines, *, lamps, method: str, template: str, score: float,
                domain: tuple[float, float] = DOMAIN) -> WavelengthSolution:  # fmt: skip
    """The solution in its public form: one Chebyshev series over the detector."""
    low, high = domain
    column = lines.column[fitted.seen]
    step = fitted.shape.grating.dispersion
    identified = tuple(
        IdentifiedLine(
            column=float(c),
            column_error=float(e),
            wavelength=float(w),
            ion=str(lab.ion[j]),
            residual=float(-r * step),
            used=bool(u),
        )
        for c, e, w, j, r, u in zip(
            column, lines.error[fitted.seen], fitted.wavelength, fitted.lab, fitted.residual, fitted.used, strict=True
        )
    )
    inside = column[fitted.used]
    return WavelengthSolution(
        coefficients=series(fitted.shape, domain),
        domain=(float(low), float(high)),
        span=(float(inside.min()), float(inside.max())),
        lines=identified,
        rms=fitted.rms * step,
        rms_fit=float(np.sqrt(np.mean(fitted.residual[fitted.used] ** 2))) * step,
        lamps=tuple(lamps),
        method=method,
        template=template,
        score=float(score),
    )

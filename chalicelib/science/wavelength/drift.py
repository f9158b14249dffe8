"""One dispersion relation through the lines of two arcs, the lines drifting across the detector between them.

Flexure moves the image on the detector, so the drift is a displacement in columns (with a change of scale where the
lines demand one), proportional to time; the dispersion relation itself is common to both arcs. Shape and drift are
fitted together to all lines: each arc brings its own lines to the shape, and what the lamps have in common fixes the
drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from .fit import CLIP, FLOOR, FOLDS, effective_weight
from .grating import scaled
from .match import EXPECTED, PRIOR, Shape

STRETCH_SIGNIFICANCE = 4.0
#: Unbinned pixels at the detector's edge: a smaller change of scale is not worth another free term.
STRETCH_MATTERS = 0.02
FEWEST_LINES = 6
_TIGHT = 1e-6


@dataclass(frozen=True)
class DatedLines:
    """Named lines of two arcs.

    Attributes
    ----------
    column, error : (n,) float64
        Measured centroid and its 1-sigma error, unbinned detector columns.
    wavelength : (n,) float64
        Laboratory air wavelength, Angstrom.
    phase : (n,) float64
        When the line was seen, in units of the time between the arcs; 0 is the time wanted.
    arc : (n,) int
        Which arc it was seen in.
    allowed : (n,) bool
        Which may enter a fit.
    """

    column: np.ndarray
    error: np.ndarray
    wavelength: np.ndarray
    phase: np.ndarray
    arc: np.ndarray
    allowed: np.ndarray


@dataclass(frozen=True)
class Drifting:
    """A dispersion relation at the time wanted, and how far the lines move between the arcs.

    ``shift`` and ``stretch`` are unbinned pixels from the first arc to the second: at the middle of the detector, and
    what is added to that at its edge. ``shift_error``, ``stretch_error`` are 1 sigma (0: not fitted). ``used``,
    ``residual`` and ``held_out`` (pixels; NaN where not used) belong to the lines.
    """

    shape: Shape
    shift: float
    stretch: float = 0.0
    shift_error: float = 0.0
    stretch_error: float = 0.0
    used: np.ndarray | None = None
    residual: np.ndarray | None = None
    held_out: np.ndarray | None = None

    def place(self, column, phase) -> np.ndarray:
        """Where a line seen at ``column`` at ``phase`` lies at the time wanted."""
        return column - phase * (self.shift + self.stretch * scaled(column))

    def pixels(self, lines: DatedLines) -> np.ndarray:
        """Laboratory wavelength minus the relation's own, pixels."""
        return self.shape.pixels(self.place(lines.column, lines.phase), lines.wavelength)

    @property
    def rms(self) -> float:
        """Held-out rms, pixels."""
        assert self.held_out is not None and self.used is not None
        return float(np.sqrt(np.nanmean(self.held_out[self.used] ** 2))) if self.used.any() else float("nan")


def fit_drift(lines: DatedLines, shape: Shape, shift: float) -> Drifting:
    """Fit shape and drift together from a start good to a fraction of a pixel.

    A change of scale between the arcs is fitted only where it is significant and large enough to matter.
    """
    rigid, used = _robust(lines, Drifting(shape, shift), free=False)
    best = rigid
    stretched, used_stretched = _robust(lines, rigid, free=True)
    significant = abs(stretched.stretch) > STRETCH_SIGNIFICANCE * stretched.stretch_error > 0
    free = significant and abs(stretched.stretch) > STRETCH_MATTERS
    if free:
        best, used = stretched, used_stretched
    return Drifting(
        best.shape,
        best.shift,
        best.stretch,
        best.shift_error,
        best.stretch_error,
        used,
        best.pixels(lines),
        _hold_out(lines, best, used, free),
    )


def _weights(lines: DatedLines, residual: np.ndarray, used: np.ndarray) -> np.ndarray:
    """1 / pixels; each arc's scatter is its own."""
    weight = np.zeros(len(lines.column))
    for number in np.unique(lines.arc):
        mine = lines.arc == number
        weight[mine] = effective_weight(lines.error[mine], residual[mine], used[mine])
    return weight


def _huber(residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.sqrt(np.minimum(1.0, 2.0 / np.maximum(np.abs(residual) * weight, 1e-9)))


def _step(lines: DatedLines, now: Drifting, use: np.ndarray, weight: np.ndarray, free: bool) -> Drifting:
    """One weighted least-squares step of shape, shift and (if ``free``) stretch, the shape's priors included."""
    place = now.place(lines.column[use], lines.phase[use])
    unit = now.shape.grating.dispersion
    slope = (now.shape.wavelength(place + 0.5) - now.shape.wavelength(place - 0.5)) / unit
    n = len(PRIOR)
    corrections = np.zeros(n)
    corrections[: len(now.shape.corrections)] = now.shape.corrections
    shape_part = chebyshev.chebvander(scaled(place), n - 1)
    moved = -slope * lines.phase[use]
    design = np.column_stack([shape_part, moved, moved * scaled(lines.column[use])])
    start = np.concatenate([corrections, [now.shift, now.stretch]])
    residual = now.shape.pixels(place, lines.wavelength[use])
    tie = np.concatenate([1 / PRIOR, [0.0, 0.0 if free else 1 / _TIGHT]])
    expected = np.concatenate([EXPECTED[:n], [0.0, 0.0]])
    rows = np.vstack([design * weight[:, None], np.diag(tie)])
    values = np.concatenate([(residual + design @ start) * weight, expected * tie])
    solution = np.linalg.lstsq(rows, values, rcond=None)[0]
    spread = np.sqrt(np.abs(np.diag(np.linalg.pinv(rows.T @ rows))))
    return Drifting(
        Shape(now.shape.grating, tuple(float(c) for c in solution[:n])),
        float(solution[n]),
        float(solution[n + 1]) if free else 0.0,
        float(spread[n]),
        float(spread[n + 1]) if free else 0.0,
    )


def _robust(lines: DatedLines, now: Drifting, free: bool) -> tuple[Drifting, np.ndarray]:
    """Fit, clip at ``CLIP`` sigma but never below the floor, fit again; the lines' membership with it."""
    used = lines.allowed.copy()
    for _ in range(12):
        for _ in range(3):
            residual = now.pixels(lines)
            weight = _weights(lines, residual, used)
            now = _step(lines, now, used, (weight * _huber(residual, weight))[used], free)
        residual = now.pixels(lines)
        scatter = 1.4826 * np.median(np.abs(residual[used]))
        limit = np.maximum(FLOOR, CLIP * np.maximum(scatter, lines.error))
        limit = np.minimum(limit, np.maximum(FLOOR, 6 * scatter))
        again = lines.allowed & (np.abs(residual) < limit)
        if np.array_equal(again, used) or again.sum() < FEWEST_LINES:
            break
        used = again
    return now, used


def _hold_out(lines: DatedLines, fitted: Drifting, used: np.ndarray, free: bool) -> np.ndarray:
    """Residual (pixels) of each used line from a fit without its fold.

    A laboratory line is left out of both arcs at once: its other sighting shares its error and would tell the answer.
    """
    result = np.full(len(used), np.nan)
    order = np.argsort(lines.wavelength, kind="stable")
    apart = np.diff(lines.wavelength[order]) > 0.5 * fitted.shape.grating.dispersion
    same = np.empty(len(used), dtype=int)
    same[order] = np.concatenate([[0], np.cumsum(apart)])
    known = np.unique(same[used])
    weight = _weights(lines, fitted.pixels(lines), used)
    for fold in range(min(FOLDS, len(known))):
        out = used & np.isin(same, known[fold::FOLDS])
        rest = used & ~out
        if rest.sum() < 2:
            continue
        now = fitted
        for _ in range(3):
            residual = now.pixels(lines)
            now = _step(lines, now, rest, (weight * _huber(residual, weight))[rest], free)
        result[out] = now.pixels(lines)[out]
    return result

"""Which laboratory line is which: comb search over shift, scale and curvature, then line-by-line identification.

The measured lines and the laboratory lines are two combs. For each scale and curvature of the grating equation the
histogram of all differences between them, weighted by brightness, has its peak at the right shift (a sparse
cross-correlation). The best few peaks are refined line by line and judged by how many bright lines they explain
against how many chance would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts at first use: a cold start must not pay for them
from numpy.polynomial import chebyshev

from ..reference import LabLines
from .grating import CENTRE, HALF, Grating, scaled
from .lines import Lines

BRIGHTEST_SEEN = 70
BRIGHTEST_PER_ION = 45
SCALE_RANGE = 0.04
CURVATURE_RANGE = 4.0
STEP = 4.0
CANDIDATES = 10
# Departures from the grating equation by Chebyshev order, unbinned pixels at the edge, over 25 rich reference lamps:
# order 2 is 0.0 to 1.0, order 3 is -0.2 to 0.3, order 4 below 0.05
EXPECTED = np.array([0.0, 0.0, 0.4, 0.0, 0.0])
PRIOR = np.array([np.inf, np.inf, 0.5, 0.2, 0.03])
T_GRID = np.linspace(-1, 1, 9)
C_GRID = T_GRID * HALF + CENTRE


@dataclass(frozen=True)
class Shape:
    """A dispersion relation: the grating equation plus Chebyshev corrections (in units of its dispersion, pixels)."""

    grating: Grating
    corrections: tuple[float, ...]

    def wavelength(self, column) -> np.ndarray:
        """Air wavelength (Angstrom) at unbinned detector columns."""
        return self.grating.wavelength(column) + self.grating.dispersion * chebyshev.chebval(
            scaled(column), self.corrections
        )

    def pixels(self, column, wavelength) -> np.ndarray:
        """Wavelength minus the relation's own at ``column``, in pixels."""
        return (np.asarray(wavelength) - self.wavelength(column)) / self.grating.dispersion


@dataclass(frozen=True)
class Match:
    """Pairs of a measured and a laboratory line under a shape.

    ``seen`` and ``lab`` are indices; ``residual`` (pixels) is laboratory minus predicted. ``score`` is the
    significance of the number of bright lines explained, ``explained`` the share of the light in the brightest lines
    that has a name.
    """

    shape: Shape
    seen: np.ndarray
    lab: np.ndarray
    residual: np.ndarray
    score: float
    explained: float


def seen_weights(lines: Lines) -> np.ndarray:
    """Importance of measured lines: slow in brightness, so that no single line decides."""
    return np.log1p(lines.amplitude / np.median(np.sort(lines.amplitude)[-60:])) if len(lines) else np.empty(0)


def lab_weights(lab: LabLines) -> np.ndarray:
    """Importance of laboratory lines: rank-like inside each ion, since intensities of ions are not comparable."""
    weights = np.zeros(len(lab))
    for ion in np.unique(lab.ion):
        mine = lab.ion == ion
        weights[mine] = np.sqrt(lab.intensity[mine] / lab.intensity[mine].max())
    return np.maximum(weights, 0.08)


def brightest(lab: LabLines, per_ion: int) -> LabLines:
    """The ``per_ion`` strongest lines of each ion."""
    keep = np.zeros(len(lab), dtype=bool)
    for ion in np.unique(lab.ion):
        mine = np.flatnonzero(lab.ion == ion)
        keep[mine[np.argsort(lab.intensity[mine])[::-1][:per_ion]]] = True
    return lab.select(keep)


def comb_search(lines: Lines, lab: LabLines, start: Shape, shift_range: float, scale_range: float = SCALE_RANGE,
                curvature_range: float = CURVATURE_RANGE, candidates: int = CANDIDATES) -> list[Shape]:  # fmt: skip
    """The most promising shapes, best first.

    Parameters
    ----------
    lines : Lines
    lab : LabLines
    start : Shape
        Centre of the search.
    shift_range : float
        Unbinned pixels either way.
    scale_range : float
        Relative, either way.
    curvature_range : float
        Unbinned pixels at the detector's edge, either way.
    """
    order = np.argsort(lines.amplitude)[::-1][:BRIGHTEST_SEEN]
    dispersion = start.grating.dispersion
    column = lines.column[order]
    weight = seen_weights(lines)[order]
    predicted = start.wavelength(column) / dispersion
    middle = float(start.wavelength(CENTRE)) / dispersion
    reach = shift_range + (scale_range * HALF) + curvature_range
    inside = (lab.wavelength > start.wavelength(CENTRE - HALF) - reach * dispersion) & (
        lab.wavelength < start.wavelength(CENTRE + HALF) + reach * dispersion
    )
    lab = brightest(lab.select(inside), BRIGHTEST_PER_ION)
    if len(lab) == 0 or len(column) == 0:
        return []
    target = lab.wavelength / dispersion
    strength = np.outer(weight, lab_weights(lab))
    scales = _symmetric(scale_range * HALF, STEP) / HALF
    curvatures = _symmetric(curvature_range, STEP)
    bin_width = 1.5
    n = int(2 * shift_range / bin_width) + 1
    t = scaled(column)
    bowls = t**2
    table = np.zeros((len(scales), len(curvatures), n))
    for i, scale in enumerate(scales):
        stretched = predicted + scale * (predicted - middle)
        for j, curvature in enumerate(curvatures):
            difference = target - (stretched + curvature * bowls)[:, None]
            place = ((difference + shift_range) / bin_width).astype(np.intp)
            good = (difference > -shift_range) & (place < n)
            table[i, j] = np.bincount(place[good], strength[good], minlength=n)
    table = scipy.ndimage.gaussian_filter1d(table, 1.1, axis=2)
    # a crowded stretch of the list makes every shift there look good: judge against the local level
    table -= scipy.ndimage.uniform_filter1d(np.median(table, axis=(0, 1)), 101)
    found = []
    peaks = scipy.ndimage.maximum_filter(table, size=(5, 3, 7)) == table
    where = np.argwhere(peaks)
    for i, j, k in where[np.argsort(table[peaks])[::-1]][:candidates]:
        shift = -shift_range + (k + 0.5) * bin_width
        added = np.zeros(5)
        added[: len(start.corrections)] = start.corrections
        # scale acts about the middle on wavelength, nearly linear in column; t^2 = (T0 + T2) / 2
        linear = chebyshev.chebfit(T_GRID, scales[i] * (start.wavelength(C_GRID) / dispersion - middle), 3)
        added[:4] += linear
        added[0] += shift + curvatures[j] / 2
        added[2] += curvatures[j] / 2
        found.append(Shape(start.grating, tuple(added)))
    return found


def _symmetric(reach: float, step: float) -> np.ndarray:
    n = int(np.ceil(reach / step))
    return np.arange(-n, n + 1) * step


def pair(lines: Lines, lab: LabLines, shape: Shape, tolerance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mutually nearest pairs within ``tolerance`` pixels: indices of measured, of laboratory lines, residuals."""
    predicted = shape.wavelength(lines.column)
    if len(lab) == 0 or len(lines) == 0:
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    nearest = nearest_index(lab.wavelength, predicted)
    back = (
        nearest_index(predicted, lab.wavelength[nearest]) if np.all(np.diff(predicted) > 0) else np.full(len(lines), -1)
    )
    residual = (lab.wavelength[nearest] - predicted) / shape.grating.dispersion
    mutual = (back == np.arange(len(lines))) & (np.abs(residual) < tolerance)
    seen = np.flatnonzero(mutual)
    return seen, nearest[seen], residual[seen]


def nearest_index(sorted_values: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Index into ``sorted_values`` of the element nearest to each of ``values``."""
    right = np.clip(np.searchsorted(sorted_values, values), 1, max(1, len(sorted_values) - 1))
    if len(sorted_values) == 1:
        return np.zeros(len(values), dtype=int)
    left = right - 1
    return np.where(values - sorted_values[left] <= sorted_values[right] - values, left, right)


def fit_shape(shape: Shape, column, residual, weight, prior: np.ndarray = PRIOR, expected=EXPECTED) -> Shape:
    """Corrections that bring weighted residuals (pixels) to zero, held near ``expected`` by the priors.

    ``weight`` is 1 / error (1 / pixels). Orders with an infinite prior are free.
    """
    n = len(prior)
    now = np.zeros(n)
    now[: len(shape.corrections)] = shape.corrections
    design = chebyshev.chebvander(scaled(column), n - 1)
    wanted = residual + design @ now
    tie = 1 / prior
    rows = np.vstack([design * np.asarray(weight)[:, None], np.diag(tie)])
    values = np.concatenate([wanted * weight, expected[:n] * tie])
    return Shape(shape.grating, tuple(float(c) for c in np.linalg.lstsq(rows, values, rcond=None)[0]))


def refine(lines: Lines, lab: LabLines, shape: Shape, start: float = 7.0) -> Match:
    """Pair, fit and tighten from a tolerance of ``start`` pixels; judged at the last, tightest tolerance.

    On the way the laboratory list is thinned to the lines that should be visible, ion by ion.
    """
    weights = seen_weights(lines)
    kept = np.sort(np.argsort(lines.amplitude)[::-1][:90])
    bright, weight_of = lines.select(kept), weights[kept]
    last = 0.8 * max(1.0, lines.fwhm / 4.0)
    numbers = np.arange(len(lab))
    for step, tolerance in enumerate(np.geomspace(start, last, 8)):
        seen, found, residual = pair(bright, lab, shape, tolerance)
        if len(seen) < 3:
            break
        # Cauchy weights: chance pairs lie anywhere, right ones near zero
        scale = max(0.25, 0.4 * tolerance)
        weight = np.sqrt(weight_of[seen] / (1 + (residual / scale) ** 2)) / scale
        free = 2 if step < 2 else 5
        prior = np.where(np.arange(5) < free, PRIOR, 1e-3)
        expected = EXPECTED if free == 5 else np.pad(np.array(shape.corrections), (0, 5))[:5]
        shape = fit_shape(shape, bright.column[seen], residual, weight, prior, expected)
        if step in (4, 6):
            keep = visible(bright, lab, shape, 2 * last)
            lab, numbers = lab.select(keep), numbers[keep]
    seen, found, residual = pair(bright, lab, shape, last)
    score, explained = judge(bright, weight_of, lab, shape, seen, last)
    return Match(shape, kept[seen], numbers[found], residual, score, explained)


def ion_scales(lines: Lines, lab: LabLines, seen, found) -> dict[str, tuple[float, int]]:
    """For each ion the log of amplitude over listed intensity, from its pairs, and how many pairs there were."""
    scales = {}
    for ion in np.unique(lab.ion[found]):
        mine = lab.ion[found] == ion
        ratio = np.log(lines.amplitude[seen][mine] / lab.intensity[found][mine])
        scales[str(ion)] = (float(np.median(ratio)), int(mine.sum()))
    return scales


def visible(lines: Lines, lab: LabLines, shape: Shape, tolerance: float) -> np.ndarray:
    """Which laboratory lines can be seen, by each ion's own brightness in this lamp (NIST's do not compare)."""
    seen, found, _ = pair(lines, lab, shape, tolerance)
    scales = ion_scales(lines, lab, seen, found)
    faintest = np.min(lines.amplitude) if len(lines) else 0.0
    keep = np.zeros(len(lab), dtype=bool)
    low, high = shape.wavelength(np.array([lines.column.min(), lines.column.max()]))
    for ion in np.unique(lab.ion):
        mine = lab.ion == ion
        scale, pairs = scales.get(str(ion), (0.0, 0))
        inside = mine & (lab.wavelength > low) & (lab.wavelength < high)
        # an ion that pairs no better than one line in six is not there, or its pairs are chance
        if pairs and pairs >= inside.sum() / 6:
            keep |= mine & (lab.intensity * np.exp(scale) > 0.15 * faintest)
    return keep if keep.sum() >= 3 else np.ones(len(lab), dtype=bool)


def judge(lines: Lines, weight: np.ndarray, lab: LabLines, shape: Shape, seen, tolerance: float) -> tuple[float, float]:
    """Significance of the weighted number of pairs against chance, and the share of bright light explained."""
    if len(lines) == 0 or len(lab) == 0:
        return 0.0, 0.0
    predicted = shape.wavelength(lines.column)
    window = 150.0 * shape.grating.dispersion
    count = np.searchsorted(lab.wavelength, predicted + window) - np.searchsorted(lab.wavelength, predicted - window)
    density = np.maximum(count, 1) / 300.0
    chance = 1 - np.exp(-2 * tolerance * density)
    hit = np.zeros(len(lines))
    hit[seen] = 1
    # a fit with four free terms can buy about four pairs
    bought = 4 * np.mean(weight)
    excess = np.sum(weight * (hit - chance)) - bought
    score = excess / np.sqrt(np.sum(weight**2 * chance * (1 - chance)) + 1e-9)
    top = np.argsort(lines.amplitude)[::-1][:25]
    light = np.sqrt(lines.amplitude[top])
    return float(score), float(np.sum(light * hit[top]) / np.sum(light))

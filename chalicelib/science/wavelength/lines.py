"""Find the emission lines of an extracted lamp and measure where they are, with errors.

The profile is a slit (box) smeared by a Gaussian, its two widths measured from the lamp's own isolated lines. Lines
closer than a few widths are fitted together, so a neighbour does not pull a centroid; saturated pixels are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # loads its parts at first use: a cold start must not pay for them

from .. import peaks as maxima
from ..frame import MaskBit

DETECTION = 5.0
MAX_LINES = 260
PROFILE_SYSTEMATIC = 0.02
PROFILE_LINES = 30
WIDTH_PRIOR = 0.12
WORST_CHI = 3.0
WIDEST = 1.18


@dataclass(frozen=True)
class ArcSpectrum:
    """A lamp's spectrum along the dispersion.

    Attributes
    ----------
    column : (n,) float64
        Unbinned detector columns of the pixel centres, equally spaced by the serial binning.
    flux, variance : (n,) float64
        Electrons per pixel and electrons squared (a mean over rows: the scale does not matter).
    mask : (n,) uint8
        MaskBit flags.
    """

    column: np.ndarray
    flux: np.ndarray
    variance: np.ndarray
    mask: np.ndarray

    @property
    def binning(self) -> float:
        """Unbinned columns per pixel."""
        return float(self.column[1] - self.column[0])


@dataclass(frozen=True)
class Lines:
    """Measured lines, in rising column.

    Attributes
    ----------
    column, error : (n,) float64
        Centroid and its 1-sigma error, unbinned detector columns.
    amplitude : (n,) float64
        Height above the background, electrons.
    significance : (n,) float64
        Height over its error.
    clean : (n,) bool
        Not saturated, not masked, and the profile fits.
    fwhm : float
        Of the profile, unbinned columns.
    """

    column: np.ndarray
    error: np.ndarray
    amplitude: np.ndarray
    significance: np.ndarray
    clean: np.ndarray
    fwhm: float

    def __len__(self) -> int:
        return len(self.column)

    def select(self, keep: np.ndarray) -> Lines:
        """The lines that ``keep`` (mask or indices) picks."""
        return Lines(
            self.column[keep],
            self.error[keep],
            self.amplitude[keep],
            self.significance[keep],
            self.clean[keep],
            self.fwhm,
        )


@dataclass(frozen=True)
class Profile:
    """A box of half-width ``half`` smeared by a Gaussian ``sigma``; pixels; height 1 at the middle."""

    half: float
    sigma: float

    def __call__(self, x: np.ndarray, stretch: float = 1.0) -> np.ndarray:
        s = np.sqrt(2) * self.sigma * stretch
        half = self.half * stretch
        return (scipy.special.erf((x + half) / s) - scipy.special.erf((x - half) / s)) / self._top

    def slope(self, x: np.ndarray, stretch: float = 1.0) -> np.ndarray:
        """Derivative with respect to ``x``."""
        s = self.sigma * stretch
        a, b = (x + self.half * stretch) / s, (x - self.half * stretch) / s
        return np.sqrt(2 / np.pi) / s * (np.exp(-0.5 * a**2) - np.exp(-0.5 * b**2)) / self._top

    @cached_property
    def _top(self) -> float:
        return float(2 * scipy.special.erf(self.half / (np.sqrt(2) * self.sigma)))

    @cached_property
    def fwhm(self) -> float:
        """Full width at half maximum, pixels."""
        x = np.linspace(0, 3 * (self.half + self.sigma), 400)
        return 2 * float(np.interp(-0.5, -self(x), x))


def background(flux: np.ndarray, fwhm: float) -> np.ndarray:
    """The level between the lines: a low running percentile, smoothed."""
    size = int(max(31, 20 * fwhm)) | 1
    step = 4
    coarse = scipy.ndimage.percentile_filter(flux, 25, size=size, mode="nearest")[::step]
    coarse = scipy.ndimage.gaussian_filter1d(coarse, size / 4 / step, mode="nearest")
    return np.interp(np.arange(len(flux)), np.arange(len(flux))[::step], coarse)


def typical_width(signal_: np.ndarray, noise: np.ndarray) -> float:
    """Full width at half maximum (pixels) of the stronger lines; 3 where there are none."""
    peaks = maxima.find_peaks(signal_ / noise, prominence=15)
    if len(peaks) == 0:
        return 3.0
    peaks = peaks[(signal_[peaks] > signal_[peaks - 1]) & (signal_[peaks] >= signal_[peaks + 1]) & (signal_[peaks] > 0)]
    if len(peaks) == 0:
        return 3.0
    strong = peaks[np.argsort(signal_[peaks])[::-1][:60]]
    widths = maxima.widths(signal_, strong)
    # blends and saturated lines only make it wider
    return float(np.clip(np.percentile(widths, 35), 1.8, 40.0))


def find_peaks(signal_: np.ndarray, variance: np.ndarray, fwhm: float, threshold: float) -> np.ndarray:
    """Pixels (int) where a line-shaped filter stands ``threshold`` sigma out of the noise."""
    sigma = fwhm / 2.355
    x = np.arange(-int(2 * fwhm) - 1, int(2 * fwhm) + 2)
    kernel = np.exp(-0.5 * (x / sigma) ** 2)
    filtered = np.convolve(signal_, kernel, mode="same")
    noise = np.sqrt(np.convolve(variance, kernel**2, mode="same"))
    significance = filtered / np.maximum(noise, 1e-30)
    # a gentler smoothing keeps close pairs apart
    gentle = scipy.ndimage.gaussian_filter1d(signal_, 0.4 * sigma)
    peaks = maxima.find_peaks(gentle, distance=max(1.0, 0.7 * fwhm), prominence=2 * np.sqrt(np.median(variance)))
    peaks = peaks[significance[peaks] > threshold]
    edge = int(fwhm) + 1
    return peaks[(peaks > edge) & (peaks < len(signal_) - 1 - edge)]


def fit_group(profile: Profile, flux, variance, good, centres) -> tuple[np.ndarray, np.ndarray, float, float] | None:
    """Fit neighbouring lines together: (amplitude, centre) pairs, their errors, chi per degree of freedom, stretch.

    Gauss-Newton on background, common stretch (with a prior) and a height and place per line; the expected misfit of
    the profile is added to the variance, so that bright lines do not claim more than the profile is worth.
    """
    reach = 1.4 * profile.fwhm
    low = max(0, int(np.floor(centres[0] - reach)))
    high = min(len(flux), int(np.ceil(centres[-1] + reach)) + 1)
    use = np.flatnonzero(good[low:high]) + low
    n = len(centres)
    if len(use) < 2 * n + 2:
        return None
    x, y = use.astype(float), flux[use]
    centres, start, stretch, level = centres.astype(float).copy(), centres.astype(float), 1.0, 0.0
    heights = np.maximum(np.interp(centres, np.arange(low, high), flux[low:high]), 1e-12)
    tallest = 2.0 * max(float(np.max(flux[low:high])), 1e-12)
    noise = variance[use]
    design = np.ones((2 + 2 * n, len(x)))
    tie = 1 / WIDTH_PRIOR**2
    for _ in range(8):
        offset = x - centres[:, None]
        shapes = profile(offset, stretch)
        slopes = -heights[:, None] * profile.slope(offset, stretch)
        model = level + heights @ shapes
        # misfit is as large in the wings as in the core: weighed by the core's light a coma would pull the centre
        broad = np.maximum(heights, 0) @ profile(offset, 2.5 * stretch)
        weight = 1 / np.sqrt(noise + (PROFILE_SYSTEMATIC * broad) ** 2)
        design[0] = weight
        # widening by a factor moves light outwards in proportion to the distance
        design[1] = (offset * slopes).sum(axis=0) * weight
        design[2 : 2 + n] = shapes * weight
        design[2 + n :] = slopes * weight
        normal = design @ design.T
        normal[1, 1] += tie
        gradient = design @ ((y - model) * weight)
        gradient[1] += (1 - stretch) * tie
        normal.flat[:: len(normal) + 1] *= 1 + 1e-10
        try:
            inverse = np.linalg.inv(normal)
        except np.linalg.LinAlgError:
            return None
        step = inverse @ gradient
        level += step[0]
        stretch = min(max(stretch * (1 + min(max(step[1], -0.2), 0.2)), 0.6), 1.8)
        # with the core saturated the wings alone would allow any height
        heights = np.minimum(heights + step[2 : 2 + n], tallest)
        moves = np.minimum(np.maximum(step[2 + n :], -0.3 * profile.fwhm), 0.3 * profile.fwhm)
        moved = np.minimum(np.maximum(centres + moves, start - 0.6 * profile.fwhm), start + 0.6 * profile.fwhm)
        largest, centres = np.abs(moved - centres).max(), moved
        if largest < 3e-3:
            break
    residual = (y - level - heights @ profile(x - centres[:, None], stretch)) * weight
    chi2 = float(residual @ residual) / max(1, len(use) - 2 * n - 2)
    errors = np.sqrt(np.abs(inverse.diagonal()) * max(1.0, chi2))
    return np.array([heights, centres]), np.array([errors[2 : 2 + n], errors[2 + n :]]), np.sqrt(chi2), stretch


def groups(centres: np.ndarray, gap: float) -> list[np.ndarray]:
    """Indices of sorted ``centres`` cut where neighbours are more than ``gap`` apart."""
    return np.split(np.arange(len(centres)), np.flatnonzero(np.diff(centres) > gap) + 1) if len(centres) else []


def measure_profile(flux, good, peaks, fwhm) -> Profile:
    """The line shape from strong isolated lines; a blurred box of the typical width where there are too few.

    The lines are laid over one another by the midpoints of their half-height crossings, which need no model.
    """
    start = Profile(0.38 * fwhm, 0.25 * fwhm)
    alone = [g[0] for g in groups(peaks, 3.5 * fwhm) if len(g) == 1]
    strong = sorted((peaks[i] for i in alone), key=lambda p: -flux[p])[:PROFILE_LINES]
    offsets, heights = [], []
    reach = int(np.ceil(1.6 * fwhm))
    for peak in strong:
        if peak < reach or peak + reach >= len(flux) or not good[peak - reach : peak + reach + 1].all():
            continue
        cut = flux[peak - reach : peak + reach + 1]
        above = cut > 0.5 * flux[peak]
        if above.all() or np.count_nonzero(np.diff(above)) != 2:
            continue
        left = int(np.argmax(above))
        right = len(cut) - 1 - int(np.argmax(above[::-1]))
        if left == 0 or right == len(cut) - 1:
            continue
        half = 0.5 * flux[peak]
        low = left - (cut[left] - half) / (cut[left] - cut[left - 1])
        high = right + (cut[right] - half) / (cut[right] - cut[right + 1])
        offsets.append(np.arange(len(cut)) - (low + high) / 2)
        heights.append(cut / cut.sum())
    if len(offsets) < 3:
        return start
    x, y = np.concatenate(offsets), np.concatenate(heights)
    top = float(np.percentile(y, 97))

    def misfit(p):
        return (p[2] * Profile(abs(p[0]) + 0.02, abs(p[1]) + 0.2)(x) + p[3] - y) / top

    first = [start.half, start.sigma - 0.1, top, 0.0]
    best = scipy.optimize.least_squares(misfit, first, loss="soft_l1", f_scale=0.05).x
    profile = Profile(float(abs(best[0]) + 0.02), float(abs(best[1]) + 0.2))
    return profile if 0.6 * fwhm < profile.fwhm < 1.7 * fwhm else start


def measure(arc: ArcSpectrum) -> Lines:
    """Find and centroid the lines of ``arc``.

    Returns
    -------
    Lines
        Sorted by column; none where nothing stands out of the noise.
    """
    flux = np.asarray(arc.flux, dtype=float)
    variance = np.asarray(arc.variance, dtype=float)
    saturated = (arc.mask & MaskBit.SATURATED) != 0
    good = np.isfinite(flux) & np.isfinite(variance) & (variance > 0) & ((arc.mask & ~np.uint8(MaskBit.NO_FLAT)) == 0)
    if good.sum() < 50:
        return _as_lines(arc, [], 3.0)
    index = np.arange(len(flux))
    flux = np.where(np.isfinite(flux), flux, np.interp(index, index[good], flux[good]))
    variance = np.where(np.isfinite(variance) & (variance > 0), variance, np.median(variance[good]))
    # noise seen between the lines guards against an optimistic variance
    seen = 1.4826 * np.median(np.abs(np.diff(flux)[1:] - np.diff(flux)[:-1])) / np.sqrt(6)
    variance = np.maximum(variance, min(seen, 3 * np.sqrt(np.median(variance))) ** 2)
    level = background(flux, 4.0)
    fwhm = typical_width(flux - level, np.sqrt(variance))
    clear = flux - background(flux, fwhm)
    peaks = find_peaks(clear, variance, fwhm, DETECTION)
    peaks = np.sort(peaks[np.argsort(clear[peaks])[::-1][:MAX_LINES]])
    profile = measure_profile(clear, good, peaks, fwhm)
    parts = _parts(peaks, profile)
    fits = [_fit_part(profile, clear, variance, good, saturated, part) for part in parts]
    hidden = _hidden(profile, clear, variance, good, [row for rows in fits for row in rows])
    if len(hidden):
        # only the groups that gained a partner are fitted again
        done = {tuple(part): rows for part, rows in zip(parts, fits, strict=True)}
        again = _parts(np.sort(np.concatenate([peaks, hidden])), profile)
        fits = [
            done[key] if (key := tuple(part)) in done else _fit_part(profile, clear, variance, good, saturated, part)
            for part in again
        ]
    rows = [row for rows in fits for row in rows]
    return _as_lines(arc, rows, profile.fwhm)


def _parts(peaks: np.ndarray, profile: Profile) -> list[np.ndarray]:
    """Peaks to be fitted together; very long chains are cut, since a far neighbour does not matter."""
    chains = groups(peaks, 2.2 * profile.fwhm)
    return [peaks[part] for chain in chains for part in np.array_split(chain, max(1, -(-len(chain) // 7)))]


def _fit_part(profile, clear, variance, good, saturated, peaks) -> list[tuple]:
    """One row a line: centre, error, height, significance, clean, stretch."""
    fitted = fit_group(profile, clear, variance, good, peaks)
    if fitted is None:
        return []
    rows = []
    (heights, centres), (height_errors, centre_errors), chi, stretch = fitted
    for height, centre, dh, dc in zip(heights, centres, height_errors, centre_errors, strict=True):
        if height < 3 * dh or height <= 0 or not np.isfinite(centre):
            continue
        near = slice(max(0, int(centre - 0.7 * profile.fwhm)), int(centre + 0.7 * profile.fwhm) + 2)
        burnt = saturated[near].any() or not good[near].all()
        # flat or torn tops (saturated, cut by a cosmic-ray rejection) show as width and misfit
        clean = not burnt and chi < WORST_CHI and stretch < WIDEST
        rows.append((centre, dc, height, height / dh, clean, stretch))
    return rows


def _hidden(profile, clear, variance, good, rows) -> np.ndarray:
    """Pixels where the residual of the fit still holds a line: the unresolved partner of a blend."""
    model = np.zeros_like(clear)
    for centre, _, height, _, _, stretch in rows:
        reach = 4 * profile.fwhm
        x = np.arange(max(0, int(centre - reach)), min(len(clear), int(centre + reach) + 1))
        model[x] += height * profile(x - centre, stretch)
    # the wings of a bright line are no partner of it
    beside = scipy.ndimage.maximum_filter1d(model, int(6 * profile.fwhm) | 1)
    fuzzy = variance + (0.04 * model) ** 2 + (0.02 * beside) ** 2
    peaks = find_peaks(np.where(good, clear - model, 0.0), fuzzy, profile.fwhm, 6.0)
    centres = np.array([row[0] for row in rows])
    if len(centres) == 0 or len(peaks) == 0:
        return np.empty(0, dtype=int)
    apart = np.min(np.abs(peaks[:, None] - centres), axis=1)
    return peaks[(apart > 0.55 * profile.fwhm) & (apart < 3 * profile.fwhm)][:60]


def _as_lines(arc: ArcSpectrum, rows: list[tuple], fwhm: float) -> Lines:
    table = np.array([row[:5] for row in sorted(rows)], dtype=float).reshape(-1, 5)
    step = arc.binning
    column = arc.column[0] + step * table[:, 0]
    error = np.hypot(step * table[:, 1], 0.003)
    return Lines(column, error, table[:, 2], table[:, 3], table[:, 4] > 0, step * fwhm)

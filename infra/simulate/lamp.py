"""Arc lamps: which lines shine how brightly, taken from the published reference lamps and laboratory line lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import percentile_filter
from scipy.optimize import nnls

from chalicelib.science.reference import Library, ReferenceLamp

from .library import open_library
from .modes import Mode, mode_at
from .optics import AXIS_COLUMN, Optics

#: LAMP_ keyword ending -> elements in that lamp. The "iron" lamp is an iron-argon hollow cathode.
LAMPS: dict[str, tuple[str, ...]] = {
    "HGA": ("Hg", "Ar"),
    "NE": ("Ne",),
    "AR": ("Ar",),
    "FE": ("Fe", "He", "Ar"),
    "CU": ("Cu", "He", "Ar"),
}


@dataclass(frozen=True)
class LineList:
    """Lines of a lamp: air ``wavelength`` (Angstrom), ``strength`` (1 = the brightest), ``ion`` ("" = not in NIST)."""

    wavelength: np.ndarray
    strength: np.ndarray
    ion: tuple[str, ...]

    def within(self, low: float, high: float) -> LineList:
        """Those between two wavelengths, strengths relative to the brightest of them."""
        keep = (self.wavelength > low) & (self.wavelength < high)
        strength = self.strength[keep]
        peak = strength.max() if strength.size else 1.0
        return LineList(self.wavelength[keep], strength / peak, tuple(np.array(self.ion, dtype=object)[keep]))


@dataclass(frozen=True)
class Template:
    """A published lamp spectrum: ``flux`` at air ``wavelength`` (a first, imperfect solution), and its mode."""

    mode: str
    wavelength: np.ndarray
    flux: np.ndarray

    @classmethod
    def of(cls, lamp: ReferenceLamp) -> Template:
        """From a lamp of the reference bundle.

        The published pixel/wavelength pairs are few and some are poor, so they only displace and stretch what the
        mode's optics say.
        """
        first = lamp.column if np.isfinite(lamp.column) else AXIS_COLUMN - lamp.flux.size / 2
        optics = Optics(mode_at(lamp.lines_per_mm, lamp.camera_angle, lamp.grating_angle))
        wave = optics.wavelength(first + np.arange(lamp.flux.size))
        if len(lamp.pairs) >= 2:
            index, published = lamp.pairs.T
            gap = published - np.interp(index, np.arange(wave.size), wave)
            keep = np.abs(gap - np.median(gap)) < 15
            slope = np.polyfit(index[keep] - wave.size / 2, gap[keep], 1 if keep.sum() >= 4 else 0)
            wave = wave + np.polyval(slope, np.arange(wave.size) - wave.size / 2)
        return cls(lamp.mode, wave, np.nan_to_num(np.asarray(lamp.flux, dtype=float)))


@lru_cache(maxsize=32)
def line_list(mode: Mode, lamps: tuple[str, ...]) -> LineList:
    """Lines of a lamp as the spectrograph sees them in ``mode``.

    Wavelengths are the laboratory's (NIST, air), so a simulated line lies exactly where the laboratory says; how
    bright each is relative to the others comes from the published lamp of the same mode, else from those of other
    modes that overlap, else from the NIST intensities scaled per ion. Lines the published lamp shows but no list
    has are kept too, at the wavelength its own solution gives them: real lamps have such lines.
    """
    library = open_library()
    every, intensity, ion = _laboratory_lines(library, lamps)
    low, high = Optics(mode).wavelength([-150.0, 4292.0])
    strength = np.full(every.size, np.nan)
    strange: list[tuple[float, float]] = []
    for template in _overlapping(library, mode, lamps, low, high):
        measured, unlisted = _measure(template, every)
        both = np.isfinite(strength) & np.isfinite(measured) & (strength > 0) & (measured > 0)
        scale = np.median(strength[both] / measured[both]) if both.sum() >= 2 else _first_scale(strength, measured)
        if template.mode.lower() == mode.name.lower():
            strange += [(w, s * scale) for w, s in unlisted if low < w < high]
        strength = np.where(np.isfinite(strength), strength, measured * scale)
    inside = (every > low) & (every < high)
    wave, ion = every[inside], ion[inside]
    strength = _fill(strength[inside], intensity[inside], ion)
    waves = np.concatenate([wave, [w for w, _ in strange]])
    strengths = np.concatenate([strength, [s for _, s in strange]])
    ions = np.concatenate([ion, np.array([""] * len(strange), dtype=object)])
    order = np.argsort(waves, kind="stable")
    peak = strengths.max() if strengths.size else 1.0
    visible = order[strengths[order] > 1e-5 * peak]
    return LineList(waves[visible], strengths[visible] / peak, tuple(ions[visible]))


def published_spectrum(mode: Mode, lamps: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Air wavelength (Angstrom) and flux per Angstrom of the published lamp that suits ``mode`` best.

    Its wavelengths are as good as its own solution, no better: fractions of an Angstrom.

    Raises
    ------
    ValueError
        No published lamp of these elements overlaps the mode.
    """
    low, high = Optics(mode).wavelength([0.0, 4142.0])
    found = _overlapping(open_library(), mode, lamps, low, high)
    if not found:
        raise ValueError(f"There is no published lamp of {'+'.join(lamps)} that overlaps {mode.name}.")
    wave, flux = found[0].wavelength, found[0].flux
    return wave, np.maximum(flux - np.percentile(flux, 5), 0) / np.gradient(wave)


def _laboratory_lines(library: Library, lamps: tuple[str, ...]):
    lines = library.lines([element for lamp in lamps for element in LAMPS[lamp]])
    return lines.wavelength, lines.intensity, np.array(lines.ion, dtype=object)


def _overlapping(library: Library, mode: Mode, lamps: tuple[str, ...], low: float, high: float) -> list[Template]:
    """At most four templates of just these lamps that overlap ``low`` to ``high``, the mode's own first."""
    elements = {element for lamp in lamps for element in LAMPS[lamp]}
    same = [Template.of(lamp) for lamp in library.lamps if set(lamp.elements) == elements]
    same = [t for t in same if t.wavelength[0] < high and t.wavelength[-1] > low]

    def rank(template: Template):
        overlap = min(high, template.wavelength[-1]) - max(low, template.wavelength[0])
        return template.mode.lower() != mode.name.lower(), -overlap

    return sorted(same, key=rank)[:4]


def _first_scale(strength: np.ndarray, measured: np.ndarray) -> float:
    # The first template sets the scale; one that shares no line with what is there is put level with it.
    top = np.nanmax(measured) if np.isfinite(measured).any() else 1.0
    return (np.nanmax(strength) if np.isfinite(strength).any() else 1.0) / max(top, 1e-30)


def _measure(template: Template, wave: np.ndarray) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Strength of each laboratory line in ``template`` (NaN outside it), and (wavelength, strength) of unlisted peaks.

    The template's own solution can be off by pixels, so its peaks are first matched to the laboratory lines and a
    cubic correction is fitted; then all lines are fitted together with non-negative amplitudes (Lawson & Hanson).
    """
    flux = template.flux - percentile_filter(template.flux, 20, 151)
    pixel = np.arange(flux.size, dtype=float)
    start = np.interp(wave, template.wavelength, pixel, left=np.nan, right=np.nan)
    noise = 1.4826 * np.median(np.abs(np.diff(flux))) / np.sqrt(2) + 1e-9
    peaks, heights = _peaks(flux, 15 * noise)
    position = start + _correction(start, peaks, heights, pixel.size)
    inside = np.flatnonzero((position > 3) & (position < flux.size - 4))
    measured = np.full(wave.size, np.nan)
    if inside.size == 0:
        return measured, []
    width = _width(flux, peaks)
    basis = np.exp(-0.5 * ((pixel[:, None] - position[inside][None]) / width) ** 2)
    basis[basis < 1e-4] = 0
    amplitude, _ = nnls(basis, flux, maxiter=20 * inside.size)
    measured[inside] = amplitude
    rest = flux - basis @ amplitude
    strange, height = _peaks(rest, max(25 * noise, 0.004 * flux.max()))
    # A peak counts as unlisted only well away from every listed line: closer, it is what the fitted shape missed.
    own = np.interp(strange - _correction_at(strange, position[inside], start[inside]), pixel, template.wavelength)
    gap = np.abs(strange[:, None] - position[None, inside]).min(axis=1) if strange.size else np.empty(0)
    return measured, [(float(w), float(h)) for w, h, d in zip(own, height, gap, strict=True) if d > 6]


def _correction_at(place: np.ndarray, corrected: np.ndarray, start: np.ndarray) -> np.ndarray:
    order = np.argsort(corrected)
    return np.interp(place, corrected[order], (corrected - start)[order])


def _peaks(flux: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    centre = flux[1:-1]
    top = np.flatnonzero((centre > flux[:-2]) & (centre >= flux[2:]) & (centre > threshold)) + 1
    curve = flux[top - 1] - 2 * flux[top] + flux[top + 1]
    return top + 0.5 * (flux[top - 1] - flux[top + 1]) / np.where(curve == 0, 1, curve), flux[top]


def _correction(position: np.ndarray, peaks: np.ndarray, heights: np.ndarray, size: int) -> np.ndarray:
    correction = np.zeros(position.size)
    bright = peaks[heights > np.percentile(heights, 40)] if peaks.size else peaks
    for reach, order in ((6.0, 1), (3.0, 2), (1.5, 3)):
        moved = position + correction
        usable = np.isfinite(moved)
        if bright.size < 6 or usable.sum() < 6:
            return correction
        gap = np.abs(bright[:, None] - np.where(usable, moved, -1e9)[None])
        nearest = gap.argmin(axis=1)
        close = gap[np.arange(bright.size), nearest] < reach
        if close.sum() < order + 4:
            return correction
        x = 2 * moved[nearest[close]] / size - 1
        error = bright[close] - moved[nearest[close]]
        keep = np.abs(error - np.median(error)) < reach
        fit = np.polynomial.polynomial.polyfit(x[keep], error[keep], order)
        correction = correction + np.polynomial.polynomial.polyval(np.nan_to_num(2 * moved / size - 1), fit)
    return correction


def _width(flux: np.ndarray, peaks: np.ndarray) -> float:
    # Second-difference width of the peaks: for a Gaussian f''(0) = -f(0) / sigma^2.
    top = np.clip(np.rint(peaks).astype(int), 1, flux.size - 2)
    if top.size == 0:
        return 1.5
    curve = 2 * flux[top] - flux[top - 1] - flux[top + 1]
    good = curve > 0
    if not good.any():
        return 1.5
    return float(np.clip(np.median(np.sqrt(flux[top][good] / curve[good])), 1.0, 3.0))


def _fill(strength: np.ndarray, intensity: np.ndarray, ion: np.ndarray) -> np.ndarray:
    """Lines outside every template: NIST intensity times what one unit of it means for that ion."""
    filled = strength.copy()
    missing = ~np.isfinite(strength)
    known = np.isfinite(strength) & (strength > 0)
    overall = np.median(strength[known] / intensity[known]) if known.any() else 1.0 / max(intensity.max(initial=1), 1)
    for name in dict.fromkeys(ion[missing]):
        same = known & (ion == name)
        unit = np.median(strength[same] / intensity[same]) if same.sum() >= 3 else overall
        here = missing & (ion == name)
        top = np.nanmax(strength[same]) if same.any() else np.inf
        filled[here] = np.minimum(intensity[here] * unit, top)
    return np.maximum(filled, 0.0)
